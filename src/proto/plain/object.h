/* object.h - a message, and what a reader is told between messages, as the JSON objects of docs/channel.md. */
#ifndef XT_PROTO_PLAIN_OBJECT_H
#define XT_PROTO_PLAIN_OBJECT_H

#include "base/buf.h"
#include "hub/message.h"
#include "session/transport.h"

/* {"id":…,"time":…,"data":…} in one line. 0 or XT_ENOMEM. */
int xt_object_message(struct xt_buf *out, const struct xt_message *message);

/* {"event":"open","next":"…"} */
int xt_object_open(struct xt_buf *out, struct xt_position next);

/* {"event":"lost","notice":XT_LOST_WORDS,"since":"…","next":"…"} */
int xt_object_lost(struct xt_buf *out, struct xt_position since, struct xt_position next);

#endif
