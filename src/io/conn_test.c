/* conn_test.c - receiving, pausing, adopting and sending, over socket pairs and over TCP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>

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

/* Receiving ------------------------------------------------------------------------------ */

static void
test_echo(void **state)
{
	struct peer peer;
	char text[6];

	peer_open(&peer, *state, kind);
	peer.echo = true;
	peer_write_text(&peer, "hello!");
	assert_int_equal(peer_read(&peer, text, 6), 6);
	assert_memory_equal(text, "hello!", 6);
	assert_int_equal(peer.drained, 1);
	assert_int_equal(xt_conn_backlog(peer.conn), 0);
	assert_int_equal(xt_counter_read(&xt_loop_stats(*state)->sends), 1);
	assert_int_equal(xt_counter_read(&xt_loop_stats(*state)->bytes_in), 6);
	assert_int_equal(xt_counter_read(&xt_loop_stats(*state)->bytes_out), 6);
	assert_int_equal(xt_loop_conns(*state), 1);
	peer_fini(&peer);
	assert_int_equal(xt_loop_conns(*state), 0);
	assert_int_equal(xt_counter_read(&xt_loop_stats(*state)->open), 0);
	assert_int_equal(xt_counter_read(&xt_loop_stats(*state)->closes[XT_CLOSE_DONE]), 1);
}

/* Words of four bytes from single ones: what is incomplete is kept and comes again in front. */
static size_t
recv_words(struct xt_conn *conn, char *p, size_t n)
{
	struct peer *peer = xt_conn_state(conn);

	peer->recvs++;
	n -= n % 4;
	assert_int_equal(xt_buf_append(&peer->got, p, n), 0);
	return n;
}

static const struct xt_stream words = {
	.name = "words",
	.recv = recv_words,
};

static void
test_incomplete_input(void **state)
{
	struct xt_stream stream = words;
	struct peer peer;

	stream.closed = peer_stream.closed;
	peer_open_with(&peer, *state, kind, &stream);
	for (int i = 0; i < 10; i++) {
		peer_write(&peer, &"abcdefghij"[i], 1);
		peer_turn_until(&peer, &peer.recvs, i + 1);
	}
	assert_true(peer_got(&peer, "abcdefgh"));
	peer_write_text(&peer, "klmnop");
	peer_turn_until_got(&peer, 16);
	assert_true(peer_got(&peer, "abcdefghijklmnop"));
	assert_null(peer.conn->kept);
	peer_fini(&peer);
}

static void
write_much(struct peer *peer, size_t n)
{
	static char much[8192];
	uint64_t since = xt_clock_ms();

	while (n > 0) {
		size_t most = n < sizeof much ? n : sizeof much;
		ssize_t m = xt_clock_ms() - since < 20000 ? send(peer->fd, much, most, MSG_NOSIGNAL)
							  : 0;
		if (m < 0)
			peer_turns(peer, 1);
		else
			n -= (size_t)m;
	}
}

static void
test_full_buffer(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	peer.stuck = true;
	write_much(&peer, XT_LOOP_RECV_SIZE - 1);
	while (!peer.conn->kept || peer.conn->kept->n < XT_LOOP_RECV_SIZE - 1)
		peer_turns(&peer, 1);
	peer_turns(&peer, 2);
	assert_int_equal(peer.closed, 0);
	write_much(&peer, 1);
	peer_turn_until(&peer, &peer.closed, 1);
	assert_int_equal(peer.why, XT_CLOSE_PROTOCOL);
	peer_fini(&peer);
}

/* The stream pauses with a full buffer that it has not used: no room, but no end either. */
static void
pause_when_full(struct peer *peer)
{
	if (peer->conn->receiving && peer->limit == 0)
		xt_conn_pause(peer->conn);
}

