/*
 * conn_end_test.c - every way in which a connection ends: FIN, reset and half-close, at once or behind bytes
 * that wait to be read, deadlines, and closes from within each callback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "crosstalk.h"
#include "io/peer.h"

static enum peer_kind kind;

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

static void
pause_it(struct peer *peer)
{
	xt_conn_pause(peer->conn);
}

/* Nothing happens and nobody is woken. */
static void
assert_quiet(struct peer *peer)
{
	uint64_t before;

	peer_turns(peer, 3);
	before = xt_clock_ms();
	xt_loop_turn(peer->loop, 20);
	assert_true(xt_clock_ms() - before >= 19);
}

/* FIN --------------------------------------------------------------------------------------- */

static void
test_fin(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	peer_write_text(&peer, "last words");
	peer_half_close(&peer);
	peer_turn_until(&peer, &peer.ended, 1);
	assert_true(peer_got(&peer, "last words"));
	assert_quiet(&peer);
	assert_int_equal(peer.ended, 1);
	assert_int_equal(peer.closed, 0);
	/* The other half still works. */
	assert_int_equal(xt_conn_send(peer.conn, "answer", 6), 0);
	xt_conn_finish(peer.conn, XT_CLOSE_DONE);
	char text[6];
	assert_int_equal(peer_read(&peer, text, 6), 6);
	assert_memory_equal(text, "answer", 6);
	assert_true(peer_at_end(&peer));
	/* Both halves are closed: there is nobody to wait for. */
	assert_int_equal(peer.closed, 1);
	assert_int_equal(peer.why, XT_CLOSE_DONE);
	peer_fini(&peer);
}

static void
test_fin_closes(void **state)
{
	struct peer peer;

	peer_open_with(&peer, *state, kind, &peer_closing_stream);
	peer_write_text(&peer, "last words");
	peer_close(&peer);
	peer_turn_until(&peer, &peer.closed, 1);
	assert_true(peer_got(&peer, "last words"));
	assert_int_equal(peer.why, XT_CLOSE_PEER);
	peer_fini(&peer);
}

static void
finish_it(struct peer *peer)
{
	xt_conn_finish(peer->conn, XT_CLOSE_DONE);
}

static void
test_answer_to_fin(void **state)
{
	struct peer peer;
	char text[5];

	peer_open(&peer, *state, kind);
	peer.echo = true;
	peer.on_ended = finish_it;
	peer_write_text(&peer, "hello");
	peer_half_close(&peer);
	assert_int_equal(peer_read(&peer, text, 5), 5);
	assert_true(peer_at_end(&peer));
	peer_fini(&peer);
	assert_int_equal(peer.why, XT_CLOSE_DONE);
}

/* Nothing in front of it: told at once, though the stream is paused. */
static void
test_fin_while_paused(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	xt_conn_pause(peer.conn);
	peer_half_close(&peer);
	peer_turn_until(&peer, &peer.ended, 1);
	assert_quiet(&peer);
	xt_conn_resume(peer.conn);
	assert_quiet(&peer);
	assert_int_equal(peer.ended, 1);
	peer_fini(&peer);
}

/* Bytes in front of it, in the kernel, or kept, or both: they are read before it is told. */
static void
check_fin_behind_input(struct peer *peer, const char *kept, const char *waiting)
{
	size_t n = strlen(kept) + strlen(waiting);

	peer->limit = 1;
	peer->on_recv = pause_it;
	if (*kept) {
		peer_write_text(peer, kept);
		peer_turn_until_got(peer, 1);
	} else {
		xt_conn_pause(peer->conn);
	}
	peer_turns(peer, 1);
	if (*waiting)
		peer_write_text(peer, waiting);
	peer_half_close(peer);
	assert_quiet(peer);
	assert_int_equal(peer->ended, 0);
	for (size_t i = peer->got.n; i < n; i++) {
		xt_conn_resume(peer->conn);
		peer_turn_until_got(peer, i + 1);
		if (i + 1 < n)
			assert_int_equal(peer->ended, 0);
	}
	xt_conn_resume(peer->conn);
	peer_turn_until(peer, &peer->ended, 1);
	assert_int_equal(peer->ended, 1);
	assert_int_equal(peer->got.n, n);
	assert_quiet(peer);
}

static void
test_fin_behind_input(void **state)
{
	static const char *const cases[][2] = { { "", "ab" }, { "abc", "" }, { "abc", "def" } };

	for (size_t i = 0; i < 3; i++) {
		struct peer peer;
		peer_open(&peer, *state, kind);
		check_fin_behind_input(&peer, cases[i][0], cases[i][1]);
		peer_fini(&peer);
	}
}

