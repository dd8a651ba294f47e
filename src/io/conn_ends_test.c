/*
 * conn_ends_test.c - the end of a connection, however it comes: FIN, reset, a failed send, or our own word, while
 * reading, paused, or with output waiting. Every test runs over loopback TCP and over a socket pair.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "crosstalk.h"
#include "io/conn.h"
#include "io/loop.h"

#define PATIENCE_MS 10000
#define LARGE       (300u * 1024)      /* more than one receive takes */
#define HUGE_SIZE   (8u * 1024 * 1024) /* more than the kernel takes */

struct fixture {
	bool tcp;
	struct xt_loop *loop;
	struct xt_conn *conn; /* NULL once closed */
	int peer;             /* -1: closed */
	size_t received;      /* bytes that the stream used; each is checked */
	size_t use;           /* the most that it uses at once */
	int recvs, ends, drains, expirations, closes;
	enum xt_close why;
	void (*on_recv)(struct fixture *);
	void (*on_ended)(struct fixture *);
	void (*on_drained)(struct fixture *);
	void (*on_expired)(struct fixture *);
	struct xt_timer timer;
	struct xt_task task;
};

/* The byte at a place of the stream. */
static char
byte_at(size_t at)
{
	return (char)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

static size_t
stream_recv(struct xt_conn *conn, char *p, size_t n)
{
	struct fixture *f = xt_conn_state(conn);
	size_t used = n < f->use ? n : f->use;

	assert_int_equal(f->closes, 0);
	assert_int_equal(f->ends, 0);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++)
		if (p[i] != byte_at(f->received + i))
			fail_msg("byte %zu of %zu is wrong", f->received + i, n);
	f->received += used;
	f->recvs++;
	if (f->on_recv)
		f->on_recv(f);
	return used;
}

static void
stream_drained(struct xt_conn *conn)
{
	struct fixture *f = xt_conn_state(conn);

	assert_int_equal(f->closes, 0);
	f->drains++;
	if (f->on_drained)
		f->on_drained(f);
}

static void
stream_expired(struct xt_conn *conn)
{
	struct fixture *f = xt_conn_state(conn);

	assert_int_equal(f->closes, 0);
	f->expirations++;
	if (f->on_expired)
		f->on_expired(f);
}

static void
stream_ended(struct xt_conn *conn)
{
	struct fixture *f = xt_conn_state(conn);

	assert_int_equal(f->closes, 0);
	f->ends++;
	if (f->on_ended)
		f->on_ended(f);
}

static void
stream_closed(struct xt_conn *conn, enum xt_close why)
{
	struct fixture *f = xt_conn_state(conn);

	f->closes++;
	f->why = why;
	f->conn = NULL;
}

/* Ends with the peer's FIN. */
static const struct xt_stream plain = {
	.name = "plain",
	.recv = stream_recv,
	.drained = stream_drained,
	.expired = stream_expired,
	.closed = stream_closed,
};

/* Is told of it instead. */
static const struct xt_stream half = {
	.name = "half",
	.recv = stream_recv,
	.drained = stream_drained,
	.expired = stream_expired,
	.ended = stream_ended,
	.closed = stream_closed,
};

/* The fixture ----------------------------------------------------------------------------- */

static void
make_pair(bool tcp, int fds[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	int listener;

	if (!tcp) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
		return;
	}
	listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[1], (struct sockaddr *)&at, size), 0);
	fds[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fds[0] >= 0);
	close(listener);
}

static void
open_conn(struct fixture *f, const struct xt_stream *stream)
{
	int fds[2];

	make_pair(f->tcp, fds);
	f->peer = fds[1];
	f->conn = xt_conn_new(f->loop, fds[0], stream, f);
	assert_non_null(f->conn);
}

static void
timer_fires(struct xt_timer *timer)
{
	struct fixture *f = XT_CONTAINER(timer, struct fixture, timer);

	xt_conn_close(f->conn, XT_CLOSE_DONE);
}

