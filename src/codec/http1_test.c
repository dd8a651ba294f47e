/* http1_test.c - request heads: whole, cut at every place, and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/http1.h"
#include "crosstalk.h"

static const struct xt_http1_limits limits = { .head = 4096, .target = 512 };

/* Reads a copy of exactly `s`, so that the address sanitizer sees a read past it. */
static ssize_t
read_piece(struct xt_http1_reader *reader, struct xt_str s, const struct xt_http1_limits *limit,
	struct xt_http1_head *head, struct xt_http1_error *error)
{
	char *copy = malloc(s.n ? s.n : 1);
	ssize_t n;

	assert_non_null(copy);
	memcpy(copy, s.p, s.n);
	n = xt_http1_head_read(reader, copy, s.n, limit, head, error);
	free(copy);
	return n;
}

struct outcome {
	ssize_t n;
	unsigned status;
	const char *words;
	size_t seen; /* bytes after which the outcome was known */
};

static struct outcome
read_in_pieces(
	struct xt_str s, const struct xt_http1_limits *limit, const size_t *cuts, size_t count)
{
	struct xt_http1_reader reader = { 0 };
	struct xt_http1_error error = { 0 };
	static struct xt_http1_head head;
	struct outcome outcome = { 0 };

	for (size_t i = 0; i < count && outcome.n == 0; i++) {
		outcome.seen = cuts[i];
		outcome.n = read_piece(&reader, xt_str_of(s.p, cuts[i]), limit, &head, &error);
	}
	outcome.status = error.status;
	outcome.words = error.words;
	return outcome;
}

/* Whole, at every split, byte by byte: all must agree. Returns the byte by byte outcome. */
static struct outcome
read_all_ways(struct xt_str s, const struct xt_http1_limits *limit)
{
	size_t *every = calloc(s.n + 1, sizeof *every);
	struct outcome whole, bytewise;

	assert_non_null(every);
	whole = read_in_pieces(s, limit, &s.n, 1);
	for (size_t i = 1; i < s.n; i++) {
		size_t cuts[2] = { i, s.n };
		struct outcome split = read_in_pieces(s, limit, cuts, 2);
		assert_int_equal(split.n, whole.n);
		assert_ptr_equal(split.words, whole.words);
	}
	for (size_t i = 0; i < s.n; i++)
		every[i] = i + 1;
	bytewise = read_in_pieces(s, limit, every, s.n);
	free(every);
	assert_int_equal(bytewise.n, whole.n);
	assert_int_equal(bytewise.status, whole.status);
	assert_ptr_equal(bytewise.words, whole.words);
	return bytewise;
}

/* ---- what is accepted ------------------------------------------------------------------ */

#define H "Host: a.example\r\n"

struct good {
	const char *text, *method, *path, *query, *host;
	unsigned minor;
	int length; /* -1: none */
	bool chunked, keep_alive, upgrade;
	enum xt_http1_expect expect;
};

