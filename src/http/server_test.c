/* server_test.c - requests and answers over a socket pair and a real loop. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "crosstalk.h"
#include "http/fixture.h"

#define BIG (300u * 1024)
#define H   "Host: a\r\n"

/* ---- handlers -------------------------------------------------------------------------- */

static struct {
	struct xt_exchange *held;
	int gone, expired;
	enum xt_close why;
	int closed; /* of the stream that took over */
} seen;

static void
hello(struct xt_exchange *x, void *ctx)
{
	(void)ctx;
	xt_exchange_header(x, XT_STR("X-Test"), XT_STR("yes"));
	xt_exchange_reply(x, 200, XT_STR("text/plain"), XT_STR("hello"));
}

static void
echo_body(struct xt_exchange *x, void *ctx)
{
	const struct xt_request *request = xt_exchange_request(x);

	(void)ctx;
	assert_true(xt_str_eq(request->path, XT_STR("/body")));
	xt_exchange_reply(x, 201, XT_STR("text/plain"), request->body);
}

static void
big(struct xt_exchange *x, void *ctx)
{
	char *p = malloc(BIG);
	struct xt_bytes *bytes;

	(void)ctx;
	assert_non_null(p);
	memset(p, 'b', BIG);
	bytes = xt_bytes_own(p, BIG);
	assert_non_null(bytes);
	xt_exchange_reply_bytes(x, 200, XT_STR("text/plain"), bytes, 0, BIG);
	xt_bytes_unref(bytes);
}

static void
held_gone(void *ctx, enum xt_close why)
{
	assert_ptr_equal(ctx, &seen);
	seen.gone++;
	seen.why = why;
	seen.held = NULL;
}

static void
held_expired(void *ctx)
{
	assert_ptr_equal(ctx, &seen);
	seen.expired++;
	xt_exchange_reply(seen.held, 200, XT_STR("text/plain"), XT_STR("late"));
	seen.held = NULL;
}

static void
hold(struct xt_exchange *x, void *ctx)
{
	static const struct xt_holder holder = { .gone = held_gone, .expired = held_expired };

	(void)ctx;
	seen.held = x;
	xt_exchange_hold(x, &holder, &seen);
	xt_exchange_expire_in(x, 200);
}

static size_t
taken_recv(struct xt_conn *conn, char *p, size_t n)
{
	xt_conn_send(conn, "<", 1);
	xt_conn_send(conn, p, n);
	return n;
}

static void
taken_closed(struct xt_conn *conn, enum xt_close why)
{
	(void)conn;
	(void)why;
	seen.closed++;
}

static const struct xt_stream taken = {
	.name = "taken", .recv = taken_recv, .closed = taken_closed
};

static void
take(struct xt_exchange *x, void *ctx)
{
	(void)ctx;
	xt_exchange_header(x, XT_STR("Upgrade"), XT_STR("test"));
	xt_exchange_takeover(x, 101, (struct xt_str){ 0 }, false, &taken, NULL);
}

static void
nothing(struct xt_exchange *x, void *ctx)
{
	(void)x;
	(void)ctx;
}

static void
own(struct xt_exchange *x, void *ctx)
{
	(void)ctx;
	xt_exchange_reply(x, 200, XT_STR("text/plain"), xt_exchange_request(x)->head->method);
}

static void
query(struct xt_exchange *x, void *ctx)
{
	struct xt_buf value = { 0 };
	int result = xt_request_query(xt_exchange_request(x), XT_STR("v"), &value);

	(void)ctx;
	if (result < 0)
		xt_exchange_error(x, 400, "bad_parameter", "v is broken \"\xff\n");
	else
		xt_exchange_reply(x, result ? 200 : 202, XT_STR("text/plain"), xt_buf_str(&value));
	xt_buf_fini(&value);
}

