/* conn.c - receiving for a stream, sending what it queued, and ending in order. */
#include "io/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/panic.h"
#include "crosstalk.h"
#include "io/carrier.h"
#include "io/loop_private.h"

/* How long a finishing connection may take to hand its queue to a reader who reads slowly. */
#define FINISH_MS 10000

/* Sends of one connection in one turn, so that a fast reader of much does not hold the loop. */
#define SENDS_A_TURN 8

static void
touch(struct xt_conn *conn)
{
	struct xt_loop *loop = conn->loop;

	if (conn->touched)
		return;
	conn->touched = true;
	conn->next = NULL;
	if (loop->touched_first)
		loop->touched_last->next = conn;
	else
		loop->touched_first = conn;
	loop->touched_last = conn;
}

/* A stream of another connection has none. */
static void
close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

struct xt_conn *
xt_conn_new(struct xt_loop *loop, int fd, const struct xt_stream *stream, void *state)
{
	return xt_conn_new_over(loop, fd, NULL, stream, state);
}

struct xt_conn *
xt_conn_new_over(struct xt_loop *loop, int fd, struct xt_carrier *carrier,
	const struct xt_stream *stream, void *state)
{
	struct xt_conn *conn = loop->freeing ? NULL : xt_slab_take(&loop->conns);

	if (!conn) {
		close_fd(fd);
		return NULL;
	}
	*conn = (struct xt_conn){
		.stream = stream,
		.state = state,
		.loop = loop,
		.carrier = carrier,
		.fd = fd,
		.alive = loop->tick,
		.phase = XT_CONN_OPEN,
		.interest = XT_POLL_READ | XT_POLL_HANGUP | XT_POLL_BREAK,
	};
	if (fd < 0)
		return conn;
	if (xt_poll_add(conn) < 0) {
		xt_poll_remove(conn);
		close_fd(fd);
		xt_slab_give(&loop->conns, conn);
		return NULL;
	}
	xt_counter_add(&loop->stats.accepted, 1);
	xt_counter_add(&loop->stats.open, 1);
	return conn;
}

void
xt_conn_carry(struct xt_conn *conn, struct xt_carrier *carrier)
{
	XT_ASSERT(!conn->carrier);
	conn->carrier = carrier;
}

struct xt_carrier *
xt_conn_carrier(const struct xt_conn *conn)
{
	return conn->carrier;
}

int
xt_conn_fd(const struct xt_conn *conn)
{
	return conn->fd;
}

struct xt_loop *
xt_conn_loop(const struct xt_conn *conn)
{
	return conn->loop;
}

void *
xt_conn_state(const struct xt_conn *conn)
{
	return conn->state;
}

bool
xt_conn_is_open(const struct xt_conn *conn)
{
	return conn->phase == XT_CONN_OPEN;
}

size_t
xt_conn_backlog(const struct xt_conn *conn)
{
	return conn->backlog;
}

uint64_t
xt_conn_alive_at(const struct xt_conn *conn)
{
	const struct xt_loop *loop = conn->loop;

	return loop->now - ((uint64_t)(loop->tick - conn->alive) << XT_TICK_SHIFT);
}

static void
set_deadline(struct xt_conn *conn, uint32_t ms)
{
	/* The tick in which `ms` have passed for certain, this one having begun up to a tick ago. */
	conn->deadline = conn->loop->tick + ((ms + (1u << XT_TICK_SHIFT) - 2) >> XT_TICK_SHIFT) + 1;
	if (conn->deadline == 0)
		conn->deadline = 1;
	xt_loop_sweep_by(conn->loop, conn->deadline);
}

/* Once it is bound to end, the deadline is the connection's own: without it a silent peer could stay. */
static bool
is_ending(const struct xt_conn *conn)
{
	return conn->phase != XT_CONN_OPEN || conn->gone;
}

void
xt_conn_expire_in(struct xt_conn *conn, uint32_t ms)
{
	if (is_ending(conn))
		return;
	if (ms == 0)
		conn->deadline = 0;
	else
		set_deadline(conn, ms);
}

void
xt_conn_sweep(struct xt_conn *conn)
{
	struct xt_loop *loop = conn->loop;

	if (conn->phase == XT_CONN_FREE || conn->phase == XT_CONN_CLOSED || !conn->deadline)
		return;
	if ((int32_t)(loop->tick - conn->deadline) < 0) {
		xt_loop_sweep_by(loop, conn->deadline);
		return;
	}
	conn->deadline = 0;
	if (is_ending(conn))
		xt_conn_close(conn, XT_CLOSE_RESET);
	else
		conn->stream->expired(conn);
}

/* Sending ------------------------------------------------------------------------------- */

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
		touch(conn);
	return 0;
}

