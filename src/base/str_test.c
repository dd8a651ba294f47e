/* str_test.c - comparing, trimming, cutting and reading numbers, at the edges. */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct xt_str none = { 0 };

static void
test_compare(void **state)
{
	(void)state;
	assert_true(xt_str_eq(none, XT_STR("")));
	assert_true(xt_str_eq(XT_STR("ab"), xt_str_from("ab")));
	assert_false(xt_str_eq(XT_STR("ab"), XT_STR("abc")));
	assert_false(xt_str_eq(XT_STR("ab"), XT_STR("aB")));
	assert_true(xt_str_ieq(XT_STR("Sec-WebSocket-Key"), XT_STR("sec-websocket-key")));
	assert_true(xt_str_ieq(none, none));
	/* Letters only: these pairs differ in the bit that tells cases apart. */
	assert_false(xt_str_ieq(XT_STR("[\\]^_"), XT_STR("{|}~\x7f")));
	assert_false(xt_str_ieq(XT_STR("@"), XT_STR("`")));
	assert_false(xt_str_ieq(XT_STR("\xc4"), XT_STR("\xe4")));
	assert_true(xt_str_starts(XT_STR("abc"), XT_STR("ab")));
	assert_true(xt_str_starts(none, none));
	assert_false(xt_str_starts(XT_STR("a"), XT_STR("ab")));
	assert_int_equal(xt_str_from(NULL).n, 0);
}

static void
test_skip(void **state)
{
	(void)state;
	assert_true(xt_str_eq(xt_str_skip(XT_STR("abc"), 1), XT_STR("bc")));
	assert_int_equal(xt_str_skip(XT_STR("abc"), 3).n, 0);
	assert_int_equal(xt_str_skip(XT_STR("abc"), 4).n, 0);
}

static void
test_trim(void **state)
{
	(void)state;
	assert_true(xt_str_eq(xt_str_trim(XT_STR(" \t a b \t")), XT_STR("a b")));
	assert_int_equal(xt_str_trim(XT_STR(" \t ")).n, 0);
	assert_int_equal(xt_str_trim(none).n, 0);
	assert_true(xt_str_eq(xt_str_trim(XT_STR("\ra\n")), XT_STR("\ra\n")));
}

static void
test_u64(void **state)
{
	static const struct {
		const char *text;
		uint64_t max, value;
	} good[] = {
		{ "0", 0, 0 },
		{ "007", 7, 7 },
		{ "65535", 65535, 65535 },
		{ "18446744073709551615", UINT64_MAX, UINT64_MAX },
	};
	static const struct {
		const char *text;
		uint64_t max;
	} bad[] = { { "", 9 }, { "65536", 65535 }, { "18446744073709551616", UINT64_MAX },
		{ "99999999999999999999", UINT64_MAX }, { "000000000000000000001", 9 }, { "-1", 9 },
		{ "+1", 9 }, { " 1", 9 }, { "1 ", 9 }, { "1a", 99 }, { "/", 99 }, { ":", 99 } };
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_true(xt_str_u64(xt_str_from(good[i].text), good[i].max, &value));
		assert_true(value == good[i].value);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		value = 4711;
		assert_false(xt_str_u64(xt_str_from(bad[i].text), bad[i].max, &value));
		assert_true(value == 4711);
	}
}

static void
test_cut(void **state)
{
	struct xt_str rest = XT_STR("a,,b,");
	const char *const parts[] = { "a", "", "b", "" };
	size_t n = 0;

	(void)state;
	while (rest.p) {
		struct xt_str part = xt_str_cut(&rest, ',');
		assert_true(n < 4);
		assert_true(xt_str_eq(part, xt_str_from(parts[n++])));
	}
	assert_int_equal(n, 4);
	rest = none;
	assert_int_equal(xt_str_cut(&rest, ',').n, 0);
	assert_null(rest.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