static const struct xt_route routes[] = {
	{ .path = XT_STR_INIT("/hello"), .methods = XT_GET, .handle = hello },
	{ .path = XT_STR_INIT("/body"), .methods = XT_POST, .max_body = 100, .handle = echo_body },
	{ .path = XT_STR_INIT("/large"),
		.methods = XT_POST,
		.max_body = 100000,
		.handle = echo_body },
	{ .path = XT_STR_INIT("/no-body"), .methods = XT_POST, .handle = hello },
	{ .path = XT_STR_INIT("/big"), .methods = XT_GET, .handle = big },
	{ .path = XT_STR_INIT("/hold"), .methods = XT_GET, .handle = hold },
	{ .path = XT_STR_INIT("/take"), .methods = XT_GET, .handle = take },
	{ .path = XT_STR_INIT("/nothing"), .methods = XT_GET, .handle = nothing },
	{ .path = XT_STR_INIT("/own/"), .prefix = true, .own_methods = true, .handle = own },
	{ .path = XT_STR_INIT("/query"), .methods = XT_GET, .handle = query },
	{ .handle = NULL },
};

static struct xt_http_config config;
static struct fixture f;

static int
setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof seen);
	config = (struct xt_http_config){ .routes = routes };
	fixture_init(&f, &config);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fixture_fini(&f);
	return 0;
}

static void
assert_field(const struct answer *answer, const char *name, const char *value)
{
	const char *is = answer_field(answer, name);

	if (!value)
		assert_null(is);
	else if (!is || strcmp(is, value) != 0)
		fail_msg("%s: %s, not %s", name, is ? is : "(none)", value);
}

/* ---- answers --------------------------------------------------------------------------- */

static void
test_plain(void **state)
{
	struct answer answer;

	(void)state;
	for (int i = 0; i < 3; i++) {
		fixture_send(&f, "GET /hello HTTP/1.1\r\n" H "\r\n");
		answer = fixture_answer(&f, true);
		assert_int_equal(answer.status, 200);
		assert_field(&answer, "Server", "crosstalk");
		assert_field(&answer, "Content-Type", "text/plain");
		assert_field(&answer, "Content-Length", "5");
		assert_field(&answer, "X-Test", "yes");
		assert_field(&answer, "Connection", NULL);
		assert_field(&answer, "Access-Control-Allow-Origin", NULL);
		assert_field(&answer, "Vary", NULL);
		assert_int_equal(strlen(answer_field(&answer, "Date")), XT_HTTP1_DATE_SIZE);
		assert_string_equal(answer.body.p, "hello");
		answer_fini(&answer);
	}
	assert_false(f.eof);
	assert_int_equal(xt_counter_read(&xt_http_server_stats(f.server)->requests), 3);
	assert_int_equal(xt_counter_read(&xt_http_server_stats(f.server)->responses[2]), 3);
}