static void
task_runs(struct xt_task *task)
{
	struct fixture *f = XT_CONTAINER(task, struct fixture, task);

	xt_conn_close(f->conn, XT_CLOSE_DONE);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	if (!f)
		return -1;
	f->tcp = *(const bool *)*state;
	f->use = SIZE_MAX;
	f->peer = -1;
	xt_timer_init(&f->timer, timer_fires);
	f->task.run = task_runs;
	xt_list_init(&f->task.link);
	*state = f;
	return xt_loop_new(&f->loop);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	bool open = f->conn != NULL;

	xt_loop_free(f->loop);
	assert_null(f->conn);
	assert_int_equal(f->closes, 1);
	if (open)
		assert_int_equal(f->why, XT_CLOSE_SHUTDOWN);
	if (f->peer >= 0)
		close(f->peer);
	free(f);
	return 0;
}

static void
turns(struct fixture *f, int n)
{
	while (n-- > 0)
		xt_loop_turn(f->loop, 0);
}

/* Turns until `*counter` is `value`; how long that takes is the machine's affair. */
#define RUN_UNTIL(f, condition) \
	do { \
		uint64_t until_ = xt_clock_ms() + PATIENCE_MS; \
		while (!(condition)) { \
			assert_true(xt_clock_ms() < until_); \
			xt_loop_turn((f)->loop, 1); \
		} \
	} while (0)

/* The peer writes bytes `from` to `to` of the stream; the loop need not turn for it. */
static void
peer_write(struct fixture *f, size_t from, size_t to)
{
	char chunk[4096];

	while (from < to) {
		size_t n = to - from < sizeof chunk ? to - from : sizeof chunk;
		ssize_t sent;
		for (size_t i = 0; i < n; i++)
			chunk[i] = byte_at(from + i);
		sent = send(f->peer, chunk, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EAGAIN)
			xt_loop_turn(f->loop, 1);
		else
			assert_true(sent > 0);
		from += sent > 0 ? (size_t)sent : 0;
	}
}

static void
peer_close(struct fixture *f)
{
	close(f->peer);
	f->peer = -1;
}

/* TCP: a reset. A socket pair knows none, unless something was left unread. */
static void
peer_reset(struct fixture *f)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(f->peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	peer_close(f);
}

/* Waits until the end of the peer's side has arrived at ours, which the loop may not have looked at. */
static void
let_arrive(const struct fixture *f)
{
	/* Loopback and socket pairs deliver within the call; a short poll lets softirqs finish. */
	(void)f;
	poll(NULL, 0, 2);
}

static void
send_large(struct fixture *f, size_t n)
{
	char *p = malloc(n);
	struct xt_bytes *bytes;

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = byte_at(i);
	bytes = xt_bytes_own(p, n);
	assert_non_null(bytes);
	assert_int_equal(xt_conn_send_bytes(f->conn, bytes, 0, n), 0);
	xt_bytes_unref(bytes);
}

/* Reads what comes, checks it; returns how many bytes, and -1 in `*end` without an end, 0: FIN, or an errno. */
static size_t
peer_read(struct fixture *f, size_t from, int *end)
{
	static char chunk[65536];
	ssize_t n;

	*end = -1;
	n = recv(f->peer, chunk, sizeof chunk, MSG_DONTWAIT);
	if (n < 0) {
		if (errno != EAGAIN)
			*end = errno;
		return 0;
	}
	if (n == 0)
		*end = 0;
	for (ssize_t i = 0; i < n; i++)
		if (chunk[i] != byte_at(from + (size_t)i))
			fail_msg("byte %zu at the peer is wrong", from + (size_t)i);
	return (size_t)n;
}

/* Reads until there are `n` bytes in all, or the end. */
static size_t
peer_read_all(struct fixture *f, size_t from, size_t n, int *end)
{
	uint64_t until = xt_clock_ms() + PATIENCE_MS;

	*end = -1;
	while (from < n && *end < 0) {
		size_t got = peer_read(f, from, end);
		from += got;
		if (got == 0)
			xt_loop_turn(f->loop, 1);
		assert_true(xt_clock_ms() < until);
	}
	return from;
}

