/* conn_send.c - what a connection has queued leaves, at the end of the turn or when there is room. */
#include "io/conn.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/panic.h"
#include "crosstalk.h"
#include "io/carrier.h"
#include "io/loop_private.h"

/* Sends of one connection in one turn, so that a fast reader of much does not hold the loop. */
#define SENDS_A_TURN 8

static int
queued(struct xt_conn *conn, int error, size_t n)
{
	if (error < 0 || n > UINT32_MAX - conn->backlog) {
		xt_conn_close(conn, XT_CLOSE_FAULT);
		return XT_ENOMEM;
	}
	conn->backlog += (uint32_t)n;
	/* While the kernel has no room, its word that it has some again starts the sending. */
	if (!(conn->interest & XT_POLL_WRITE))
		xt_conn_touch(conn);
	return 0;
}

int
xt_conn_send(struct xt_conn *conn, const void *p, size_t n)
{
	char *room;

	if (xt_conn_is_ending(conn))
		return XT_ECLOSED;
	if (n == 0)
		return 0;
	room = xt_conn_reserve(conn, n);
	if (!room)
		return XT_ENOMEM;
	memcpy(room, p, n);
	xt_outq_commit(&conn->out, n);
	return queued(conn, 0, n);
}

int
xt_conn_send_bytes(struct xt_conn *conn, struct xt_bytes *bytes, size_t from, size_t to)
{
	if (xt_conn_is_ending(conn))
		return XT_ECLOSED;
	return queued(conn, xt_outq_add(&conn->loop->pool, &conn->out, bytes, from, to), to - from);
}

char *
xt_conn_reserve(struct xt_conn *conn, size_t n)
{
	char *room;

	if (xt_conn_is_ending(conn))
		return NULL;
	room = xt_outq_reserve(&conn->loop->pool, &conn->out, n);
	if (!room)
		xt_conn_close(conn, XT_CLOSE_FAULT);
	return room;
}

void
xt_conn_commit(struct xt_conn *conn, size_t n)
{
	xt_outq_commit(&conn->out, n);
	queued(conn, 0, n);
}

void
xt_conn_drop_unsent(struct xt_conn *conn)
{
	conn->backlog -= (uint32_t)xt_outq_drop_unsent(&conn->loop->pool, &conn->out);
	if (conn->phase != XT_CONN_CLOSED)
		xt_conn_touch(conn); /* it may read again */
}

void
xt_conn_hold_unsent(struct xt_conn *conn, size_t n)
{
	xt_outq_hold(&conn->out, n);
}

static void
sent(struct xt_conn *conn, size_t n)
{
	struct xt_loop *loop = conn->loop;

	xt_outq_sent(&loop->pool, &conn->out, n);
	conn->backlog -= (uint32_t)n;
	/* Bytes that fit at once say nothing about the peer; room after there was none does. */
	if (conn->interest & XT_POLL_WRITE)
		conn->alive = loop->tick;
	if (conn->fd >= 0)
		xt_counter_add(&loop->stats.bytes_out, n);
}

static ssize_t
send_plain(struct xt_conn *conn, struct iovec *slices, int count)
{
	struct msghdr message = { .msg_iov = slices, .msg_iovlen = (size_t)count };
	ssize_t n = sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? XT_EAGAIN : XT_ECLOSED;
}

/* What is queued, and what the carrier has of its own. */
bool
xt_conn_has_output(const struct xt_conn *conn)
{
	return conn->out.last || (conn->carrier && conn->carrier->wants_room);
}

/* The kernel has taken less than it was offered; a carrier may have limits of its own. */
static bool
is_full(const struct xt_conn *conn, size_t taken, size_t offered)
{
	return taken < offered && (!conn->carrier || conn->carrier->wants_room);
}

/*
 * Sends until the queue is empty, the kernel is full, or others should have their turn: what is left then
 * waits as if the kernel were full. False: the connection broke.
 */
