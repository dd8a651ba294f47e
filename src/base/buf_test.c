/* buf_test.c - growing, consuming and giving away bytes. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crosstalk.h"

static void
test_append(void **state)
{
	struct xt_buf buf = { 0 };
	char digit = '0';

	(void)state;
	assert_int_equal(xt_buf_append(&buf, NULL, 0), 0);
	assert_int_equal(xt_buf_append_str(&buf, (struct xt_str){ 0 }), 0);
	for (int i = 0; i < 10000; i++) {
		digit = (char)('0' + i % 10);
		assert_int_equal(xt_buf_append(&buf, &digit, 1), 0);
	}
	assert_int_equal(buf.n, 10000);
	for (size_t i = 0; i < buf.n; i++)
		assert_int_equal(buf.p[i], (char)('0' + i % 10));
	xt_buf_fini(&buf);
	assert_null(buf.p);
	assert_int_equal(xt_buf_append(&buf, "x", 1), 0);
	xt_buf_fini(&buf);
}

static void
test_reserve(void **state)
{
	struct xt_buf buf = { 0 };
	const char *before;

	(void)state;
	assert_int_equal(xt_buf_reserve(&buf, 100), 0);
	before = buf.p;
	for (int i = 0; i < 80; i++)
		xt_buf_put_char(&buf, 'x');
	xt_buf_put_u64(&buf, UINT64_MAX);
	assert_ptr_equal(buf.p, before);
	assert_int_equal(buf.n, 100);
	/* Too much: it stays as it was. */
	assert_int_equal(xt_buf_reserve(&buf, SIZE_MAX), XT_ENOMEM);
	assert_int_equal(xt_buf_reserve(&buf, SIZE_MAX / 2), XT_ENOMEM);
	assert_ptr_equal(buf.p, before);
	assert_int_equal(buf.n, 100);
	xt_buf_fini(&buf);
}

static void
test_printf(void **state)
{
	struct xt_buf buf = { 0 };

	(void)state;
	assert_int_equal(xt_buf_printf(&buf, "%d-%s", 7, "x"), 0);
	assert_int_equal(xt_buf_printf(&buf, "%s", ""), 0);
	assert_int_equal(xt_buf_printf(&buf, "%0200d", 0), 0);
	assert_int_equal(buf.n, 203);
	assert_true(xt_str_starts(xt_buf_str(&buf), XT_STR("7-x0")));
	xt_buf_fini(&buf);
}

static void
test_u64(void **state)
{
	struct xt_buf buf = { 0 };

	(void)state;
	assert_int_equal(xt_buf_reserve(&buf, 64), 0);
	xt_buf_put_u64(&buf, 0);
	xt_buf_put_char(&buf, ' ');
	xt_buf_put_u64(&buf, 1000);
	xt_buf_put_str(&buf, XT_STR(" "));
	xt_buf_put_u64(&buf, UINT64_MAX);
	assert_true(xt_str_eq(xt_buf_str(&buf), XT_STR("0 1000 18446744073709551615")));
	xt_buf_fini(&buf);
}

static void
test_consume_and_take(void **state)
{
	struct xt_buf buf = { 0 };
	size_t n;
	char *p;

	(void)state;
	xt_buf_consume(&buf, 0);
	assert_int_equal(xt_buf_append(&buf, "abcdef", 6), 0);
	xt_buf_consume(&buf, 0);
	xt_buf_consume(&buf, 4);
	assert_true(xt_str_eq(xt_buf_str(&buf), XT_STR("ef")));
	p = xt_buf_take(&buf, &n);
	assert_int_equal(n, 2);
	assert_memory_equal(p, "ef", 2);
	free(p);
	assert_null(xt_buf_take(&buf, &n));
	assert_int_equal(n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_printf),
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_consume_and_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
