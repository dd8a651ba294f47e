/* throttle_test.c - a loop that is held takes nothing new, gets done what it has, and neither sleeps nor spins wrongly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "crosstalk.h"
#include "io/conn.h"
#include "io/loop.h"
#include "io/mailbox.h"

#define PATIENCE_MS 10000
#define HUGE_SIZE   (8u * 1024 * 1024)

struct end {
	struct fixture *fixture;
	struct xt_conn *conn;
	int peer;
	size_t received;
	int drains;
	bool throttles; /* when it receives */
};

struct fixture {
	struct xt_loop *loop;
	struct end ends[2];
	int requests, replies, ran, fired, watched;
	int runs_left;    /* the task posts itself so often */
	bool unthrottles; /* the task, when it ran for the last time */
	struct xt_task task;
	struct xt_timer timer;
	struct xt_watch watch;
};

static size_t
stream_recv(struct xt_conn *conn, char *p, size_t n)
{
	struct end *end = xt_conn_state(conn);

	(void)p;
	end->received += n;
	if (end->throttles)
		xt_loop_throttle(end->fixture->loop);
	end->throttles = false;
	return n;
}

static void
stream_drained(struct xt_conn *conn)
{
	struct end *end = xt_conn_state(conn);

	end->drains++;
}

static void
stream_closed(struct xt_conn *conn, enum xt_close why)
{
	(void)conn;
	(void)why;
}

static const struct xt_stream stream = {
	.name = "test", .recv = stream_recv, .drained = stream_drained, .closed = stream_closed
};

static void
run_task(struct xt_task *task)
{
	struct fixture *f = XT_CONTAINER(task, struct fixture, task);

	f->ran++;
	if (f->runs_left-- > 0)
		xt_loop_post(f->loop, task);
	else if (f->unthrottles)
		xt_loop_unthrottle(f->loop);
}

static void
fire(struct xt_timer *timer)
{
	struct fixture *f = XT_CONTAINER(timer, struct fixture, timer);

	f->fired++;
}

static void
ready(struct xt_watch *watch)
{
	struct fixture *f = XT_CONTAINER(watch, struct fixture, watch);
	uint64_t count;
	ssize_t n = read(watch->fd, &count, sizeof count);

	assert_int_equal(n, sizeof count);
	f->watched++;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	if (!f || xt_loop_new(&f->loop) < 0)
		return -1;
	f->task.run = run_task;
	xt_list_init(&f->task.link);
	xt_timer_init(&f->timer, fire);
	f->watch = (struct xt_watch){ .fd = eventfd(0, EFD_NONBLOCK), .ready = ready };
	if (xt_loop_watch(f->loop, &f->watch) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		int fds[2];
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
			return -1;
		f->ends[i].fixture = f;
		f->ends[i].peer = fds[1];
		f->ends[i].conn = xt_conn_new(f->loop, fds[0], &stream, &f->ends[i]);
		if (!f->ends[i].conn)
			return -1;
	}
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	xt_loop_unwatch(f->loop, &f->watch);
	xt_loop_free(f->loop);
	close(f->watch.fd);
	for (int i = 0; i < 2; i++)
		close(f->ends[i].peer);
	free(f);
	return 0;
}

static void
say(struct end *end)
{
	assert_int_equal(send(end->peer, "x", 1, MSG_NOSIGNAL), 1);
}

static void
ring(const struct fixture *f)
{
	uint64_t one = 1;

	assert_int_equal(write(f->watch.fd, &one, sizeof one), sizeof one);
}

static void
turns(struct fixture *f, int n)
{
	while (n-- > 0)
		xt_loop_turn(f->loop, 0);
}

/* What one turn that may wait `ms` took. */
static uint64_t
timed_turn(struct fixture *f, int ms)
{
	uint64_t began = xt_clock_ms();

	xt_loop_turn(f->loop, ms);
	return xt_clock_ms() - began;
}

static void
test_reads_nothing(void **state)
{
	struct fixture *f = *state;

	say(&f->ends[0]);
	ring(f);
	xt_loop_throttle(f->loop);
	xt_loop_throttle(f->loop);
	turns(f, 5);
	xt_loop_unthrottle(f->loop);
	turns(f, 5);
	assert_int_equal(f->ends[0].received, 0);
	assert_int_equal(f->watched, 0);
	xt_loop_unthrottle(f->loop);
	turns(f, 1);
	assert_int_equal(f->ends[0].received, 1);
	assert_int_equal(f->watched, 1);
}

