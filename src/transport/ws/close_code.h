/* close_code.h - the reasons of a close in WebSocket's own numbers (RFC 6455 7.4). */
#ifndef XT_TRANSPORT_WS_CLOSE_CODE_H
#define XT_TRANSPORT_WS_CLOSE_CODE_H

#include <stdint.h>

#include "io/close.h"

/* The private use range of RFC 6455 7.4.2: what `since` asked for is gone. */
#define XT_WS_LOST 4410

uint16_t xt_ws_code_of(enum xt_close why);

/* The reason to note for a code that the codec failed with. */
enum xt_close xt_ws_close_of(uint16_t code);

#endif