/* What the peer said before it left counts, also for a stream that was paused then and knows no FIN. */
static void
test_close_behind_input(void **state)
{
	struct peer peer;

	peer_open_with(&peer, *state, kind, &peer_closing_stream);
	xt_conn_pause(peer.conn);
	peer_write_text(&peer, "last words");
	peer_close(&peer);
	assert_quiet(&peer);
	assert_int_equal(peer.closed, 0);
	xt_conn_resume(peer.conn);
	peer_turn_until(&peer, &peer.closed, 1);
	assert_true(peer_got(&peer, "last words"));
	assert_int_equal(peer.why, XT_CLOSE_PEER);
	peer_fini(&peer);
}

/* Reset ------------------------------------------------------------------------------------- */

/* The peer has not read what we sent, so its close is a reset on TCP and on unix alike. */
static void
reset_behind(struct peer *peer, const char *text)
{
	assert_int_equal(xt_conn_send(peer->conn, "unread", 6), 0);
	xt_loop_throttle(peer->loop);
	peer_turns(peer, 2);
	if (*text)
		peer_write_text(peer, text);
	peer_reset(peer);
	xt_loop_unthrottle(peer->loop);
}

static void
test_reset(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	reset_behind(&peer, "");
	peer_turn_until(&peer, &peer.closed, 1);
	assert_int_equal(peer.why, XT_CLOSE_RESET);
	assert_int_equal(peer.ended, 0);
	peer_fini(&peer);
}

static void
test_reset_behind_input(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	reset_behind(&peer, "last words");
	peer_turn_until(&peer, &peer.closed, 1);
	assert_true(peer_got(&peer, "last words"));
	assert_int_equal(peer.why, XT_CLOSE_RESET);
	peer_fini(&peer);
}

/* The same, and a send fails before anything is read. */
static void
test_failed_send_before_input(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	reset_behind(&peer, "last words");
	xt_loop_throttle(*state);
	assert_int_equal(xt_conn_send(peer.conn, "too late", 8), 0);
	peer_turns(&peer, 2);
	assert_int_equal(peer.closed, 0);
	assert_true(xt_conn_is_open(peer.conn));
	assert_int_equal(xt_conn_backlog(peer.conn), 0);
	assert_int_equal(xt_conn_send(peer.conn, "too late", 8), XT_ECLOSED);
	assert_null(xt_conn_reserve(peer.conn, 8));
	xt_loop_unthrottle(*state);
	peer_turn_until(&peer, &peer.closed, 1);
	assert_true(peer_got(&peer, "last words"));
	assert_int_equal(peer.why, XT_CLOSE_RESET);
	assert_int_equal(peer.drained, 1); /* of the first send only */
	peer_fini(&peer);
}

/* A send that fails while the kernel had no room before: the loop waits for room then. */
static void
test_reset_of_backlog(void **state)
{
	static const char zeros[4u << 20];
	struct peer peer;

	peer_open(&peer, *state, kind);
	assert_int_equal(xt_conn_send(peer.conn, zeros, sizeof zeros), 0);
	peer_turns(&peer, 2);
	assert_true(xt_conn_backlog(peer.conn) > XT_CONN_HIGH_WATER);
	peer_write_text(&peer, "last words");
	peer_turns(&peer, 2);
	assert_int_equal(peer.got.n, 0);
	peer_reset(&peer);
	peer_turn_until(&peer, &peer.closed, 1);
	assert_true(peer_got(&peer, "last words"));
	assert_int_equal(peer.why, XT_CLOSE_RESET);
	peer_fini(&peer);
}

static void
test_reset_while_paused(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	xt_conn_pause(peer.conn);
	reset_behind(&peer, "");
	peer_turn_until(&peer, &peer.closed, 1);
	assert_int_equal(peer.why, XT_CLOSE_RESET);
	peer_fini(&peer);
}

static void
test_reset_behind_input_while_paused(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	xt_conn_pause(peer.conn);
	reset_behind(&peer, "last words");
	assert_quiet(&peer);
	assert_int_equal(peer.closed, 0);
	assert_int_equal(xt_conn_send(peer.conn, "x", 1), XT_ECLOSED);
	/* Deadlines of the stream are no longer looked at. */
	xt_conn_expire_in(peer.conn, 0);
	xt_conn_resume(peer.conn);
	peer_turn_until(&peer, &peer.closed, 1);
	assert_true(peer_got(&peer, "last words"));
	assert_int_equal(peer.why, XT_CLOSE_RESET);
	peer_fini(&peer);
	/* A stream that stays paused does not keep it for ever. */
	peer_open(&peer, *state, kind);
	xt_conn_pause(peer.conn);
	reset_behind(&peer, "last words");
	assert_quiet(&peer);
	peer_pass(&peer, XT_CONN_LINGER_MS + 100);
	peer_turns(&peer, 3);
	assert_int_equal(peer.closed, 1);
	assert_int_equal(peer.why, XT_CLOSE_RESET);
	assert_int_equal(peer.expired, 0);
	peer_fini(&peer);
}

