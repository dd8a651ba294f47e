/* tls_test.c - TLS on a connection, both sides in one process: bytes, handshakes, certificates, ends. */
#include "io/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "crosstalk.h"
#include "io/tls_fixture.h"
#include "io/tls_private.h"

static struct tls_files files;
static struct xt_tls_server *server; /* "a": localhost, "b": *.b.example */
static struct xt_tls_client *client;
static struct xt_loop *loop;

static int
setup(void **state)
{
	static const char *const names[] = { "a", "b", NULL };

	(void)state;
	tls_files_init(&files);
	tls_files_make(&files, "a", "DNS:localhost,IP:127.0.0.1");
	tls_files_make(&files, "b", "DNS:*.b.example");
	server = tls_server(&files, names);
	client = tls_client(&files);
	return xt_loop_new(&loop);
}

static int
teardown(void **state)
{
	(void)state;
	xt_loop_free(loop);
	xt_tls_client_free(client);
	xt_tls_server_free(server);
	tls_files_fini(&files);
	return 0;
}

/* A test with two sides, `a` the server's. */
struct sides {
	struct peer a, b;
};

static void
begin(struct sides *s, enum peer_kind kind, const char *host)
{
	tls_pair(&s->a, &s->b, loop, kind);
	assert_int_equal(xt_tls_accept(s->a.conn, server), 0);
	assert_int_equal(xt_tls_connect(s->b.conn, client, host, (struct xt_str){ 0 }), 0);
}

static void
open_sides(struct sides *s, enum peer_kind kind)
{
	begin(s, kind, "localhost");
	tls_until_ready(&s->a, &s->b);
	assert_non_null(s->a.conn);
	assert_non_null(s->b.conn);
}

static void
close_sides(struct sides *s)
{
	peer_fini(&s->a);
	peer_fini(&s->b);
}

static struct xt_tls *
tls_of(const struct peer *peer)
{
	return xt_tls_of(peer->conn);
}

/* Only TLS 1.2 from here on. */
static void
only_12(struct xt_tls_client *of)
{
	/* The first member is its context. */
	SSL_CTX *context;

	memcpy(&context, of, sizeof context);
	SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
}

/* Bytes ------------------------------------------------------------------------------------- */

static void
fill(char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)((i * 31 + i / 251 + seed) & 0xff);
}

static void
pass(struct peer *from, struct peer *to, size_t n)
{
	char *bytes = malloc(n + 1);

	fill(bytes, n, (unsigned)n);
	to->got.n = 0;
	assert_int_equal(xt_conn_send(from->conn, bytes, n), 0);
	peer_turn_until_got(to, n);
	assert_int_equal(to->got.n, n);
	assert_memory_equal(to->got.p, bytes, n);
	free(bytes);
}

static void
pass_all(enum peer_kind kind)
{
	static const size_t sizes[] = { 1, 2, 5, 100, 4095, 16383, 16384, 16385, 32768, 65536,
		262144, 262145, 1000003 };
	struct sides s;

	open_sides(&s, kind);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		pass(&s.a, &s.b, sizes[i]);
		pass(&s.b, &s.a, sizes[i]);
	}
	close_sides(&s);
}

static void
test_bytes(void **state)
{
	(void)state;
	pass_all(PEER_UNIX);
	pass_all(PEER_TCP);
}

static void
test_bytes_12(void **state)
{
	struct sides s;

	(void)state;
	only_12(client);
	open_sides(&s, PEER_UNIX);
	assert_int_equal(tls_of(&s.a)->phase, XT_TLS_RECORDS);
	assert_true(tls_of(&s.a)->in.old);
	close_sides(&s);
	pass_all(PEER_UNIX);
	pass_all(PEER_TCP);
}

static void
test_records_are_ours(void **state)
{
	struct sides s;

	(void)state;
	open_sides(&s, PEER_UNIX);
	assert_int_equal(tls_of(&s.a)->phase, XT_TLS_RECORDS);
	assert_null(tls_of(&s.a)->ssl);
	pass(&s.a, &s.b, 100);
	pass(&s.b, &s.a, 100);
	assert_null(tls_of(&s.a)->partial);
	assert_null(tls_of(&s.a)->sealed.p);
	close_sides(&s);
}

/* Many small pieces, queued at once, leave as few records. */
static void
test_gathers(void **state)
{
	struct sides s;
	uint64_t records;

	(void)state;
	open_sides(&s, PEER_UNIX);
	records = tls_of(&s.a)->out.sequence;
	for (int i = 0; i < 1000; i++) {
		struct xt_bytes *bytes = xt_bytes_copy(XT_STR("sixteen bytes, !"));
		assert_int_equal(xt_conn_send_bytes(s.a.conn, bytes, 0, 16), 0);
		xt_bytes_unref(bytes);
	}
	peer_turn_until_got(&s.b, 16000);
	assert_true(tls_of(&s.a)->out.sequence - records <= 1000 / XT_OUTQ_IOV + 1);
	close_sides(&s);
}

