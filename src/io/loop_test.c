/* loop_test.c - tasks, timers, watches, waking, throttling, and what is left over when a loop is freed. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "crosstalk.h"
#include "io/peer.h"

static int
setup(void **state)
{
	struct xt_loop *loop;

	if (xt_loop_new(&loop) < 0)
		return -1;
	*state = loop;
	return 0;
}

static int
teardown(void **state)
{
	xt_loop_free(*state);
	return 0;
}

static uint64_t
turn_took(struct xt_loop *loop, int ms)
{
	uint64_t before = xt_clock_ms();

	xt_loop_turn(loop, ms);
	return xt_clock_ms() - before;
}

/* Tasks ------------------------------------------------------------------------------------ */

struct job {
	struct xt_task task;
	struct xt_loop *loop;
	struct job *other;
	int runs, again;
};

static void
run_job(struct xt_task *task)
{
	struct job *job = XT_CONTAINER(task, struct job, task);

	job->runs++;
	if (job->other)
		xt_task_cancel(&job->other->task);
	if (job->again && job->again--)
		xt_loop_post(job->loop, task);
}

static void
job_init(struct job *job, struct xt_loop *loop)
{
	*job = (struct job){ .task.run = run_job, .loop = loop };
	xt_list_init(&job->task.link);
}

static void
test_tasks(void **state)
{
	struct job a, b;

	job_init(&a, *state);
	job_init(&b, *state);
	xt_loop_post(*state, &a.task);
	xt_loop_post(*state, &a.task);
	xt_loop_turn(*state, -1);
	assert_int_equal(a.runs, 1);
	/* Posted by itself it runs in the next turn, which does not wait. */
	a.again = 2;
	xt_loop_post(*state, &a.task);
	for (int i = 0; i < 3; i++)
		xt_loop_turn(*state, -1);
	assert_int_equal(a.runs, 4);
	/* One of a turn cancels the next of it. */
	a.other = &b;
	xt_loop_post(*state, &a.task);
	xt_loop_post(*state, &b.task);
	xt_loop_turn(*state, -1);
	assert_int_equal(b.runs, 0);
	xt_task_cancel(&b.task);
}

/* Timers ----------------------------------------------------------------------------------- */

struct alarm {
	struct xt_timer timer;
	int fired;
};

static void
ring(struct xt_timer *timer)
{
	XT_CONTAINER(timer, struct alarm, timer)->fired++;
}

static void
be_busy(struct xt_task *task)
{
	uint64_t since = xt_clock_ms();

	(void)task;
	while (xt_clock_ms() - since < 200)
		;
}

static void
test_timer(void **state)
{
	struct xt_loop *loop = *state;
	struct alarm alarm = { .fired = 0 };
	uint64_t before = xt_loop_now(loop);

	xt_timer_init(&alarm.timer, ring);
	xt_timer_start(xt_loop_timers(loop), &alarm.timer, before, 25);
	while (!alarm.fired)
		xt_loop_turn(loop, -1);
	assert_true(xt_loop_now(loop) - before >= 25);
}

/* A turn that took long does not put the timer off: what it took is not waited for again. */
static void
test_timer_after_busy_turn(void **state)
{
	struct xt_loop *loop = *state;
	struct xt_task task = { .run = be_busy };
	struct alarm alarm = { .fired = 0 };

	xt_loop_turn(loop, 0);
	xt_list_init(&task.link);
	xt_loop_post(loop, &task);
	xt_timer_init(&alarm.timer, ring);
	xt_timer_start(xt_loop_timers(loop), &alarm.timer, xt_loop_now(loop), 200);
	xt_loop_turn(loop, -1);
	assert_int_equal(alarm.fired, 0);
	assert_true(turn_took(loop, -1) < 100);
	assert_int_equal(alarm.fired, 1);
}

/* Watches ---------------------------------------------------------------------------------- */

struct pipe {
	struct xt_watch watch;
	struct xt_loop *loop;
	struct pipe *other; /* unwatched and wiped when this one is ready */
	int pair[2], ready;
};