/* After its FIN was told, a peer that goes for good is noticed. */
static void
test_reset_after_fin(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	assert_int_equal(xt_conn_send(peer.conn, "unread", 6), 0);
	peer_turns(&peer, 2);
	peer_half_close(&peer);
	peer_turn_until(&peer, &peer.ended, 1);
	peer_reset(&peer);
	peer_turn_until(&peer, &peer.closed, 1);
	assert_int_equal(peer.why, XT_CLOSE_RESET);
	peer_fini(&peer);
}

/* Finishing ---------------------------------------------------------------------------------- */

static void
send_and_finish(struct peer *peer)
{
	assert_int_equal(xt_conn_send(peer->conn, "goodbye", 7), 0);
	xt_conn_finish(peer->conn, XT_CLOSE_PROTOCOL);
	assert_false(xt_conn_is_open(peer->conn));
	assert_int_equal(xt_conn_send(peer->conn, "x", 1), XT_ECLOSED);
	/* It has its own deadline now; nobody can take it away. */
	xt_conn_expire_in(peer->conn, 0);
	xt_conn_adopt(peer->conn, &peer_stream, peer);
}

static void
test_finish_within_recv(void **state)
{
	struct peer peer;
	char text[7];

	peer_open(&peer, *state, kind);
	peer.limit = 1;
	peer.on_recv = send_and_finish;
	peer_write_text(&peer, "ab");
	assert_int_equal(peer_read(&peer, text, 7), 7);
	assert_memory_equal(text, "goodbye", 7);
	assert_true(peer_at_end(&peer));
	/* What comes now is thrown away, and the close waits for the peer's. */
	peer_write_text(&peer, "more");
	assert_quiet(&peer);
	assert_int_equal(peer.closed, 0);
	assert_int_equal(peer.recvs, 1);
	peer_close(&peer);
	peer_turn_until(&peer, &peer.closed, 1);
	assert_int_equal(peer.why, XT_CLOSE_PROTOCOL);
	peer_fini(&peer);
}

static void
test_linger_ends(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	send_and_finish(&peer);
	peer_turns(&peer, 2);
	peer_pass(&peer, XT_CONN_LINGER_MS - 200);
	peer_turns(&peer, 2);
	assert_int_equal(peer.closed, 0);
	peer_pass(&peer, 400);
	peer_turns(&peer, 3);
	assert_int_equal(peer.closed, 1);
	assert_int_equal(peer.why, XT_CLOSE_PROTOCOL);
	peer_fini(&peer);
}

/* A reader too slow for the last of it: ten seconds, then it is cut. */
static void
test_finish_with_backlog(void **state)
{
	static const char zeros[4u << 20];
	struct peer peer;

	for (int patient = 0; patient < 2; patient++) {
		peer_open(&peer, *state, kind);
		xt_conn_pause(peer.conn);
		assert_int_equal(xt_conn_send(peer.conn, zeros, sizeof zeros), 0);
		peer_turns(&peer, 2);
		xt_conn_finish(peer.conn, XT_CLOSE_DONE);
		peer_write_text(&peer, "thrown away");
		peer_half_close(&peer);
		assert_quiet(&peer);
		assert_int_equal(peer.closed, 0);
		if (patient) {
			char *all = malloc(sizeof zeros);
			assert_int_equal(peer_read(&peer, all, sizeof zeros), sizeof zeros);
			free(all);
			assert_true(peer_at_end(&peer));
		} else {
			peer_pass(&peer, 10200);
			peer_turns(&peer, 3);
		}
		assert_int_equal(peer.closed, 1);
		assert_int_equal(peer.why, XT_CLOSE_DONE);
		peer_fini(&peer);
	}
}

static void
test_reset_while_finishing(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	send_and_finish(&peer);
	peer_turns(&peer, 2);
	peer_write_text(&peer, "more");
	peer_reset(&peer);
	peer_turn_until(&peer, &peer.closed, 1);
	assert_int_equal(peer.why, XT_CLOSE_PROTOCOL);
	peer_fini(&peer);
}

/* Deadlines ---------------------------------------------------------------------------------- */