/* Whoever comes behind in the same turn waits. */
static void
test_in_the_middle_of_a_turn(void **state)
{
	struct fixture *f = *state;

	say(&f->ends[0]);
	say(&f->ends[1]);
	ring(f);
	f->ends[0].throttles = f->ends[1].throttles = true;
	turns(f, 3);
	assert_int_equal(f->ends[0].received + f->ends[1].received, 1);
	/* The watch was asked before, or not at all. */
	xt_loop_unthrottle(f->loop);
	f->ends[0].throttles = f->ends[1].throttles = false;
	turns(f, 3);
	assert_int_equal(f->ends[0].received + f->ends[1].received, 2);
	assert_int_equal(f->watched, 1);
}

/* The descriptor that became readable first is reported first. */
static void
test_watch_waits(void **state)
{
	struct fixture *f = *state;

	f->ends[0].throttles = true;
	say(&f->ends[0]);
	ring(f);
	turns(f, 3);
	assert_int_equal(f->ends[0].received, 1);
	assert_int_equal(f->watched, 0);
	xt_loop_unthrottle(f->loop);
	turns(f, 1);
	assert_int_equal(f->watched, 1);
}

static void
test_tasks_do_not_sleep(void **state)
{
	struct fixture *f = *state;
	uint64_t began = xt_clock_ms();

	xt_loop_throttle(f->loop);
	say(&f->ends[0]);
	f->runs_left = 1000;
	f->unthrottles = true;
	xt_loop_post(f->loop, &f->task);
	while (f->runs_left >= 0)
		xt_loop_turn(f->loop, 1000);
	assert_int_equal(f->ran, 1001);
	assert_true(xt_clock_ms() - began < 1000);
	assert_int_equal(f->ends[0].received, 0);
	turns(f, 1);
	assert_int_equal(f->ends[0].received, 1);
}

/* Input that waits is no reason to turn. */
static void
test_does_not_spin(void **state)
{
	struct fixture *f = *state;

	xt_loop_throttle(f->loop);
	say(&f->ends[0]);
	ring(f);
	assert_true(timed_turn(f, 50) >= 49);
	shutdown(f->ends[1].peer, SHUT_WR);
	assert_true(timed_turn(f, 50) >= 49);
}

static void
test_timers_go_on(void **state)
{
	struct fixture *f = *state;
	uint64_t began = xt_clock_ms();

	xt_loop_throttle(f->loop);
	say(&f->ends[0]);
	xt_timer_start(xt_loop_timers(f->loop), &f->timer, xt_loop_now(f->loop), 20);
	while (!f->fired) {
		xt_loop_turn(f->loop, -1);
		assert_true(xt_clock_ms() - began < PATIENCE_MS);
	}
	assert_int_equal(f->ends[0].received, 0);
}

/* Those that wait for room are served, however much input waits beside them. */
static void
test_sends_go_on(void **state)
{
	struct fixture *f = *state;
	static char sink[65536];
	char *p = calloc(1, HUGE_SIZE);
	struct xt_bytes *bytes = xt_bytes_own(p, HUGE_SIZE);
	uint64_t began = xt_clock_ms();
	size_t got = 0;

	assert_non_null(bytes);
	xt_loop_throttle(f->loop);
	say(&f->ends[1]);
	ring(f);
	assert_int_equal(xt_conn_send_bytes(f->ends[0].conn, bytes, 0, HUGE_SIZE), 0);
	xt_bytes_unref(bytes);
	turns(f, 2);
	assert_true(xt_conn_backlog(f->ends[0].conn) > 0);
	while (got < HUGE_SIZE) {
		ssize_t n = recv(f->ends[0].peer, sink, sizeof sink, MSG_DONTWAIT);
		got += n > 0 ? (size_t)n : 0;
		/* Woken by the room, not by the time. */
		if (n <= 0)
			assert_true(timed_turn(f, 2000) < 1000);
		assert_true(xt_clock_ms() - began < PATIENCE_MS);
	}
	turns(f, 1);
	assert_int_equal(f->ends[0].drains, 1);
	assert_int_equal(f->ends[1].received, 0);
	assert_int_equal(f->watched, 0);
}

