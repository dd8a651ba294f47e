/* stream_test.c - one message is one chunk, in each kind's own words; the twins for HTTP/1.0 have no chunks. */
#include "transport/stream/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "codec/http1.h"
#include "crosstalk.h"
#include "http/fixture.h"
#include "session/session.h"
#include "transport/stream/kind.h"

#define ID      "k3v9x0a1-42"
#define TEXT(s) ((struct xt_payload){ XT_STR(s), XT_KIND_TEXT })
#define JSON(s) ((struct xt_payload){ XT_STR(s), XT_KIND_JSON })
#define BIN(s)  ((struct xt_payload){ XT_STR(s), XT_KIND_BINARY })
#define NEVER   3600000u
#define PATIENT 10000 /* ms: more than any of this takes */

/* Frames ---------------------------------------------------------------------------------- */

/* Takes one chunk off the front, strictly as RFC 9112 7.1 has it: its data, empty for the last. */
static struct xt_str
cut_chunk(struct xt_str *rest)
{
	struct xt_str line = xt_str_cut(rest, '\n'), data;
	size_t size = 0;

	assert_true(line.n >= 2 && line.p[line.n - 1] == '\r');
	for (size_t i = 0; i + 1 < line.n; i++) {
		const char *digits = "0123456789abcdef";
		const char *digit = strchr(digits, line.p[i] | 0x20);
		assert_non_null(digit);
		size = size * 16 + (size_t)(digit - digits);
	}
	assert_true(rest->n >= size + 2);
	data = xt_str_of(rest->p, size);
	assert_memory_equal(rest->p + size, "\r\n", 2);
	*rest = xt_str_skip(*rest, size + 2);
	return data;
}

static void
check_text(struct xt_str got, struct xt_str expected)
{
	if (!xt_str_eq(got, expected))
		fail_msg("expected %.*s, got %.*s", (int)expected.n, expected.p, (int)got.n, got.p);
}

/* The frame behind what the buffer holds already; the caller's. */
static struct xt_buf
frame(const struct xt_transport *transport, const struct xt_payload *payload)
{
	struct xt_message *message =
		xt_message_new(payload->kind, payload->bytes, (struct xt_str){ 0 }, 0);
	struct xt_buf out = { 0 };

	assert_non_null(message);
	assert_true(xt_position_parse(XT_STR(ID), &message->id));
	assert_int_equal(xt_buf_append_str(&out, XT_STR("before")), 0);
	assert_int_equal(transport->frame(NULL, message, payload, &out), 0);
	xt_message_unref(message);
	assert_memory_equal(out.p, "before", 6);
	xt_buf_consume(&out, 6);
	return out;
}

/* Both twins say the same, one of them in one chunk. */
static void
check(const struct xt_transport *chunked, const struct xt_transport *plain,
	struct xt_payload payload, struct xt_str expected)
{
	struct xt_buf with = frame(chunked, &payload), without = frame(plain, &payload);
	struct xt_str rest = xt_buf_str(&with);

	check_text(cut_chunk(&rest), expected);
	assert_int_equal(rest.n, 0);
	check_text(xt_buf_str(&without), expected);
	xt_buf_fini(&with);
	xt_buf_fini(&without);
}