static void
test_full_buffer_while_paused(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	peer.stuck = true;
	write_much(&peer, XT_LOOP_RECV_SIZE - 1);
	while (!peer.conn->kept || peer.conn->kept->n < XT_LOOP_RECV_SIZE - 1)
		peer_turns(&peer, 1);
	peer.on_recv = pause_when_full;
	write_much(&peer, 11);
	peer_turns(&peer, 3);
	assert_int_equal(peer.conn->kept->n, XT_LOOP_RECV_SIZE);
	peer.stuck = false;
	peer.on_recv = NULL;
	xt_conn_resume(peer.conn);
	peer_turn_until_got(&peer, XT_LOOP_RECV_SIZE + 10);
	assert_int_equal(peer.ended, 0);
	peer_fini(&peer);
}

static void
close_it(struct peer *peer)
{
	xt_conn_close(peer->conn, XT_CLOSE_TEXT);
	xt_conn_close(peer->conn, XT_CLOSE_FAULT); /* the first reason stays */
	assert_int_equal(xt_conn_send(peer->conn, "x", 1), XT_ECLOSED);
	assert_null(xt_conn_reserve(peer->conn, 1));
	xt_conn_resume(peer->conn);
	xt_conn_finish(peer->conn, XT_CLOSE_DONE);
	xt_conn_drop_unsent(peer->conn);
}

static void
test_close_within_recv(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	peer.limit = 2;
	peer.on_recv = close_it;
	peer.on_closed = close_it; /* and it bears all of that again */
	peer_write_text(&peer, "abcd");
	peer_turn_until(&peer, &peer.closed, 1);
	assert_true(peer_got(&peer, "ab"));
	assert_int_equal(peer.why, XT_CLOSE_TEXT);
	peer_turns(&peer, 2);
	peer_fini(&peer);
}

/* Pausing -------------------------------------------------------------------------------- */

static void
pause_it(struct peer *peer)
{
	xt_conn_pause(peer->conn);
}

static void
pause_and_resume(struct peer *peer)
{
	xt_conn_pause(peer->conn);
	xt_conn_resume(peer->conn);
}

static void
test_pause_within_recv(void **state)
{
	struct peer peer;
	uint64_t before;

	peer_open(&peer, *state, kind);
	peer.limit = 2;
	peer.on_recv = pause_it;
	peer_write_text(&peer, "abcdef");
	peer_turn_until_got(&peer, 2);
	peer_write_text(&peer, "gh");
	peer_turns(&peer, 2);
	/* It neither receives nor spins. */
	before = xt_clock_ms();
	xt_loop_turn(*state, 20);
	assert_true(xt_clock_ms() - before >= 19);
	assert_true(peer_got(&peer, "ab"));
	/* Each resume brings one more piece. */
	xt_conn_resume(peer.conn);
	xt_conn_resume(peer.conn);
	peer_turns(&peer, 2);
	assert_true(peer_got(&peer, "abcd"));
	peer.on_recv = pause_and_resume;
	xt_conn_resume(peer.conn);
	peer_turn_until_got(&peer, 8);
	assert_true(peer_got(&peer, "abcdefgh"));
	peer_fini(&peer);
}

static void
test_pause_again_before_reread(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	peer.limit = 1;
	peer.on_recv = pause_it;
	peer_write_text(&peer, "ab");
	peer_turn_until_got(&peer, 1);
	xt_conn_resume(peer.conn);
	xt_conn_pause(peer.conn);
	peer_turns(&peer, 2);
	assert_true(peer_got(&peer, "a"));
	xt_conn_resume(peer.conn);
	peer_turns(&peer, 2);
	assert_true(peer_got(&peer, "ab"));
	peer_fini(&peer);
}

static void
test_close_while_resumed(void **state)
{
	struct peer peer, other;

	peer_open(&peer, *state, kind);
	peer_open(&other, *state, kind);
	peer.limit = other.limit = 1;
	peer.on_recv = other.on_recv = pause_it;
	peer_write_text(&peer, "ab");
	peer_write_text(&other, "cd");
	peer_turn_until_got(&peer, 1);
	peer_turn_until_got(&other, 1);
	xt_conn_resume(peer.conn);
	xt_conn_resume(other.conn);
	xt_conn_close(peer.conn, XT_CLOSE_DONE);
	peer_turns(&peer, 2);
	assert_int_equal(peer.closed, 1);
	assert_true(peer_got(&peer, "a"));
	assert_true(peer_got(&other, "cd"));
	peer_fini(&peer);
	peer_fini(&other);
}

