/* conn_receive.c - what a connection receives goes to its stream, and the end after it. */
#include "io/conn.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/heap.h"
#include "base/panic.h"
#include "crosstalk.h"
#include "io/carrier.h"
#include "io/loop_private.h"

void
xt_conn_drop_kept(struct xt_conn *conn)
{
	xt_free(conn->kept);
	conn->kept = NULL;
}

static void
keep(struct xt_conn *conn, const char *p, size_t n)
{
	struct xt_kept *kept = conn->kept;

	if (n == 0) {
		xt_conn_drop_kept(conn);
		return;
	}
	if (!kept || kept->cap < n) {
		xt_free(kept);
		/* Some room to grow, so that a sender of single bytes costs no allocation for each. */
		kept = xt_malloc(sizeof *kept + n + 64);
		conn->kept = kept;
		if (!kept) {
			xt_conn_close(conn, XT_CLOSE_FAULT);
			return;
		}
		kept->cap = (uint32_t)n + 64;
	}
	memmove(kept->bytes, p, n);
	kept->n = (uint32_t)n;
}

/* Hands `n` bytes at `p` to the stream, and to those that follow it, as long as they use some. */
static void
hand_over(struct xt_conn *conn, char *p, size_t n)
{
	bool stuck = false;

	conn->receiving = true;
	while (n > 0 && !stuck && conn->phase == XT_CONN_OPEN && xt_conn_wants_input(conn)) {
		const struct xt_stream *stream = conn->stream;
		const void *state = conn->state;
		size_t used = stream->recv(conn, p, n);
		XT_ASSERT(used <= n);
		p += used;
		n -= used;
		stuck = used == 0 && conn->stream == stream && conn->state == state;
	}
	conn->receiving = false;
	if (conn->phase != XT_CONN_OPEN) {
		xt_conn_drop_kept(conn);
		return;
	}
	if (stuck && !conn->paused && n == XT_LOOP_RECV_SIZE) {
		xt_conn_close(conn, XT_CLOSE_PROTOCOL);
		return;
	}
	conn->unseen = n > 0 && (!stuck || conn->paused);
	keep(conn, p, n);
}

static void
tell_end(struct xt_conn *conn)
{
	conn->untold = false;
	if (conn->phase == XT_CONN_FINISHING) {
		if (conn->shut)
			xt_conn_close(conn, conn->why);
	} else if (conn->stream->ended && !conn->gone) {
		conn->stream->ended(conn);
	} else {
		xt_conn_close(conn, XT_CLOSE_PEER);
	}
	xt_conn_rewait(conn);
}

static void
ended(struct xt_conn *conn)
{
	conn->ended = true;
	tell_end(conn);
}

static void
arrived(struct xt_conn *conn, size_t kept, size_t n)
{
	struct xt_loop *loop = conn->loop;

	conn->alive = loop->tick;
	if (conn->fd >= 0) {
		xt_counter_add(&loop->stats.receives, 1);
		xt_counter_add(&loop->stats.bytes_in, n);
	}
	if (conn->phase == XT_CONN_OPEN)
		hand_over(conn, loop->receive, kept + n);
}

ssize_t
xt_conn_receive_plain(const struct xt_conn *conn, char *p, size_t n)
{
	ssize_t got = recv(conn->fd, p, n, MSG_DONTWAIT);

	if (got >= 0)
		return got;
	return errno == EAGAIN || errno == EINTR ? XT_EAGAIN : XT_ECLOSED;
}

/* Of what a carrier has taken off its socket no poll tells. */
static void
receive_rest(struct xt_conn *conn)
{
	conn->ready = conn->carrier->ops->pending(conn);
	xt_conn_rewait(conn);
}

/* Whom the carrier has told why gets a moment to read that: a close over unread bytes would be a reset. */
static void
fail(struct xt_conn *conn, int error)
{
	if (error == XT_EPROTO && conn->phase == XT_CONN_OPEN && !conn->gone) {
		xt_outq_clear(&conn->loop->pool, &conn->out);
		conn->backlog = 0;
		xt_conn_finish(conn, XT_CLOSE_TLS);
		return;
	}
	xt_conn_close(conn, error == XT_EPROTO   ? XT_CLOSE_TLS
			    : error == XT_ENOMEM ? XT_CLOSE_FAULT
						 : XT_CLOSE_RESET);
}

