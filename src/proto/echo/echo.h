/* echo.h - every message comes back as it was: for trying a client, and for measuring. */
#ifndef XT_PROTO_ECHO_ECHO_H
#define XT_PROTO_ECHO_ECHO_H

#include "session/protocol.h"

extern const struct xt_protocol xt_echo_protocol;

#endif
