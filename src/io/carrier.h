/*
 * carrier.h - what carries a connection's bytes when it is not the plain socket: TLS on it, or a stream of an HTTP/2
 * connection, which has no descriptor of its own.
 *
 *	stream (http, websocket, …)  <->  conn: queue, kept input, phases  <->  carrier  <->  socket, or another conn
 *
 * A carrier's state begins with struct xt_carrier and is its own; a plain connection has none. The conn calls, the
 * carrier answers, and says of its own accord only xt_conn_receivable() and xt_conn_writable().
 */
#ifndef XT_IO_CARRIER_H
#define XT_IO_CARRIER_H

#include <sys/types.h>
#include <sys/uio.h>

#include "io/conn.h"

/* What a connection waits for. */
enum {
	XT_POLL_READ = 1,
	XT_POLL_WRITE = 2,
	XT_POLL_HANGUP = 4, /* the peer's FIN */
	XT_POLL_BREAK =
		8 /* an error, or both sides closed; told with READ and HANGUP in any case */
};

struct xt_carrier {
	const struct xt_carrier_ops *ops;
	struct xt_conn *below; /* the connection that carries it; NULL: the socket */

	/* It has something of its own to send, and waits for room: `send` is called, with slices or none. */
	bool wants_room;

	/*
	 * It can send nothing before it has received something (a handshake): room is not waited for, and
	 * input always is.
	 */
	bool silent;
};

struct xt_carrier_ops {
	const char *name;

	/*
	 * Up to `n` bytes to `p`: how many, 0: the peer's end, XT_EAGAIN: none now, XT_ECLOSED: broken, XT_ENOMEM;
	 * XT_EPROTO: the peer broke the carrier's protocol, was told, and is waited for a moment (XT_CLOSE_TLS).
	 */
	ssize_t (*receive)(struct xt_conn *conn, char *p, size_t n);

	/* Whether receive() would find bytes that no poll tells of. */
	bool (*pending)(const struct xt_conn *conn);

	/*
	 * Takes bytes off the front of the slices: how many, XT_EAGAIN: no room now, else below 0: broken. What was refused
	 * with XT_EAGAIN comes again first, whole: xt_conn_hold_unsent() has said how much of it must. With `count` 0: only
	 * what it has of its own.
	 */
	ssize_t (*send)(struct xt_conn *conn, const struct iovec *slices, int count);

	/* What the conn has queued may leave now, and so may what the carrier held back for it. NULL: nothing. */
	void (*uncorked)(struct xt_conn *conn);

	/* The conn sends no more: says so to the peer. The socket is shut once it wants no room. May be called again. */
	void (*shut)(struct xt_conn *conn);

	/*
	 * Of a conn without descriptor: what it waits for has changed (XT_POLL_READ, XT_POLL_WRITE in `interest`); it
	 * is told with the two functions below. NULL: it has a descriptor, which is polled.
	 */
	void (*update)(struct xt_conn *conn, unsigned interest);

	/* The last call; frees the carrier. The descriptor is closed by the conn. */
	void (*closed)(struct xt_conn *conn, enum xt_close why);
};

/* As xt_conn_new(); `fd` may be -1. On failure the carrier is still the caller's. */
struct xt_conn *xt_conn_new_over(struct xt_loop *loop, int fd, struct xt_carrier *carrier,
	const struct xt_stream *stream, void *state);

/* From now on `carrier` carries it: a plain connection becomes one with TLS. */
void xt_conn_carry(struct xt_conn *conn, struct xt_carrier *carrier);

/* For carriers: from the socket, as `receive` above. */
ssize_t xt_conn_receive_plain(const struct xt_conn *conn, char *p, size_t n);

/* NULL: a plain socket. */
struct xt_carrier *xt_conn_carrier(const struct xt_conn *conn);
int xt_conn_fd(const struct xt_conn *conn);

/* There is something to receive that no poll tells of: it is received in this turn or the next. */
void xt_conn_receivable(struct xt_conn *conn);

/* There is room to send, or an error to tell: sends now. */
void xt_conn_writable(struct xt_conn *conn);

/* The first `n` bytes of what is queued must be sent, whatever xt_conn_drop_unsent() says later. */
void xt_conn_hold_unsent(struct xt_conn *conn, size_t n);

/* What waits for the loop while the carrier itself waits (conn->wants_room changed). */
void xt_conn_rewait(struct xt_conn *conn);

#endif