static void
pipe_ready(struct xt_watch *watch)
{
	struct pipe *pipe = XT_CONTAINER(watch, struct pipe, watch);

	pipe->ready++;
	if (!pipe->other)
		return;
	xt_loop_unwatch(pipe->loop, &pipe->other->watch);
	memset(&pipe->other->watch, 0, sizeof pipe->other->watch);
}

static void
pipe_open(struct pipe *pipe, struct xt_loop *loop)
{
	*pipe = (struct pipe){ .loop = loop };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pipe->pair), 0);
	pipe->watch = (struct xt_watch){ .fd = pipe->pair[0], .ready = pipe_ready };
	assert_int_equal(xt_loop_watch(loop, &pipe->watch), 0);
	assert_int_equal(write(pipe->pair[1], "x", 1), 1);
}

static void
pipe_fini(struct pipe *pipe)
{
	close(pipe->pair[0]);
	close(pipe->pair[1]);
}

static void
test_unwatch_within_ready(void **state)
{
	struct pipe a, b;

	pipe_open(&a, *state);
	pipe_open(&b, *state);
	a.other = &b;
	b.other = &a;
	xt_loop_turn(*state, -1);
	/* Whichever was first: the other is not called, though its event was under way. */
	assert_int_equal(a.ready + b.ready, 1);
	pipe_fini(&a);
	pipe_fini(&b);
	pipe_open(&a, *state);
	a.other = &a;
	xt_loop_turn(*state, -1);
	xt_loop_turn(*state, 0);
	assert_int_equal(a.ready, 1);
	pipe_fini(&a);
}

/* Waking ----------------------------------------------------------------------------------- */

static void *
wake(void *loop)
{
	xt_loop_wake(loop);
	return NULL;
}

static void
test_wake(void **state)
{
	pthread_t thread;

	for (int throttled = 0; throttled < 2; throttled++) {
		assert_int_equal(pthread_create(&thread, NULL, wake, *state), 0);
		xt_loop_turn(*state, -1);
		pthread_join(thread, NULL);
		/* Rung twice, it wakes once more at most, and does not stay awake. */
		xt_loop_wake(*state);
		xt_loop_wake(*state);
		xt_loop_turn(*state, -1);
		assert_true(turn_took(*state, 20) >= 19);
		xt_loop_throttle(*state);
	}
}

static struct xt_loop *woken_by_signal;

static void
on_signal(int number)
{
	(void)number;
	errno = 4711;
	xt_loop_wake(woken_by_signal);
	if (errno != 4711)
		abort();
}

static void
test_wake_from_signal(void **state)
{
	struct sigaction action = { .sa_handler = on_signal }, before;

	woken_by_signal = *state;
	sigaction(SIGUSR1, &action, &before);
	raise(SIGUSR1);
	xt_loop_turn(*state, -1);
	sigaction(SIGUSR1, &before, NULL);
}

static void
stop(struct xt_task *task)
{
	xt_loop_stop(XT_CONTAINER(task, struct job, task)->loop);
}

static void
test_run_and_stop(void **state)
{
	struct job job;

	job_init(&job, *state);
	job.task.run = stop;
	xt_loop_post(*state, &job.task);
	xt_loop_run(*state);
}

/* Throttling --------------------------------------------------------------------------------- */

static void
test_throttled_reads_nothing(void **state)
{
	struct xt_loop *loop = *state;
	struct peer peer;
	struct pipe pipe;
	struct job job;

	peer_open(&peer, loop, PEER_UNIX);
	job_init(&job, loop);
	xt_loop_throttle(loop);
	pipe_open(&pipe, loop);
	peer_write_text(&peer, "hello");
	/* Input keeps it neither awake … */
	assert_true(turn_took(loop, 20) >= 19);
	assert_true(turn_took(loop, 20) >= 19);
	assert_int_equal(peer.recvs, 0);
	assert_int_equal(pipe.ready, 0);
	/* … nor from its tasks, which let it not sleep. */
	job.again = 100;
	xt_loop_post(loop, &job.task);
	for (int i = 0; i < 101; i++)
		xt_loop_turn(loop, -1);
	assert_int_equal(job.runs, 101);
	xt_loop_unthrottle(loop);
	xt_loop_turn(loop, -1);
	assert_true(peer_got(&peer, "hello"));
	assert_int_equal(pipe.ready, 1);
	xt_loop_unwatch(loop, &pipe.watch);
	pipe_fini(&pipe);
	peer_fini(&peer);
}

