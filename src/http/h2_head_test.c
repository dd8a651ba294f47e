/* h2_head_test.c - fields of HTTP/2 as a head of HTTP/1.1, and what is refused on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "crosstalk.h"
#include "http/h2_private.h"

#define LIMITS ((struct xt_http1_limits){ .head = 4096, .target = 100 })

/* "name value\n" … */
static void
add_all(struct xt_h2_head *head, const char *lines)
{
	struct xt_str rest = xt_str_from(lines);

	while (rest.n > 0) {
		struct xt_str value = xt_str_cut(&rest, '\n');
		struct xt_str name = xt_str_cut(&value, ' ');
		assert_int_equal(xt_h2_head_add(head, name, value, LIMITS.head), 0);
	}
}

#define GET ":method GET\n:scheme http\n:authority a.example\n:path /x?y\n"

static const struct {
	const char *fields;
	bool ended;
	const char *text;
} good[] = {
	{ GET, true, "GET /x?y HTTP/1.1\r\nHost: a.example\r\n\r\n" },
	{ GET "accept */*\nx-a b\n", true,
		"GET /x?y HTTP/1.1\r\nHost: a.example\r\naccept: */*\r\nx-a: b\r\n\r\n" },
	/* RFC 9113 8.2.3 */
	{ GET "cookie a=b\nx c\ncookie d=e\n", true,
		"GET /x?y HTTP/1.1\r\nHost: a.example\r\nx: c\r\nCookie: a=b; d=e\r\n\r\n" },
	/* RFC 9113 8.3.1: the same host twice; Host alone; another host, which the parser refuses */
	{ GET "host A.example\n", true, "GET /x?y HTTP/1.1\r\nHost: a.example\r\n\r\n" },
	{ ":method GET\n:scheme https\n:path /\nhost b\n", true,
		"GET / HTTP/1.1\r\nhost: b\r\n\r\n" },
	{ GET "host b\n", true, "GET /x?y HTTP/1.1\r\nHost: a.example\r\nhost: b\r\n\r\n" },
	/* a body */
	{ ":method POST\n:scheme http\n:authority a\n:path /\n", false,
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ ":method POST\n:scheme http\n:authority a\n:path /\ncontent-length 5\n", false,
		"POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 5\r\n\r\n" },
	{ ":method OPTIONS\n:scheme http\n:authority a\n:path *\n", true,
		"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" },
	/* RFC 8441 */
	{ ":method CONNECT\n:protocol websocket\n:scheme https\n:authority a\n:path /c\n", false,
		"GET /c HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" },
};

static void
test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct xt_h2_head head = { 0 };
		struct xt_http1_head parsed;
		struct xt_http1_reader reader = { 0 };
		struct xt_http1_limits limits = LIMITS;
		struct xt_http1_error error;
		struct xt_buf out = { 0 };
		add_all(&head, good[i].fields);
		assert_int_equal(xt_h2_head_write(&head, &limits, good[i].ended, &out, &error), 0);
		assert_int_equal(out.n, strlen(good[i].text));
		assert_memory_equal(out.p, good[i].text, out.n);
		if (!strstr(good[i].text, "host: b\r\n") || !strstr(good[i].text, "a.example"))
			assert_int_equal(
				xt_http1_head_read(&reader, out.p, out.n, &limits, &parsed, &error),
				out.n);
		xt_buf_fini(&out);
		xt_h2_head_fini(&head);
	}
}

static const struct {
	const char *fields;
	unsigned status;
} bad[] = {
	{ ":method CONNECT\n:authority a:1\n", 501 },
	{ ":method CONNECT\n:protocol connect-udp\n:scheme https\n:authority a\n:path /\n", 501 },
	{ ":method GET\n:protocol websocket\n:scheme https\n:authority a\n:path /\n", 501 },
	{ ":method GET\n:scheme ftp\n:authority a\n:path /\n", 400 },
	{ ":method GET\n:scheme http\n:authority a\n:path http://a/\n", 400 },
	{ ":method GET\n:scheme http\n:authority a\n:path \n", 400 },
	{ ":method GET\n:scheme http\n:authority a\n:path /a HTTP/1.0\n", 400 },
};

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct xt_h2_head head = { 0 };
		struct xt_http1_limits limits = LIMITS;
		struct xt_http1_error error = { 0 };
		struct xt_buf out = { 0 };
		add_all(&head, bad[i].fields);
		assert_int_equal(xt_h2_head_write(&head, &limits, true, &out, &error), XT_EPROTO);
		assert_int_equal(error.status, bad[i].status);
		assert_non_null(error.words);
		assert_int_equal(out.n, 0);
		xt_h2_head_fini(&head);
	}
}

/* The size of a list is that of RFC 9113 6.5.2, at the limit and one past it; nothing is kept beyond. */
static void
test_limits(void **state)
{
	static char value[8192];
	const size_t fixed = 7 + 3 + 7 + 4 + 10 + 9 + 5 + 4 + 4 * 32; /* of GET */

	(void)state;
	memset(value, 'x', sizeof value);
	for (size_t more = 0; more < 2; more++) {
		struct xt_h2_head head = { 0 };
		struct xt_http1_limits limits = LIMITS;
		struct xt_http1_error error;
		struct xt_buf out = { 0 };
		add_all(&head, GET);
		assert_int_equal(head.size, fixed);
		assert_int_equal(xt_h2_head_add(&head, XT_STR("n"),
					 xt_str_of(value, 4096 - fixed - 33 + more), 4096),
			0);
		assert_int_equal(
			xt_h2_head_write(&head, &limits, true, &out, &error), more ? XT_EPROTO : 0);
		if (more)
			assert_int_equal(error.status, 431);
		for (int i = 0; i < 1000; i++)
			xt_h2_head_add(&head, XT_STR("n"), xt_str_of(value, sizeof value), 4096);
		assert_true(head.fields.cap < 8192);
		xt_buf_fini(&out);
		xt_h2_head_fini(&head);
	}
}

static void
test_target(void **state)
{
	static char path[102];

	(void)state;
	memset(path, '/', sizeof path);
	for (size_t n = 100; n <= 101; n++) {
		struct xt_h2_head head = { 0 };
		struct xt_http1_limits limits = LIMITS;
		struct xt_http1_error error = { 0 };
		struct xt_buf out = { 0 };
		add_all(&head, ":method GET\n:scheme http\n:authority a\n");
		assert_int_equal(
			xt_h2_head_add(&head, XT_STR(":path"), xt_str_of(path, n), 4096), 0);
		assert_int_equal(xt_h2_head_write(&head, &limits, true, &out, &error),
			n == 100 ? 0 : XT_EPROTO);
		assert_int_equal(error.status, n == 100 ? 0 : 414);
		xt_buf_fini(&out);
		xt_h2_head_fini(&head);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