static bool
send_queue(struct xt_conn *conn)
{
	struct iovec iov[XT_OUTQ_IOV];

	for (int sends = 0; conn->out.last && sends < SENDS_A_TURN; sends++) {
		size_t asked = 0;
		ssize_t n;
		int slices = xt_outq_peek(&conn->out, iov);
		for (int i = 0; i < slices; i++)
			asked += iov[i].iov_len;
		n = conn->carrier ? conn->carrier->ops->send(conn, iov, slices)
				  : send_plain(conn, iov, slices);
		if (conn->fd >= 0)
			xt_counter_add(&conn->loop->stats.sends, 1);
		if (n < 0)
			return n == XT_EAGAIN;
		sent(conn, (size_t)n);
		if (is_full(conn, (size_t)n, asked))
			return true;
	}
	return true;
}

/* The same for what the carrier has of its own, when nothing is queued. */
static bool
send_own(struct xt_conn *conn)
{
	ssize_t n;

	if (conn->out.last || !conn->carrier || !conn->carrier->wants_room)
		return true;
	n = conn->carrier->ops->send(conn, NULL, 0);
	return n >= 0 || n == XT_EAGAIN;
}

/*
 * Nothing can be sent any more. What the peer sent before that is still read; the end follows it, or the
 * deadline if the stream stays paused. A `why` of none is found out then.
 */
void
xt_conn_lose(struct xt_conn *conn, enum xt_close why)
{
	conn->gone = true;
	if (conn->why == XT_CLOSE_NONE)
		conn->why = (uint8_t)why;
	xt_outq_clear(&conn->loop->pool, &conn->out);
	conn->backlog = 0;
	if (conn->ended || conn->phase == XT_CONN_FINISHING) {
		xt_conn_close(conn, XT_CLOSE_RESET);
		return;
	}
	/* Whatever went wrong, receiving now comes to an end. */
	if (conn->fd >= 0)
		shutdown(conn->fd, SHUT_RDWR);
	else
		xt_conn_close(conn, XT_CLOSE_RESET);
	xt_conn_set_deadline(conn, XT_CONN_LINGER_MS);
}

static void
half_close(struct xt_conn *conn)
{
	if (conn->carrier)
		conn->carrier->ops->shut(conn);
	if (xt_conn_has_output(conn))
		return; /* its last word is still to leave */
	conn->shut = true;
	if (conn->ended || conn->gone) {
		xt_conn_close(conn, conn->why);
		return;
	}
	if (conn->fd >= 0)
		shutdown(conn->fd, SHUT_WR);
	xt_conn_set_deadline(conn, XT_CONN_LINGER_MS);
}

void
xt_conn_cork(struct xt_conn *conn)
{
	XT_ASSERT(conn->corks < UINT8_MAX);
	if (conn->phase == XT_CONN_OPEN)
		conn->corks++;
}

void
xt_conn_uncork(struct xt_conn *conn)
{
	if (conn->corks == 0 || --conn->corks > 0)
		return;
	if (conn->carrier && conn->carrier->ops->uncorked)
		conn->carrier->ops->uncorked(conn);
	if (conn->phase != XT_CONN_CLOSED)
		xt_conn_touch(conn);
}

bool
xt_conn_is_corked(const struct xt_conn *conn)
{
	return conn->corks > 0;
}

void
xt_conn_flush(struct xt_conn *conn)
{
	bool had = xt_conn_has_output(conn);

	if (conn->corks > 0) {
		xt_conn_rewait(conn);
		return;
	}
	if (!send_queue(conn) || !send_own(conn)) {
		xt_conn_lose(conn, XT_CLOSE_RESET);
	} else if (!xt_conn_has_output(conn)) {
		if (conn->phase == XT_CONN_FINISHING && !conn->shut)
			half_close(conn);
		else if (had && conn->phase == XT_CONN_OPEN && conn->stream->drained)
			conn->stream->drained(conn);
	}
	xt_conn_rewait(conn);
}

void
xt_conn_writable(struct xt_conn *conn)
{
	if (conn->phase != XT_CONN_CLOSED)
		xt_conn_flush(conn);
}