static void
pause_it(struct peer *peer)
{
	xt_conn_pause(peer->conn);
}

static void
test_throttled_rereads_nothing(void **state)
{
	struct xt_loop *loop = *state;
	struct peer peer;

	peer_open(&peer, loop, PEER_UNIX);
	peer.limit = 1;
	peer.on_recv = pause_it;
	peer_write_text(&peer, "ab");
	peer_turn_until_got(&peer, 1);
	xt_loop_throttle(loop);
	xt_conn_resume(peer.conn);
	assert_true(turn_took(loop, 20) >= 19);
	assert_true(peer_got(&peer, "a"));
	xt_loop_unthrottle(loop);
	xt_loop_turn(loop, -1);
	assert_true(peer_got(&peer, "ab"));
	peer_fini(&peer);
}

static void
throttle_it(struct peer *peer)
{
	xt_loop_throttle(peer->loop);
}

/* Throttled in the middle of the turn: the other connection keeps its bytes. */
static void
test_throttle_within_recv(void **state)
{
	struct peer a, b;

	peer_open(&a, *state, PEER_UNIX);
	peer_open(&b, *state, PEER_UNIX);
	a.on_recv = b.on_recv = throttle_it;
	peer_write_text(&a, "x");
	peer_write_text(&b, "x");
	xt_loop_turn(*state, -1);
	assert_int_equal(a.recvs + b.recvs, 1);
	xt_loop_unthrottle(*state);
	xt_loop_turn(*state, -1);
	assert_int_equal(a.recvs + b.recvs, 2);
	peer_fini(&a);
	peer_fini(&b);
}

/* … and so does a watch. What became readable first is reported first. */
static void
test_throttle_before_watch(void **state)
{
	struct peer peer;
	struct pipe pipe;

	peer_open(&peer, *state, PEER_UNIX);
	peer.on_recv = throttle_it;
	peer_write_text(&peer, "x");
	pipe_open(&pipe, *state);
	xt_loop_turn(*state, -1);
	assert_int_equal(peer.recvs, 1);
	assert_int_equal(pipe.ready, 0);
	xt_loop_unthrottle(*state);
	xt_loop_turn(*state, -1);
	assert_int_equal(pipe.ready, 1);
	xt_loop_unwatch(*state, &pipe.watch);
	pipe_fini(&pipe);
	peer_fini(&peer);
}

/* What waits for room is sent on, and timers and deadlines run, with input waiting all the while. */
static void
test_throttled_sends(void **state)
{
	static char much[2u << 20];
	struct xt_loop *loop = *state;
	struct alarm alarm = { .fired = 0 };
	struct peer peer;

	peer_open(&peer, loop, PEER_TCP);
	peer_write_text(&peer, "waits");
	xt_loop_throttle(loop);
	xt_timer_init(&alarm.timer, ring);
	xt_timer_start(xt_loop_timers(loop), &alarm.timer, xt_loop_now(loop), 10);
	xt_conn_expire_in(peer.conn, 10);
	assert_int_equal(xt_conn_send(peer.conn, much, sizeof much), 0);
	assert_int_equal(peer_read(&peer, much, sizeof much), sizeof much);
	peer_turn_until(&peer, &peer.drained, 1);
	peer_turn_until(&peer, &peer.expired, 1);
	peer_turn_until(&peer, &alarm.fired, 1);
	assert_int_equal(peer.recvs, 0);
	peer_fini(&peer);
}

static void
ignore(const struct xt_letter *letter)
{
	(void)letter;
}