static int
peer_end(struct fixture *f)
{
	uint64_t until = xt_clock_ms() + PATIENCE_MS;
	int end = -1;

	while (end < 0) {
		assert_int_equal(peer_read(f, 0, &end), 0);
		xt_loop_turn(f->loop, 1);
		assert_true(xt_clock_ms() < until);
	}
	return end;
}

static void
pause_it(struct fixture *f)
{
	xt_conn_pause(f->conn);
}

static void
close_it(struct fixture *f)
{
	xt_conn_close(f->conn, XT_CLOSE_REFUSED);
	/* The second word does not count. */
	xt_conn_close(f->conn, XT_CLOSE_DONE);
	xt_conn_finish(f->conn, XT_CLOSE_DONE);
	assert_false(xt_conn_is_open(f->conn));
	assert_int_equal(xt_conn_send(f->conn, "x", 1), XT_ECLOSED);
	assert_null(xt_conn_reserve(f->conn, 1));
	xt_conn_pause(f->conn);
	xt_conn_resume(f->conn);
	xt_conn_expire_in(f->conn, 1);
}

/* The peer ends ---------------------------------------------------------------------------- */

static void
test_fin_after_input(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &plain);
	peer_write(f, 0, 5000);
	peer_close(f);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->received, 5000);
	assert_int_equal(f->why, XT_CLOSE_PEER);
}

static void
test_fin_after_large_input(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &plain);
	f->use = 7001;
	peer_write(f, 0, LARGE);
	shutdown(f->peer, SHUT_WR);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->received, LARGE);
	assert_int_equal(f->why, XT_CLOSE_PEER);
}

static void
test_fin_while_paused(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &half);
	xt_conn_pause(f->conn);
	shutdown(f->peer, SHUT_WR);
	RUN_UNTIL(f, f->ends);
	turns(f, 10);
	assert_int_equal(f->ends, 1);
	xt_conn_resume(f->conn);
	turns(f, 10);
	assert_int_equal(f->ends, 1);
	assert_int_equal(f->closes, 0);
}

/* It can't be told before what came in front of it, and must not make the loop spin meanwhile. */
static void
test_fin_while_paused_behind_input(void **state)
{
	struct fixture *f = *state;
	uint64_t began;

	open_conn(f, &half);
	xt_conn_pause(f->conn);
	peer_write(f, 0, 5000);
	shutdown(f->peer, SHUT_WR);
	let_arrive(f);
	turns(f, 10);
	assert_int_equal(f->ends, 0);
	began = xt_clock_ms();
	xt_loop_turn(f->loop, 30);
	assert_true(xt_clock_ms() - began >= 29);
	xt_conn_resume(f->conn);
	RUN_UNTIL(f, f->ends);
	assert_int_equal(f->received, 5000);
	assert_int_equal(f->closes, 0);
}

static void
resume_when_due(struct xt_timer *timer)
{
	struct fixture *f = XT_CONTAINER(timer, struct fixture, timer);

	xt_conn_resume(f->conn);
}

/* Paused in the middle of what one receive brought. */
static void
test_fin_behind_kept_input(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &plain);
	f->use = 100;
	f->on_recv = pause_it;
	peer_write(f, 0, 1000);
	peer_close(f);
	RUN_UNTIL(f, f->received == 100);
	turns(f, 10);
	assert_int_equal(f->closes, 0);
	f->on_recv = NULL;
	xt_timer_init(&f->timer, resume_when_due);
	xt_timer_start(xt_loop_timers(f->loop), &f->timer, xt_loop_now(f->loop), 5);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->received, 1000);
	assert_true(f->why == XT_CLOSE_PEER || (!f->tcp && f->why == XT_CLOSE_RESET));
}

static void
reply_and_finish(struct fixture *f)
{
	char reply[] = { byte_at(0), byte_at(1), byte_at(2) };

	assert_int_equal(xt_conn_send(f->conn, reply, sizeof reply), 0);
	xt_conn_finish(f->conn, XT_CLOSE_DONE);
}

