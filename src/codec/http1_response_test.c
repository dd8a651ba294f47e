/* http1_response_test.c - heads of responses: whole, byte by byte, and cut at every place. */
#include "codec/http1_response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "crosstalk.h"

#define LINE "HTTP/1.1 101 Switching Protocols\r\n"

/* Bytes arrive `step` at a time, each time in a block of their own size. Returns what the last call said. */
static ssize_t
read_in(struct xt_str s, size_t step, struct xt_http1_response *response, char **block,
	const char **why)
{
	struct xt_http1_response_reader reader = { 0 };
	ssize_t got = 0;
	size_t n = 0;

	*block = NULL;
	do {
		n = n + step < s.n ? n + step : s.n;
		free(*block);
		*block = malloc(n ? n : 1);
		assert_non_null(*block);
		memcpy(*block, s.p, n);
		got = xt_http1_response_read(&reader, *block, n, response, why);
	} while (got == 0 && n < s.n);
	return got;
}

static void
check_good(struct xt_str s, size_t size, unsigned status, const char *reason, size_t fields)
{
	for (size_t step = 1; step <= s.n; step++) {
		struct xt_http1_response response;
		const char *why = NULL;
		char *block;
		assert_int_equal(read_in(s, step, &response, &block, &why), size);
		assert_int_equal(response.size, size);
		assert_int_equal(response.status, status);
		assert_true(xt_str_eq(response.reason, xt_str_from(reason)));
		assert_int_equal(response.fields_count, fields);
		free(block);
	}
}

static void
check_bad(struct xt_str s)
{
	for (size_t step = 1; step <= s.n; step++) {
		struct xt_http1_response response;
		const char *why = NULL;
		char *block;
		assert_int_equal(read_in(s, step, &response, &block, &why), XT_EPROTO);
		assert_non_null(why);
		free(block);
	}
}

static void
test_good(void **state)
{
	(void)state;
	check_good(XT_STR(LINE "\r\n"), sizeof LINE + 1, 101, "Switching Protocols", 0);
	check_good(XT_STR(LINE "A: b\r\nC:\t d \t\r\n\r\nrest\n\n"), sizeof LINE + 16, 101,
		"Switching Protocols", 2);
	check_good(XT_STR("HTTP/1.1 200\r\n\r\n"), 16, 200, "", 0);
	check_good(XT_STR("HTTP/1.1 200 \r\nA:\r\n\r\n"), 21, 200, "", 1);
	check_good(XT_STR("HTTP/1.9 999 \xc3\xa9\t!\r\n\r\n"), 21, 999, "\xc3\xa9\t!", 0);
	check_good(XT_STR("HTTP/1.0 302 Found\r\nLocation: /a:b\r\n\r\n"), 38, 302, "Found", 1);
}

static void
test_bad(void **state)
{
	(void)state;
	check_bad(XT_STR("X"));
	check_bad(XT_STR("HTTP/2.0 200 OK\r\n\r\n"));
	check_bad(XT_STR("HTTP/1.1  200 OK\r\n\r\n"));
	check_bad(XT_STR("HTTP/1.1 20 OK\r\n\r\n"));
	check_bad(XT_STR("HTTP/1.1 2000 OK\r\n\r\n"));
	check_bad(XT_STR("HTTP/1.1 200x\r\n\r\n"));
	check_bad(XT_STR("HTTP/1.1 099 OK\r\n\r\n"));
	check_bad(XT_STR("HTTP/1.1 200 O\x01K\r\n\r\n"));
	check_bad(XT_STR("HTTP/1.1 200 O\rK\r\n\r\n"));
	check_bad(XT_STR("HTTP/1.1 200 OK\n\n"));
	check_bad(XT_STR("\r\n" LINE "\r\n"));
	check_bad(XT_STR(LINE "A: b\n\r\n"));
	check_bad(XT_STR(LINE "A\r\n\r\n"));
	check_bad(XT_STR(LINE ": b\r\n\r\n"));
	check_bad(XT_STR(LINE "A : b\r\n\r\n"));
	check_bad(XT_STR(LINE " A: b\r\n\r\n"));
	check_bad(XT_STR(LINE "A: b\r\n\tc\r\n\r\n"));
	check_bad(XT_STR(LINE "A: b\0c\r\n\r\n"));
	check_bad(XT_STR(LINE "A: b\x7f\r\n\r\n"));
	check_bad(XT_STR(LINE "\n"));
}

static void
test_fields(void **state)
{
	static const struct xt_str s = XT_STR_INIT(LINE "Aa: 1\r\nb:\r\nAA:  2\t\r\n\r\n");
	struct xt_http1_response_reader reader = { 0 };
	struct xt_http1_response response;
	const char *why;

	(void)state;
	assert_int_equal(xt_http1_response_read(&reader, s.p, s.n, &response, &why), s.n);
	assert_int_equal(xt_http1_response_field_count(&response, XT_STR("aa")), 2);
	assert_true(xt_str_eq(xt_http1_response_field(&response, XT_STR("aA")), XT_STR("1")));
	assert_true(xt_str_eq(response.fields[2].value, XT_STR("2")));
	assert_non_null(xt_http1_response_field(&response, XT_STR("B")).p);
	assert_int_equal(xt_http1_response_field(&response, XT_STR("b")).n, 0);
	assert_null(xt_http1_response_field(&response, XT_STR("c")).p);
}

static ssize_t
read_once(const struct xt_buf *head, const char **why)
{
	struct xt_http1_response_reader reader = { 0 };
	struct xt_http1_response response;

	return xt_http1_response_read(&reader, head->p, head->n, &response, why);
}

static void
test_limits(void **state)
{
	struct xt_buf head = { 0 };
	const char *why = NULL;

	(void)state;
	assert_int_equal(xt_buf_append_str(&head, XT_STR(LINE)), 0);
	for (int i = 0; i < XT_HTTP1_FIELDS; i++)
		assert_int_equal(xt_buf_append_str(&head, XT_STR("A: b\r\n")), 0);
	assert_int_equal(xt_buf_append_str(&head, XT_STR("\r\n")), 0);
	assert_int_equal(read_once(&head, &why), head.n);
	head.n -= 2;
	assert_int_equal(xt_buf_append_str(&head, XT_STR("A: b\r\n\r\n")), 0);
	assert_int_equal(read_once(&head, &why), XT_EPROTO);

	head.n = 0;
	assert_int_equal(xt_buf_append_str(&head, XT_STR(LINE "A: ")), 0);
	while (head.n < XT_HTTP1_RESPONSE_MAX - 4)
		assert_int_equal(xt_buf_append_str(&head, XT_STR("b")), 0);
	assert_int_equal(xt_buf_append_str(&head, XT_STR("\r\n\r\n")), 0);
	assert_int_equal(read_once(&head, &why), XT_HTTP1_RESPONSE_MAX);
	head.n -= 4;
	assert_int_equal(xt_buf_append_str(&head, XT_STR("b\r\n\r\n")), 0);
	assert_int_equal(read_once(&head, &why), XT_EPROTO);
	xt_buf_fini(&head);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
