/* origin_test.c - which pages may open a WebSocket: by what the browser says, and by the configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/fixture.h"
#include "http/origin.h"

/* ---- what is the same ------------------------------------------------------------------- */

static const struct {
	const char *origin, *host;
	bool plain, secure; /* whether it is our own, without and with TLS */
} pairs[] = {
	{ "http://a.example", "a.example", true, false },
	{ "https://a.example", "a.example", true, true },
	{ "http://a.example:8000", "a.example:8000", true, false },
	{ "https://a.example:8000", "a.example:8000", true, true },
	{ "http://a.example", "a.example:80", true, false },
	{ "http://a.example:80", "a.example", true, false },
	{ "https://a.example", "a.example:443", true, true },
	{ "https://a.example:443", "a.example", true, true },
	{ "http://a.example", "a.example:443", false, false },
	{ "https://a.example", "a.example:80", false, false },
	{ "http://a.example:8001", "a.example:8000", false, false },
	{ "http://a.example", "a.example:8000", false, false },
	{ "http://a.example:8000", "a.example", false, false },
	{ "http://A.Example", "a.eXample", true, false },
	{ "http://a.example", "a.example:", true, false },
	{ "http://[::1]:8000", "[::1]:8000", true, false },
	{ "http://[::1]", "[::1]", true, false }, { "http://[::1]", "[::1]:80", true, false },
	{ "http://[::1]:8000", "[::1]", false, false }, { "http://[::1]", "[::2]", false, false },
	{ "http://localhost:8000", "127.0.0.1:8000", false, false },
	{ "http://b.a.example", "a.example", false, false },
	{ "http://a.example.", "a.example", false, false },
	{ "http://a.example.evil.example", "a.example", false, false },
	{ "http://evil.example/a.example", "a.example", false, false },
	{ "http://a.example@evil.example", "a.example", false, false },
	{ "null", "null", false, false }, { "null", "a.example", false, false },
	{ "", "", false, false }, { "a.example", "a.example", false, false },
	{ "ws://a.example", "a.example", false, false },
	{ "file://a.example", "a.example", false, false },
	{ "http:/a.example", "a.example", false, false }, { "http://", "", false, false },
	{ "http://:80", ":80", false, false }, { "http://:8000", "a.example:8000", false, false },
	{ "HTTP://a.example", "a.example", false, false }, /* browsers write it small */
};

static void
test_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		struct xt_str origin = xt_str_from(pairs[i].origin);
		struct xt_str host = xt_str_from(pairs[i].host);
		if (xt_origin_is_own(origin, host, false) != pairs[i].plain ||
			xt_origin_is_own(origin, host, true) != pairs[i].secure)
			fail_msg("%s at %s", pairs[i].origin, pairs[i].host);
	}
}

/* ---- who is let in ---------------------------------------------------------------------- */

static void
act(struct xt_exchange *x, void *ctx)
{
	(void)ctx;
	if (xt_origin_check(x) == 0)
		xt_exchange_reply(x, 204, (struct xt_str){ 0 }, (struct xt_str){ 0 });
}

static const struct xt_route routes[] = {
	{ .path = XT_STR_INIT("/act"), .methods = XT_POST, .handle = act },
	{ .handle = NULL },
};

static const struct xt_str named[] = { XT_STR_INIT("https://b.example") };
static const struct xt_str all[] = { XT_STR_INIT("*") };

#define OWN   "Origin: http://a.example\r\n"
#define OTHER "Origin: https://b.example\r\n"
#define NIL   "Origin: null\r\n"
#define SITE  "Sec-Fetch-Site: "

static const struct {
	const char *fields;
	bool none, named, all; /* let in when the configuration names: none, b.example, all */
} rows[] = {
	{ "", true, true, true },
	{ OWN, true, true, true },
	{ OTHER, false, true, true },
	{ NIL, false, false, true },
	{ "Origin:\r\n", false, false, true },
	{ "Origin: https://b.example:444\r\n", false, false, true },
	{ OWN OTHER, false, false, false },
	{ OTHER OTHER, false, false, false },
	{ OWN SITE "same-origin\r\n", true, true, true },
	{ OTHER SITE "same-origin\r\n", true, true, true }, /* a proxy wrote another Host */
	{ OTHER SITE "none\r\n", true, true, true },
	{ OWN SITE "cross-site\r\n", false, false, true }, /* http at a server of https */
	{ OTHER SITE "same-site\r\n", false, true, true },
	{ OTHER SITE "cross-site\r\n", false, true, true },
	{ NIL SITE "cross-site\r\n", false, false, true },
	{ SITE "same-origin\r\n", true, true, true },
	{ SITE "none\r\n", true, true, true },
	{ SITE "cross-site\r\n", false, false, true },
	{ SITE "same-site\r\n", false, false, true },
	{ SITE "\r\n", false, false, true },
};

static void
ask(struct fixture *f, const char *fields, bool in)
{
	char text[512];

	snprintf(text, sizeof text, "POST /act HTTP/1.1\r\nHost: a.example\r\n%s\r\n", fields);
	fixture_connect(f);
	fixture_ask(f, text, in ? 204 : 403, in ? NULL : "\"origin_not_allowed\"");
}

static void
test_let_in(void **state)
{
	struct xt_http_config config = { .routes = routes };
	struct fixture f;

	(void)state;
	fixture_init(&f, &config);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		config.cors_origins_count = 0;
		ask(&f, rows[i].fields, rows[i].none);
		config.cors_origins_count = 1;
		config.cors_origins = named;
		ask(&f, rows[i].fields, rows[i].named);
		config.cors_origins = all;
		ask(&f, rows[i].fields, rows[i].all);
	}
	fixture_fini(&f);
}

/* What a peer wrote comes back as text that can do no harm, and not all of it. */
static void
test_words(void **state)
{
	struct xt_http_config config = { .routes = routes };
	struct fixture f;
	char text[2048], fields[1024] = "Origin: ";

	(void)state;
	fixture_init(&f, &config);
	memset(fields + 8, 'x', 900);
	memcpy(fields + 908, "\r\n", 3);
	snprintf(text, sizeof text, "POST /act HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	fixture_ask(&f, text, 403, "xxx may not do this here");
	fixture_ask(&f, "POST /act HTTP/1.1\r\nHost: a\r\nOrigin: \"\xff%s\r\n\r\n", 403,
		"pages of \\\"?%s may");
	fixture_ask(&f, "POST /act HTTP/1.1\r\nHost: a\r\n" SITE "cross-site\r\n\r\n", 403,
		"pages of another site may");
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_let_in),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
