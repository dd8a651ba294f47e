/* mailbox_test.c - letters between loops, on one thread where order is looked at, on several for the races. */
#include "io/mailbox.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "crosstalk.h"
#include "io/loop_private.h"

#define RING 4

static struct xt_loop *
loop_new(void)
{
	struct xt_loop *loop;

	assert_int_equal(xt_loop_new_sized(&loop, RING), 0);
	return loop;
}

/* One thread --------------------------------------------------------------------------------- */

struct log {
	int count;
	uint64_t numbers[64];
};

static void
open_into_log(const struct xt_letter *letter)
{
	struct log *log = letter->body.pointers[0];

	assert_true(log->count < 64);
	log->numbers[log->count++] = letter->body.words[1];
}

static void
post(struct xt_loop *from, struct xt_loop *to, enum xt_lane lane, struct log *log, uint64_t number)
{
	struct xt_letter letter = { .open = open_into_log };

	letter.body.pointers[0] = log;
	letter.body.words[1] = number;
	xt_mail_post(from, to, lane, &letter);
}

static void
test_overflow_keeps_order(void **state)
{
	struct xt_loop *a = loop_new(), *b = loop_new();
	struct log log = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 20; i++)
		post(a, b, XT_LANE_REQUEST, &log, i);
	assert_true(xt_mailbox_is_congested(a->mailbox));
	xt_loop_turn(a, 0); /* no room yet */
	assert_int_equal(log.count, 0);
	xt_loop_turn(b, 0);
	assert_int_equal(log.count, RING);
	/* New ones do not overtake those that wait, though there is room now. */
	for (uint64_t i = 20; i < 40; i++)
		post(a, b, XT_LANE_REQUEST, &log, i);
	while (!xt_mail_is_idle(a) || !xt_mail_is_idle(b)) {
		xt_loop_turn(a, 0);
		xt_loop_turn(b, 0);
	}
	assert_int_equal(log.count, 40);
	for (uint64_t i = 0; i < 40; i++)
		assert_int_equal(log.numbers[i], i);
	assert_false(xt_mailbox_is_congested(a->mailbox));
	xt_loop_free(a);
	xt_loop_free(b);
}

static void
test_to_itself(void **state)
{
	struct xt_loop *a = loop_new();
	struct log log = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 3 * RING; i++)
		post(a, a, XT_LANE_REPLY, &log, i);
	while (!xt_mail_is_idle(a))
		xt_loop_turn(a, 0);
	assert_int_equal(log.count, 3 * RING);
	xt_loop_free(a);
}

/* While its own replies wait a loop opens no requests; replies it always opens. */
static void
test_lanes(void **state)
{
	struct xt_loop *a = loop_new(), *b = loop_new();
	struct log at_a = { 0 }, at_b = { 0 };

	(void)state;
	for (uint64_t i = 0; i < RING + 1; i++)
		post(a, b, XT_LANE_REPLY, &at_b, i);
	post(b, a, XT_LANE_REQUEST, &at_a, 1);
	post(b, a, XT_LANE_REPLY, &at_a, 2);
	xt_loop_turn(a, 0);
	assert_int_equal(at_a.count, 1);
	assert_int_equal(at_a.numbers[0], 2);
	xt_loop_turn(b, 0);
	xt_loop_turn(a, 0);
	assert_int_equal(at_a.count, 2);
	xt_loop_turn(b, 0);
	assert_int_equal(at_b.count, RING + 1);
	xt_loop_free(a);
	xt_loop_free(b);
}

static void
open_and_answer_much(const struct xt_letter *letter)
{
	struct xt_loop *const *loops = letter->body.pointers[2];

	open_into_log(letter);
	for (uint64_t i = 0; i < RING + 1; i++)
		post(loops[0], loops[1], XT_LANE_REPLY, letter->body.pointers[0], 100);
}