static const struct good goods[] = {
	{ "GET / HTTP/1.1\r\n" H "\r\n", "GET", "/", NULL, "a.example", 1, -1, false, true, false,
		XT_HTTP1_EXPECT_NONE },
	{ "\r\nGET / HTTP/1.1\r\n" H "\r\n", "GET", "/", NULL, "a.example", 1, -1, false, true,
		false, XT_HTTP1_EXPECT_NONE },
	{ "GET /a/b%20c?x=1&y HTTP/1.1\r\n" H "\r\n", "GET", "/a/b%20c", "x=1&y", "a.example", 1,
		-1, false, true, false, XT_HTTP1_EXPECT_NONE },
	{ "GET /? HTTP/1.1\r\n" H "\r\n", "GET", "/", "", "a.example", 1, -1, false, true, false,
		XT_HTTP1_EXPECT_NONE },
	{ "GET /a?b?c HTTP/1.1\r\n" H "\r\n", "GET", "/a", "b?c", "a.example", 1, -1, false, true,
		false, XT_HTTP1_EXPECT_NONE },
	{ "GET //x HTTP/1.1\r\n" H "\r\n", "GET", "//x", NULL, "a.example", 1, -1, false, true,
		false, XT_HTTP1_EXPECT_NONE },
	{ "GET /a|b{c}[d]^`\\ HTTP/1.1\r\n" H "\r\n", "GET", "/a|b{c}[d]^`\\", NULL, "a.example", 1,
		-1, false, true, false, XT_HTTP1_EXPECT_NONE },
	{ "get /:@!$'()*,; HTTP/1.1\r\n" H "\r\n", "get", "/:@!$'()*,;", NULL, "a.example", 1, -1,
		false, true, false, XT_HTTP1_EXPECT_NONE },
	{ "GET http://b.example:80/p?q HTTP/1.1\r\n" H "\r\n", "GET", "/p", "q", "b.example:80", 1,
		-1, false, true, false, XT_HTTP1_EXPECT_NONE },
	{ "GET HTTPS://b.example HTTP/1.1\r\n" H "\r\n", "GET", "/", NULL, "b.example", 1, -1,
		false, true, false, XT_HTTP1_EXPECT_NONE },
	{ "GET http://b.example?q HTTP/1.1\r\n" H "\r\n", "GET", "/", "q", "b.example", 1, -1,
		false, true, false, XT_HTTP1_EXPECT_NONE },
	{ "OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS", "*", NULL, "a.example", 1, -1, false, true,
		false, XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.0\r\n\r\n", "GET", "/", NULL, "", 0, -1, false, false, false,
		XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET", "/", NULL, "", 0, -1, false,
		true, false, XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "GET", "/", NULL, "", 0, -1,
		false, false, false, XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.7\r\n" H "\r\n", "GET", "/", NULL, "a.example", 1, -1, false, true, false,
		XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.1\r\n" H "Connection: x , CLOSE\r\n\r\n", "GET", "/", NULL, "a.example", 1,
		-1, false, false, false, XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.1\r\n" H "Connection: x\r\nConnection: close\r\n\r\n", "GET", "/", NULL,
		"a.example", 1, -1, false, false, false, XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.1\r\nhOSt:[::1]:8000\r\n\r\n", "GET", "/", NULL, "[::1]:8000", 1, -1, false,
		true, false, XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.1\r\nHost: \t127.0.0.1:65535 \t\r\n\r\n", "GET", "/", NULL,
		"127.0.0.1:65535", 1, -1, false, true, false, XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET", "/", NULL, "", 1, -1, false, true, false,
		XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "GET", "/", NULL, "a:", 1, -1, false, true, false,
		XT_HTTP1_EXPECT_NONE },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "POST", "/", NULL, "a.example", 1, 0,
		false, true, false, XT_HTTP1_EXPECT_NONE },
	{ "POST / HTTP/1.1\r\n" H "content-length:\t0012 \r\n\r\n", "POST", "/", NULL, "a.example",
		1, 12, false, true, false, XT_HTTP1_EXPECT_NONE },
	{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n", "POST", "/", NULL,
		"a.example", 1, -1, true, true, false, XT_HTTP1_EXPECT_NONE },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-Continue\r\n\r\n", "POST", "/",
		NULL, "a.example", 1, 3, false, true, false, XT_HTTP1_EXPECT_CONTINUE },
	{ "POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\n\r\n", "POST", "/", NULL, "a.example", 1, -1,
		false, true, false, XT_HTTP1_EXPECT_UNKNOWN },
	{ "POST / HTTP/1.1\r\n" H "Expect: x, 100-continue\r\n\r\n", "POST", "/", NULL, "a.example",
		1, -1, false, true, false, XT_HTTP1_EXPECT_UNKNOWN },
	{ "POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", "POST", "/", NULL, "", 0, -1, false,
		false, false, XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.1\r\n" H "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"GET", "/", NULL, "a.example", 1, -1, false, true, true, XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.1\r\n" H "Upgrade: websocket\r\n\r\n", "GET", "/", NULL, "a.example", 1, -1,
		false, true, false, XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.1\r\n" H "Connection: upgrade\r\n\r\n", "GET", "/", NULL, "a.example", 1,
		-1, false, true, false, XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "GET", "/", NULL,
		"", 0, -1, false, false, false, XT_HTTP1_EXPECT_NONE },
	{ "GET / HTTP/1.1\r\n" H "X:\r\nY: \t \r\nZ: \x80\xff\tok!\r\n\r\n", "GET", "/", NULL,
		"a.example", 1, -1, false, true, false, XT_HTTP1_EXPECT_NONE },
};

