/* address_test.c - the URLs of listeners: what is read, what is refused, at the limits and one past them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "crosstalk.h"
#include "io/address.h"

static int
parse(const char *text, struct xt_address *address)
{
	char error[300] = "";
	int result = xt_address_parse(xt_str_from(text), address, error, sizeof error);

	/* A sentence that names the address exactly when it is refused. */
	assert_int_equal(result < 0, error[0] != '\0');
	if (result < 0) {
		assert_int_equal(result, XT_EINVAL);
		assert_memory_equal(error, text, strlen(text) < 200 ? strlen(text) : 200);
	}
	return result;
}

static void
test_read(void **state)
{
	static const struct {
		const char *text, *host;
		unsigned port;
		const char *url;
	} rows[] = {
		{ "http://127.0.0.1:8000", "127.0.0.1", 8000, "http://127.0.0.1:8000" },
		{ "http://[::1]:0", "::1", 0, "http://[::1]:0" },
		{ "http://[::ffff:1.2.3.4]", "::ffff:1.2.3.4", 80, "http://[::ffff:1.2.3.4]:80" },
		{ "http://localhost", "localhost", 80, "http://localhost:80" },
		{ "http://localhost/", "localhost", 80, "http://localhost:80" },
		{ "http://0.0.0.0:65535/", "0.0.0.0", 65535, "http://0.0.0.0:65535" },
		{ "http://Chat_1.example.org:8", "Chat_1.example.org", 8,
			"http://Chat_1.example.org:8" },
	};
	struct xt_address address;
	char url[XT_ADDRESS_URL_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(parse(rows[i].text, &address), 0);
		assert_int_equal(address.scheme, XT_SCHEME_HTTP);
		assert_string_equal(address.host, rows[i].host);
		assert_int_equal(address.port, rows[i].port);
		xt_address_format(&address, address.port, url, sizeof url);
		assert_string_equal(url, rows[i].url);
	}
}

static void
test_unix(void **state)
{
	struct xt_address address;
	char url[XT_ADDRESS_URL_SIZE];

	(void)state;
	assert_int_equal(parse("unix:/run/crosstalk.sock", &address), 0);
	assert_int_equal(address.scheme, XT_SCHEME_UNIX);
	assert_string_equal(address.path, "/run/crosstalk.sock");
	xt_address_format(&address, 7, url, sizeof url);
	assert_string_equal(url, "unix:/run/crosstalk.sock");
	assert_int_equal(parse("https://a.example", &address), 0);
	assert_int_equal(address.scheme, XT_SCHEME_HTTPS);
	assert_int_equal(address.port, 443);
	xt_address_format(&address, 8443, url, sizeof url);
	assert_string_equal(url, "https://a.example:8443");
	assert_int_equal(parse("https://[::1]:1", &address), 0);
	xt_address_format(&address, address.port, url, sizeof url);
	assert_string_equal(url, "https://[::1]:1");
	assert_int_equal(parse("unix:///run/x", &address), 0);
	assert_string_equal(address.path, "/run/x");
}

static void
test_refuse(void **state)
{
	static const char *const rows[] = { "", "http", "http:", "http://", "http://:80",
		"http:///", "http://a/b", "http://a:80/b", "http://a:", "http://a:65536",
		"http://a:-1", "http://a:8 ", "http://a b", "http://u@a", "http://a?b",
		"http://a:80//", "http://[", "http://[]", "http://[::1", "http://[::1]x",
		"http://[::1]:x", "http://[1.2.3.4]", "http://[::1%lo]", "http://[::g]:80",
		"http://::1:80", "HTTP://a", "https:/a", "https://", "tcp://a:1", "ws://a",
		"unix:", "unix:x", "unix:/", "unix:///", "unix://x", "/x" };
	struct xt_address address;
	char error[4] = "";

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (parse(rows[i], &address) == 0)
			fail_msg("%s was read", rows[i]);
	assert_int_equal(
		xt_address_parse(XT_STR("unix:/a\0b"), &address, error, sizeof error), XT_EINVAL);
	assert_string_equal(error, "uni");
	assert_int_equal(
		xt_address_parse(XT_STR("http://a\0b"), &address, error, sizeof error), XT_EINVAL);
	assert_int_equal(xt_address_parse(XT_STR("http://[::1\0]"), &address, error, sizeof error),
		XT_EINVAL);
}

/* `prefix`, and so many bytes after it. */
static int
parse_long(const char *prefix, size_t n, struct xt_address *address)
{
	char text[400];

	memset(text, 'x', sizeof text);
	memcpy(text, prefix, strlen(prefix));
	text[strlen(prefix) + n] = '\0';
	return parse(text, address);
}

static void
test_limits(void **state)
{
	struct xt_address address;
	char url[XT_ADDRESS_URL_SIZE];

	(void)state;
	assert_int_equal(parse_long("http://", XT_ADDRESS_HOST_MAX, &address), 0);
	assert_int_equal(strlen(address.host), XT_ADDRESS_HOST_MAX);
	xt_address_format(&address, 65535, url, sizeof url);
	assert_int_equal(strlen(url), XT_ADDRESS_HOST_MAX + strlen("http://:65535"));
	assert_int_equal(parse_long("http://", XT_ADDRESS_HOST_MAX + 1, &address), XT_EINVAL);
	assert_int_equal(parse_long("unix:/", XT_ADDRESS_PATH_MAX - 1, &address), 0);
	assert_int_equal(strlen(address.path), XT_ADDRESS_PATH_MAX);
	assert_int_equal(parse_long("unix:/", XT_ADDRESS_PATH_MAX, &address), XT_EINVAL);
}

static void
test_loopback(void **state)
{
	static const struct {
		const char *text;
		bool loopback;
	} rows[] = {
		{ "http://127.0.0.1:0", true },
		{ "http://127.255.255.255", true },
		{ "http://126.255.255.255", false },
		{ "http://128.0.0.0", false },
		{ "http://localhost", true },
		{ "http://[::1]", true },
		{ "http://[::]", false },
		{ "http://[::2]", false },
		{ "http://0.0.0.0", false },
		{ "http://192.0.2.1", false },
		{ "unix:/x", true },
	};
	struct xt_address address;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(parse(rows[i].text, &address), 0);
		if (xt_address_is_loopback(&address) != rows[i].loopback)
			fail_msg("%s", rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
