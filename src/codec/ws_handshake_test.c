/* ws_handshake_test.c - answers to an opening handshake, right and wrong in one thing each. */
#include "codec/ws_handshake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "crosstalk.h"

/* The sample of RFC 6455 1.3. */
#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define UP     "Upgrade: websocket\r\n"
#define CONN   "Connection: Upgrade\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define GOOD   UP CONN ACCEPT
#define PROTO  "Sec-WebSocket-Protocol: "
#define EXT    "Sec-WebSocket-Extensions: "

static const char *const subprotocols[] = { "v2", "v1", NULL };
static const struct xt_permessage wish = { .server_bits = 15, .client_bits = 15 };

struct sample {
	const char *fields;
	bool asks; /* for subprotocols, and compression */
	bool good;
	const char *subprotocol; /* when it is good */
	bool deflate;
};

static const struct sample samples[] = {
	{ GOOD, false, true, "", false },
	{ "UPGRADE: WebSocket\r\nconnection: keep-alive, upgrade\r\n" ACCEPT, false, true, "",
		false },
	{ UP "Connection: close\r\nConnection: upgrade\r\n" ACCEPT, false, true, "", false },
	{ GOOD EXT "\r\n", false, true, "", false },
	{ CONN ACCEPT, false, false, NULL, false },
	{ "Upgrade: websocket2\r\n" CONN ACCEPT, false, false, NULL, false },
	{ UP UP CONN ACCEPT, false, false, NULL, false },
	{ UP ACCEPT, false, false, NULL, false },
	{ UP "Connection: \"upgrade\"\r\n" ACCEPT, false, false, NULL, false },
	{ UP CONN, false, false, NULL, false },
	{ UP CONN "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", false, false, NULL,
		false },
	{ GOOD ACCEPT, false, false, NULL, false },
	{ GOOD PROTO "v1\r\n", false, false, NULL, false },
	{ GOOD EXT "permessage-deflate\r\n", false, false, NULL, false },
	{ GOOD PROTO "v1\r\n", true, true, "v1", false },
	{ GOOD PROTO "v2\r\n" EXT "permessage-deflate\r\n", true, true, "v2", true },
	{ GOOD, true, false, NULL, false },
	{ GOOD PROTO "v3\r\n", true, false, NULL, false },
	{ GOOD PROTO "v1\r\n" PROTO "v1\r\n", true, false, NULL, false },
	{ GOOD PROTO "\r\n", true, false, NULL, false },
	{ GOOD PROTO "v1\r\n" EXT "x-other\r\n", true, false, NULL, false },
	{ GOOD PROTO "v1\r\n" EXT "permessage-deflate\r\n" EXT "permessage-deflate\r\n", true,
		false, NULL, false },
};

static void
check(const char *line, const struct sample *sample)
{
	struct xt_ws_asked asked = {
		.key = KEY,
		.subprotocols = sample->asks ? subprotocols : NULL,
		.wish = sample->asks ? &wish : NULL,
	};
	struct xt_http1_response_reader reader = { 0 };
	struct xt_http1_response response;
	struct xt_ws_agreed agreed;
	struct xt_buf head = { 0 };
	const char *why = NULL;

	assert_int_equal(xt_buf_printf(&head, "%s%s\r\n", line, sample->fields), 0);
	assert_int_equal(xt_http1_response_read(&reader, head.p, head.n, &response, &why), head.n);
	if (sample->good) {
		assert_int_equal(xt_ws_handshake_check(&response, &asked, &agreed, &why), 0);
		assert_true(xt_str_eq(agreed.subprotocol, xt_str_from(sample->subprotocol)));
		assert_int_equal(agreed.deflate, sample->deflate);
	} else {
		assert_int_equal(
			xt_ws_handshake_check(&response, &asked, &agreed, &why), XT_EPROTO);
		assert_non_null(why);
	}
	xt_buf_fini(&head);
}

static void
test_samples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
		check("HTTP/1.1 101 x\r\n", &samples[i]);
}

static void
test_old_http(void **state)
{
	struct sample sample = samples[0];

	(void)state;
	sample.good = false;
	check("HTTP/1.0 101 x\r\n", &sample);
}

static void
test_key(void **state)
{
	char key[XT_WS_KEY_SIZE];

	(void)state;
	xt_ws_key((const uint8_t *)"the sample nonce", key);
	assert_string_equal(key, KEY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_old_http),
		cmocka_unit_test(test_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