/* The peer has said all and waits for the answer. */
static void
test_half_close(void **state)
{
	struct fixture *f = *state;
	int end;

	open_conn(f, &half);
	f->on_ended = reply_and_finish;
	peer_write(f, 0, 10);
	shutdown(f->peer, SHUT_WR);
	assert_int_equal(peer_read_all(f, 0, 3, &end), 3);
	assert_int_equal(peer_end(f), 0);
	assert_int_equal(f->received, 10);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->why, XT_CLOSE_DONE);
}

/* It answers only later; a half-closed connection waits and does not spin. */
static void
test_half_close_answered_later(void **state)
{
	struct fixture *f = *state;
	uint64_t began;
	int end;

	open_conn(f, &half);
	shutdown(f->peer, SHUT_WR);
	RUN_UNTIL(f, f->ends);
	turns(f, 5);
	began = xt_clock_ms();
	xt_loop_turn(f->loop, 30);
	assert_true(xt_clock_ms() - began >= 29);
	send_large(f, HUGE_SIZE);
	assert_int_equal(peer_read_all(f, 0, HUGE_SIZE, &end), HUGE_SIZE);
	RUN_UNTIL(f, f->drains == 1);
	peer_close(f);
	/* TCP has no word for it; a socket pair tells that nobody is there any more. */
	RUN_UNTIL(f, f->closes || f->tcp);
}

/* What arrived before a reset is read, also when it was not looked at before. */
static void
test_reset_behind_input(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &half);
	f->use = 999;
	peer_write(f, 0, 20000);
	let_arrive(f);
	peer_reset(f);
	RUN_UNTIL(f, f->closes || f->ends);
	assert_int_equal(f->received, 20000);
	if (f->tcp)
		assert_int_equal(f->why, XT_CLOSE_RESET);
}

static void
test_reset_while_paused(void **state)
{
	struct fixture *f = *state;

	if (!f->tcp) {
		open_conn(f, &half);
		return;
	}
	open_conn(f, &half);
	xt_conn_pause(f->conn);
	peer_reset(f);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->why, XT_CLOSE_RESET);
	assert_int_equal(f->ends, 0);
}

static void
test_reset_while_paused_behind_input(void **state)
{
	struct fixture *f = *state;
	uint64_t began;

	open_conn(f, &plain);
	xt_conn_pause(f->conn);
	peer_write(f, 0, 5000);
	let_arrive(f);
	peer_reset(f);
	let_arrive(f);
	turns(f, 10);
	assert_int_equal(f->closes, 0);
	began = xt_clock_ms();
	xt_loop_turn(f->loop, 30);
	assert_true(xt_clock_ms() - began >= 29);
	xt_conn_resume(f->conn);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->received, 5000);
}

/* The stream that stays paused does not keep it for ever. */
static void
test_reset_while_paused_for_ever(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &plain);
	xt_conn_pause(f->conn);
	peer_write(f, 0, 5000);
	let_arrive(f);
	peer_reset(f);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->received, 0);
}

static void
send_much(struct fixture *f)
{
	f->on_recv = NULL;
	send_large(f, HUGE_SIZE);
}

/* Sending fails while there is still input: that is handed over, then comes the end. */
static void
test_send_fails_before_input(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &half);
	f->use = 5000;
	f->on_recv = send_much;
	peer_write(f, 0, 20000); /* well within the first window */
	let_arrive(f);
	peer_reset(f);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->received, 20000);
}

/* The peer closes while much waits to be sent. */
static void
test_reset_with_backlog(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &half);
	send_large(f, HUGE_SIZE);
	turns(f, 3);
	assert_true(xt_conn_backlog(f->conn) > 0);
	peer_write(f, 0, 3000);
	let_arrive(f);
	peer_reset(f);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->received, 3000);
	assert_int_equal(f->why, XT_CLOSE_RESET);
	assert_int_equal(f->drains, 0);
}

