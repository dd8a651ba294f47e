/* wire.h - a batch in one form of one transport: encoded by the first session that needs it. */
#ifndef XT_SESSION_WIRE_H
#define XT_SESSION_WIRE_H

#include "hub/batch.h"
#include "session/session.h"

/* As `session` and all others of its transport and protocol need it. NULL: out of memory. Belongs to the batch. */
const struct xt_wire *xt_wire_get(
	struct xt_batch *batch, struct xt_session *session, unsigned form);

#endif