/* RFC 6066 4: OpenSSL's client breaks off when a record is larger than it has asked for. */
static void
test_small_records(void **state)
{
	static const unsigned char codes[] = { TLSEXT_max_fragment_length_512,
		TLSEXT_max_fragment_length_4096 };
	struct sides s;

	(void)state;
	for (int old = 0; old < 2; old++) {
		for (size_t i = 0; i < sizeof codes; i++) {
			begin(&s, PEER_UNIX, "localhost");
			SSL_set_tlsext_max_fragment_length(tls_of(&s.b)->ssl, codes[i]);
			tls_until_ready(&s.a, &s.b);
			assert_int_equal(tls_of(&s.a)->fragment, 256 << codes[i]);
			pass(&s.a, &s.b, 100000);
			pass(&s.b, &s.a, 100000);
			close_sides(&s);
		}
		only_12(client);
	}
}

/* What was queued before the handshake leaves behind it, however much it is. */
static void
queue_early(size_t n)
{
	struct sides s;
	char *bytes = malloc(n);

	fill(bytes, n, 3);
	begin(&s, PEER_UNIX, "localhost");
	assert_int_equal(xt_conn_send(s.b.conn, bytes, n), 0);
	peer_turn_until_got(&s.a, n);
	assert_memory_equal(s.a.got.p, bytes, n);
	close_sides(&s);
	free(bytes);
}

static void
test_queued_early(void **state)
{
	(void)state;
	queue_early(1);
	queue_early(1000000);
}

/* While the peer does not answer a hello, the loop sleeps, though there is room to send what waits. */
static void
test_waits_quietly(void **state)
{
	struct sides s;
	uint64_t before;

	(void)state;
	tls_pair(&s.a, &s.b, loop, PEER_UNIX);
	s.a.stuck = true;
	assert_int_equal(xt_tls_connect(s.b.conn, client, "localhost", (struct xt_str){ 0 }), 0);
	assert_int_equal(xt_conn_send(s.b.conn, "hello", 5), 0);
	peer_turns(&s.b, 4);
	before = xt_clock_ms();
	xt_loop_turn(loop, 30);
	assert_true(xt_clock_ms() - before >= 29);
	close_sides(&s);
}

static void
test_pause(void **state)
{
	struct sides s;

	(void)state;
	open_sides(&s, PEER_UNIX);
	xt_conn_pause(s.a.conn);
	assert_int_equal(xt_conn_send(s.b.conn, "while paused", 12), 0);
	peer_turns(&s.a, 5);
	assert_int_equal(s.a.got.n, 0);
	xt_conn_resume(s.a.conn);
	peer_turn_until_got(&s.a, 12);
	assert_true(peer_got(&s.a, "while paused"));
	close_sides(&s);
}

/* A stream that keeps nearly all of the loop's buffer leaves no room for a record. */
static void
test_little_room(void **state)
{
	const size_t n = XT_LOOP_RECV_SIZE - 100;
	struct sides s;
	char *bytes = malloc(n + 50);

	(void)state;
	fill(bytes, n + 50, 9);
	open_sides(&s, PEER_UNIX);
	s.a.stuck = true;
	assert_int_equal(xt_conn_send(s.b.conn, bytes, n), 0);
	while (!s.a.conn->kept || s.a.conn->kept->n < n)
		peer_turns(&s.a, 1);
	assert_int_equal(xt_conn_send(s.b.conn, bytes + n, 50), 0);
	while (s.a.conn->kept->n < n + 50)
		peer_turns(&s.a, 1);
	s.a.stuck = false;
	assert_int_equal(xt_conn_send(s.b.conn, "!", 1), 0);
	peer_turn_until_got(&s.a, n + 51);
	assert_memory_equal(s.a.got.p, bytes, n + 50);
	close_sides(&s);
	free(bytes);
}

/* A slow reader: what is not begun can be dropped, what follows still makes sense. */
static void
drop_unsent(size_t big)
{
	struct sides s;
	char *bytes = malloc(big);

	fill(bytes, big, 1);
	open_sides(&s, PEER_UNIX);
	xt_conn_pause(s.b.conn);
	assert_int_equal(xt_conn_send(s.a.conn, bytes, big), 0);
	peer_turns(&s.a, 20);
	for (int i = 0; i < 100; i++) {
		struct xt_bytes *more = xt_bytes_copy(XT_STR("never sent"));
		assert_int_equal(xt_conn_send_bytes(s.a.conn, more, 0, more->n), 0);
		xt_bytes_unref(more);
	}
	xt_conn_drop_unsent(s.a.conn);
	assert_int_equal(xt_conn_send(s.a.conn, "goodbye", 7), 0);
	xt_conn_resume(s.b.conn);
	peer_turn_until_got(&s.b, big + 7);
	assert_memory_equal(s.b.got.p, bytes, big);
	assert_memory_equal(s.b.got.p + big, "goodbye", 7);
	close_sides(&s);
	free(bytes);
}

static void
test_drop_unsent(void **state)
{
	(void)state;
	drop_unsent(3000000);
	only_12(client);
	drop_unsent(3000000);
}