/* … and also when the replies begin to wait between two requests. */
static void
test_stops_between_requests(void **state)
{
	struct xt_loop *loops[2] = { loop_new(), loop_new() };
	struct log log = { 0 };
	struct xt_letter letter = { .open = open_and_answer_much };

	(void)state;
	letter.body.pointers[0] = &log;
	letter.body.pointers[2] = loops;
	xt_mail_post(loops[1], loops[0], XT_LANE_REQUEST, &letter);
	xt_mail_post(loops[1], loops[0], XT_LANE_REQUEST, &letter);
	xt_loop_turn(loops[0], 0);
	assert_int_equal(log.count, 1);
	xt_loop_free(loops[0]);
	xt_loop_free(loops[1]);
}

static void
test_throttled(void **state)
{
	struct xt_loop *a = loop_new(), *b = loop_new();
	struct log log = { 0 };
	uint64_t before;

	(void)state;
	xt_loop_throttle(a);
	xt_loop_throttle(a);
	post(b, a, XT_LANE_REQUEST, &log, 1);
	post(b, a, XT_LANE_REPLY, &log, 2);
	xt_loop_turn(a, -1);
	assert_int_equal(log.count, 1);
	assert_int_equal(log.numbers[0], 2);
	/* The request does not keep it awake. */
	before = xt_clock_ms();
	xt_loop_turn(a, 20);
	assert_true(xt_clock_ms() - before >= 19);
	xt_loop_unthrottle(a);
	xt_loop_turn(a, 0);
	assert_int_equal(log.count, 1);
	xt_loop_unthrottle(a);
	xt_loop_turn(a, -1);
	assert_int_equal(log.count, 2);
	xt_loop_free(a);
	xt_loop_free(b);
}

static void
test_submit(void **state)
{
	struct xt_loop *a = loop_new();
	struct log log = { 0 };
	struct xt_letter letter = { .open = open_into_log };

	(void)state;
	letter.body.pointers[0] = &log;
	for (int i = 0; i < RING; i++)
		assert_int_equal(xt_mail_submit(a, &letter), 0);
	assert_int_equal(xt_mail_submit(a, &letter), XT_EAGAIN);
	xt_loop_turn(a, -1);
	assert_int_equal(xt_mail_submit(a, &letter), 0);
	xt_loop_turn(a, -1);
	assert_int_equal(log.count, RING + 1);
	xt_loop_free(a);
}

/* Threads ------------------------------------------------------------------------------------- */

#define WORKERS 3
#define LETTERS 3000 /* from each worker to each, in each lane */

static struct worker {
	struct xt_loop *loop;
	struct xt_task task;
	pthread_t thread;
	unsigned number;
	unsigned short seed[3];
	uint64_t sent, received;
	uint64_t next[WORKERS][XT_LANES]; /* by sender: the number it comes with next */
} workers[WORKERS];

static atomic_uint finished;

static bool
is_done(const struct worker *worker)
{
	return worker->sent == LETTERS &&
	       worker->received == (uint64_t)LETTERS * WORKERS * XT_LANES &&
	       !xt_mailbox_is_congested(worker->loop->mailbox);
}

static void
open_numbered(const struct xt_letter *letter)
{
	struct worker *to = letter->body.pointers[0];
	uint64_t *next = &to->next[letter->body.words[1]][letter->body.words[2]];

	if (*next != letter->body.words[3])
		abort();
	++*next;
	to->received++;
}

static void
send_some(struct xt_task *task)
{
	struct worker *worker = XT_CONTAINER(task, struct worker, task);
	uint64_t burst = (uint64_t)nrand48(worker->seed) % 40;

	for (uint64_t i = 0; i < burst && worker->sent < LETTERS; i++, worker->sent++) {
		for (unsigned to = 0; to < WORKERS; to++) {
			struct xt_letter letter = { .open = open_numbered };
			letter.body.pointers[0] = &workers[to];
			letter.body.words[1] = worker->number;
			letter.body.words[3] = worker->sent;
			for (uint64_t lane = 0; lane < XT_LANES; lane++) {
				letter.body.words[2] = lane;
				xt_mail_post(worker->loop, workers[to].loop, (enum xt_lane)lane,
					&letter);
			}
		}
	}
	if (worker->sent < LETTERS)
		xt_loop_post(worker->loop, task);
}

