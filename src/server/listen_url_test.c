/* listen_url_test.c - URLs of listeners, good and bad, and which of them others can reach. */
#include "server/listen_url.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *text, *host;
	uint16_t port;
	bool loopback;
} tcp[] = {
	{ "http://127.0.0.1:8000", "127.0.0.1", 8000, true },
	{ "http://127.0.0.1:8000/", "127.0.0.1", 8000, true },
	{ "http://127.9.9.9:0", "127.9.9.9", 0, true },
	{ "http://localhost:65535", "localhost", 65535, true },
	{ "http://[::1]:1", "::1", 1, true },
	{ "http://[::1]", "::1", 80, true },
	{ "http://[::]:1", "::", 1, false },
	{ "http://0.0.0.0:1", "0.0.0.0", 1, false },
	{ "http://128.0.0.1:1", "128.0.0.1", 1, false },
	{ "http://127.0.0.1.example.com:1", "127.0.0.1.example.com", 1, false },
	{ "http://localhost.example.com", "localhost.example.com", 80, false },
	{ "http://[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", 1, false },
};

static const char *const bad[] = { "", "8000", "127.0.0.1:8000", "http:", "http://", "http://:80",
	"http://a:", "http://a:65536", "http://a:-1", "http://a:+1", "http://a: 1", "http://a:1x",
	"http://a/b", "http://a?x", "http://u@a", "http://a b", "http://[::1", "http://[::1]80",
	"http://[]:1", "http://[::g]:1", "http://[127.0.0.1]:1", "HTTP://a", "https://a",
	"mqtt://a", "mqtts://a", "tcp://a", "unix:", "unix:/", "unix:a", "ftp://a" };

static void
test_tcp(void **state)
{
	struct xt_listen_url url;
	const char *why = "";

	(void)state;
	for (size_t i = 0; i < sizeof tcp / sizeof *tcp; i++) {
		if (!xt_listen_url_parse(xt_str_from(tcp[i].text), &url, &why))
			fail_msg("%s is refused: %s", tcp[i].text, why);
		assert_int_equal(url.kind, XT_LISTEN_HTTP);
		assert_string_equal(url.host, tcp[i].host);
		assert_int_equal(url.port, tcp[i].port);
		assert_int_equal(url.loopback, tcp[i].loopback);
	}
}

static void
test_unix(void **state)
{
	struct xt_listen_url url;
	const char *why;
	char text[5 + XT_LISTEN_PATH_MAX + 2] = "unix:";

	(void)state;
	assert_true(xt_listen_url_parse(XT_STR("unix:/run/x"), &url, &why));
	assert_int_equal(url.kind, XT_LISTEN_UNIX);
	assert_string_equal(url.path, "/run/x");
	assert_true(url.loopback);
	assert_true(xt_listen_url_parse(XT_STR("unix:///run/x"), &url, &why));
	assert_string_equal(url.path, "/run/x");

	memset(text + 5, '/', XT_LISTEN_PATH_MAX);
	text[6] = 'x';
	assert_true(xt_listen_url_parse(xt_str_from(text), &url, &why));
	assert_int_equal(strlen(url.path), XT_LISTEN_PATH_MAX);
	text[5 + XT_LISTEN_PATH_MAX] = 'x';
	assert_false(xt_listen_url_parse(xt_str_from(text), &url, &why));
	assert_false(xt_listen_url_parse(XT_STR("unix:/a\0b"), &url, &why));
}

static void
test_bad(void **state)
{
	struct xt_listen_url url;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *why = NULL;
		if (xt_listen_url_parse(xt_str_from(bad[i]), &url, &why))
			fail_msg("%s is taken", bad[i]);
		assert_non_null(why);
	}
}

static void
test_host_limit(void **state)
{
	char text[7 + XT_LISTEN_HOST_MAX + 2] = "http://";
	struct xt_listen_url url;
	const char *why;

	(void)state;
	memset(text + 7, 'a', XT_LISTEN_HOST_MAX);
	assert_true(xt_listen_url_parse(xt_str_from(text), &url, &why));
	text[7 + XT_LISTEN_HOST_MAX] = 'a';
	assert_false(xt_listen_url_parse(xt_str_from(text), &url, &why));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_host_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