/* Ends -------------------------------------------------------------------------------------- */

static void
finish(struct peer *from, struct peer *to)
{
	assert_int_equal(xt_conn_send(from->conn, "last words", 10), 0);
	xt_conn_finish(from->conn, XT_CLOSE_DONE);
	peer_turn_until(to, &to->ended, 1);
	assert_true(peer_got(to, "last words"));
	assert_false(xt_tls_is_truncated(to->conn));
	assert_int_equal(xt_conn_send(to->conn, "answer", 6), 0);
	xt_conn_finish(to->conn, XT_CLOSE_DONE);
	peer_turn_until(from, &from->closed, 1);
	peer_turn_until(to, &to->closed, 1);
	assert_int_equal(from->why, XT_CLOSE_DONE);
}

static void
test_finish(void **state)
{
	struct sides s;

	(void)state;
	open_sides(&s, PEER_TCP);
	finish(&s.a, &s.b);
	close_sides(&s);
	open_sides(&s, PEER_TCP);
	finish(&s.b, &s.a);
	close_sides(&s);
}

/* The goodbye waits for room too. */
static void
test_finish_when_full(void **state)
{
	const size_t n = 1000000;
	struct sides s;
	char *bytes = malloc(n);

	(void)state;
	fill(bytes, n, 5);
	open_sides(&s, PEER_UNIX);
	xt_conn_pause(s.b.conn);
	assert_int_equal(xt_conn_send(s.a.conn, bytes, n), 0);
	xt_conn_finish(s.a.conn, XT_CLOSE_DONE);
	peer_turns(&s.a, 50);
	xt_conn_resume(s.b.conn);
	peer_turn_until(&s.b, &s.b.ended, 1);
	assert_int_equal(s.b.got.n, n);
	assert_false(xt_tls_is_truncated(s.b.conn));
	close_sides(&s);
	free(bytes);
}

static void
truncate_it(struct peer *from, struct peer *to)
{
	assert_int_equal(xt_conn_send(from->conn, "cut", 3), 0);
	peer_turn_until_got(to, 3);
	shutdown(xt_conn_fd(from->conn), SHUT_WR);
	peer_turn_until(to, &to->ended, 1);
	assert_true(xt_tls_is_truncated(to->conn));
}

static void
test_truncated(void **state)
{
	struct sides s;

	(void)state;
	open_sides(&s, PEER_TCP);
	truncate_it(&s.a, &s.b);
	close_sides(&s);
	open_sides(&s, PEER_TCP);
	truncate_it(&s.b, &s.a);
	close_sides(&s);
}

static void
test_end_within_record(void **state)
{
	static const char begun[] = "\x17\x03\x03\x40\x00 and no more";
	struct sides s;

	(void)state;
	open_sides(&s, PEER_TCP);
	assert_true(send(xt_conn_fd(s.b.conn), begun, sizeof begun - 1, 0) > 0);
	shutdown(xt_conn_fd(s.b.conn), SHUT_WR);
	peer_turn_until(&s.a, &s.a.closed, 1);
	assert_int_equal(s.a.why, XT_CLOSE_RESET);
	assert_int_equal(s.a.ended, 0);
	close_sides(&s);
}

/* Broken records ---------------------------------------------------------------------------- */

/* Seals a record of the client's own type with the keys that the server has for it. */
static void
forge(struct sides *s, struct xt_tls_keys *keys, int type, const char *p, size_t n)
{
	static char record[XT_TLS_RECORD_MAX];
	size_t size;

	memcpy(record + xt_tls_prefix(keys), p, n);
	size = xt_tls_seal(keys, loop->tls->crypto, type, record, n);
	assert_true(size > 0);
	assert_int_equal(send(xt_conn_fd(s->b.conn), record, size, MSG_NOSIGNAL), size);
}

static void
expect_refusal(struct sides *s, const char *words)
{
	char error[128] = "";
	uint64_t since = xt_clock_ms();

	while (s->a.conn && s->a.conn->phase == XT_CONN_OPEN && xt_clock_ms() - since < 10000)
		xt_loop_turn(loop, 10);
	assert_non_null(s->a.conn);
	snprintf(error, sizeof error, "%s", xt_tls_error(s->a.conn));
	assert_string_equal(error, words);
	peer_turn_until(&s->a, &s->a.closed, 1);
	assert_int_equal(s->a.why, XT_CLOSE_TLS);
	close_sides(s);
}

struct broken {
	int type;
	const char *p;
	size_t n;
	const char *words;
};

/* Bytes that came before what is broken are taken all the same. */
static void
refuse_all(const struct broken *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct sides s;
		char words[128];
		struct xt_tls_keys keys;
		open_sides(&s, PEER_UNIX);
		keys = tls_of(&s.a)->in;
		forge(&s, &keys, XT_TLS_DATA, "before", 6);
		forge(&s, &keys, cases[i].type, cases[i].p, cases[i].n);
		peer_turn_until_got(&s.a, 6);
		snprintf(words, sizeof words, "a record was refused: %s", cases[i].words);
		expect_refusal(&s, words);
	}
}