static void
test_keep_alive(void **state)
{
	static const struct {
		const char *text, *connection;
		bool eof;
	} rows[] = {
		{ "GET /hello HTTP/1.1\r\n" H "\r\n", NULL, false },
		{ "GET /hello HTTP/1.1\r\n" H "Connection: close\r\n\r\n", "close", true },
		{ "GET /hello HTTP/1.0\r\n\r\n", "close", true },
		{ "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct answer answer;
		fixture_connect(&f);
		fixture_send(&f, rows[i].text);
		answer = fixture_answer(&f, true);
		assert_int_equal(answer.status, 200);
		assert_field(&answer, "Connection", rows[i].connection);
		assert_int_equal(f.eof, rows[i].eof);
		answer_fini(&answer);
	}
}

static void
test_head(void **state)
{
	struct answer answer;

	(void)state;
	fixture_send(&f, "HEAD /hello HTTP/1.1\r\n" H "\r\nHEAD /no HTTP/1.1\r\n" H "\r\n");
	answer = fixture_answer(&f, false);
	assert_int_equal(answer.status, 200);
	assert_field(&answer, "Content-Length", "5");
	answer_fini(&answer);
	answer = fixture_answer(&f, false);
	assert_int_equal(answer.status, 404);
	answer_fini(&answer);
	assert_int_equal(f.got.n, 0);
	fixture_ask(&f, "GET /hello HTTP/1.1\r\n" H "\r\n", 200, "hello");
}

/* Semantic errors: the connection goes on. */
static void
test_kept_errors(void **state)
{
	static const struct {
		const char *text;
		unsigned status;
		const char *body;
	} rows[] = {
		{ "GET /none HTTP/1.1\r\n" H "\r\n", 404, "\"code\":\"not_found\"" },
		{ "GET /hello/ HTTP/1.1\r\n" H "\r\n", 404, "\"message\":\"" },
		{ "POST /hello HTTP/1.1\r\n" H "\r\n", 405, "method_not_allowed" },
		{ "PATCH /hello HTTP/1.1\r\n" H "\r\n", 405, "GET, HEAD, OPTIONS" },
		{ "get /hello HTTP/1.1\r\n" H "\r\n", 405, NULL },
		{ "POST /hello HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", 405, NULL },
		{ "POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
			404, NULL },
		{ "GET /hello HTTP/1.1\r\n" H "Expect: x\r\n\r\n", 417, "expectation_failed" },
		{ "GET /nothing HTTP/1.1\r\n" H "\r\n", 500, "internal_error" },
		{ "POST /no-body HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", 200, "hello" },
		{ "OPTIONS /hello HTTP/1.1\r\n" H "\r\n", 204, "" },
		{ "OPTIONS * HTTP/1.1\r\n" H "\r\n", 204, "" },
		{ "OPTIONS /own/x HTTP/1.1\r\n" H "\r\n", 200, "OPTIONS" },
		{ "BREW /own/ HTTP/1.1\r\n" H "\r\n", 200, "BREW" },
		{ "GET /query?v=a+b%21&v=2 HTTP/1.1\r\n" H "\r\n", 200, "a b!" },
		{ "GET /query?v HTTP/1.1\r\n" H "\r\n", 200, "" },
		{ "GET /query?w=v HTTP/1.1\r\n" H "\r\n", 202, "" },
		{ "GET /query?v=%4 HTTP/1.1\r\n" H "\r\n", 400, "v is broken \\\"?\\n" },
		{ "GET http://b/hello HTTP/1.1\r\n" H "\r\n", 200, "hello" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fixture_ask(&f, rows[i].text, rows[i].status, rows[i].body);
		assert_false(f.eof);
	}
}

static void
test_allow(void **state)
{
	struct answer answer;

	(void)state;
	fixture_send(&f, "PUT /hello HTTP/1.1\r\n" H "\r\nOPTIONS /body HTTP/1.1\r\n" H "\r\n");
	answer = fixture_answer(&f, true);
	assert_field(&answer, "Allow", "GET, HEAD, OPTIONS");
	assert_field(&answer, "Content-Type", "application/json");
	answer_fini(&answer);
	answer = fixture_answer(&f, true);
	assert_int_equal(answer.status, 204);
	assert_field(&answer, "Allow", "POST, OPTIONS");
	assert_field(&answer, "Content-Length", NULL);
	answer_fini(&answer);
}

/* Errors after which the next request can't be found: answered, then the connection ends. */
static void
test_closing_errors(void **state)
{
	static const struct {
		const char *text;
		unsigned status;
		const char *body;
	} rows[] = {
		{ " GET / HTTP/1.1\r\n", 400, "bad_request" },
		{ "GET /hello HTTP/1.1\r\n\r\n", 400, "Host" },
		{ "GET /hello HTTP/1.1\n", 400, "LF alone" },
		{ "GET / HTTP/2.0\r\n", 505, "http_version_not_supported" },
		{ "CONNECT a:1 HTTP/1.1\r\n" H "\r\n", 501, "not_implemented" },
		{ "POST /body HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
			400, "more than one Content-Length" },
		{ "POST /body HTTP/1.1\r\n" H "Content-Length: 1\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			400, "exclude" },
		{ "POST /body HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400,
			"hexadecimal" },
		{ "POST /body HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n65\r\n", 413,
			"body_too_large" },
		{ "POST /body HTTP/1.1\r\n" H "Content-Length: 70000\r\n\r\n", 413,
			"70000 bytes; this path takes 100" },
		{ "POST /body HTTP/1.1\r\n" H "Content-Length: 101\r\nExpect: 100-continue\r\n\r\n",
			413, NULL },
		{ "POST /none HTTP/1.1\r\n" H "Content-Length: 70000\r\n\r\n", 404, NULL },
		{ "POST /none HTTP/1.1\r\n" H "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n",
			404, NULL },
		{ "GET /take HTTP/1.1\r\n" H "Content-Length: 70000\r\n\r\n", 400,
			"must not have a body" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fixture_connect(&f);
		fixture_ask(&f, rows[i].text, rows[i].status, rows[i].body);
		assert_true(f.eof);
	}
}

static void
test_limits(void **state)
{
	char text[20000];

	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		fixture_connect(&f);
		snprintf(text, sizeof text, "GET /hello?%0*d HTTP/1.1\r\n" H "\r\n", 8185 + extra,
			0);
		fixture_ask(&f, text, extra ? 414 : 200, extra ? "uri_too_long" : "hello");
		assert_int_equal(f.eof, extra);
		fixture_connect(&f);
		/* line, Host, "X: ", its CRLF, empty line */
		snprintf(text, sizeof text, "GET /hello HTTP/1.1\r\n" H "X: %0*d\r\n\r\n",
			16384 - 21 - 9 - 3 - 4 + extra, 0);
		fixture_ask(&f, text, extra ? 431 : 200, extra ? "header_too_large" : "hello");
		assert_int_equal(f.eof, extra);
	}
}

/* ---- bodies ---------------------------------------------------------------------------- */

static const char *const bodies[] = {
	"POST /body HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nworld",
	"POST /body HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
	"2;x=y\r\nwo\r\n3\r\nrld\r\n0\r\nT: u\r\n\r\n",
};

/* At every place, then byte by byte; a request follows in the same write. */
static void
test_bodies(void **state)
{
	const char *next = "GET /hello HTTP/1.1\r\n" H "\r\n";
	char text[512];

	(void)state;
	for (size_t b = 0; b < sizeof bodies / sizeof bodies[0]; b++) {
		int n = snprintf(text, sizeof text, "%s%s", bodies[b], next);
		for (int at = 1; at <= n; at++) {
			struct answer answer;
			fixture_write(&f, text, (size_t)at);
			fixture_run(&f, 0);
			fixture_write(&f, text + at, (size_t)(n - at));
			fixture_run(&f, 0);
			answer = fixture_answer(&f, true);
			assert_int_equal(answer.status, 201);
			assert_string_equal(answer.body.p, "world");
			answer_fini(&answer);
			answer = fixture_answer(&f, true);
			assert_string_equal(answer.body.p, "hello");
			answer_fini(&answer);
		}
		for (int at = 0; at < n; at++) {
			fixture_write(&f, text + at, 1);
			fixture_run(&f, 0);
		}
		for (int i = 0; i < 2; i++) {
			struct answer answer = fixture_answer(&f, true);
			assert_string_equal(answer.body.p, i ? "hello" : "world");
			answer_fini(&answer);
		}
		assert_int_equal(f.got.n, 0);
	}
}

static void
test_body_limit(void **state)
{
	char text[512];

	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		int n = 100 + extra;
		/* small enough to be skipped, so that the connection stays */
		snprintf(text, sizeof text,
			"POST /body HTTP/1.1\r\n" H "Content-Length: %d\r\n\r\n%0*d", n, n, 0);
		fixture_ask(&f, text, extra ? 413 : 201, NULL);
		assert_false(f.eof);
		/* in two chunks */
		snprintf(text, sizeof text,
			"POST /body HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
			"32\r\n%050d\r\n%x\r\n%0*d\r\n0\r\n\r\n",
			0, n - 50, n - 50, 0);
		fixture_ask(&f, text, extra ? 413 : 201, NULL);
		assert_int_equal(f.eof, extra);
	}
}

static void
test_continue(void **state)
{
	struct answer answer;

	(void)state;
	fixture_send(&f,
		"POST /body HTTP/1.1\r\n" H "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
	answer = fixture_answer(&f, false);
	assert_int_equal(answer.status, 100);
	answer_fini(&answer);
	fixture_ask(&f, "ok", 201, "ok");
	/* who has begun to send is not asked to */
	fixture_send(&f,
		"POST /body HTTP/1.1\r\n" H "Content-Length: 2\r\nExpect: 100-continue\r\n\r\no");
	fixture_ask(&f, "k", 201, "ok");
	fixture_ask(&f,
		"POST /body HTTP/1.1\r\n" H "Content-Length: 2\r\nExpect: 100-continue\r\n\r\nok",
		201, "ok");
}

/* A body nobody reads, in pieces, with a request behind it. */
static void
test_skip(void **state)
{
	char piece[1000];

	(void)state;
	memset(piece, 'x', sizeof piece);
	fixture_ask(&f, "POST /none HTTP/1.1\r\n" H "Content-Length: 60000\r\n\r\n", 404, NULL);
	for (int i = 0; i < 60; i++)
		fixture_write(&f, piece, sizeof piece), fixture_run(&f, 0);
	fixture_ask(&f, "GET /hello HTTP/1.1\r\n" H "\r\n", 200, "hello");
	/* chunked, and in the end too large to be skipped */
	fixture_ask(&f, "POST /none HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\n", 404,
		NULL);
	fixture_send(&f, "abc\r\n0\r\n\r\n");
	fixture_ask(&f, "GET /hello HTTP/1.1\r\n" H "\r\n", 200, "hello");
	fixture_ask(
		&f, "POST /none HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 404, NULL);
	fixture_send(&f, "10001\r\n");
	assert_true(f.eof);
}

/* ---- pipelining ------------------------------------------------------------------------ */

static void
test_pipelining(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		fixture_write(&f, "GET /hello HTTP/1.1\r\n" H "\r\n", 32);
	fixture_run(&f, 0);
	for (int i = 0; i < 1000; i++) {
		struct answer answer = fixture_answer(&f, true);
		assert_string_equal(answer.body.p, "hello");
		answer_fini(&answer);
	}
	assert_int_equal(f.got.n, 0);
}

/* The peer asks for 15 MB and does not read: the server keeps what it owes bounded. */
static void
test_backlog(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++)
		fixture_write(&f, "GET /big HTTP/1.1\r\n" H "\r\n", 30);
	for (int i = 0; i < 20; i++)
		xt_loop_turn(f.loop, 0);
	assert_true(xt_counter_read(&xt_http_server_stats(f.server)->requests) < 10);
	/* a FIN behind it does not lose what is still owed */
	shutdown(f.fd, SHUT_WR);
	fixture_run(&f, 50);
	for (int i = 0; i < 50; i++) {
		struct answer answer = fixture_answer(&f, true);
		assert_int_equal(answer.body.n, BIG);
		answer_fini(&answer);
	}
	assert_true(f.eof);
}

static void
test_half_close(void **state)
{
	(void)state;
	fixture_write(&f, "GET /hello HTTP/1.1\r\n" H "\r\n", 32);
	shutdown(f.fd, SHUT_WR);
	fixture_ask(&f, "", 200, "hello");
	assert_true(f.eof);
	/* a FIN inside a request: nothing to answer */
	fixture_connect(&f);
	fixture_send(&f, "GET /hello HT");
	shutdown(f.fd, SHUT_WR);
	fixture_run(&f, 0);
	assert_true(f.eof);
	assert_int_equal(f.got.n, 0);
	fixture_connect(&f);
	fixture_send(&f, "POST /body HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nx");
	shutdown(f.fd, SHUT_WR);
	fixture_run(&f, 0);
	assert_true(f.eof);
}

/* A body of 90,000 bytes of which `come` arrive; the connection stays. Returns its descriptor. */
static int
begin_large(size_t come)
{
	static const char zeros[90000];
	int fd;

	fixture_connect(&f);
	fixture_send(&f, "POST /large HTTP/1.1\r\n" H "Content-Length: 90000\r\n\r\n");
	fixture_write(&f, zeros, come);
	fixture_run(&f, 0);
	fd = f.fd;
	f.fd = -1; /* the fixture forgets it, and does not close it */
	return fd;
}

/* What all unfinished bodies hold has a limit; those of others, and short ones, go on. */
static void
test_budget_of_bodies(void **state)
{
	struct xt_budget *budget = &f.unfinished;
	int first, second;

	(void)state;
	budget->max = 20000;
	first = begin_large(XT_BUDGET_FREE + 10000);
	assert_in_range(budget->used, 10000, 10100); /* the head counts too */
	second = begin_large(XT_BUDGET_FREE + 9000);
	assert_in_range(budget->used, 19000, 19200);
	close(first);
	fixture_run(&f, 0);
	assert_in_range(budget->used, 9000, 9100);
	f.fd = second;
	fixture_write(&f, (char[20000]){ 0 }, 20000);
	fixture_ask(&f, "", 503, "\"busy\"");
	assert_int_equal(budget->used, 0);
	fixture_run(&f, 0);
	assert_true(f.eof);
	budget->max = 0;
	fixture_connect(&f);
	fixture_send(&f, "POST /body HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\no");
	fixture_ask(&f, "k", 201, "ok");
}

/* Who waits for 100 Continue is told at once when it begins too large; the answer says when to come again. */
static void
test_busy_answer(void **state)
{
	static const char large[] = "POST /large HTTP/1.1\r\n" H
				    "Content-Length: 50000\r\nExpect: 100-continue\r\n\r\n";
	struct answer answer;

	(void)state;
	f.unfinished.max = 100;
	fixture_connect(&f);
	fixture_write(&f, large, sizeof large - 1);
	fixture_write(&f, (char[5000]){ 0 }, 5000);
	fixture_run(&f, 0);
	answer = fixture_answer(&f, true);
	assert_int_equal(answer.status, 503);
	assert_string_equal(answer_field(&answer, "retry-after"), "5");
	assert_string_equal(answer_field(&answer, "connection"), "close");
	answer_fini(&answer);
	assert_int_equal(f.unfinished.used, 0);
}

/* ---- holding and taking over ----------------------------------------------------------- */

static void
test_hold(void **state)
{
	struct xt_http_stats *stats = xt_http_server_stats(f.server);

	(void)state;
	fixture_send(&f, "GET /hold HTTP/1.1\r\n" H "\r\nGET /hello HTTP/1.1\r\n" H "\r\n");
	assert_non_null(seen.held);
	assert_int_equal(f.got.n, 0);
	assert_int_equal(xt_counter_read(&stats->held), 1);
	xt_exchange_reply(seen.held, 200, XT_STR("text/plain"), XT_STR("news"));
	assert_int_equal(xt_counter_read(&stats->held), 0);
	fixture_run(&f, 0);
	for (int i = 0; i < 2; i++) {
		struct answer answer = fixture_answer(&f, true);
		assert_string_equal(answer.body.p, i ? "hello" : "news");
		answer_fini(&answer);
	}
	assert_int_equal(seen.gone + seen.expired, 0);
}

static void
test_hold_expires(void **state)
{
	(void)state;
	fixture_send(&f, "GET /hold HTTP/1.1\r\n" H "\r\n");
	fixture_run(&f, 400);
	fixture_ask(&f, "", 200, "late");
	assert_int_equal(seen.expired, 1);
	fixture_ask(&f, "GET /hello HTTP/1.1\r\n" H "\r\n", 200, "hello");
}

static void
test_hold_gone(void **state)
{
	(void)state;
	/* FIN alone */
	fixture_send(&f, "GET /hold HTTP/1.1\r\n" H "\r\n");
	shutdown(f.fd, SHUT_WR);
	fixture_run(&f, 0);
	assert_int_equal(seen.gone, 1);
	assert_int_equal(seen.why, XT_CLOSE_PEER);
	assert_true(f.eof);
	/* behind pipelined bytes it is seen when those are: they are answered too */
	fixture_connect(&f);
	fixture_send(&f, "GET /hold HTTP/1.1\r\n" H "\r\n");
	fixture_send(&f, "GET /hello HTTP/1.1\r\n" H "\r\n");
	shutdown(f.fd, SHUT_WR);
	fixture_run(&f, 0);
	assert_int_equal(seen.gone, 1);
	xt_exchange_reply(seen.held, 200, XT_STR("text/plain"), XT_STR("news"));
	fixture_run(&f, 0);
	assert_non_null(memmem(f.got.p, f.got.n, "\r\n\r\nhello", 9));
	assert_true(f.eof);
	/* all of it */
	fixture_connect(&f);
	fixture_send(&f, "GET /hold HTTP/1.1\r\n" H "\r\n");
	close(f.fd);
	f.fd = -1;
	fixture_run(&f, 0);
	assert_int_equal(seen.gone, 2);
	/* the loop ends: see teardown */
	fixture_connect(&f);
	fixture_send(&f, "GET /hold HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(xt_counter_read(&xt_http_server_stats(f.server)->held), 1);
}

static void
test_takeover(void **state)
{
	struct answer answer;

	(void)state;
	fixture_send(&f, "GET /take HTTP/1.1\r\n" H "\r\nearly");
	answer = fixture_answer(&f, true);
	assert_int_equal(answer.status, 101);
	assert_field(&answer, "Connection", "Upgrade");
	assert_field(&answer, "Upgrade", "test");
	assert_field(&answer, "Content-Length", NULL);
	answer_fini(&answer);
	fixture_send(&f, "more");
	assert_true(xt_str_eq(xt_buf_str(&f.got), XT_STR("<early<more")));
	close(f.fd);
	f.fd = -1;
	fixture_run(&f, 0);
	assert_int_equal(seen.closed, 1);
}

static void
test_takeover_later(void **state)
{
	(void)state;
	fixture_send(&f, "GET /hold HTTP/1.1\r\n" H "\r\nearly");
	assert_int_equal(
		xt_exchange_takeover(seen.held, 200, XT_STR("text/x"), true, &taken, NULL), 0);
	fixture_run(&f, 300);
	assert_non_null(memmem(f.got.p, f.got.n, "Transfer-Encoding: chunked\r\n", 28));
	assert_non_null(memmem(f.got.p, f.got.n, "Connection: close\r\n", 19));
	assert_non_null(memmem(f.got.p, f.got.n, "\r\n\r\n<early", 10));
	assert_int_equal(seen.gone + seen.expired, 0);
	assert_int_equal(xt_counter_read(&xt_http_server_stats(f.server)->held), 0);
}

/* ---- time ------------------------------------------------------------------------------ */

static void
test_timeouts(void **state)
{
	(void)state;
	config.header_timeout_ms = config.body_timeout_ms = config.idle_timeout_ms = 100;
	/* nothing at all */
	fixture_connect(&f);
	fixture_run(&f, 300);
	assert_true(f.eof);
	assert_int_equal(f.got.n, 0);
	/* a header, byte by byte: each byte does not begin the time anew */
	config.idle_timeout_ms = 10000;
	fixture_connect(&f);
	for (int i = 0; i < 10 && !f.eof; i++) {
		fixture_write(&f, &"GET /hello"[i], 1);
		fixture_run(&f, 30);
	}
	fixture_ask(&f, "", 408, "request_timeout");
	assert_true(f.eof);
	/* a body */
	fixture_connect(&f);
	fixture_send(&f, "POST /body HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nx");
	fixture_run(&f, 300);
	fixture_ask(&f, "", 408, "body");
	assert_true(f.eof);
	/* a body that is skipped: it was answered already */
	fixture_connect(&f);
	fixture_ask(&f, "POST /none HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nx", 404, NULL);
	fixture_run(&f, 300);
	assert_true(f.eof);
	assert_int_equal(f.got.n, 0);
	/* kept alive: not a matter of the header's time */
	fixture_connect(&f);
	fixture_ask(&f, "GET /hello HTTP/1.1\r\n" H "\r\n", 200, NULL);
	fixture_run(&f, 300);
	assert_false(f.eof);
}

/* An answer of which nothing is taken. */
static void
test_slow_reader(void **state)
{
	struct xt_io_stats *stats = xt_loop_stats(f.loop);

	(void)state;
	config.idle_timeout_ms = 100;
	fixture_connect(&f);
	for (int i = 0; i < 10; i++)
		fixture_write(&f, "GET /big HTTP/1.1\r\n" H "\r\n", 30);
	for (int i = 0; i < 100 && !xt_counter_read(&stats->closes[XT_CLOSE_SLOW]); i++)
		xt_loop_turn(f.loop, 10);
	assert_int_equal(xt_counter_read(&stats->closes[XT_CLOSE_SLOW]), 1);
}

static struct answer
ask(const char *text)
{
	fixture_send(&f, text);
	return fixture_answer(&f, true);
}

/* ---- the end --------------------------------------------------------------------------- */

static void
test_drain(void **state)
{
	struct answer answer;

	(void)state;
	/* idle: closed at once */
	fixture_run(&f, 0);
	xt_http_server_drain(f.server);
	fixture_run(&f, 0);
	assert_true(f.eof);
	/* under way: answered, with the word that it ends */
	fixture_connect(&f);
	answer = ask("GET /hello HTTP/1.1\r\n" H "\r\n");
	assert_field(&answer, "Connection", "close");
	assert_true(f.eof);
	answer_fini(&answer);
}

static void
test_drain_held(void **state)
{
	(void)state;
	fixture_send(&f, "GET /hold HTTP/1.1\r\n" H "\r\n");
	xt_http_server_drain(f.server);
	fixture_run(&f, 0);
	assert_false(f.eof);
	xt_exchange_reply(seen.held, 200, XT_STR("text/plain"), XT_STR("news"));
	fixture_ask(&f, "", 200, "news");
	assert_true(f.eof);
}

static void
test_refuse(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	close(f.fd);
	f.fd = pair[0];
	fixture_write(&f, "GET / HTTP/1.1\r\n", 16);
	xt_http_server_refuse(pair[1], "too_many_connections", "too many");
	fixture_ask(&f, "", 503,
		"{\"error\":{\"code\":\"too_many_connections\",\"message\":\"too many\"}}");
	assert_true(f.eof);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_plain),
		TEST(test_keep_alive),
		TEST(test_head),
		TEST(test_kept_errors),
		TEST(test_allow),
		TEST(test_closing_errors),
		TEST(test_limits),
		TEST(test_bodies),
		TEST(test_body_limit),
		TEST(test_continue),
		TEST(test_skip),
		TEST(test_pipelining),
		TEST(test_backlog),
		TEST(test_half_close),
		TEST(test_budget_of_bodies),
		TEST(test_busy_answer),
		TEST(test_hold),
		TEST(test_hold_expires),
		TEST(test_hold_gone),
		TEST(test_takeover),
		TEST(test_takeover_later),
		TEST(test_timeouts),
		TEST(test_slow_reader),
		TEST(test_drain),
		TEST(test_drain_held),
		TEST(test_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