static void
receive(struct xt_conn *conn)
{
	struct xt_loop *loop = conn->loop;
	size_t kept = conn->phase == XT_CONN_OPEN && conn->kept ? conn->kept->n : 0;
	char *room = loop->receive + kept;
	ssize_t n;

	if (kept)
		memcpy(loop->receive, conn->kept->bytes, kept);
	conn->ready = false;
	n = conn->carrier ? conn->carrier->ops->receive(conn, room, XT_LOOP_RECV_SIZE - kept)
			  : xt_conn_receive_plain(conn, room, XT_LOOP_RECV_SIZE - kept);
	if (n > 0)
		arrived(conn, kept, (size_t)n);
	else if (n == 0)
		ended(conn);
	else if (n != XT_EAGAIN)
		fail(conn, (int)n);
	if (conn->carrier && conn->phase != XT_CONN_CLOSED && !conn->ended)
		receive_rest(conn);
}

void
xt_conn_receivable(struct xt_conn *conn)
{
	if (conn->phase == XT_CONN_CLOSED)
		return;
	conn->ready = true;
	xt_conn_rewait(conn);
}

void
xt_conn_readable(struct xt_conn *conn)
{
	/* A turn may be throttled while it reports: the poll tells again. */
	if (conn->phase == XT_CONN_CLOSED || !xt_loop_is_reading(conn->loop))
		return;
	if (xt_conn_wants_input(conn) && !conn->ended &&
		!(conn->unseen && conn->phase == XT_CONN_OPEN))
		receive(conn);
	else
		xt_conn_rewait(conn);
}

void
xt_conn_reread(struct xt_conn *conn)
{
	struct xt_loop *loop = conn->loop;
	size_t n;

	if (conn->phase == XT_CONN_CLOSED || !xt_conn_wants_input(conn))
		return;
	if (conn->phase == XT_CONN_OPEN && conn->unseen) {
		n = conn->kept->n;
		memcpy(loop->receive, conn->kept->bytes, n);
		hand_over(conn, loop->receive, n);
		xt_conn_rewait(conn);
	} else if (conn->ready && !conn->ended) {
		receive(conn);
	}
	if (conn->untold && !conn->unseen && conn->phase == XT_CONN_OPEN &&
		xt_conn_wants_input(conn))
		tell_end(conn);
}

/* What the next receive would find: more than 0 bytes, 0: FIN, below 0: an errno. */
static int
peek(const struct xt_conn *conn)
{
	char byte;
	ssize_t n = recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n < 0 ? -errno : (int)n;
}

/* After a FIN a receive no longer tells of a reset. */
static bool
has_failed(const struct xt_conn *conn)
{
	int error = 0;
	socklen_t size = sizeof error;

	return getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0;
}

void
xt_conn_hangup(struct xt_conn *conn, bool broken)
{
	int next = conn->unseen || conn->ready ? 1 : peek(conn);

	if (conn->phase == XT_CONN_CLOSED || next == -EAGAIN || next == -EINTR)
		return;
	if (next < 0) {
		xt_conn_close(conn, XT_CLOSE_RESET);
	} else if (conn->ended) {
		if (broken)
			xt_conn_close(conn, has_failed(conn) ? XT_CLOSE_RESET : XT_CLOSE_PEER);
	} else if (next == 0) {
		ended(conn);
	} else {
		conn->hungup = true;
		if (broken)
			xt_conn_lose(conn, XT_CLOSE_NONE);
		xt_conn_rewait(conn);
	}
}

bool
xt_conn_reads(const struct xt_conn *conn)
{
	return xt_conn_wants_input(conn);
}

void
xt_conn_pause(struct xt_conn *conn)
{
	/* The poll is told when it next reports bytes: most pauses are over before. */
	conn->paused = true;
}

bool
xt_conn_is_paused(const struct xt_conn *conn)
{
	return conn->paused;
}

void
xt_conn_read_always(struct xt_conn *conn)
{
	conn->greedy = true;
}

void
xt_conn_resume(struct xt_conn *conn)
{
	if (!conn->paused || conn->phase != XT_CONN_OPEN)
		return;
	conn->paused = false;
	if (conn->receiving)
		return;
	if (conn->kept)
		conn->unseen = true;
	xt_conn_rewait(conn);
}

void
xt_conn_adopt(struct xt_conn *conn, const struct xt_stream *stream, void *state)
{
	conn->stream = stream;
	conn->state = state;
	xt_conn_expire_in(conn, 0);
	/* The end of a request of HTTP/2 is no news to what answers it. */
	conn->untold = conn->ended && conn->fd >= 0;
	if (conn->receiving)
		return;
	if (conn->kept)
		conn->unseen = true;
	xt_conn_rewait(conn);
}