static void
test_broken_records(void **state)
{
	static const struct broken cases[] = {
		{ XT_TLS_ALERT, "\x02", 1, "decode error" },
		{ XT_TLS_ALERT, "", 0, "decode error" },
		{ XT_TLS_HANDSHAKE, "", 0, "unexpected_message" },
		{ XT_TLS_HANDSHAKE, "\x01\0\0\1\0", 5, "unexpected_message" },
		{ XT_TLS_HANDSHAKE, "\x18\0\0\1", 4, "decode error" },
		{ XT_TLS_HANDSHAKE, "\x18\0\0\1\0\0", 6, "decode error" },
		{ XT_TLS_HANDSHAKE, "\x18\0\0\1\2", 5, "illegal parameter" },
		{ 20, "\1", 1, "unexpected_message" },
		{ 0, "", 0, "unexpected_message" }, /* nothing but padding */
		{ 99, "x", 1, "unexpected_message" },
	};

	(void)state;
	refuse_all(cases, sizeof cases / sizeof *cases);
}

static void
test_broken_records_12(void **state)
{
	static const struct broken cases[] = {
		{ XT_TLS_ALERT, "\x02", 1, "decode error" },
		{ XT_TLS_HANDSHAKE, "\x01\0\0\1\0", 5, "no renegotiation" },
		{ XT_TLS_HANDSHAKE, "", 0, "no renegotiation" },
		{ 20, "\1", 1, "unexpected_message" },
		{ 24, "\1", 1, "unexpected_message" },
	};

	(void)state;
	only_12(client);
	refuse_all(cases, sizeof cases / sizeof *cases);
}

/* RFC 5246 7.2: a warning changes nothing; too many of them do. */
static void
test_warnings_12(void **state)
{
	struct sides s;
	struct xt_tls_keys keys;

	(void)state;
	only_12(client);
	open_sides(&s, PEER_UNIX);
	keys = tls_of(&s.a)->in;
	for (int i = 0; i < XT_TLS_EMPTY; i++)
		forge(&s, &keys, XT_TLS_ALERT, "\x01\x64", 2);
	forge(&s, &keys, XT_TLS_DATA, "x", 1);
	peer_turn_until_got(&s.a, 1);
	for (int i = 0; i <= XT_TLS_EMPTY; i++)
		forge(&s, &keys, XT_TLS_ALERT, "\x01\x64", 2);
	expect_refusal(&s, "a record was refused: unexpected_message");
}

/* An alert of the peer's ends it, and says why. */
static void
test_fatal_alert(void **state)
{
	struct sides s;
	struct xt_tls_keys keys;

	(void)state;
	open_sides(&s, PEER_UNIX);
	keys = tls_of(&s.a)->in;
	forge(&s, &keys, XT_TLS_ALERT, "\x02\x50", 2);
	peer_turn_until(&s.a, &s.a.closed, 1);
	assert_int_equal(s.a.why, XT_CLOSE_RESET);
	close_sides(&s);
}

static void
test_garbage(void **state)
{
	static const struct {
		const char *p;
		size_t n;
		const char *words;
	} cases[] = {
		{ "\x17\x03\x03\x00\x05hello", 10, "bad record mac" },
		{ "\x17\x03\x03\x00\x00", 5, "bad record mac" },
		{ "\x17\x03\x03\x00\x20 and thirty-two bytes of nothing", 37, "bad record mac" },
		{ "\x17\x03\x03\x41\x01", 5, "record overflow" },
		{ "\x14\x03\x03\x00\x01\x01", 6, "unexpected_message" },
		{ "\x15\x03\x03\x00\x02\x01\x00", 7, "unexpected_message" },
		{ "GET / HTTP/1.1", 14, "unexpected_message" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sides s;
		char words[128];
		open_sides(&s, PEER_UNIX);
		assert_true(send(xt_conn_fd(s.b.conn), cases[i].p, cases[i].n, 0) > 0);
		snprintf(words, sizeof words, "a record was refused: %s", cases[i].words);
		expect_refusal(&s, words);
	}
}

static void
test_garbage_12(void **state)
{
	static const struct {
		const char *p;
		size_t n;
		const char *words;
	} cases[] = {
		{ "\x17\x03\x03\x00\x05hello", 10, "bad record mac" },
		{ "\x17\x03\x03\x00\x17 twenty-three bytes, one", 28, "bad record mac" },
		{ "\x17\x03\x03\x00\x20 and thirty-two bytes of nothing", 37, "bad record mac" },
		{ "\x15\x03\x03\x00\x02\x01\x00", 7, "bad record mac" },
		{ "\x17\x03\x03\x41\x01", 5, "record overflow" },
		{ "\x14\x03\x03\x00\x01\x01", 6, "unexpected_message" },
	};

	(void)state;
	only_12(client);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sides s;
		char words[128];
		open_sides(&s, PEER_UNIX);
		assert_true(send(xt_conn_fd(s.b.conn), cases[i].p, cases[i].n, 0) > 0);
		snprintf(words, sizeof words, "a record was refused: %s", cases[i].words);
		expect_refusal(&s, words);
	}
}

