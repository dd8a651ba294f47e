/*
 * plain.h - the protocol of the channel URL: what is received is published, what is published is sent, as
 * payloads alone or as JSON objects (docs/channel.md).
 */
#ifndef XT_PROTO_PLAIN_PLAIN_H
#define XT_PROTO_PLAIN_PLAIN_H

#include "session/protocol.h"

extern const struct xt_protocol xt_plain_protocol;

#endif