static void
assert_str(struct xt_str s, const char *want)
{
	if (!want) {
		assert_null(s.p);
		return;
	}
	if (!xt_str_eq(s, xt_str_from(want)))
		fail_msg("'%.*s' is not '%s'", (int)s.n, s.p, want);
}

static void
check_good(const struct good *good, const struct xt_http1_head *head)
{
	assert_str(head->method, good->method);
	assert_str(head->path, good->path);
	assert_str(head->query, good->query);
	assert_str(xt_str_of(head->host.n ? head->host.p : "", head->host.n), good->host);
	assert_int_equal(head->minor, good->minor);
	assert_int_equal(head->size, strlen(good->text));
	assert_int_equal(head->has_length, good->length >= 0);
	if (good->length >= 0)
		assert_int_equal(head->length, good->length);
	assert_int_equal(head->chunked, good->chunked);
	assert_int_equal(head->keep_alive, good->keep_alive);
	assert_int_equal(head->upgrade, good->upgrade);
	assert_int_equal(head->expect, good->expect);
}

static void
test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof goods / sizeof goods[0]; i++) {
		struct xt_str text = xt_str_from(goods[i].text);
		struct xt_http1_reader reader = { 0 };
		struct xt_http1_error error = { 0 };
		struct xt_http1_head head;
		ssize_t n = xt_http1_head_read(&reader, text.p, text.n, &limits, &head, &error);
		if (n != (ssize_t)text.n)
			fail_msg("'%s': %zd, %s", text.p, n, error.words);
		check_good(&goods[i], &head);
		assert_int_equal(read_all_ways(text, &limits).n, text.n);
	}
}

/* What follows a head is not looked at, and the reader is ready for it. */
static void
test_pipelined(void **state)
{
	struct xt_str text =
		XT_STR("GET /1 HTTP/1.1\r\n" H "\r\n\r\nGET /2 HTTP/1.1\r\n" H "\r\n\n");
	struct xt_http1_reader reader = { 0 };
	struct xt_http1_error error = { 0 };
	struct xt_http1_head head;
	ssize_t n = xt_http1_head_read(&reader, text.p, text.n, &limits, &head, &error);

	(void)state;
	assert_true(n > 0);
	assert_str(head.path, "/1");
	text = xt_str_skip(text, (size_t)n);
	n = xt_http1_head_read(&reader, text.p, text.n, &limits, &head, &error);
	assert_int_equal(n, text.n - 1);
	assert_str(head.path, "/2");
	text = xt_str_skip(text, (size_t)n);
	assert_true(xt_http1_head_read(&reader, text.p, text.n, &limits, &head, &error) < 0);
	assert_int_equal(error.status, 400);
}

/* ---- what is refused ------------------------------------------------------------------- */

struct bad {
	unsigned status;
	const char *text;
	const char *early; /* byte by byte, it is refused after this much of it; NULL: anywhere */
};

#define L "GET / HTTP/1.1\r\n"