int
xt_conn_send(struct xt_conn *conn, const void *p, size_t n)
{
	char *room;

	if (is_ending(conn))
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
	if (is_ending(conn))
		return XT_ECLOSED;
	return queued(conn, xt_outq_add(&conn->loop->pool, &conn->out, bytes, from, to), to - from);
}

char *
xt_conn_reserve(struct xt_conn *conn, size_t n)
{
	char *room;

	if (is_ending(conn))
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
		touch(conn); /* it may read again */
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
static bool
has_output(const struct xt_conn *conn)
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

/* Puts the connection on the list of those whose kept bytes are handed over again. */
static void
reread_later(struct xt_conn *conn)
{
	if (conn->resumed)
		return;
	if (xt_buf_append(&conn->loop->resumed, &conn, sizeof conn) < 0)
		xt_conn_close(conn, XT_CLOSE_FAULT);
	else
		conn->resumed = true;
}

/* Reading stops above the high water mark and begins again below half of it. */
static bool
wants_input(const struct xt_conn *conn)
{
	uint32_t high = conn->interest & XT_POLL_READ ? XT_CONN_HIGH_WATER : XT_CONN_HIGH_WATER / 2;

	if (conn->phase == XT_CONN_FINISHING || (conn->carrier && conn->carrier->silent))
		return true;
	return !conn->paused && (conn->greedy || conn->backlog <= high);
}

/* Something to look at or to receive that no poll tells of. */
static bool
has_unread(const struct xt_conn *conn)
{
	return conn->ready || (conn->phase == XT_CONN_OPEN && (conn->unseen || conn->untold));
}

static void
wait_for(struct xt_conn *conn, unsigned interest)
{
	if (interest == conn->interest)
		return;
	if (conn->fd >= 0) {
		if (xt_poll_update(conn, interest) < 0)
			xt_conn_close(conn, XT_CLOSE_FAULT);
		return;
	}
	conn->interest = (uint8_t)interest;
	conn->carrier->ops->update(conn, interest);
}

static bool
waits_for_room(const struct xt_conn *conn)
{
	const struct xt_carrier *carrier = conn->carrier;

	return has_output(conn) && !(carrier && carrier->silent && !carrier->wants_room);
}

/* What to wait for follows from the state alone. */
static void
update_interest(struct xt_conn *conn)
{
	unsigned interest = XT_POLL_BREAK;

	if (conn->phase == XT_CONN_CLOSED)
		return;
	if (wants_input(conn) && has_unread(conn) && !conn->receiving)
		reread_later(conn);
	if (wants_input(conn) && !conn->ended) {
		interest = XT_POLL_READ | XT_POLL_HANGUP | XT_POLL_BREAK;
	} else if (conn->hungup && !conn->ended) {
		interest = 0; /* it was seen, but can't be told before what came in front of it */
	} else if (!conn->ended) {
		interest = XT_POLL_HANGUP | XT_POLL_BREAK;
	}
	if (waits_for_room(conn))
		interest |= XT_POLL_WRITE;
	wait_for(conn, interest);
}

void
xt_conn_rewait(struct xt_conn *conn)
{
	update_interest(conn);
}

/*
 * Nothing can be sent any more. What the peer sent before that is still read; the end follows it, or the
 * deadline if the stream stays paused. A `why` of none is found out then.
 */
static void
lose(struct xt_conn *conn, enum xt_close why)
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
	set_deadline(conn, XT_CONN_LINGER_MS);
}

static void
half_close(struct xt_conn *conn)
{
	if (conn->carrier)
		conn->carrier->ops->shut(conn);
	if (has_output(conn))
		return; /* its last word is still to leave */
	conn->shut = true;
	if (conn->ended || conn->gone) {
		xt_conn_close(conn, conn->why);
		return;
	}
	if (conn->fd >= 0)
		shutdown(conn->fd, SHUT_WR);
	set_deadline(conn, XT_CONN_LINGER_MS);
}

static void
flush(struct xt_conn *conn)
{
	bool had = has_output(conn);

	if (!send_queue(conn) || !send_own(conn)) {
		lose(conn, XT_CLOSE_RESET);
	} else if (!has_output(conn)) {
		if (conn->phase == XT_CONN_FINISHING && !conn->shut)
			half_close(conn);
		else if (had && conn->phase == XT_CONN_OPEN && conn->stream->drained)
			conn->stream->drained(conn);
	}
	update_interest(conn);
}

void
xt_conn_writable(struct xt_conn *conn)
{
	if (conn->phase != XT_CONN_CLOSED)
		flush(conn);
}

/* Receiving ----------------------------------------------------------------------------- */

static void
drop_kept(struct xt_conn *conn)
{
	xt_free(conn->kept);
	conn->kept = NULL;
}