static void
test_sse(void **state)
{
	static const struct {
		struct xt_payload payload;
		struct xt_str fields;
	} rows[] = {
		{ { XT_STR_INIT("hello"), XT_KIND_TEXT }, XT_STR_INIT("data: hello\n") },
		{ { XT_STR_INIT(""), XT_KIND_TEXT }, XT_STR_INIT("data: \n") },
		{ { XT_STR_INIT(" a:b"), XT_KIND_TEXT }, XT_STR_INIT("data:  a:b\n") },
		{ { XT_STR_INIT("a\nb\r\nc\rd"), XT_KIND_TEXT },
			XT_STR_INIT("data: a\ndata: b\ndata: c\ndata: d\n") },
		{ { XT_STR_INIT("\n\nid: x\r"), XT_KIND_TEXT },
			XT_STR_INIT("data: \ndata: \ndata: id: x\ndata: \n") },
		{ { XT_STR_INIT("a\n\rb"), XT_KIND_TEXT },
			XT_STR_INIT("data: a\ndata: \ndata: b\n") },
		{ { XT_STR_INIT("gr\xc3\xbc\xc3\x9f\0e"), XT_KIND_TEXT },
			XT_STR_INIT("data: gr\xc3\xbc\xc3\x9f\0e\n") },
		{ { XT_STR_INIT("{\n\"a\":1}"), XT_KIND_JSON },
			XT_STR_INIT("data: {\ndata: \"a\":1}\n") },
		{ { XT_STR_INIT("\xff\n\r"), XT_KIND_BINARY },
			XT_STR_INIT("event: binary\ndata: /woN\n") },
		{ { XT_STR_INIT(""), XT_KIND_BINARY }, XT_STR_INIT("event: binary\ndata: \n") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct xt_buf expected = { 0 };
		assert_int_equal(xt_buf_append_str(&expected, XT_STR("id: " ID "\n")), 0);
		assert_int_equal(xt_buf_append_str(&expected, rows[i].fields), 0);
		assert_int_equal(xt_buf_append_str(&expected, XT_STR("\n")), 0);
		check(&xt_sse_transport, &xt_sse_plain_transport, rows[i].payload,
			xt_buf_str(&expected));
		xt_buf_fini(&expected);
	}
}

static void
test_ndjson(void **state)
{
	(void)state;
	check(&xt_ndjson_transport, &xt_ndjson_plain_transport, JSON("{\"a\":1}"),
		XT_STR("{\"a\":1}\n"));
}

/* No character of a message can end the script or begin another element. */
static void
test_iframe(void **state)
{
	(void)state;
	check(&xt_iframe_transport, &xt_iframe_plain_transport, JSON("{\"a\":[1]}"),
		XT_STR("<script>parent.crosstalk({\"a\":[1]})</script>\n"));
	check(&xt_iframe_transport, &xt_iframe_plain_transport,
		JSON("\"</script><!--&\xe2\x80\xa8\xe2\x80\xa9\""),
		XT_STR("<script>parent.crosstalk(\"\\u003c/script\\u003e\\u003c!--\\u0026"
		       "\\u2028\\u2029\")</script>\n"));
}

/* Sizes where the head of a chunk becomes longer. */
static void
test_chunk_sizes(void **state)
{
	static const size_t sizes[] = { 1, 14, 15, 254, 255, 4094, 4095, 65534, 65535, 300000 };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		size_t n = sizes[i];
		char *text = malloc(n + 1);
		assert_non_null(text);
		memset(text, '7', n);
		text[n] = '\n';
		check(&xt_ndjson_transport, &xt_ndjson_plain_transport,
			(struct xt_payload){ { text, n }, XT_KIND_JSON }, xt_str_of(text, n + 1));
		free(text);
	}
}

/* A connection --------------------------------------------------------------------------- */

static struct xt_sessions sessions;
static struct xt_session
	*now_open; /* the session of the last request; NULL once its protocol is told */

static void
protocol_open(struct xt_session *session, const struct xt_entry *entry)
{
	(void)entry;
	now_open = session;
}

static void
protocol_closed(struct xt_session *session)
{
	assert_ptr_equal(session, now_open);
	now_open = NULL;
}

static const struct xt_protocol protocol = {
	.name = "test", .forms = 1, .open = protocol_open, .closed = protocol_closed
};

static void
open_stream(struct xt_exchange *x, void *ctx)
{
	const struct xt_transport *const *twins = ctx;
	const struct xt_transport *transport = twins[xt_exchange_can_chunk(x) ? 0 : 1];
	const struct xt_entry entry = { 0 };
	struct xt_session *session = xt_session_new(&sessions, transport, &protocol, &entry);

	assert_non_null(session);
	assert_int_equal(transport->begin(session, x), 0);
	xt_session_open(session, &entry);
}

