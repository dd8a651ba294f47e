/*
 * listener.h - sockets that accept connections, on every worker of a server.
 *
 *   open (main thread) --> start (each worker, on its thread) --> stop (each worker, on its thread)
 *        `--> close, when no worker runs any more (main thread)
 *
 * TCP: each worker has its own listening socket (SO_REUSEPORT), so the kernel spreads connections over the
 * workers. unix: all share one socket.
 */
#ifndef XT_IO_LISTENER_H
#define XT_IO_LISTENER_H

#include <stddef.h>
#include <stdint.h>

#include "io/address.h"

struct xt_listener;
struct xt_loop;

/* Accepts in one turn, so that a flood of new connections does not starve those that are there. */
#define XT_LISTENER_ACCEPTS 64

/* How long a worker without descriptors (EMFILE) waits before it accepts again, ms. */
#define XT_LISTENER_PAUSE_MS 100

struct xt_listener_options {
	/*
	 * TCP: a peer that vanished without a word is noticed by the kernel (ETIMEDOUT: XT_CLOSE_RESET)
	 * after about interval + timeout, in whole seconds, at least 2, also when nothing is sent to
	 * it. The same holds for bytes that it does not acknowledge, and (Linux) for a peer that lives
	 * but has taken no byte of what waits for so long. ms; both 0: the system's defaults.
	 */
	uint32_t heartbeat_interval_ms, heartbeat_timeout_ms;
};

/*
 * Binds and listens for `workers` workers (1 or more); connections queue in the kernel from now on.
 * A name is looked up (may block) and all its addresses are listened on, with one port; those of a
 * family that the machine does not have are left out. [::] is IPv6 only. NULL `options`: defaults.
 * 0, XT_ESYS, XT_EINVAL or XT_ENOMEM, with the sentence ("http://…: Address already in use") in `error`.
 */
int xt_listener_open(const struct xt_address *address, unsigned workers,
	const struct xt_listener_options *options, struct xt_listener **listener, char *error,
	size_t size);

/*
 * Worker `worker` (from 0) begins to accept. On its thread; `accepted` is called there, and owns
 * `fd`, which is non-blocking and close-on-exec. Within it the worker may be stopped. Once per
 * worker. 0 or XT_ESYS.
 */
int xt_listener_start(struct xt_listener *listener, unsigned worker, struct xt_loop *loop,
	void (*accepted)(void *ctx, const struct xt_listener *listener, int fd), void *ctx);

/*
 * Worker `worker` accepts no more, and its TCP sockets are closed: connections that still queue
 * there are reset. On its thread, before its loop is freed; harmless when it never started.
 */
void xt_listener_stop(struct xt_listener *listener, unsigned worker);

/* Whether what it accepts speaks TLS: its scheme is https. Any thread. */
bool xt_listener_is_tls(const struct xt_listener *listener);

/* The URL with the real port. Borrowed from the listener. Any thread. */
const char *xt_listener_url(const struct xt_listener *listener);

/*
 * Frees all, and removes the file of a unix socket (unless somebody has put another in its place).
 * Started workers were stopped before. NULL is fine.
 */
void xt_listener_close(struct xt_listener *listener);

#endif