static void
resume_other(struct peer *peer)
{
	xt_conn_resume(peer->other->conn);
	if (peer->on_recv)
		xt_conn_pause(peer->conn);
}

/* Two connections that pause themselves and wake each other: the turn ends all the same. */
static void
test_resume_each_other(void **state)
{
	struct peer a, b;

	peer_open(&a, *state, kind);
	peer_open(&b, *state, kind);
	a.other = &b;
	b.other = &a;
	a.limit = b.limit = 1;
	a.on_recv = b.on_recv = resume_other;
	peer_write_text(&a, "aaaaaaaa");
	peer_write_text(&b, "bbbbbbbb");
	peer_turn_until_got(&a, 7);
	peer_turn_until_got(&b, 7);
	peer_fini(&a);
	peer_fini(&b);
}

/* Adopting --------------------------------------------------------------------------------- */

static void
adopt_words(struct peer *peer)
{
	static struct xt_stream stream;

	stream = words;
	stream.closed = peer_stream.closed;
	xt_conn_expire_in(peer->conn, 1);
	xt_conn_adopt(peer->conn, &stream, peer);
}

static void
test_adopt_within_recv(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	peer.limit = 3;
	peer.on_recv = adopt_words;
	peer_write_text(&peer, "abcdefghij");
	peer_turn_until_got(&peer, 7);
	/* In the same turn, without the deadline of the one before. */
	assert_true(peer_got(&peer, "abcdefg"));
	peer_pass(&peer, 1000);
	peer_turns(&peer, 2);
	assert_int_equal(peer.expired, 0);
	peer_write_text(&peer, "k");
	peer_turn_until_got(&peer, 11);
	assert_true(peer_got(&peer, "abcdefghijk"));
	peer_fini(&peer);
}

/* What was looked at and left before the FIN comes again when the stream resumes. */
static void
test_resume_after_fin(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	peer.stuck = true;
	peer_write_text(&peer, "abcd");
	peer_half_close(&peer);
	peer_turn_until(&peer, &peer.ended, 1);
	xt_conn_pause(peer.conn);
	peer.stuck = false;
	xt_conn_resume(peer.conn);
	peer_turns(&peer, 2);
	assert_true(peer_got(&peer, "abcd"));
	assert_int_equal(peer.ended, 1);
	peer_fini(&peer);
}

/* The next stream gets what was left, and then is told of the FIN too; one that stays paused, once it resumes. */
static void
test_adopt_after_fin(void **state)
{
	struct peer peer;

	for (int paused = 0; paused < 2; paused++) {
		peer_open(&peer, *state, kind);
		peer.stuck = true;
		peer_write_text(&peer, "abcd");
		peer_half_close(&peer);
		peer_turn_until(&peer, &peer.ended, 1);
		peer.stuck = false;
		if (paused)
			xt_conn_pause(peer.conn);
		xt_conn_adopt(peer.conn, &peer_closing_stream, &peer);
		peer_turns(&peer, 3);
		assert_int_equal(peer.closed, !paused);
		if (paused)
			xt_conn_resume(peer.conn);
		peer_turn_until(&peer, &peer.closed, 1);
		assert_true(peer_got(&peer, "abcd"));
		assert_int_equal(peer.why, XT_CLOSE_PEER);
		peer_fini(&peer);
	}
}