static const struct xt_transport *twins[][2] = {
	{ &xt_sse_transport, &xt_sse_plain_transport },
	{ &xt_ndjson_transport, &xt_ndjson_plain_transport },
	{ &xt_iframe_transport, &xt_iframe_plain_transport },
};

static const struct xt_route routes[] = {
	{ XT_STR_INIT("/0"), .methods = XT_GET, .handle = open_stream, .ctx = twins[0] },
	{ XT_STR_INIT("/1"), .methods = XT_GET, .handle = open_stream, .ctx = twins[1] },
	{ XT_STR_INIT("/2"), .methods = XT_GET, .handle = open_stream, .ctx = twins[2] },
	{ .handle = NULL },
};

#define CLOSE "{\"event\":\"close\",\"reason\":\"slow_reader\",\"notice\":\"you are too slow\"}"

/* What each kind says: its type, then in this order preamble, open, lost, a message, a heartbeat, the end. */
static const struct {
	const char *type, *policy, *open, *lost, *message, *heartbeat, *close;
} words[] = {
	{ "text/event-stream", NULL, "event: open\nid: " ID "\ndata: {\"n\":1}\n\n",
		"event: lost\nid: " ID "\ndata: {\"n\":2}\n\n", "id: " ID "\ndata: [1]\n\n",
		":\n\n", "event: close\ndata: " CLOSE "\n\n" },
	{ "application/x-ndjson", NULL, "{\"n\":1}\n", "{\"n\":2}\n", "[1]\n", "\n", CLOSE "\n" },
	{ "text/html; charset=utf-8",
		"default-src 'none'; script-src 'unsafe-inline'; frame-ancestors 'self'",
		"<script>parent.crosstalk({\"n\":1})</script>\n",
		"<script>parent.crosstalk({\"n\":2})</script>\n",
		"<script>parent.crosstalk([1])</script>\n", "<!-- -->\n",
		"<script>parent.crosstalk(" CLOSE ")</script>\n" },
};

static void
send_notice(enum xt_notice_kind kind, struct xt_str json)
{
	struct xt_notice notice = { .kind = kind, .json = json };

	assert_true(xt_position_parse(XT_STR(ID), &notice.next));
	xt_session_notice(now_open, &notice);
}

static void
send_message(const struct xt_transport *transport)
{
	struct xt_payload payload = JSON("[1]");
	struct xt_buf out = frame(transport, &payload);

	xt_conn_send(now_open->conn, out.p, out.n);
	xt_buf_fini(&out);
}

static void
start(struct fixture *f, struct xt_http_config *config, uint32_t heartbeat_ms)
{
	const struct xt_sessions_config sessions_config = {
		.heartbeat_interval_ms = heartbeat_ms,
		.heartbeat_timeout_ms = heartbeat_ms,
		.max_backlog = 1u << 20,
	};

	*config = (struct xt_http_config){ .routes = routes };
	fixture_init(f, config);
	xt_sessions_init(&sessions, NULL, 0, &sessions_config);
}

static void
stop(struct fixture *f)
{
	fixture_fini(f);
	assert_null(now_open);
	for (size_t i = 0; i < XT_TRANSPORTS; i++)
		assert_int_equal(xt_counter_read(&sessions.stats.open[i]), 0);
}

static void
request(struct fixture *f, size_t kind, unsigned minor)
{
	char text[64];

	snprintf(text, sizeof text, "GET /%zu HTTP/1.%u\r\nHost: a\r\n\r\n", kind, minor);
	fixture_connect(f);
	fixture_run(f, 0); /* the one before has gone */
	assert_null(now_open);
	fixture_send(f, text);
	assert_non_null(now_open);
}

/* The data of the next piece: a chunk, or as much as is expected. */
static struct xt_str
next_piece(struct xt_str *rest, bool chunked, size_t n)
{
	struct xt_str piece = { rest->p, n };

	if (chunked)
		return cut_chunk(rest);
	assert_true(rest->n >= n);
	*rest = xt_str_skip(*rest, n);
	return piece;
}

