/*
 * protocol.h - WHAT messages mean: what each folder of proto/ implements. A protocol sees sessions and
 * the hub, but no socket, so it is tested without one.
 */
#ifndef XT_SESSION_PROTOCOL_H
#define XT_SESSION_PROTOCOL_H

#include "session/entry.h"
#include "session/form.h"

struct xt_session;

struct xt_protocol {
	const char *name;
	size_t size;    /* bytes of its own state in each session, zeroed */
	unsigned forms; /* at most XT_FORMS */

	/* The transport is ready. `entry` is borrowed. May close the session. */
	void (*open)(struct xt_session *session, const struct xt_entry *entry);

	/* A whole message from the peer; text is valid UTF-8. NULL: a message ends the session (XT_CLOSE_UNSUPPORTED). */
	void (*received)(struct xt_session *session, const struct xt_payload *payload);

	/*
	 * The payload of `message` in one of the forms. Pure. It may lie in the message itself or in
	 * `scratch`, which is empty. 0 or XT_ENOMEM.
	 */
	int (*encode)(unsigned form, const struct xt_message *message, struct xt_buf *scratch,
		struct xt_payload *payload);

	/* All that was sent has left. NULL: not interested. */
	void (*drained)(struct xt_session *session);

	/* Of a WebSocket: the answer to a ping, and the peer's Close frame (XT_WS_NO_CODE without one). NULL: not interested. */
	void (*pong)(struct xt_session *session, struct xt_str p);
	void (*goodbye)(struct xt_session *session, uint16_t code, struct xt_str reason);

	/* The wait of an answer is over (xt_entry.wait_ms). NULL for protocols that never wait. */
	void (*waited)(struct xt_session *session);

	/* The session is over; exactly once after open. Lets go of all it holds. */
	void (*closed)(struct xt_session *session);
};

#endif
