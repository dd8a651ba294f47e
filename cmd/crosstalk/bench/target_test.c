/* target_test.c - URLs and ranges of addresses, good and bad. */
#include "bench/target.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "bench/origin.h"
#include "connect/printed.h"

static void
test_urls(void **state)
{
	static const struct {
		const char *url, *host, *authority, *port, *path;
		bool tls;
	} good[] = {
		{ "ws://a", "a", "a", "80", "/", false },
		{ "wss://a/b?c#d", "a", "a", "443", "/b?c", true },
		{ "HTTP://a:8000/c/x", "a", "a:8000", "8000", "/c/x", false },
		{ "https://a:/?q", "a", "a:", "443", "/?q", true },
		{ "a:81?q", "a", "a:81", "81", "/?q", false },
		{ "ws://[::1]:9/x", "::1", "[::1]:9", "9", "/x", false },
		{ "ws://[::1]", "::1", "[::1]", "80", "/", false },
	};
	struct target target;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_null(target_parse(&target, good[i].url));
		assert_string_equal(target.host, good[i].host);
		assert_string_equal(target.authority, good[i].authority);
		assert_string_equal(target.port, good[i].port);
		assert_string_equal(target.path, good[i].path);
		assert_int_equal(target.tls, good[i].tls);
	}
}

static void
test_bad_urls(void **state)
{
	static const char *const bad[] = { "ftp://a", "ws://", "ws://:80", "ws://a:0",
		"ws://a:65536", "ws://a:8x", "ws://[::1", "ws://[::1]x", "ws://[]", "ws://u@a",
		"ws://a/b c", "ws://a/\r\nX: y" };
	char url[TARGET_MAX + 1];
	struct target target;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (!target_parse(&target, bad[i]))
			fail_msg("taken: %s", bad[i]);
	memset(url, 'a', sizeof url);
	memcpy(url, "ws://a/", 7);
	url[TARGET_MAX - 9] = '\0'; /* the longest */
	assert_null(target_parse(&target, url));
	assert_int_equal(strlen(target.path), TARGET_MAX - 9 - 6);
	url[TARGET_MAX - 9] = 'a';
	url[TARGET_MAX - 8] = '\0';
	assert_non_null(target_parse(&target, url));
}

static void
test_addresses_in_turn(void **state)
{
	static const char *const expected[] = { "127.0.0.254", "127.0.0.255", "127.0.1.0",
		"127.0.0.254" };
	struct sockaddr_storage room;
	struct origin origin;
	char text[64];

	(void)state;
	assert_null(origin_parse(&origin, "127.0.0.254-127.0.1.0"));
	for (size_t i = 0; i < 4; i++) {
		const struct sockaddr_in *in = (const void *)origin_next(&origin, &room);
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
		assert_string_equal(text, expected[i]);
		assert_int_equal(in->sin_port, 0);
	}
	assert_null(origin_parse(&origin, "::1"));
	assert_int_equal(origin_next(&origin, &room)->sa_family, AF_INET6);
	origin = (struct origin){ .count = 0 };
	assert_null(origin_next(&origin, &room));
}

static void
test_bad_addresses(void **state)
{
	static const char *const bad[] = { "", "x", "127.0.0.1-", "-127.0.0.1",
		"127.0.0.2-127.0.0.1", "127.0.0.1-127.0.4.1", "::1-::2",
		"127.0.0.1-127.0.0.2-127.0.0.3" };
	struct origin origin;

	(void)state;
	assert_null(origin_parse(&origin, "127.0.0.1-127.0.4.0")); /* 1024 */
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (!origin_parse(&origin, bad[i]))
			fail_msg("taken: %s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_addresses_in_turn),
		cmocka_unit_test(test_bad_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