static void
keep(struct xt_conn *conn, const char *p, size_t n)
{
	struct xt_kept *kept = conn->kept;

	if (n == 0) {
		drop_kept(conn);
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
	while (n > 0 && !stuck && conn->phase == XT_CONN_OPEN && wants_input(conn)) {
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
		drop_kept(conn);
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
	update_interest(conn);
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
	update_interest(conn);
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
	update_interest(conn);
}

void
xt_conn_readable(struct xt_conn *conn)
{
	/* A turn may be throttled while it reports: the poll tells again. */
	if (conn->phase == XT_CONN_CLOSED || !xt_loop_is_reading(conn->loop))
		return;
	if (wants_input(conn) && !conn->ended && !(conn->unseen && conn->phase == XT_CONN_OPEN))
		receive(conn);
	else
		update_interest(conn);
}

void
xt_conn_reread(struct xt_conn *conn)
{
	struct xt_loop *loop = conn->loop;
	size_t n;

	if (conn->phase == XT_CONN_CLOSED || !wants_input(conn))
		return;
	if (conn->phase == XT_CONN_OPEN && conn->unseen) {
		n = conn->kept->n;
		memcpy(loop->receive, conn->kept->bytes, n);
		hand_over(conn, loop->receive, n);
		update_interest(conn);
	} else if (conn->ready && !conn->ended) {
		receive(conn);
	}
	if (conn->untold && !conn->unseen && conn->phase == XT_CONN_OPEN && wants_input(conn))
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
			lose(conn, XT_CLOSE_NONE);
		update_interest(conn);
	}
}

bool
xt_conn_reads(const struct xt_conn *conn)
{
	return wants_input(conn);
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
	update_interest(conn);
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
	update_interest(conn);
}

/* Ending -------------------------------------------------------------------------------- */

/* The one place where a connection changes its phase. */
static void
set_phase(struct xt_conn *conn, enum xt_conn_state phase, enum xt_close why)
{
	XT_ASSERT(conn->phase != XT_CONN_FREE && phase > conn->phase);
	conn->phase = (uint8_t)phase;
	if (conn->why == XT_CLOSE_NONE)
		conn->why = (uint8_t)why;
	touch(conn);
}

void
xt_conn_finish(struct xt_conn *conn, enum xt_close why)
{
	if (conn->phase != XT_CONN_OPEN)
		return;
	set_phase(conn, XT_CONN_FINISHING, why);
	set_deadline(conn, FINISH_MS);
}

void
xt_conn_close(struct xt_conn *conn, enum xt_close why)
{
	if (conn->phase != XT_CONN_CLOSED)
		set_phase(conn, XT_CONN_CLOSED, why);
}

static void
forget_resumed(struct xt_conn *conn)
{
	struct xt_buf *resumed = &conn->loop->resumed;

	for (size_t at = 0; at < resumed->n; at += sizeof conn) {
		if (memcmp(resumed->p + at, &conn, sizeof conn) == 0) {
			memmove(resumed->p + at, resumed->p + at + sizeof conn,
				resumed->n - at - sizeof conn);
			resumed->n -= sizeof conn;
			return;
		}
	}
}

static void
release(struct xt_conn *conn)
{
	struct xt_loop *loop = conn->loop;

	conn->stream->closed(conn, conn->why);
	if (conn->fd >= 0) {
		xt_counter_add(&loop->stats.closes[conn->why], 1);
		xt_counter_sub(&loop->stats.open, 1);
	}
	if (conn->resumed)
		forget_resumed(conn);
	xt_outq_clear(&loop->pool, &conn->out);
	drop_kept(conn);
	if (conn->carrier)
		conn->carrier->ops->closed(conn, conn->why);
	if (conn->fd >= 0)
		xt_poll_remove(conn);
	close_fd(conn->fd);
	xt_slab_give(&loop->conns, conn);
}

void
xt_conn_end_turn(struct xt_conn *conn)
{
	if (conn->phase != XT_CONN_CLOSED)
		flush(conn);
	/* A close within the flush has put the connection on the list again: it is freed in the next turn. */
	if (conn->phase == XT_CONN_CLOSED && !conn->touched)
		release(conn);
}

void
xt_conn_peer(const struct xt_conn *conn, char *text, size_t size)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	char host[INET6_ADDRSTRLEN] = "?";

	while (conn->carrier && conn->carrier->below)
		conn = conn->carrier->below;
	snprintf(text, size, "?");
	if (getpeername(conn->fd, (struct sockaddr *)&address, &length) < 0)
		return;
	if (address.ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
		snprintf(text, size, "%s:%u", host, ntohs(v4->sin_port));
	} else if (address.ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
		snprintf(text, size, "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		snprintf(text, size, "unix");
	}
}
