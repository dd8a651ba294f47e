/* channel_url_test.c - names become URLs. */
#include "channel_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *base, *channel, *url, *socket;
} good[] = {
	{ "http://h:1", "chat", "http://h:1/c/chat", "" },
	{ "http://h:1/", "chat", "http://h:1/c/chat", "" },
	{ "https://h/prefix//", "a/b", "https://h/prefix/c/a/b", "" },
	{ "http://h", "a b?#%/\xc3\xa9:@", "http://h/c/a%20b%3F%23%25/%C3%A9%3A%40", "" },
	{ "http://h", "a/../b", "http://h/c/a/../b", "" },
	{ "http://h", "http://other/c/x?y=1", "http://other/c/x?y=1", "" },
	{ "unix:/run/x.sock", "a", "http://localhost/c/a", "/run/x.sock" },
	{ "unix:///run/x.sock", "a", "http://localhost/c/a", "/run/x.sock" },
};

static void
test_good(void **state)
{
	struct channel_url url;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_null(channel_url_make(&url, good[i].base, good[i].channel));
		assert_string_equal(url.text, good[i].url);
		assert_string_equal(url.socket, good[i].socket);
	}
}

static void
test_bad(void **state)
{
	static char name[CHANNEL_URL_MAX + 1];
	struct channel_url url;

	(void)state;
	memset(name, 'a', sizeof name - 1);
	assert_non_null(channel_url_make(&url, "http://h", ""));
	assert_non_null(channel_url_make(&url, "h:80", "a"));
	assert_non_null(channel_url_make(&url, "unix:run", "a"));
	assert_non_null(channel_url_make(&url, "http://h", name));
	memcpy(name, "http://", 7);
	assert_non_null(channel_url_make(&url, name, "a"));
	assert_non_null(channel_url_make(&url, "http://h", name));
}

static void
test_add(void **state)
{
	struct channel_url url;

	(void)state;
	assert_null(channel_url_make(&url, "http://h", "a"));
	assert_null(channel_url_add(&url, "stream", "ndjson"));
	assert_null(channel_url_add(&url, "since", "e-1&x"));
	assert_string_equal(url.text, "http://h/c/a?stream=ndjson&since=e-1%26x");
	while (!channel_url_add(&url, "key", "value"))
		assert_true(strlen(url.text) < sizeof url.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