static void
test_deadline(void **state)
{
	struct peer peer;
	uint64_t before = xt_clock_ms();

	peer_open(&peer, *state, kind);
	xt_conn_expire_in(peer.conn, 10);
	xt_conn_expire_in(peer.conn, 30); /* the last call wins */
	peer_turn_until(&peer, &peer.expired, 1);
	assert_true(xt_clock_ms() - before >= 29);
	peer_pass(&peer, 1000);
	assert_quiet(&peer);
	assert_int_equal(peer.expired, 1);
	xt_conn_expire_in(peer.conn, 30);
	xt_conn_expire_in(peer.conn, 0);
	peer_pass(&peer, 1000);
	peer_turns(&peer, 2);
	assert_int_equal(peer.expired, 1);
	peer_fini(&peer);
}

/* The deadline that one connection sets while another's passes is not forgotten, wherever the walk is. */
static void
expire_other_soon(struct peer *peer)
{
	xt_conn_expire_in(peer->other->conn, 100);
}

static void
test_deadline_set_within_sweep(void **state)
{
	struct peer a, b;

	for (int first = 0; first < 2; first++) {
		struct peer *now = first ? &a : &b, *later = first ? &b : &a;
		peer_open(&a, *state, kind);
		peer_open(&b, *state, kind);
		now->other = later;
		now->on_expired = expire_other_soon;
		xt_conn_expire_in(now->conn, 50);
		peer_pass(now, 200);
		peer_turns(now, 1);
		assert_int_equal(now->expired, 1);
		xt_conn_expire_in(now->conn, 3600000);
		peer_turn_until(later, &later->expired, 1);
		peer_fini(&a);
		peer_fini(&b);
	}
}

/* The ticks wrap after two years. */
static void
test_wrap(void **state)
{
	struct xt_loop *loop = *state;
	struct peer peer;

	for (uint32_t distance = 1; distance < 12; distance++) {
		loop->began = xt_clock_ms() - ((uint64_t)(UINT32_MAX - distance) << XT_TICK_SHIFT);
		loop->sweep_at = 0;
		xt_loop_turn(loop, 0);
		peer_open(&peer, loop, kind);
		xt_conn_expire_in(peer.conn, 50);
		peer_turns(&peer, 2);
		assert_int_equal(peer.expired, 0);
		assert_true(xt_loop_now(loop) - xt_conn_alive_at(peer.conn) < 100);
		peer_pass(&peer, 300);
		peer_turns(&peer, 1);
		assert_int_equal(peer.expired, 1);
		assert_true(xt_loop_now(loop) - xt_conn_alive_at(peer.conn) >= 280);
		xt_conn_expire_in(peer.conn, 20);
		peer_turn_until(&peer, &peer.expired, 2);
		peer_fini(&peer);
	}
}

/* No tick that a sweep is due at is the one that means never. */
static void
test_sweep_at_the_wrap(void **state)
{
	struct xt_loop *loop = *state;

	for (uint32_t tick = UINT32_MAX - 10; tick != 10; tick++) {
		loop->tick = loop->swept_at = tick;
		loop->sweep_at = 0;
		xt_loop_sweep_by(loop, tick + 1);
		assert_int_not_equal(loop->sweep_at, 0);
	}
	loop->sweep_at = 0;
}

/* Only what needs a living peer is a sign of life. */
static void
test_signs_of_life(void **state)
{
	static char zeros[1u << 20];
	struct peer peer;

	peer_open(&peer, *state, kind);
	peer_pass(&peer, 1000);
	assert_int_equal(xt_conn_send(peer.conn, "ping", 4), 0);
	peer_turns(&peer, 2);
	assert_true(xt_conn_alive_at(peer.conn) + 900 < xt_loop_now(*state));
	peer_write_text(&peer, "pong");
	peer_turn_until_got(&peer, 4);
	assert_true(xt_conn_alive_at(peer.conn) + 100 > xt_loop_now(*state));
	/* The kernel had no room, and has again: somebody reads. */
	assert_int_equal(xt_conn_send(peer.conn, zeros, sizeof zeros), 0);
	peer_turns(&peer, 2);
	peer_pass(&peer, 1000);
	peer_turns(&peer, 2);
	assert_true(xt_conn_alive_at(peer.conn) + 900 < xt_loop_now(*state));
	assert_int_equal(peer_read(&peer, zeros, sizeof zeros), sizeof zeros);
	assert_true(xt_conn_alive_at(peer.conn) + 900 > xt_loop_now(*state));
	peer_fini(&peer);
}

/* Closing from everywhere -------------------------------------------------------------------- */

static void
close_it(struct peer *peer)
{
	xt_conn_close(peer->conn, XT_CLOSE_LIMIT);
}