/* RFC 8446 5.1: the largest record is taken, of any padding. */
static void
test_largest_record(void **state)
{
	struct sides s;
	struct xt_tls_keys keys;
	char *bytes = malloc(XT_TLS_CONTENT);

	(void)state;
	fill(bytes, XT_TLS_CONTENT, 8);
	open_sides(&s, PEER_TCP);
	keys = tls_of(&s.a)->in;
	forge(&s, &keys, XT_TLS_DATA, bytes, XT_TLS_CONTENT);
	peer_turn_until_got(&s.a, XT_TLS_CONTENT);
	assert_memory_equal(s.a.got.p, bytes, XT_TLS_CONTENT);
	close_sides(&s);
	free(bytes);
}

static void
test_byte_by_byte(void **state)
{
	static char record[XT_TLS_OVERHEAD + 300];
	struct sides s;
	struct xt_tls_keys keys;
	size_t size;

	(void)state;
	open_sides(&s, PEER_UNIX);
	keys = tls_of(&s.a)->in;
	fill(record + xt_tls_prefix(&keys), 300, 2);
	size = xt_tls_seal(&keys, loop->tls->crypto, XT_TLS_DATA, record, 300);
	for (size_t i = 0; i < size; i++) {
		assert_int_equal(s.a.got.n, 0);
		assert_int_equal(send(xt_conn_fd(s.b.conn), record + i, 1, 0), 1);
		peer_turns(&s.a, 1);
	}
	peer_turn_until_got(&s.a, 300);
	close_sides(&s);
}

/* KeyUpdate --------------------------------------------------------------------------------- */

static void
test_key_update(void **state)
{
	struct sides s;

	(void)state;
	open_sides(&s, PEER_UNIX);
	for (int i = 0; i < 3 * XT_TLS_UPDATES; i++) {
		assert_int_equal(
			SSL_key_update(tls_of(&s.b)->ssl,
				i % 2 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED),
			1);
		pass(&s.b, &s.a, 100);
		pass(&s.a, &s.b, 20000);
	}
	tls_of(&s.a)->update_due = true; /* as after very many records */
	pass(&s.a, &s.b, 20000);
	assert_int_equal(tls_of(&s.a)->out.sequence, 2);
	close_sides(&s);
}

static void
test_key_update_flood(void **state)
{
	struct sides s;
	struct xt_tls_keys keys;

	(void)state;
	open_sides(&s, PEER_UNIX);
	keys = tls_of(&s.a)->in;
	for (int i = 0; i <= XT_TLS_UPDATES; i++) {
		forge(&s, &keys, XT_TLS_HANDSHAKE, "\x18\0\0\1\1", 5);
		assert_true(xt_tls_keys_update(&keys, loop->tls->crypto));
		assert_true(s.a.conn->phase == XT_CONN_OPEN);
	}
	expect_refusal(&s, "a record was refused: unexpected_message");
}

static void
test_empty_flood(void **state)
{
	struct sides s;
	struct xt_tls_keys keys;

	(void)state;
	open_sides(&s, PEER_UNIX);
	keys = tls_of(&s.a)->in;
	for (int i = 0; i < XT_TLS_EMPTY; i++)
		forge(&s, &keys, XT_TLS_DATA, "", 0);
	forge(&s, &keys, XT_TLS_DATA, "x", 1);
	peer_turn_until_got(&s.a, 1);
	for (int i = 0; i <= XT_TLS_EMPTY; i++)
		forge(&s, &keys, XT_TLS_DATA, "", 0);
	expect_refusal(&s, "a record was refused: unexpected_message");
}

/* Handshakes -------------------------------------------------------------------------------- */

static void
expect_failure(struct peer *peer, const char *words)
{
	uint64_t since = xt_clock_ms();

	while (peer->conn && !*xt_tls_error(peer->conn) && xt_clock_ms() - since < 10000)
		xt_loop_turn(loop, 10);
	assert_non_null(peer->conn);
	if (!strstr(xt_tls_error(peer->conn), words))
		fail_msg("%s", xt_tls_error(peer->conn));
	peer_turn_until(peer, &peer->closed, 1);
	assert_int_equal(peer->why, XT_CLOSE_TLS);
}

static void
test_wrong_host(void **state)
{
	struct sides s;

	(void)state;
	begin(&s, PEER_UNIX, "elsewhere.example");
	expect_failure(&s.b, "certificate verify failed: hostname mismatch (/CN=a)");
	close_sides(&s);
	begin(&s, PEER_UNIX, "127.0.0.2");
	expect_failure(&s.b, "certificate verify failed: IP address mismatch");
	close_sides(&s);
}

static void
test_address(void **state)
{
	struct sides s;

	(void)state;
	begin(&s, PEER_UNIX, "127.0.0.1");
	tls_until_ready(&s.a, &s.b);
	pass(&s.a, &s.b, 10);
	close_sides(&s);
}