static void
test_adopt_later(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	peer.limit = 1;
	peer.on_recv = pause_it;
	peer_write_text(&peer, "abcde");
	peer_turn_until_got(&peer, 1);
	adopt_words(&peer);
	peer_turns(&peer, 2);
	assert_true(peer_got(&peer, "a"));
	xt_conn_resume(peer.conn);
	peer_turns(&peer, 2);
	assert_true(peer_got(&peer, "abcde"));
	peer_fini(&peer);
	/* Not paused: what the first left lying is the next one's at once. */
	peer_open(&peer, *state, kind);
	peer.stuck = true;
	peer_write_text(&peer, "abcd");
	peer_turn_until(&peer, &peer.recvs, 1);
	adopt_words(&peer);
	peer_turns(&peer, 2);
	assert_true(peer_got(&peer, "abcd"));
	peer_fini(&peer);
}

/* Sending -------------------------------------------------------------------------------- */

#define MUCH (3u * 1024 * 1024)

static char *
pattern(void)
{
	char *p = malloc(MUCH);

	for (size_t i = 0; i < MUCH; i++)
		p[i] = (char)(i * 31 ^ i >> 11);
	return p;
}

static void
test_partial_writes(void **state)
{
	struct peer peer;
	char *sent = pattern(), *got = malloc(MUCH);
	struct xt_bytes *bytes = xt_bytes_copy(xt_str_of(sent, MUCH));

	peer_open(&peer, *state, kind);
	assert_int_equal(xt_conn_send(peer.conn, sent, 1000), 0);
	assert_int_equal(xt_conn_send_bytes(peer.conn, bytes, 1000, MUCH / 2), 0);
	assert_int_equal(xt_conn_send(peer.conn, sent + MUCH / 2, MUCH / 2), 0);
	xt_bytes_unref(bytes);
	assert_int_equal(xt_conn_backlog(peer.conn), MUCH);
	peer_turns(&peer, 2);
	assert_true(xt_conn_backlog(peer.conn) > 0 && xt_conn_backlog(peer.conn) < MUCH);
	assert_int_equal(peer.drained, 0);
	assert_int_equal(peer_read(&peer, got, MUCH), MUCH);
	assert_memory_equal(sent, got, MUCH);
	peer_turn_until(&peer, &peer.drained, 1);
	peer_turns(&peer, 3);
	assert_int_equal(peer.drained, 1);
	assert_int_equal(xt_conn_backlog(peer.conn), 0);
	free(sent);
	free(got);
	peer_fini(&peer);
}

static void
send_again(struct peer *peer)
{
	if (peer->drained < 3)
		assert_int_equal(xt_conn_send(peer->conn, "again", 5), 0);
}

static void
test_drained_sends_more(void **state)
{
	struct peer peer;
	char text[20];

	peer_open(&peer, *state, kind);
	peer.on_drained = send_again;
	assert_int_equal(xt_conn_send(peer.conn, "first", 5), 0);
	assert_int_equal(peer_read(&peer, text, 15), 15);
	assert_memory_equal(text, "firstagainagain", 15);
	peer_turns(&peer, 3);
	assert_int_equal(peer.drained, 3);
	peer_fini(&peer);
}

static void
test_reserve(void **state)
{
	struct peer peer;
	char text[4], *room;

	peer_open(&peer, *state, kind);
	room = xt_conn_reserve(peer.conn, 100);
	memcpy(room, "abcd", 4);
	xt_conn_commit(peer.conn, 4);
	assert_int_equal(xt_conn_send(peer.conn, NULL, 0), 0);
	assert_int_equal(xt_conn_backlog(peer.conn), 4);
	assert_int_equal(peer_read(&peer, text, 4), 4);
	assert_memory_equal(text, "abcd", 4);
	peer_fini(&peer);
}

/* Reading stops while too much waits to be sent, in the middle of what was received too. */
static void
send_much(struct peer *peer)
{
	static const char zeros[XT_CONN_HIGH_WATER];

	assert_int_equal(xt_conn_send(peer->conn, zeros, sizeof zeros), 0);
}