/* With letters that can't be delivered it reads nothing, sends on, and looks again every millisecond. */
static void
test_congested(void **state)
{
	static char much[2u << 20];
	struct xt_loop *loop = *state, *full;
	struct xt_letter letter = { .open = ignore };
	struct peer peer;

	assert_int_equal(xt_loop_new_sized(&full, 2), 0);
	peer_open(&peer, loop, PEER_TCP);
	peer_write_text(&peer, "waits");
	for (int i = 0; i < 3; i++)
		xt_mail_post(loop, full, XT_LANE_REQUEST, &letter);
	assert_true(turn_took(loop, -1) < 1000);
	assert_int_equal(xt_conn_send(peer.conn, much, sizeof much), 0);
	assert_int_equal(peer_read(&peer, much, sizeof much), sizeof much);
	peer_turn_until(&peer, &peer.drained, 1);
	assert_int_equal(peer.recvs, 0);
	xt_loop_turn(full, 0);
	peer_turn_until(&peer, &peer.recvs, 1);
	xt_loop_turn(full, 0);
	peer_fini(&peer);
	xt_loop_free(full);
}

/* Freeing ---------------------------------------------------------------------------------- */

static void
open_another(struct peer *peer)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_null(xt_conn_new(peer->loop, pair[0], &peer_stream, peer));
	close(pair[1]);
	assert_int_equal(xt_conn_send(peer->conn, "x", 1), XT_ECLOSED);
}

static void
test_free_with_all_pending(void **state)
{
	static const char much[4u << 20];
	struct xt_loop *loop, *other = *state;
	struct xt_letter letter = { .open = ignore };
	struct alarm alarm = { .fired = 0 };
	struct peer peers[6];
	struct job job;

	assert_int_equal(xt_loop_new_sized(&loop, 2), 0);
	for (size_t i = 0; i < 6; i++)
		peer_open(&peers[i], loop, i % 2 ? PEER_TCP : PEER_UNIX);
	peers[0].on_closed = open_another;
	/* Kept bytes to be read again; a backlog; a finish under way; a close; a reset. */
	peers[1].limit = 1;
	peers[1].on_recv = pause_it;
	peer_write_text(&peers[1], "ab");
	peer_turn_until_got(&peers[1], 1);
	xt_conn_resume(peers[1].conn);
	assert_int_equal(xt_conn_send(peers[2].conn, much, sizeof much), 0);
	xt_conn_finish(peers[3].conn, XT_CLOSE_DONE);
	peer_turns(&peers[2], 0);
	xt_conn_close(peers[4].conn, XT_CLOSE_TEXT);
	peer_reset(&peers[5]);
	job_init(&job, loop);
	xt_loop_post(loop, &job.task);
	xt_timer_init(&alarm.timer, ring);
	xt_timer_start(xt_loop_timers(loop), &alarm.timer, xt_loop_now(loop), 0);
	for (int i = 0; i < 5; i++) {
		xt_mail_post(other, loop, XT_LANE_REQUEST, &letter);
		xt_mail_post(loop, loop, XT_LANE_REPLY, &letter);
	}
	xt_loop_free(loop);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(peers[i].closed, 1);
		peer_fini(&peers[i]);
	}
	assert_int_equal(peers[0].why, XT_CLOSE_SHUTDOWN);
	assert_int_equal(peers[3].why, XT_CLOSE_DONE);
	assert_int_equal(peers[4].why, XT_CLOSE_TEXT);
	/* Nothing ran, and whoever owns these may still tidy up. */
	assert_int_equal(job.runs, 0);
	assert_int_equal(alarm.fired, 0);
	xt_task_cancel(&job.task);
	assert_true(xt_list_empty(&job.task.link));
	assert_true(xt_list_empty(&alarm.timer.link));
	xt_loop_free(NULL);
}

/* A child that was forked holds a copy of the descriptor: a closed connection is not heard of again. */
static void
test_copied_descriptor(void **state)
{
	struct peer peer;
	int copy;

	peer_open(&peer, *state, PEER_UNIX);
	copy = dup(peer.conn->fd);
	xt_conn_close(peer.conn, XT_CLOSE_DONE);
	peer_turns(&peer, 1);
	assert_int_equal(peer.closed, 1);
	peer_write_text(&peer, "to nobody");
	assert_true(turn_took(*state, 20) >= 19);
	close(copy);
	peer_fini(&peer);
}

