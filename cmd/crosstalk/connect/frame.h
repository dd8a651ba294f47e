/* frame.h - a WebSocket frame as one line of words. */
#ifndef CROSSTALK_CONNECT_FRAME_H
#define CROSSTALK_CONNECT_FRAME_H

#include <stddef.h>
#include <stdio.h>

#include "connect/palette.h"
#include "crosstalk.h"

/*
 * "in  FIN RSV1 text 12 bytes ca49…": direction, the bits of the first byte that are set, opcode, length, and the
 * beginning of the payload as it is on the wire; of a Close frame code, its words and reason. No line end.
 */
void frame_print(FILE *to, const struct palette *palette, const struct xt_frame *frame);

#endif