static void
test_high_water(void **state)
{
	struct peer peer;
	char *sink = malloc(XT_CONN_HIGH_WATER);
	uint64_t before;

	peer_open(&peer, *state, kind);
	peer.limit = 1;
	peer.on_recv = send_much;
	for (int i = 0; i < 50; i++)
		peer_write_text(&peer, "x");
	peer_turns(&peer, 100);
	assert_true(peer.got.n < 50);
	assert_true(xt_conn_backlog(peer.conn) > XT_CONN_HIGH_WATER / 2);
	before = xt_clock_ms();
	xt_loop_turn(*state, 20);
	assert_true(xt_clock_ms() - before >= 19);
	for (int i = 0; i < 50; i++)
		assert_int_equal(peer_read(&peer, sink, XT_CONN_HIGH_WATER), XT_CONN_HIGH_WATER);
	assert_int_equal(peer.got.n, 50);
	free(sink);
	peer_fini(&peer);
}

/* A last word to a reader who was too slow. */
static void
test_drop_unsent(void **state)
{
	struct peer peer;
	char *sent = pattern(), *got = malloc(MUCH);
	size_t dropped, n;

	peer_open(&peer, *state, kind);
	for (size_t i = 0; i < MUCH; i += 1024)
		assert_int_equal(xt_conn_send(peer.conn, sent + i, 1024), 0);
	peer_turns(&peer, 2);
	dropped = xt_conn_backlog(peer.conn);
	xt_conn_drop_unsent(peer.conn);
	dropped -= xt_conn_backlog(peer.conn);
	assert_true(dropped > 0);
	assert_int_equal(xt_conn_send(peer.conn, "bye", 3), 0);
	xt_conn_finish(peer.conn, XT_CLOSE_SLOW);
	n = peer_read(&peer, got, MUCH);
	assert_int_equal(n, MUCH - dropped + 3);
	assert_memory_equal(got, sent, n - 3);
	assert_memory_equal(got + n - 3, "bye", 3);
	free(sent);
	free(got);
	peer_fini(&peer);
	assert_int_equal(peer.why, XT_CLOSE_SLOW);
}

/* With nothing left to send, a connection that had too much reads again. */
static void
drop_all(struct peer *peer)
{
	if (peer->recvs > 1)
		return;
	send_much(peer);
	send_much(peer);
	xt_conn_drop_unsent(peer->conn);
}

static void
test_drop_unsent_reads_again(void **state)
{
	struct peer peer;

	peer_open(&peer, *state, kind);
	peer.limit = 1;
	peer.on_recv = drop_all;
	peer_write_text(&peer, "ab");
	peer_turn_until_got(&peer, 2);
	peer_fini(&peer);
}

static void
test_peer_name(void **state)
{
	struct peer peer;
	char text[64], tiny[4];

	peer_open(&peer, *state, kind);
	xt_conn_peer(peer.conn, text, sizeof text);
	if (kind == PEER_UNIX)
		assert_string_equal(text, "unix");
	else
		assert_memory_equal(text, "127.0.0.1:", 10);
	xt_conn_peer(peer.conn, tiny, sizeof tiny);
	assert_int_equal(strlen(tiny), 3);
	peer_fini(&peer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_echo),
		TEST(test_incomplete_input),
		TEST(test_full_buffer),
		TEST(test_full_buffer_while_paused),
		TEST(test_close_within_recv),
		TEST(test_pause_within_recv),
		TEST(test_pause_again_before_reread),
		TEST(test_close_while_resumed),
		TEST(test_resume_each_other),
		TEST(test_adopt_within_recv),
		TEST(test_adopt_later),
		TEST(test_resume_after_fin),
		TEST(test_adopt_after_fin),
		TEST(test_partial_writes),
		TEST(test_drained_sends_more),
		TEST(test_reserve),
		TEST(test_high_water),
		TEST(test_drop_unsent),
		TEST(test_drop_unsent_reads_again),
		TEST(test_peer_name),
	};
	int failed;

	kind = PEER_UNIX;
	failed = cmocka_run_group_tests_name("unix", tests, NULL, NULL);
	kind = PEER_TCP;
	return failed + cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