static void
test_metrics(void **state)
{
	(void)state;
	for (size_t i = 0; i < xt_io_metrics_count; i++) {
		assert_true(xt_io_metrics[i].offset < sizeof(struct xt_io_stats));
		for (size_t j = 0; j < i; j++)
			assert_true(xt_io_metrics[i].offset != xt_io_metrics[j].offset);
	}
	/* Every reason has a word, and but for none a row with it. */
	for (unsigned why = XT_CLOSE_PEER; why < XT_CLOSE_COUNT; why++) {
		size_t offset = offsetof(struct xt_io_stats, closes) + why * sizeof(xt_counter),
		       i = 0;
		while (xt_io_metrics[i].offset != offset)
			assert_true(++i < xt_io_metrics_count);
		assert_string_equal(xt_io_metrics[i].value, xt_close_name((enum xt_close)why));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Guests ----------------------------------------------------------------------------------- */

struct lodger {
	struct xt_guest guest;
	struct xt_timer timer;
	struct xt_loop *loop;
	int left;
};

static void
on_leave(struct xt_guest *guest)
{
	struct lodger *lodger = XT_CONTAINER(guest, struct lodger, guest);

	lodger->left++;
	assert_int_equal(xt_loop_lodge(lodger->loop, guest), XT_ECLOSED);
}

static void
check_out(struct xt_timer *timer)
{
	xt_guest_remove(&XT_CONTAINER(timer, struct lodger, timer)->guest);
}

static void
lodge(struct lodger *lodger, struct xt_loop *loop, uint64_t ms)
{
	*lodger = (struct lodger){ .loop = loop, .guest = { .leave = on_leave } };
	xt_list_init(&lodger->guest.link);
	xt_timer_init(&lodger->timer, check_out);
	assert_int_equal(xt_loop_lodge(loop, &lodger->guest), 0);
	xt_timer_start(xt_loop_timers(loop), &lodger->timer, xt_loop_now(loop), ms);
}

/* It runs until the last has gone; those who stay are sent away at the end. */
static void
test_guests(void **state)
{
	struct lodger lodgers[3];
	struct xt_loop *loop;

	(void)state;
	assert_int_equal(xt_loop_new(&loop), 0);
	xt_loop_run_clients(loop); /* there is nobody: it returns */
	lodge(&lodgers[0], loop, 1);
	lodge(&lodgers[1], loop, 30);
	xt_loop_run_clients(loop);
	assert_true(xt_list_empty(&lodgers[0].guest.link));
	assert_true(xt_list_empty(&lodgers[1].guest.link));
	lodge(&lodgers[2], loop, 100000);
	xt_loop_free(loop);
	assert_int_equal(lodgers[0].left + lodgers[1].left, 0);
	assert_int_equal(lodgers[2].left, 1);
}

/* For another event loop: as long as until the next timer, and not at all when there is something to do. */
static void
test_wait_ms(void **state)
{
	struct xt_loop *loop = *state;
	struct lodger lodger;
	struct job job = { .loop = loop };

	assert_int_equal(xt_loop_wait_ms(loop), -1);
	lodge(&lodger, loop, 500);
	assert_in_range(xt_loop_wait_ms(loop), 1, 520);
	xt_list_init(&job.task.link);
	job.task.run = run_job;
	xt_loop_post(loop, &job.task);
	assert_int_equal(xt_loop_wait_ms(loop), 0);
	xt_loop_turn(loop, 0);
	assert_int_equal(job.runs, 1);
	xt_timer_stop(xt_loop_timers(loop), &lodger.timer);
	xt_guest_remove(&lodger.guest);
	assert_int_equal(xt_loop_wait_ms(loop), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tasks),
		TEST(test_timer),
		TEST(test_timer_after_busy_turn),
		TEST(test_unwatch_within_ready),
		TEST(test_wake),
		TEST(test_wake_from_signal),
		TEST(test_run_and_stop),
		TEST(test_throttled_reads_nothing),
		TEST(test_throttled_rereads_nothing),
		TEST(test_throttle_within_recv),
		TEST(test_throttle_before_watch),
		TEST(test_throttled_sends),
		TEST(test_congested),
		TEST(test_free_with_all_pending),
		TEST(test_copied_descriptor),
		TEST(test_metrics),
		TEST(test_guests),
		TEST(test_wait_ms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