static void
test_untrusted(void **state)
{
	struct xt_tls_client_options options = { 0 };
	struct xt_tls_client *stranger;
	struct sides s;
	char error[256];

	(void)state;
	assert_int_equal(xt_tls_client_new(&stranger, &options, error, sizeof error), 0);
	tls_pair(&s.a, &s.b, loop, PEER_UNIX);
	assert_int_equal(xt_tls_accept(s.a.conn, server), 0);
	assert_int_equal(xt_tls_connect(s.b.conn, stranger, "localhost", (struct xt_str){ 0 }), 0);
	expect_failure(&s.b, "certificate verify failed: unable to get local issuer certificate");
	close_sides(&s);
	xt_tls_client_free(stranger);
	options.insecure = true;
	assert_int_equal(xt_tls_client_new(&stranger, &options, error, sizeof error), 0);
	tls_pair(&s.a, &s.b, loop, PEER_UNIX);
	assert_int_equal(xt_tls_accept(s.a.conn, server), 0);
	assert_int_equal(xt_tls_connect(s.b.conn, stranger, "elsewhere", (struct xt_str){ 0 }), 0);
	tls_until_ready(&s.a, &s.b);
	pass(&s.b, &s.a, 10);
	close_sides(&s);
	xt_tls_client_free(stranger);
}

static void
test_names(void **state)
{
	static const struct {
		const char *host, *subject;
	} cases[] = { { "localhost", "CN=a" }, { "x.b.example", "CN=b" } };
	struct sides s;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[64] = "";
		begin(&s, PEER_UNIX, cases[i].host);
		tls_until_ready(&s.a, &s.b);
		assert_true(xt_tls_peer_subject(s.b.conn, text, sizeof text));
		assert_string_equal(text, cases[i].subject);
		assert_false(xt_tls_peer_subject(s.a.conn, text, sizeof text));
		close_sides(&s);
	}
	/* RFC 6125 6.4.3: a wildcard is one label. */
	begin(&s, PEER_UNIX, "x.y.b.example");
	expect_failure(&s.b, "hostname mismatch (/CN=a)");
	close_sides(&s);
}

static void
test_alpn(void **state)
{
	struct sides s;

	(void)state;
	tls_pair(&s.a, &s.b, loop, PEER_UNIX);
	assert_int_equal(xt_tls_accept(s.a.conn, server), 0);
	assert_int_equal(
		xt_tls_connect(s.b.conn, client, "localhost", XT_STR("\x02h2\x08http/1.1")), 0);
	tls_until_ready(&s.a, &s.b);
	assert_true(xt_str_eq(xt_tls_alpn(s.a.conn), XT_STR("http/1.1")));
	assert_true(xt_str_eq(xt_tls_alpn(s.b.conn), XT_STR("http/1.1")));
	close_sides(&s);
	tls_pair(&s.a, &s.b, loop, PEER_UNIX);
	assert_int_equal(xt_tls_accept(s.a.conn, server), 0);
	assert_int_equal(xt_tls_connect(s.b.conn, client, "localhost",
				 XT_STR("\x03"
					"ftp")),
		0);
	expect_failure(&s.b, "no application protocol");
	close_sides(&s);
	open_sides(&s, PEER_UNIX);
	assert_int_equal(xt_tls_alpn(s.a.conn).n, 0);
	close_sides(&s);
}

/* What comes instead of a hello ------------------------------------------------------------- */

static void
accept_raw(struct peer *peer)
{
	peer_open(peer, loop, PEER_TCP);
	assert_int_equal(xt_tls_accept(peer->conn, server), 0);
}

static void
test_no_hello(void **state)
{
	static const char *const texts[] = { "\x16\x03\x01\x00\x05hello",
		"\x80\x80\x80\x80\x80\x80\x80\x80", "\r\n\r\n\r\n\r\n\r\n" };
	struct peer peer;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		uint64_t failures = xt_counter_read(&loop->stats.tls_failures);
		accept_raw(&peer);
		peer_write(&peer, texts[i], i == 0 ? 10 : 8);
		peer_turn_until(&peer, &peer.closed, 1);
		assert_int_equal(peer.why, XT_CLOSE_TLS);
		assert_int_equal(peer.recvs, 0);
		assert_int_equal(xt_counter_read(&loop->stats.tls_failures), failures + 1);
		peer_fini(&peer);
	}
}

static void
test_plain_http(void **state)
{
	static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\nhttps, please\n";
	char got[sizeof answer] = "";
	struct peer peer;

	(void)state;
	server->plain_answer = answer;
	accept_raw(&peer);
	peer_write_text(&peer,
		"GET / HTTP/1.1\r\nHost: a\r\nX: this is more than a record's header\r\n\r\n");
	assert_int_equal(peer_read(&peer, got, sizeof answer - 1), sizeof answer - 1);
	assert_string_equal(got, answer);
	assert_true(peer_at_end(&peer));
	peer_fini(&peer);
}