static void
check_piece(struct xt_str *rest, bool chunked, const char *expected)
{
	struct xt_str text = xt_str_from(expected);

	check_text(next_piece(rest, chunked, text.n), text);
}

/* A page is long enough for browsers to begin with it, and has nothing behind its comment. */
static void
check_page(struct xt_str *rest, bool chunked)
{
	struct xt_str page = next_piece(rest, chunked, xt_iframe_kind.preamble.n);

	assert_true(page.n > 512);
	assert_true(xt_str_starts(page, XT_STR("<!doctype html>")));
	assert_memory_equal(page.p + page.n - 4, "-->\n", 4);
}

static void
check_stream(struct fixture *f, size_t kind, unsigned minor)
{
	bool chunked = minor == 1;
	struct answer answer;
	struct xt_str rest;

	request(f, kind, minor);
	send_notice(XT_NOTICE_OPEN, XT_STR("{\"n\":1}"));
	send_notice(XT_NOTICE_LOST, XT_STR("{\"n\":2}"));
	send_message(twins[kind][chunked ? 0 : 1]);
	xt_session_close(now_open, XT_CLOSE_SLOW, "you are too slow");
	fixture_run(f, 0);
	assert_null(now_open);
	assert_true(f->eof);
	answer = fixture_answer(f, true);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer_field(&answer, "content-type"), words[kind].type);
	assert_string_equal(answer_field(&answer, "x-accel-buffering"), "no");
	assert_null(answer_field(&answer, "content-length"));
	assert_int_equal(answer_field(&answer, "transfer-encoding") != NULL, chunked);
	if (words[kind].policy)
		assert_string_equal(
			answer_field(&answer, "content-security-policy"), words[kind].policy);
	else
		assert_null(answer_field(&answer, "content-security-policy"));
	rest = answer.body;
	if (words[kind].policy)
		check_page(&rest, chunked);
	check_piece(&rest, chunked, words[kind].open);
	check_piece(&rest, chunked, words[kind].lost);
	check_piece(&rest, chunked, words[kind].message);
	check_piece(&rest, chunked, words[kind].close);
	if (chunked)
		assert_int_equal(cut_chunk(&rest).n, 0);
	assert_int_equal(rest.n, 0);
	answer_fini(&answer);
}

static void
test_whole_streams(void **state)
{
	struct xt_http_config config;
	struct fixture f;

	(void)state;
	start(&f, &config, NEVER);
	for (size_t kind = 0; kind < 3; kind++)
		for (unsigned minor = 0; minor <= 1; minor++)
			check_stream(&f, kind, minor);
	stop(&f);
}

static void
test_heartbeat(void **state)
{
	struct xt_http_config config;
	struct fixture f;

	(void)state;
	start(&f, &config, 10);
	for (size_t kind = 0; kind < 3; kind++) {
		uint64_t until = xt_clock_ms() + PATIENT;
		struct answer answer;
		struct xt_str rest;
		request(&f, kind, 1);
		answer = fixture_answer(&f, true);
		if (words[kind].policy) {
			rest = answer.body;
			check_page(&rest, true);
		}
		answer_fini(&answer);
		f.got.n = 0;
		while (f.got.n == 0 && xt_clock_ms() < until)
			fixture_run(&f, 10);
		rest = xt_buf_str(&f.got);
		check_piece(&rest, true, words[kind].heartbeat);
	}
	stop(&f);
}

/* What the client sends is thrown away; that it goes is noticed. */
static void
test_client(void **state)
{
	struct xt_http_config config;
	struct fixture f;

	(void)state;
	start(&f, &config, NEVER);
	request(&f, 0, 1);
	f.got.n = 0;
	fixture_send(&f, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\x01\x02");
	assert_int_equal(f.got.n, 0);
	assert_non_null(now_open);
	assert_false(f.eof);
	stop(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sse),
		cmocka_unit_test(test_ndjson),
		cmocka_unit_test(test_iframe),
		cmocka_unit_test(test_chunk_sizes),
		cmocka_unit_test(test_whole_streams),
		cmocka_unit_test(test_heartbeat),
		cmocka_unit_test(test_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
