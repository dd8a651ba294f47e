/* ws.h - WebSocket (RFC 6455): a message of the session is a message of the WebSocket. */
#ifndef XT_TRANSPORT_WS_WS_H
#define XT_TRANSPORT_WS_WS_H

#include "session/transport.h"

extern const struct xt_transport xt_ws_transport;

#endif