static void
test_health_check(void **state)
{
	uint64_t failures = xt_counter_read(&loop->stats.tls_failures);
	struct peer peer;

	(void)state;
	accept_raw(&peer);
	peer_close(&peer);
	peer_turn_until(&peer, &peer.closed, 1);
	assert_int_equal(peer.why, XT_CLOSE_RESET);
	assert_int_equal(xt_counter_read(&loop->stats.tls_failures), failures);
	peer_fini(&peer);
}

/* More than a turn's worth of handshakes: no turn takes more steps than it may, and all come through. */
static void
test_steps(void **state)
{
	enum { N = 40 };
	static struct sides s[N];
	int ready = 0, turns = 0;

	(void)state;
	for (int i = 0; i < N; i++)
		begin(&s[i], PEER_UNIX, "localhost");
	while (ready < N) {
		assert_true(++turns < 10000);
		xt_loop_turn(loop, 100);
		ready = 0;
		for (int i = 0; i < N; i++)
			ready += xt_tls_is_ready(s[i].a.conn) && xt_tls_is_ready(s[i].b.conn);
	}
	/* Each side takes two steps at least. */
	assert_true(turns >= 4 * N / XT_TLS_STEPS_A_TURN);
	for (int i = 0; i < N; i++)
		close_sides(&s[i]);
}

/* Clients' certificates --------------------------------------------------------------------- */

static void
shake_with(struct xt_tls_server *with, const char *own, bool good, const char *subject)
{
	struct xt_tls_client_options options = { .ca_file = tls_files_path(&files, "ca.pem") };
	char certificate[64], key[64], error[256], text[64] = "";
	struct xt_tls_client *other;
	struct sides s;

	if (own) {
		snprintf(certificate, sizeof certificate, "%s/%s.pem", files.folder, own);
		snprintf(key, sizeof key, "%s/%s.key", files.folder, own);
		options.certificate_file = certificate;
		options.key_file = key;
	}
	assert_int_equal(xt_tls_client_new(&other, &options, error, sizeof error), 0);
	tls_pair(&s.a, &s.b, loop, PEER_TCP);
	assert_int_equal(xt_tls_accept(s.a.conn, with), 0);
	assert_int_equal(xt_tls_connect(s.b.conn, other, "localhost", (struct xt_str){ 0 }), 0);
	if (good) {
		tls_until_ready(&s.a, &s.b);
		assert_int_equal(xt_tls_peer_subject(s.a.conn, text, sizeof text), subject != NULL);
		assert_string_equal(text, subject ? subject : "");
		pass(&s.b, &s.a, 100);
	} else {
		expect_failure(&s.a, "peer did not return a certificate");
	}
	close_sides(&s);
	xt_tls_client_free(other);
}

static void
test_clients(void **state)
{
	const char *certificate[] = { tls_files_path(&files, "a.pem") };
	const char *key[] = { tls_files_path(&files, "a.key") };
	struct xt_tls_options options = { .certificates = certificate, .keys = key, .count = 1 };
	struct xt_tls_server *with;
	char error[256];

	(void)state;
	options.clients = XT_TLS_CLIENTS_REQUIRED;
	assert_int_equal(xt_tls_server_new(&with, &options, error, sizeof error), XT_EINVAL);
	options.client_ca = tls_files_path(&files, "ca.pem");
	assert_int_equal(xt_tls_server_new(&with, &options, error, sizeof error), 0);
	shake_with(with, "b", true, "CN=b");
	shake_with(with, NULL, false, NULL);
	xt_tls_server_free(with);
	options.clients = XT_TLS_CLIENTS_OPTIONAL;
	assert_int_equal(xt_tls_server_new(&with, &options, error, sizeof error), 0);
	shake_with(with, "b", true, "CN=b");
	shake_with(with, NULL, true, NULL);
	xt_tls_server_free(with);
}

/* Files ------------------------------------------------------------------------------------- */

static void
expect_error(const char *certificate, const char *key, const char *words)
{
	char certificate_path[64], key_path[64], error[512] = "", expected[512];
	const char *certificates[] = { certificate_path }, *keys[] = { key_path };
	struct xt_tls_options options = { .certificates = certificates, .keys = keys, .count = 1 };
	struct xt_tls_server *none;

	snprintf(certificate_path, sizeof certificate_path, "%s/%s", files.folder, certificate);
	snprintf(key_path, sizeof key_path, "%s/%s", files.folder, key);
	snprintf(expected, sizeof expected, "%s/%s", files.folder, words);
	assert_int_equal(xt_tls_server_new(&none, &options, error, sizeof error), XT_EINVAL);
	assert_null(none);
	if (strncmp(error, expected, strlen(expected)) != 0)
		fail_msg("%s", error);
}

