/* json_walk_test.c - members of objects, and what strings say. */
#include "codec/json_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "codec/json.h"

static void
check_member(const char *text, const char *name, const char *value)
{
	struct xt_str found = xt_json_member(xt_json_object(xt_str_from(text)), xt_str_from(name));
	const char *what;
	size_t at;

	assert_true(xt_json_check(xt_str_from(text), XT_JSON_DEPTH_MAX, &at, &what));
	if (value)
		assert_true(xt_str_eq(found, xt_str_from(value)));
	else
		assert_null(found.p);
}

static void
test_members(void **state)
{
	(void)state;
	check_member("{}", "a", NULL);
	check_member("[1]", "a", NULL);
	check_member("7", "a", NULL);
	check_member("{\"a\":1}", "a", "1");
	check_member("{\"a\":1}", "b", NULL);
	check_member("{\"ab\":1}", "a", NULL);
	check_member(" { \"a\" :\t1 ,\n\"b\": [ 1, 2 ] } ", "b", "[ 1, 2 ]");
	check_member("{\"a\":{\"b\":1,\"c\":[{}]},\"b\":2}", "b", "2");
	check_member("{\"a\":\"},\\\",\\\\\",\"b\":\"x:y\"}", "b", "\"x:y\"");
	check_member("{\"a\":\"},\\\",\\\\\",\"b\":\"x:y\"}", "a", "\"},\\\",\\\\\"");
	check_member("{\"a:,\":1,\"b\":-2.5e3}", "b", "-2.5e3");
	check_member("{\"a:,\":1,\"b\":-2.5e3}", "a:,", "1");
	check_member("{\"a\":1,\"a\":2}", "a", "2");
	check_member("{\"\":null,\"b\":true}", "", "null");
}

static void
check_string(const char *string, const char *says)
{
	struct xt_buf out = { 0 };

	assert_int_equal(xt_json_unquote(&out, xt_str_from(string)), 0);
	assert_true(xt_str_eq(xt_buf_str(&out), xt_str_from(says)));
	assert_true(out.n <= strlen(string));
	xt_buf_fini(&out);
}

static void
test_strings(void **state)
{
	(void)state;
	check_string("\"\"", "");
	check_string("\"abc\"", "abc");
	check_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
	check_string("\"\\u0041\\u00e9\\u6F22\"", "A\xc3\xa9\xe6\xbc\xa2");
	check_string("\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80");
	check_string("\"\\uD83Dx\"", "\xef\xbf\xbdx");
	check_string("\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd");
	check_string("\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80");
	check_string("\"\xe6\xbc\xa2\"", "\xe6\xbc\xa2");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
