/* conn.c - the life of a connection: what it waits for, its deadline, and ending in order. */
#include "io/conn.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/panic.h"
#include "crosstalk.h"
#include "io/carrier.h"
#include "io/loop_private.h"

/* How long a finishing connection may take to hand its queue to a reader who reads slowly. */
#define FINISH_MS 10000

void
xt_conn_touch(struct xt_conn *conn)
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

void
xt_conn_set_deadline(struct xt_conn *conn, uint32_t ms)
{
	/* The tick in which `ms` have passed for certain, this one having begun up to a tick ago. */
	conn->deadline = conn->loop->tick + ((ms + (1u << XT_TICK_SHIFT) - 2) >> XT_TICK_SHIFT) + 1;
	if (conn->deadline == 0)
		conn->deadline = 1;
	xt_loop_sweep_by(conn->loop, conn->deadline);
}

/* Once it is bound to end, the deadline is the connection's own: without it a silent peer could stay. */
bool
xt_conn_is_ending(const struct xt_conn *conn)
{
	return conn->phase != XT_CONN_OPEN || conn->gone;
}

void
xt_conn_expire_in(struct xt_conn *conn, uint32_t ms)
{
	if (xt_conn_is_ending(conn))
		return;
	if (ms == 0)
		conn->deadline = 0;
	else
		xt_conn_set_deadline(conn, ms);
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
	if (xt_conn_is_ending(conn))
		xt_conn_close(conn, XT_CLOSE_RESET);
	else
		conn->stream->expired(conn);
}

/* Waiting ------------------------------------------------------------------------------- */

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
bool
xt_conn_wants_input(const struct xt_conn *conn)
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

	return xt_conn_has_output(conn) && conn->corks == 0 &&
	       !(carrier && carrier->silent && !carrier->wants_room);
}

/* What to wait for follows from the state alone. */
void
xt_conn_rewait(struct xt_conn *conn)
{
	unsigned interest = XT_POLL_BREAK;

	if (conn->phase == XT_CONN_CLOSED)
		return;
	if (xt_conn_wants_input(conn) && has_unread(conn) && !conn->receiving)
		reread_later(conn);
	if (xt_conn_wants_input(conn) && !conn->ended) {
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

/* Ending -------------------------------------------------------------------------------- */

/* The one place where a connection changes its phase. */
static void
set_phase(struct xt_conn *conn, enum xt_conn_state phase, enum xt_close why)
{
	XT_ASSERT(conn->phase != XT_CONN_FREE && phase > conn->phase);
	conn->phase = (uint8_t)phase;
	if (conn->why == XT_CLOSE_NONE)
		conn->why = (uint8_t)why;
	xt_conn_touch(conn);
}

void
xt_conn_finish(struct xt_conn *conn, enum xt_close why)
{
	if (conn->phase != XT_CONN_OPEN)
		return;
	while (conn->corks > 0)
		xt_conn_uncork(conn);
	set_phase(conn, XT_CONN_FINISHING, why);
	xt_conn_set_deadline(conn, FINISH_MS);
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
	xt_conn_drop_kept(conn);
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
		xt_conn_flush(conn);
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
