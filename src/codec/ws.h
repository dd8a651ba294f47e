/* ws.h - WebSocket frames: public, in crosstalk_ws.h. */
#ifndef XT_CODEC_WS_H
#define XT_CODEC_WS_H

#include "crosstalk_ws.h"

#endif