static void
open_request(const struct xt_letter *letter)
{
	struct fixture *f = letter->body.pointers[0];

	f->requests++;
	if (letter->body.pointers[1])
		xt_loop_throttle(f->loop);
}

static void
open_reply(const struct xt_letter *letter)
{
	struct fixture *f = letter->body.pointers[0];

	f->replies++;
}

static void
test_letters(void **state)
{
	struct fixture *f = *state;
	struct xt_letter request = { .open = open_request, .body.pointers = { f } };
	struct xt_letter reply = { .open = open_reply, .body.pointers = { f } };

	xt_loop_throttle(f->loop);
	xt_mail_post(f->loop, f->loop, XT_LANE_REQUEST, &request);
	xt_mail_post(f->loop, f->loop, XT_LANE_REPLY, &reply);
	turns(f, 3);
	assert_int_equal(f->requests, 0);
	assert_int_equal(f->replies, 1);
	/* A request that must wait is no reason to turn; a reply is. */
	assert_true(timed_turn(f, 50) >= 49);
	xt_mail_post(f->loop, f->loop, XT_LANE_REPLY, &reply);
	assert_true(timed_turn(f, 2000) < 1000);
	assert_int_equal(f->replies, 2);
	xt_loop_unthrottle(f->loop);
	assert_true(timed_turn(f, 2000) < 1000);
	assert_int_equal(f->requests, 1);
}

/* The request that throttles is the last that is opened. */
static void
test_throttled_by_a_request(void **state)
{
	struct fixture *f = *state;
	struct xt_letter request = { .open = open_request, .body.pointers = { f, f } };

	xt_mail_post(f->loop, f->loop, XT_LANE_REQUEST, &request);
	xt_mail_post(f->loop, f->loop, XT_LANE_REQUEST, &request);
	turns(f, 3);
	assert_int_equal(f->requests, 1);
	xt_loop_unthrottle(f->loop);
	turns(f, 1);
	assert_int_equal(f->requests, 2);
	xt_loop_unthrottle(f->loop);
}

static void *
wake(void *ctx)
{
	struct fixture *f = ctx;

	xt_loop_wake(f->loop);
	return NULL;
}

static void *
post_reply(void *ctx)
{
	struct fixture *f = ctx;
	struct xt_letter request = { .open = open_request, .body.pointers = { f } };

	while (xt_mail_submit(f->loop, &request) < 0)
		;
	return NULL;
}

static void
test_wakes(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	xt_loop_throttle(f->loop);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(pthread_create(&thread, NULL, wake, f), 0);
		assert_true(timed_turn(f, PATIENCE_MS) < PATIENCE_MS / 2);
		pthread_join(thread, NULL);
	}
	xt_loop_unthrottle(f->loop);
	turns(f, 2);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(pthread_create(&thread, NULL, post_reply, f), 0);
		while (f->requests <= i)
			assert_true(timed_turn(f, PATIENCE_MS) < PATIENCE_MS / 2);
		pthread_join(thread, NULL);
	}
}

/* What was kept for a paused stream is not handed over either. */
static void
test_resumed_waits(void **state)
{
	struct fixture *f = *state;

	xt_conn_pause(f->ends[0].conn);
	say(&f->ends[0]);
	turns(f, 2);
	xt_loop_throttle(f->loop);
	xt_conn_resume(f->ends[0].conn);
	turns(f, 3);
	assert_int_equal(f->ends[0].received, 0);
	assert_true(timed_turn(f, 30) >= 29);
	xt_loop_unthrottle(f->loop);
	turns(f, 2);
	assert_int_equal(f->ends[0].received, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reads_nothing),
		TEST(test_in_the_middle_of_a_turn),
		TEST(test_watch_waits),
		TEST(test_tasks_do_not_sleep),
		TEST(test_does_not_spin),
		TEST(test_timers_go_on),
		TEST(test_sends_go_on),
		TEST(test_letters),
		TEST(test_throttled_by_a_request),
		TEST(test_wakes),
		TEST(test_resumed_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
