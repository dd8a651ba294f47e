/*
 * connect.h - from addresses to a connected socket: one attempt after the other, each with a short head start over the next
 * (RFC 8305 5); the first that gets through wins.
 */
#ifndef XT_CLIENT_CONNECT_H
#define XT_CLIENT_CONNECT_H

#include "client/resolve.h"

#define XT_CONNECT_HEAD_START_MS 250
#define XT_CONNECT_WORDS         160

struct xt_connect;

struct xt_connect_attempt {
	struct xt_watch watch; /* fd -1: not begun, or failed */
	struct xt_connect *connect;
};

/* The fields are connect.c's. */
struct xt_connect {
	struct xt_loop *loop;
	const struct xt_endpoints *endpoints;
	size_t next, running;
	struct xt_connect_attempt attempts[XT_ENDPOINTS_MAX];
	struct xt_timer timer;
	char words[XT_CONNECT_WORDS]; /* what went wrong last */
	void (*done)(struct xt_connect *connect, int fd);
};

/* Once. `done` gets a connected, non-blocking descriptor; or -1, and `words` says why. */
void xt_connect_init(struct xt_connect *connect, struct xt_loop *loop,
	void (*done)(struct xt_connect *connect, int fd));

/* `endpoints`, one at least, stay until it is done. `done` may be called within. */
void xt_connect_start(struct xt_connect *connect, const struct xt_endpoints *endpoints);

/* `done` is not called any more. Harmless when nothing is going on. */
void xt_connect_cancel(struct xt_connect *connect);

#endif
