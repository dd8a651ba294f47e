/* handshake.h - what a program is told of a request for one of its WebSockets, before it is answered. */
#ifndef XT_PROGRAM_HANDSHAKE_H
#define XT_PROGRAM_HANDSHAKE_H

#include "base/buf.h"
#include "http/exchange.h"
#include "io/visitors.h"

struct xt_handshake {
	struct xt_exchange *exchange;
	void *context;              /* what the WebSocket will have */
	struct xt_buf path, found;  /* NUL-ended: lent to the program */
	struct xt_str subprotocol;  /* that was chosen, as the client wrote it; empty: none */
	struct xt_visitor *visitor; /* until the session has it */
};

/* 0, XT_EINVAL (the path is not well-formed) or XT_ENOMEM. To be ended in any case. */
int xt_handshake_init(struct xt_handshake *handshake, struct xt_exchange *x, void *context);
void xt_handshake_fini(struct xt_handshake *handshake);

#endif
