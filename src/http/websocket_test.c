/* websocket_test.c - opening handshakes: which are accepted, and how the others are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/fixture.h"
#include "http/websocket.h"

#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#define GET     "GET /ws HTTP/1.1\r\n"
#define GOOD    GET UPGRADE KEY VERSION

static size_t
ignore(struct xt_conn *conn, char *p, size_t n)
{
	(void)conn;
	(void)p;
	return n;
}

static void
closed(struct xt_conn *conn, enum xt_close why)
{
	(void)conn;
	(void)why;
}

static const struct xt_stream stream = { .name = "test", .recv = ignore, .closed = closed };

static void
open_socket(struct xt_exchange *x, void *ctx)
{
	(void)ctx;
	if (xt_websocket_check(x) < 0)
		return;
	assert_int_equal(xt_websocket_accept_headers(x), 0);
	assert_int_equal(
		xt_exchange_takeover(x, 101, (struct xt_str){ 0 }, false, &stream, NULL), 0);
}

static const struct xt_route routes[] = {
	{ .path = XT_STR_INIT("/ws"), .own_methods = true, .handle = open_socket },
	{ .handle = NULL },
};

static const struct {
	unsigned status;
	const char *text, *words;
} rows[] = {
	{ 101, GOOD "\r\n", "" },
	{ 101,
		GET "host: a\r\nupgrade: h2c, WebSocket\r\nconnection: keep-alive, upgrade\r\n" KEY
			VERSION "\r\n",
		"" },
	{ 101, GOOD "Content-Length: 0\r\n\r\n", "" },
	{ 101, GOOD "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: a, b\r\n\r\n", "" },
	{ 101, GOOD "Sec-WebSocket-Extensions: a, b; c; d=e; f=\"g;h,\\\"\"\r\n\r\n", "" },
	{ 405, "POST /ws HTTP/1.1\r\n" UPGRADE KEY VERSION "\r\n", "GET" },
	{ 405, "BREW /ws HTTP/1.1\r\n" UPGRADE KEY VERSION "\r\n", "GET" },
	{ 400, "GET /ws HTTP/1.0\r\n" UPGRADE KEY VERSION "\r\n", "HTTP/1.1" },
	{ 400, GOOD "Content-Length: 1\r\n\r\nx", "body" },
	{ 400, GOOD "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "body" },
	{ 400, GET "Host: a\r\nConnection: Upgrade\r\n" KEY VERSION "\r\n", "Upgrade: websocket" },
	{ 400, GET "Host: a\r\nConnection: Upgrade\r\nUpgrade: websockets\r\n" KEY VERSION "\r\n",
		"Upgrade: websocket" },
	{ 400, GET "Host: a\r\nUpgrade: websocket\r\n" KEY VERSION "\r\n", "Connection" },
	{ 400, GET "Host: a\r\nUpgrade: websocket\r\nConnection: close\r\n" KEY VERSION "\r\n",
		"Connection" },
	{ 400, GET UPGRADE VERSION "\r\n", "Sec-WebSocket-Key field is missing" },
	{ 400, GOOD KEY "\r\n", "more than one Sec-WebSocket-Key" },
	{ 400, GET UPGRADE VERSION "Sec-WebSocket-Key:\r\n\r\n", "base64" },
	{ 400, GET UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n\r\n", "base64" },
	{ 400, GET UPGRADE KEY "\r\n", "Sec-WebSocket-Version field is missing" },
	{ 400, GOOD VERSION "\r\n", "more than one Sec-WebSocket-Version" },
	{ 426, GET UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n", "version 13" },
	{ 426, GET UPGRADE KEY "Sec-WebSocket-Version: 013\r\n\r\n", "version 13" },
	{ 426, GET UPGRADE KEY "Sec-WebSocket-Version: 13, 8\r\n\r\n", "version 13" },
	{ 400, GOOD "Sec-WebSocket-Protocol: a b\r\n\r\n", "Protocol" },
	{ 400, GOOD "Sec-WebSocket-Protocol: ,\r\n\r\n", "Protocol" },
	{ 400, GOOD "Sec-WebSocket-Protocol: a/b\r\n\r\n", "Protocol" },
	{ 400, GOOD "Sec-WebSocket-Extensions: \r\n\r\n", "Extensions" },
	{ 400, GOOD "Sec-WebSocket-Extensions: a b\r\n\r\n", "Extensions" },
	{ 400, GOOD "Sec-WebSocket-Extensions: a;\r\n\r\n", "Extensions" },
	{ 400, GOOD "Sec-WebSocket-Extensions: ;a\r\n\r\n", "Extensions" },
	{ 400, GOOD "Sec-WebSocket-Extensions: a; b=\r\n\r\n", "Extensions" },
	{ 400, GOOD "Sec-WebSocket-Extensions: a; =b\r\n\r\n", "Extensions" },
	{ 400, GOOD "Sec-WebSocket-Extensions: a; b=\"c\r\n\r\n", "Extensions" },
	{ 400, GOOD "Sec-WebSocket-Extensions: a; b=\"c\"d\r\n\r\n", "Extensions" },
};

static void
check_answer(struct fixture *f, size_t i)
{
	struct answer answer = fixture_answer(f, true);

	if (answer.status != rows[i].status)
		fail_msg("%s: %s", rows[i].text, answer.bytes);
	if (answer.status == 101) {
		assert_string_equal(answer_field(&answer, "sec-websocket-accept"),
			"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
		assert_string_equal(answer_field(&answer, "upgrade"), "websocket");
		assert_string_equal(answer_field(&answer, "connection"), "Upgrade");
	} else if (!strstr(answer.body.p, rows[i].words)) {
		fail_msg("%s: %s", rows[i].text, answer.body.p);
	}
	if (answer.status == 405)
		assert_string_equal(answer_field(&answer, "allow"), "GET");
	if (answer.status == 426) {
		assert_string_equal(answer_field(&answer, "sec-websocket-version"), "13");
		assert_string_equal(answer_field(&answer, "upgrade"), "websocket");
	}
	answer_fini(&answer);
}

static void
test_handshakes(void **state)
{
	struct xt_http_config config = { .routes = routes };
	struct fixture f;

	(void)state;
	fixture_init(&f, &config);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fixture_connect(&f);
		fixture_send(&f, rows[i].text);
		check_answer(&f, i);
	}
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_handshakes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