static void *
work(void *arg)
{
	struct worker *worker = arg;
	bool told = false;

	while (atomic_load(&finished) < WORKERS) {
		xt_loop_turn(worker->loop, -1);
		if (told || !is_done(worker))
			continue;
		told = true;
		if (atomic_fetch_add(&finished, 1) + 1 == WORKERS)
			for (unsigned i = 0; i < WORKERS; i++)
				xt_loop_wake(workers[i].loop);
	}
	return NULL;
}

/* Bursts over tiny rings: nothing lost, nothing twice, each sender's letters in its order, no worker forgotten. */
static void
test_many_workers(void **state)
{
	(void)state;
	atomic_store(&finished, 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		struct worker *worker = &workers[i];
		*worker = (struct worker){
			.loop = loop_new(), .number = i, .seed = { 0, 0, (unsigned short)i }
		};
		worker->task.run = send_some;
		xt_list_init(&worker->task.link);
		xt_loop_post(worker->loop, &worker->task);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned i = 0; i < WORKERS; i++) {
		assert_true(xt_mail_is_idle(workers[i].loop));
		xt_loop_free(workers[i].loop);
	}
}

#define ROUNDS 20000

static void
open_and_return(const struct xt_letter *letter)
{
	struct worker *at = letter->body.pointers[0], *back = letter->body.pointers[1];
	struct xt_letter answer = { .open = open_and_return };

	if (++at->received == ROUNDS && ++at->sent)
		xt_loop_stop(at->loop);
	answer.body.pointers[0] = back;
	answer.body.pointers[1] = at;
	if (back->received < ROUNDS || at->received < ROUNDS)
		xt_mail_post(at->loop, back->loop, XT_LANE_REPLY, &answer);
}

static void *
run(void *arg)
{
	xt_loop_run(((struct worker *)arg)->loop);
	return NULL;
}

/* One letter at a time, so that each receiver falls asleep between two: a lost wake-up hangs. */
static void
test_ping_pong(void **state)
{
	struct xt_letter letter = { .open = open_and_return };
	pthread_t threads[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		workers[i] = (struct worker){ .loop = loop_new() };
	letter.body.pointers[0] = &workers[1];
	letter.body.pointers[1] = &workers[0];
	xt_mail_post(workers[0].loop, workers[1].loop, XT_LANE_REPLY, &letter);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run, &workers[i]), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(workers[0].received, ROUNDS);
	assert_int_equal(workers[1].received, ROUNDS);
	for (unsigned i = 0; i < 2; i++)
		xt_loop_free(workers[i].loop);
}

static void
open_submitted(const struct xt_letter *letter)
{
	open_numbered(letter);
	if (workers[0].received == (uint64_t)LETTERS * 2)
		xt_loop_stop(workers[0].loop);
}

static void *
submit_all(void *arg)
{
	struct xt_letter letter = { .open = open_submitted };

	letter.body.pointers[0] = &workers[0];
	letter.body.words[1] = *(unsigned *)arg;
	for (uint64_t i = 0; i < LETTERS; i++) {
		letter.body.words[3] = i;
		while (xt_mail_submit(workers[0].loop, &letter) == XT_EAGAIN)
			sched_yield();
	}
	return NULL;
}

static void
test_foreign_threads(void **state)
{
	unsigned numbers[2] = { 0, 1 };
	pthread_t threads[2];

	(void)state;
	workers[0] = (struct worker){ .loop = loop_new() };
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, submit_all, &numbers[i]), 0);
	xt_loop_run(workers[0].loop);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	xt_loop_free(workers[0].loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overflow_keeps_order),
		cmocka_unit_test(test_to_itself),
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_stops_between_requests),
		cmocka_unit_test(test_throttled),
		cmocka_unit_test(test_submit),
		cmocka_unit_test(test_many_workers),
		cmocka_unit_test(test_ping_pong),
		cmocka_unit_test(test_foreign_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