static const struct bad bads[] = {
	/* the request line */
	{ 400, " GET / HTTP/1.1\r\n" H "\r\n", " " },
	{ 400, "\nGET / HTTP/1.1\r\n" H "\r\n", "\n" },
	{ 400, "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", "\r\n\r" },
	{ 400, "\rGET / HTTP/1.1\r\n" H "\r\n", "\rG" },
	{ 400, "GET\t/ HTTP/1.1\r\n" H "\r\n", "GET\t" },
	{ 400, "GET  / HTTP/1.1\r\n" H "\r\n", "GET  " },
	{ 400, "GET /  HTTP/1.1\r\n" H "\r\n", "GET /  " },
	{ 400, "GET / HTTP/1.1 \r\n" H "\r\n", "GET / HTTP/1.1 " },
	{ 400, "GET / HTTP/1.1\n" H "\r\n", "GET / HTTP/1.1\n" },
	{ 400, "GET / HTTP/1.1\rX" H "\r\n", "GET / HTTP/1.1\rX" },
	{ 400, "GET /\r\n", "GET /\r" },
	{ 400, "GET /\n", "GET /\n" },
	{ 400, "GET\r\n", "GET\r" },
	{ 400, "GET / http/1.1\r\n", "GET / h" },
	{ 400, "GET / HTTP/11\r\n", "GET / HTTP/11" },
	{ 400, "GET / HTTP/1.10\r\n", "GET / HTTP/1.10" },
	{ 400, "GET / HTTP/x.1\r\n", "GET / HTTP/x" },
	{ 400, "GET / HTTP/1.x\r\n", "GET / HTTP/1.x" },
	{ 400, "GET / HTTX/1.1\r\n", "GET / HTTX" },
	{ 505, "GET / HTTP/2.0\r\n" H "\r\n", "GET / HTTP/2.0\r" },
	{ 505, "GET / HTTP/0.9\r\n" H "\r\n", "GET / HTTP/0.9\r" },
	{ 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI * HTTP/2.0\r" },
	{ 400, "G\xc3\x89T / HTTP/1.1\r\n", "G\xc3" },
	{ 400, "G(T / HTTP/1.1\r\n", "G(" },
	{ 400, "\x16\x03\x01\x02\x01\x01", "\x16" }, /* TLS on a plain port */
	{ 400, "GET /a#b HTTP/1.1\r\n" H "\r\n", "GET /a#" },
	{ 400, "GET /\xe6\x88\xbf HTTP/1.1\r\n" H "\r\n", "GET /\xe6" },
	{ 400, "GET /\x7f HTTP/1.1\r\n" H "\r\n", "GET /\x7f" },
	{ 400, "GET /\t HTTP/1.1\r\n" H "\r\n", "GET /\t" },
	{ 400, "GET /<a> HTTP/1.1\r\n" H "\r\n", "GET /<" },
	{ 400, "GET a HTTP/1.1\r\n" H "\r\n", NULL },
	{ 400, "GET ? HTTP/1.1\r\n" H "\r\n", NULL },
	{ 400, "GET * HTTP/1.1\r\n" H "\r\n", NULL },
	{ 400, "OPTIONS ** HTTP/1.1\r\n" H "\r\n", NULL },
	{ 400, "GET ftp://a/ HTTP/1.1\r\n" H "\r\n", NULL },
	{ 400, "GET http:///x HTTP/1.1\r\n" H "\r\n", NULL },
	{ 400, "GET http:// HTTP/1.1\r\n" H "\r\n", NULL },
	{ 400, "GET http://u@a/ HTTP/1.1\r\n" H "\r\n", NULL },
	{ 400, "GET http:/a HTTP/1.1\r\n" H "\r\n", NULL },
	{ 501, "CONNECT a.example:443 HTTP/1.1\r\n" H "\r\n", NULL },
	{ 501, "CONNECT / HTTP/1.1\r\n" H "\r\n", NULL },
	{ 501, "ABCDEFGHIJABCDEFGHIJABCDEFGHIJABC / HTTP/1.1\r\n" H "\r\n",
		"ABCDEFGHIJABCDEFGHIJABCDEFGHIJABC" },
	/* lines */
	{ 400, L " Host: a\r\n\r\n", L " " },
	{ 400, L "\tHost: a\r\n\r\n", L "\t" },
	{ 400, L H " folded\r\n\r\n", L H " " },
	{ 400, L H "X: 1\r\n\tfolded\r\n\r\n", L H "X: 1\r\n\t" },
	{ 400, L H "X : 1\r\n\r\n", L H "X " },
	{ 400, L H "X\t: 1\r\n\r\n", L H "X\t" },
	{ 400, L H ": 1\r\n\r\n", L H ":" },
	{ 400, L H "X\r\n\r\n", L H "X\r" },
	{ 400, L H "X\n\r\n", L H "X\n" },
	{ 400, L H "X: 1\n\r\n", L H "X: 1\n" },
	{ 400, L H "X: 1\rY: 2\r\n\r\n", L H "X: 1\rY" },
	{ 400, L H "X: 1\r\r\n\r\n", L H "X: 1\r\r" },
	{ 400, L H "X: a\x01\r\n\r\n", L H "X: a\x01" },
	{ 400, L H "X: a\x7f\r\n\r\n", L H "X: a\x7f" },
	{ 400, L H "X: a\x0b\r\n\r\n", L H "X: a\x0b" },
	{ 400, L H "X\x80: a\r\n\r\n", L H "X\x80" },
	{ 400, L H "X(: a\r\n\r\n", L H "X(" },
	{ 400, L H "\"X\": a\r\n\r\n", L H "\"" },
	{ 400, L H "\n", L H "\n" },
	{ 400, L H "\rX", L H "\rX" },
	/* Host */
	{ 400, L "\r\n", NULL },
	{ 400, L H H "\r\n", NULL },
	{ 400, L H "host: a.example\r\n\r\n", NULL },
	{ 400, "GET / HTTP/1.0\r\n" H H "\r\n", NULL },
	{ 400, "GET http://a/ HTTP/1.1\r\n\r\n", NULL },
	{ 400, L "Host: a b\r\n\r\n", NULL },
	{ 400, L "Host: a/b\r\n\r\n", NULL },
	{ 400, L "Host: u@a\r\n\r\n", NULL },
	{ 400, L "Host: a:b\r\n\r\n", NULL },
	{ 400, L "Host: a:65536\r\n\r\n", NULL },
	{ 400, L "Host: a:1:2\r\n\r\n", NULL },
	{ 400, L "Host: :80\r\n\r\n", NULL },
	{ 400, L "Host: a,b\"\r\n\r\n", NULL },
	{ 400, L "Host: \xe6\x88\xbf\r\n\r\n", NULL },
	{ 400, L "Host: [::1\r\n\r\n", NULL },
	{ 400, L "Host: []\r\n\r\n", NULL },
	{ 400, L "Host: [::1]x\r\n\r\n", NULL },
	{ 400, L "Host: ::1\r\n\r\n", NULL },
	{ 400, L "Host: http://a\r\n\r\n", NULL },
	/* where the message ends */
	{ 400, L H "Content-Length:\r\n\r\n", NULL },
	{ 400, L H "Content-Length: +1\r\n\r\n", NULL },
	{ 400, L H "Content-Length: -1\r\n\r\n", NULL },
	{ 400, L H "Content-Length: 1a\r\n\r\n", NULL },
	{ 400, L H "Content-Length: 0x1\r\n\r\n", NULL },
	{ 400, L H "Content-Length: 1 1\r\n\r\n", NULL },
	{ 400, L H "Content-Length: 1, 1\r\n\r\n", NULL },
	{ 400, L H "Content-Length: 1,2\r\n\r\n", NULL },
	{ 400, L H "Content-Length: 1.0\r\n\r\n", NULL },
	{ 400, L H "Content-Length: \"1\"\r\n\r\n", NULL },
	{ 400, L H "Content-Length: 9223372036854775808\r\n\r\n", NULL },
	{ 400, L H "Content-Length: 99999999999999999999999999\r\n\r\n", NULL },
	{ 400, L H "Content-Length: 18446744073709551617\r\n\r\n", NULL },
	{ 400, L H "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", NULL },
	{ 400, L H "Content-Length: 1\r\nX: y\r\ncontent-length: 2\r\n\r\n", NULL },
	{ 400, L H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", NULL },
	{ 400, L H "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", NULL },
	{ 400, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", NULL },
	{ 400, L H "Transfer-Encoding:\r\n\r\n", NULL },
	{ 400, L H "Transfer-Encoding: gzip\r\n\r\n", NULL },
	{ 400, L H "Transfer-Encoding: identity\r\n\r\n", NULL },
	{ 400, L H "Transfer-Encoding: xchunked\r\n\r\n", NULL },
	{ 400, L H "Transfer-Encoding: chunked;a=b\r\n\r\n", NULL },
	{ 400, L H "Transfer-Encoding: chunked,\r\n\r\n", NULL },
	{ 400, L H "Transfer-Encoding: ,chunked\r\n\r\n", NULL },
	{ 400, L H "Transfer-Encoding: \"chunked\"\r\n\r\n", NULL },
	{ 400, L H "Transfer-Encoding: chunked, identity\r\n\r\n", NULL },
	{ 400, L H "Transfer-Encoding: chunked, chunked\r\n\r\n", NULL },
	{ 400, L H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", NULL },
	{ 400, L H "Transfer-Encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n", NULL },
	{ 501, L H "Transfer-Encoding: gzip, chunked\r\n\r\n", NULL },
	{ 400, L H "Transfer-Encoding : chunked\r\n\r\n", L H "Transfer-Encoding " },
	{ 400, L H "X: y\r\n\tTransfer-Encoding: chunked\r\n\r\n", L H "X: y\r\n\t" },
};

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
		struct outcome outcome = read_all_ways(xt_str_from(bads[i].text), &limits);
		if (outcome.n >= 0 || outcome.status != bads[i].status)
			fail_msg("'%s': %zd, status %u", bads[i].text, outcome.n, outcome.status);
		assert_non_null(outcome.words);
		if (bads[i].early && outcome.seen != strlen(bads[i].early))
			fail_msg("'%s': refused after %zu bytes", bads[i].text, outcome.seen);
	}
}

/* NUL does not fit the table of C strings. */
static void
test_nul(void **state)
{
	static const struct xt_str texts[] = {
		XT_STR_INIT("\0"),
		XT_STR_INIT("GE\0T / HTTP/1.1\r\n" H "\r\n"),
		XT_STR_INIT("GET /\0 HTTP/1.1\r\n" H "\r\n"),
		XT_STR_INIT("GET / HTTP/1.1\0\r\n" H "\r\n"),
		XT_STR_INIT(L H "X\0: 1\r\n\r\n"),
		XT_STR_INIT(L H "X: 1\0\r\n\r\n"),
		XT_STR_INIT(L H "\0\r\n\r\n"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct outcome outcome = read_all_ways(texts[i], &limits);
		assert_int_equal(outcome.n, XT_EPROTO);
		assert_int_equal(outcome.status, 400);
	}
}

/* ---- limits ---------------------------------------------------------------------------- */

static void
test_limit_target(void **state)
{
	char text[1024];

	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		int n = snprintf(text, sizeof text, "GET /%0*d HTTP/1.1\r\n" H "\r\n",
			(int)limits.target - 1 + extra, 0);
		struct outcome outcome = read_all_ways(xt_str_of(text, (size_t)n), &limits);
		assert_int_equal(outcome.n, extra ? XT_EPROTO : n);
		assert_int_equal(outcome.status, extra ? 414 : 0);
	}
}

static void
test_limit_head(void **state)
{
	struct xt_str text = XT_STR(L H "X: 12345678901234567890\r\n\r\n");
	struct xt_http1_limits exact = { .head = text.n, .target = 10 };
	struct outcome outcome;

	(void)state;
	assert_int_equal(read_all_ways(text, &exact).n, text.n);
	for (size_t less = 1; less <= 30; less++) {
		exact.head = text.n - less;
		outcome = read_all_ways(text, &exact);
		assert_int_equal(outcome.n, XT_EPROTO);
		assert_int_equal(outcome.status, 431);
		assert_int_equal(outcome.seen, exact.head);
	}
}

static void
test_limit_fields(void **state)
{
	char text[2048];

	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		size_t n = (size_t)snprintf(text, sizeof text, L H);
		struct outcome outcome;
		for (int i = 1; i < XT_HTTP1_FIELDS + extra; i++)
			n += (size_t)snprintf(text + n, sizeof text - n, "X: %d\r\n", i);
		n += (size_t)snprintf(text + n, sizeof text - n, "\r\n");
		outcome = read_all_ways(xt_str_of(text, n), &limits);
		assert_int_equal(outcome.n, extra ? XT_EPROTO : (ssize_t)n);
		assert_int_equal(outcome.status, extra ? 431 : 0);
	}
}

/* ---- fields and lists ------------------------------------------------------------------ */

static void
test_field(void **state)
{
	struct xt_str text = XT_STR(L H "X-A: 1\r\nx-a: 2\r\nB:\r\n\r\n");
	struct xt_http1_reader reader = { 0 };
	struct xt_http1_error error;
	struct xt_http1_head head;

	(void)state;
	assert_true(xt_http1_head_read(&reader, text.p, text.n, &limits, &head, &error) > 0);
	assert_int_equal(head.fields_count, 4);
	assert_str(xt_http1_field(&head, XT_STR("X-a")), "1");
	assert_str(xt_http1_field(&head, XT_STR("b")), "");
	assert_str(xt_http1_field(&head, XT_STR("c")), NULL);
	assert_int_equal(xt_http1_field_count(&head, XT_STR("x-A")), 2);
	assert_int_equal(xt_http1_field_count(&head, XT_STR("x")), 0);
}

static void
test_list(void **state)
{
	struct xt_str rest = XT_STR(", a ,,\tb;x=\"1,\\\",2\" , \"c\\"), member;

	(void)state;
	assert_true(xt_http1_list_next(&rest, &member));
	assert_str(member, "a");
	assert_true(xt_http1_list_next(&rest, &member));
	assert_str(member, "b;x=\"1,\\\",2\"");
	assert_true(xt_http1_list_next(&rest, &member));
	assert_str(member, "\"c\\");
	assert_false(xt_http1_list_next(&rest, &member));
}

static void
test_parameters(void **state)
{
	struct xt_str rest = XT_STR("a; b=\"1;\\\";2\";;c=\"d;\\");

	(void)state;
	assert_str(xt_http1_parameter_cut(&rest), "a");
	assert_str(xt_http1_parameter_cut(&rest), " b=\"1;\\\";2\"");
	assert_str(xt_http1_parameter_cut(&rest), "");
	assert_non_null(rest.p);
	assert_str(xt_http1_parameter_cut(&rest), "c=\"d;\\");
	assert_null(rest.p);
	rest = XT_STR("a;");
	assert_str(xt_http1_parameter_cut(&rest), "a");
	assert_non_null(rest.p);
	assert_str(xt_http1_parameter_cut(&rest), "");
	assert_null(rest.p);
}

/* ---- writing --------------------------------------------------------------------------- */

static void
test_write(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} dates[] = {
		{ 784111777, "Sun, 06 Nov 1994 08:49:37 GMT" },
		{ 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
		{ 4102444799, "Thu, 31 Dec 2099 23:59:59 GMT" },
	};
	static const struct {
		uint64_t n;
		const char *text;
	} chunks[] = {
		{ 1, "1\r\n" },
		{ 15, "f\r\n" },
		{ 16, "10\r\n" },
		{ 65536, "10000\r\n" },
		{ UINT64_MAX, "ffffffffffffffff\r\n" },
	};
	char out[XT_HTTP1_DATE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
		xt_http1_date(out, dates[i].seconds);
		assert_str(xt_str_of(out, XT_HTTP1_DATE_SIZE), dates[i].text);
	}
	for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++)
		assert_str(xt_str_of(out, xt_http1_chunk_head(out, chunks[i].n)), chunks[i].text);
	assert_string_equal(xt_http1_reason(404), "Not Found");
	assert_string_equal(xt_http1_reason(999), "Unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_limit_target),
		cmocka_unit_test(test_limit_head),
		cmocka_unit_test(test_limit_fields),
		cmocka_unit_test(test_field),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