/* Above the high water mark nothing is read; what came before the FIN is, once the queue has gone. */
static void
test_fin_behind_high_water(void **state)
{
	struct fixture *f = *state;
	uint64_t began;
	int end;

	open_conn(f, &half);
	send_large(f, HUGE_SIZE);
	turns(f, 3);
	peer_write(f, 0, 3000);
	shutdown(f->peer, SHUT_WR);
	let_arrive(f);
	turns(f, 5);
	assert_int_equal(f->received, 0);
	assert_int_equal(f->ends, 0);
	began = xt_clock_ms();
	xt_loop_turn(f->loop, 30);
	assert_true(xt_clock_ms() - began >= 29);
	assert_int_equal(peer_read_all(f, 0, HUGE_SIZE, &end), HUGE_SIZE);
	RUN_UNTIL(f, f->ends);
	assert_int_equal(f->received, 3000);
	assert_int_equal(f->drains, 1);
}

/* We end ------------------------------------------------------------------------------------ */

static void
test_close_within_recv(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &half);
	f->use = 10;
	f->on_recv = close_it;
	peer_write(f, 0, 1000);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->recvs, 1);
	assert_int_equal(f->why, XT_CLOSE_REFUSED);
	turns(f, 5);
}

static void
test_close_within_ended(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &half);
	f->on_ended = close_it;
	peer_close(f);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->why, XT_CLOSE_REFUSED);
}

static void
test_close_within_drained(void **state)
{
	struct fixture *f = *state;
	int end;

	open_conn(f, &half);
	f->on_drained = close_it;
	send_large(f, 100);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->drains, 1);
	assert_int_equal(f->why, XT_CLOSE_REFUSED);
	assert_int_equal(peer_read_all(f, 0, 100, &end), 100);
}

static void
test_close_within_drained_by_room(void **state)
{
	struct fixture *f = *state;
	int end;

	open_conn(f, &half);
	f->on_drained = close_it;
	send_large(f, HUGE_SIZE);
	assert_int_equal(peer_read_all(f, 0, HUGE_SIZE, &end), HUGE_SIZE);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->drains, 1);
}

static void
test_close_within_expired(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &half);
	f->on_expired = close_it;
	xt_conn_expire_in(f->conn, 1);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->expirations, 1);
}

static void
test_close_within_timer_and_task(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &half);
	xt_loop_post(f->loop, &f->task);
	xt_timer_start(xt_loop_timers(f->loop), &f->timer, xt_loop_now(f->loop), 0);
	peer_write(f, 0, 10);
	RUN_UNTIL(f, f->closes);
	xt_timer_stop(xt_loop_timers(f->loop), &f->timer);
	assert_int_equal(f->why, XT_CLOSE_DONE);
}

/* In the turn in which it was to be read again. */
static void
test_close_when_resumed(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &half);
	f->use = 1;
	f->on_recv = pause_it;
	peer_write(f, 0, 10);
	RUN_UNTIL(f, f->received == 1);
	xt_conn_resume(f->conn);
	close_it(f);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->received, 1);
	turns(f, 5);
}

static void
test_free_with_all_pending(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &half);
	f->use = 1;
	f->on_recv = pause_it;
	peer_write(f, 0, 10);
	RUN_UNTIL(f, f->received == 1);
	send_large(f, HUGE_SIZE);
	turns(f, 2);
	send_large(f, 1000);
	xt_conn_resume(f->conn);
	xt_conn_expire_in(f->conn, 1);
	xt_loop_post(f->loop, &f->task);
	xt_timer_start(xt_loop_timers(f->loop), &f->timer, xt_loop_now(f->loop), 0);
	/* The teardown frees the loop; what the test still owns may be cancelled after. */
	xt_loop_free(f->loop);
	f->loop = NULL;
	assert_int_equal(f->why, XT_CLOSE_SHUTDOWN);
	xt_task_cancel(&f->task);
}

/* Finishing --------------------------------------------------------------------------------- */

static void
test_finish_drains(void **state)
{
	struct fixture *f = *state;
	int end;

	open_conn(f, &half);
	send_large(f, HUGE_SIZE);
	xt_conn_finish(f->conn, XT_CLOSE_DONE);
	assert_int_equal(xt_conn_send(f->conn, "x", 1), XT_ECLOSED);
	peer_write(f, 0, 1000); /* nobody listens any more */
	assert_int_equal(peer_read_all(f, 0, HUGE_SIZE, &end), HUGE_SIZE);
	assert_int_equal(peer_end(f), 0);
	assert_int_equal(f->closes, 0);
	peer_close(f);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->why, XT_CLOSE_DONE);
	assert_int_equal(f->received, 0);
	assert_int_equal(f->drains, 0);
}

