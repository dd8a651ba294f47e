/* percent_test.c - percent-encoding there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "codec/percent.h"

static void
test_decode(void **state)
{
	static const struct {
		struct xt_str in, out;
	} rows[] = {
		{ XT_STR_INIT(""), XT_STR_INIT("") },
		{ XT_STR_INIT("abc"), XT_STR_INIT("abc") },
		{ XT_STR_INIT("a%20b"), XT_STR_INIT("a b") },
		{ XT_STR_INIT("%2f%2F%41"), XT_STR_INIT("//A") },
		{ XT_STR_INIT("%00%ff"), XT_STR_INIT("\0\xff") },
		{ XT_STR_INIT("%2541"), XT_STR_INIT("%41") },
		{ XT_STR_INIT("a+b"), XT_STR_INIT("a+b") },
		{ XT_STR_INIT("%E6%88%bf"), XT_STR_INIT("\xe6\x88\xbf") },
	};
	char out[64];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_true(xt_percent_decode(rows[i].in, out, &n));
		assert_true(xt_str_eq(xt_str_of(out, n), rows[i].out));
		/* in place */
		memcpy(out, rows[i].in.p, rows[i].in.n);
		assert_true(xt_percent_decode(xt_str_of(out, rows[i].in.n), out, &n));
		assert_true(xt_str_eq(xt_str_of(out, n), rows[i].out));
	}
	assert_true(xt_percent_decode_form(XT_STR("a+b%2B"), out, &n));
	assert_true(xt_str_eq(xt_str_of(out, n), XT_STR("a b+")));
}

static void
test_broken(void **state)
{
	static const struct {
		struct xt_str in;
		size_t at;
	} rows[] = {
		{ XT_STR_INIT("%"), 0 },
		{ XT_STR_INIT("ab%"), 2 },
		{ XT_STR_INIT("ab%4"), 2 },
		{ XT_STR_INIT("%4g"), 0 },
		{ XT_STR_INIT("%g4"), 0 },
		{ XT_STR_INIT("%%41"), 0 },
		{ XT_STR_INIT("%41% 1"), 3 },
		{ XT_STR_INIT("%+1"), 0 },
		{ XT_STR_INIT("%u0041"), 0 },
	};
	char out[64];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_false(xt_percent_decode(rows[i].in, out, &n));
		assert_int_equal(n, rows[i].at);
	}
}

static void
test_encode(void **state)
{
	char all[256], out[3 * 256], back[3 * 256];
	size_t n;

	(void)state;
	n = xt_percent_encode_path(XT_STR("a/b c~.-_%+\xe6"), out);
	assert_true(xt_str_eq(xt_str_of(out, n), XT_STR("a/b%20c~.-_%25%2B%E6")));
	n = xt_percent_encode_segment(XT_STR("a/b"), out);
	assert_true(xt_str_eq(xt_str_of(out, n), XT_STR("a%2Fb")));
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	n = xt_percent_encode_segment(xt_str_of(all, 256), out);
	assert_true(xt_percent_decode_form(xt_str_of(out, n), back, &n));
	assert_true(xt_str_eq(xt_str_of(back, n), xt_str_of(all, 256)));
}

static void
test_match(void **state)
{
	static const struct {
		const char *in, *text;
		size_t used;
	} rows[] = {
		{ "/c/a", "/c/", 3 },
		{ "/c/a", "/c/a", 4 },
		{ "/c/", "/c/a", 0 },
		{ "/c/b", "/c/a", 0 },
		{ "/%63/a", "/c/", 5 },
		{ "/c%2Fa", "/c/", 5 },
		{ "/c%2fa", "/c/", 5 },
		{ "/%C3%B6", "/\xc3\xb6", 7 },
		{ "/c/%", "/c/%", 4 },
		{ "/c/%zz", "/c/%z", 5 },
		{ "/c/%6", "/c/%6", 5 },
		{ "/c/%25", "/c/%", 6 },
		{ "/c/%61", "/c/%61", 0 },
		{ "", "/", 0 },
		{ "/", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(
			xt_percent_match(xt_str_from(rows[i].in), xt_str_from(rows[i].text)),
			rows[i].used);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