static void
close_other(struct peer *peer)
{
	if (peer->other->conn)
		xt_conn_close(peer->other->conn, XT_CLOSE_LIMIT);
}

/* Every pair of callback and victim: itself, or one that is looked at before or after it in the turn. */
static void
check_close_within(struct xt_loop *loop, size_t hook, bool itself, bool first)
{
	struct peer a, b;
	struct peer *peer = first ? &a : &b;
	void (*const act)(struct peer *) = itself ? close_it : close_other;

	peer_open(&a, loop, kind);
	peer_open(&b, loop, kind);
	a.other = &b;
	b.other = &a;
	switch (hook) {
	case 0:
		peer->on_recv = act;
		break;
	case 1:
		peer->on_drained = act;
		break;
	case 2:
		peer->on_expired = act;
		break;
	default:
		peer->on_ended = act;
	}
	for (int i = 0; i < 2; i++) {
		struct peer *each = i ? &b : &a;
		peer_write_text(each, "x");
		peer_half_close(each);
		assert_int_equal(xt_conn_send(each->conn, "y", 1), 0);
		xt_conn_expire_in(each->conn, 10);
	}
	peer_pass(&a, 100);
	if (itself)
		peer_turn_until(peer, &peer->closed, 1);
	else
		peer_turn_until(peer->other, &peer->other->closed, 1);
	assert_int_equal((itself ? peer : peer->other)->why, XT_CLOSE_LIMIT);
	peer_fini(&a);
	peer_fini(&b);
}

static void
test_close_within(void **state)
{
	for (size_t hook = 0; hook < 4; hook++)
		for (int i = 0; i < 4; i++)
			check_close_within(*state, hook, i & 1, i & 2);
}

struct closer {
	struct xt_timer timer;
	struct xt_task task;
	struct peer *peer;
};

static void
close_by_task(struct xt_task *task)
{
	close_it(XT_CONTAINER(task, struct closer, task)->peer);
}

static void
close_by_timer(struct xt_timer *timer)
{
	close_it(XT_CONTAINER(timer, struct closer, timer)->peer);
}

static void
test_close_by_task_and_timer(void **state)
{
	struct xt_loop *loop = *state;
	struct peer a, b;
	struct closer closer = { .peer = &a, .task.run = close_by_task };

	peer_open(&a, loop, kind);
	peer_open(&b, loop, kind);
	peer_write_text(&a, "x");
	xt_list_init(&closer.task.link);
	xt_loop_post(loop, &closer.task);
	peer_turns(&a, 1);
	assert_int_equal(a.closed, 1);
	closer.peer = &b;
	xt_timer_init(&closer.timer, close_by_timer);
	xt_timer_start(xt_loop_timers(loop), &closer.timer, xt_loop_now(loop), 1);
	peer_turn_until(&b, &b.closed, 1);
	peer_fini(&a);
	peer_fini(&b);
}

/* In the callback of the end a stream ends others; each of them still is told once. */
static void
test_close_within_closed(void **state)
{
	struct peer a, b;

	peer_open(&a, *state, kind);
	peer_open(&b, *state, kind);
	a.other = &b;
	b.other = &a;
	a.on_closed = b.on_closed = close_other;
	xt_conn_close(b.conn, XT_CLOSE_DONE);
	peer_turns(&a, 3);
	assert_int_equal(a.closed, 1);
	assert_int_equal(b.closed, 1);
	assert_int_equal(a.why, XT_CLOSE_LIMIT);
	peer_fini(&a);
	peer_fini(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fin),
		TEST(test_fin_closes),
		TEST(test_answer_to_fin),
		TEST(test_fin_while_paused),
		TEST(test_fin_behind_input),
		TEST(test_close_behind_input),
		TEST(test_reset),
		TEST(test_reset_behind_input),
		TEST(test_failed_send_before_input),
		TEST(test_reset_of_backlog),
		TEST(test_reset_while_paused),
		TEST(test_reset_behind_input_while_paused),
		TEST(test_reset_after_fin),
		TEST(test_finish_within_recv),
		TEST(test_linger_ends),
		TEST(test_finish_with_backlog),
		TEST(test_reset_while_finishing),
		TEST(test_deadline),
		TEST(test_deadline_set_within_sweep),
		TEST(test_wrap),
		TEST(test_sweep_at_the_wrap),
		TEST(test_signs_of_life),
		TEST(test_close_within),
		TEST(test_close_by_task_and_timer),
		TEST(test_close_within_closed),
	};
	int failed;

	kind = PEER_UNIX;
	failed = cmocka_run_group_tests_name("unix", tests, NULL, NULL);
	kind = PEER_TCP;
	return failed + cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
