/* mask.h - the XOR of WebSocket's masking (RFC 6455 5.3): xt_mask() of crosstalk_ws.h, a file for each processor. */
#ifndef XT_CODEC_MASK_H
#define XT_CODEC_MASK_H

#include "crosstalk_ws.h"

#endif