/* The peer does not close, and goes on sending: it is thrown away for a moment, then cut. */
static void
test_finish_lingers(void **state)
{
	struct fixture *f = *state;
	uint64_t began = xt_clock_ms();
	char junk[1000] = { 0 };

	open_conn(f, &half);
	xt_conn_pause(f->conn);
	xt_conn_finish(f->conn, XT_CLOSE_IDLE);
	xt_conn_expire_in(f->conn, 0); /* does not take the linger away */
	while (!f->closes) {
		ssize_t ignored = send(f->peer, junk, sizeof junk, MSG_NOSIGNAL | MSG_DONTWAIT);
		(void)ignored;
		xt_loop_turn(f->loop, 1);
		assert_true(xt_clock_ms() - began < PATIENCE_MS);
	}
	assert_true(xt_clock_ms() - began >= XT_CONN_LINGER_MS - 20);
	assert_int_equal(f->why, XT_CLOSE_IDLE);
	assert_int_equal(f->recvs, 0);
	assert_int_equal(f->expirations, 0);
}

static void
test_finish_after_fin(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &half);
	shutdown(f->peer, SHUT_WR);
	RUN_UNTIL(f, f->ends);
	xt_conn_finish(f->conn, XT_CLOSE_DONE);
	turns(f, 3);
	assert_int_equal(f->closes, 1);
	assert_int_equal(f->why, XT_CLOSE_DONE);
}

static void
test_finish_while_peer_resets(void **state)
{
	struct fixture *f = *state;

	open_conn(f, &half);
	send_large(f, HUGE_SIZE);
	xt_conn_finish(f->conn, XT_CLOSE_DONE);
	turns(f, 3);
	peer_reset(f);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->why, XT_CLOSE_DONE);
}

static void
finish_it(struct fixture *f)
{
	xt_conn_finish(f->conn, XT_CLOSE_DONE);
}

static void
test_finish_within_drained(void **state)
{
	struct fixture *f = *state;
	int end;

	open_conn(f, &half);
	f->on_drained = finish_it;
	send_large(f, 100);
	assert_int_equal(peer_read_all(f, 0, 100, &end), 100);
	assert_int_equal(peer_end(f), 0);
	peer_close(f);
	RUN_UNTIL(f, f->closes);
	assert_int_equal(f->why, XT_CLOSE_DONE);
}

static const bool over_tcp = true, over_pair = false;

#define TESTS(name) \
	{ #name " tcp", name, setup, teardown, (void *)(uintptr_t)&over_tcp }, \
	{ \
#name " pair", name, setup, teardown, (void *)(uintptr_t)&over_pair \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TESTS(test_fin_after_input),
		TESTS(test_fin_after_large_input),
		TESTS(test_fin_while_paused),
		TESTS(test_fin_while_paused_behind_input),
		TESTS(test_fin_behind_kept_input),
		TESTS(test_half_close),
		TESTS(test_half_close_answered_later),
		TESTS(test_reset_behind_input),
		TESTS(test_reset_while_paused),
		TESTS(test_reset_while_paused_behind_input),
		TESTS(test_reset_while_paused_for_ever),
		TESTS(test_send_fails_before_input),
		TESTS(test_reset_with_backlog),
		TESTS(test_fin_behind_high_water),
		TESTS(test_close_within_recv),
		TESTS(test_close_within_ended),
		TESTS(test_close_within_drained),
		TESTS(test_close_within_drained_by_room),
		TESTS(test_close_within_expired),
		TESTS(test_close_within_timer_and_task),
		TESTS(test_close_when_resumed),
		TESTS(test_free_with_all_pending),
		TESTS(test_finish_drains),
		TESTS(test_finish_lingers),
		TESTS(test_finish_after_fin),
		TESTS(test_finish_while_peer_resets),
		TESTS(test_finish_within_drained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