static void
write_file(const char *name, const char *text)
{
	FILE *file = fopen(tls_files_path(&files, name), "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
test_bad_files(void **state)
{
	(void)state;
	write_file("bad", "-----BEGIN NOTHING-----\n");
	expect_error("none.pem", "a.key", "none.pem: cannot be read: No such file or directory");
	expect_error("a.pem", "none.key", "none.key: cannot be read: No such file or directory");
	expect_error("bad", "a.key", "bad: holds no certificate that can be used (PEM)");
	expect_error("a.pem", "bad", "bad: holds no private key that can be used");
	expect_error("a.pem", "b.key", "b.key: is not the key of the certificate /");
}

/* Connections that are there stay, new ones get the new certificate, and tickets of before are good. */
static void
test_reload(void **state)
{
	struct sides old, new;
	char error[512], text[64] = "";

	(void)state;
	open_sides(&old, PEER_UNIX);
	assert_int_equal(xt_tls_server_reload(server, error, sizeof error), 0);
	tls_files_make(&files, "c", "DNS:localhost");
	assert_int_equal(
		rename(tls_files_path(&files, "c.pem"), tls_files_path(&files, "a.pem")), 0);
	/* Certificate and key do not fit until both are new. */
	assert_int_equal(xt_tls_server_reload(server, error, sizeof error), XT_EINVAL);
	assert_non_null(strstr(error, "is not the key of"));
	assert_int_equal(xt_tls_server_reload(server, error, sizeof error), 0);
	open_sides(&new, PEER_UNIX);
	close_sides(&new);
	assert_int_equal(
		rename(tls_files_path(&files, "c.key"), tls_files_path(&files, "a.key")), 0);
	assert_int_equal(xt_tls_server_reload(server, error, sizeof error), 1);
	assert_int_equal(xt_tls_server_reload(server, error, sizeof error), 0);
	open_sides(&new, PEER_UNIX);
	assert_true(xt_tls_peer_subject(new.b.conn, text, sizeof text));
	assert_string_equal(text, "CN=c");
	pass(&old.a, &old.b, 1000);
	pass(&old.b, &old.a, 1000);
	close_sides(&new);
	close_sides(&old);
}

/* One that shakes hands over a reload keeps the certificates that it began with. */
static void
test_reload_within_handshake(void **state)
{
	struct sides s;
	char error[512];

	(void)state;
	begin(&s, PEER_UNIX, "localhost");
	tls_files_make(&files, "a", "DNS:localhost");
	assert_int_equal(xt_tls_server_reload(server, error, sizeof error), 1);
	tls_until_ready(&s.a, &s.b);
	pass(&s.a, &s.b, 1000);
	close_sides(&s);
}

/* Sessions ---------------------------------------------------------------------------------- */

static void
reuse(SSL_SESSION **session, bool reused)
{
	struct sides s;
	uint64_t before = xt_counter_read(&loop->stats.tls_resumed);

	begin(&s, PEER_UNIX, "localhost");
	if (*session)
		SSL_set_session(tls_of(&s.b)->ssl, *session);
	tls_until_ready(&s.a, &s.b);
	pass(&s.a, &s.b, 1000); /* behind the ticket */
	pass(&s.b, &s.a, 1000);
	assert_int_equal(SSL_session_reused(tls_of(&s.b)->ssl), reused);
	/* Both sides count. */
	assert_int_equal(xt_counter_read(&loop->stats.tls_resumed) - before, reused ? 2 : 0);
	SSL_SESSION_free(*session);
	*session = SSL_get1_session(tls_of(&s.b)->ssl);
	SSL_set_shutdown(tls_of(&s.b)->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	close_sides(&s);
}

static void
test_resumption(void **state)
{
	SSL_SESSION *session = NULL;
	char error[512];

	(void)state;
	reuse(&session, false);
	reuse(&session, true);
	reuse(&session, true);
	tls_files_make(&files, "b", "DNS:*.b.example");
	assert_int_equal(xt_tls_server_reload(server, error, sizeof error), 1);
	reuse(&session, true);
	only_12(client);
	SSL_SESSION_free(session);
	session = NULL;
	reuse(&session, false);
	reuse(&session, true);
	SSL_SESSION_free(session);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_bytes),
		TEST(test_bytes_12),
		TEST(test_records_are_ours),
		TEST(test_gathers),
		TEST(test_small_records),
		TEST(test_queued_early),
		TEST(test_waits_quietly),
		TEST(test_pause),
		TEST(test_little_room),
		TEST(test_drop_unsent),
		TEST(test_finish),
		TEST(test_finish_when_full),
		TEST(test_truncated),
		TEST(test_end_within_record),
		TEST(test_broken_records),
		TEST(test_broken_records_12),
		TEST(test_warnings_12),
		TEST(test_fatal_alert),
		TEST(test_garbage),
		TEST(test_garbage_12),
		TEST(test_largest_record),
		TEST(test_byte_by_byte),
		TEST(test_key_update),
		TEST(test_key_update_flood),
		TEST(test_empty_flood),
		TEST(test_wrong_host),
		TEST(test_address),
		TEST(test_untrusted),
		TEST(test_names),
		TEST(test_alpn),
		TEST(test_no_hello),
		TEST(test_plain_http),
		TEST(test_health_check),
		TEST(test_steps),
		TEST(test_clients),
		TEST(test_bad_files),
		TEST(test_reload),
		TEST(test_reload_within_handshake),
		TEST(test_resumption),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
