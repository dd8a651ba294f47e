/* partial_test.c - what messages in pieces take of a budget, and when their time is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crosstalk.h"
#include "transport/ws/partial.h"

#define KIB 1024

static const char zeros[64 * KIB];

static int
add(struct xt_ws_partial *partial, size_t n)
{
	return xt_ws_partial_add(partial, xt_str_of(zeros, n), 0);
}

static void
test_budget(void **state)
{
	struct xt_budget budget = { .max = 10 * KIB };
	struct xt_ws_partial *a = xt_ws_partial_new(&budget, 0);
	struct xt_ws_partial *b = xt_ws_partial_new(&budget, 0);

	(void)state;
	assert_int_equal(add(a, XT_BUDGET_FREE), 0);
	assert_int_equal(budget.used, 0);
	assert_int_equal(add(a, 10 * KIB), 0);
	assert_int_equal(budget.used, 10 * KIB);
	assert_int_equal(add(b, XT_BUDGET_FREE), 0);
	assert_int_equal(add(b, 1), XT_ELIMIT);
	xt_ws_partial_free(b);
	assert_int_equal(budget.used, 10 * KIB);
	xt_ws_partial_free(a);
	assert_int_equal(budget.used, 0);
	xt_ws_partial_free(NULL);
}

static void
test_grown(void **state)
{
	struct xt_budget budget = { .max = 1 };
	struct xt_ws_partial *partial = xt_ws_partial_new(&budget, 0);

	(void)state;
	assert_int_equal(xt_buf_append(&partial->data, zeros, XT_BUDGET_FREE + 1), 0);
	assert_int_equal(xt_ws_partial_grown(partial, 7), 0);
	assert_int_equal(budget.used, 1);
	assert_int_equal(partial->moved, 7);
	assert_int_equal(xt_buf_append(&partial->data, zeros, 1), 0);
	assert_int_equal(xt_ws_partial_grown(partial, 8), XT_ELIMIT);
	xt_ws_partial_free(partial);
	assert_int_equal(budget.used, 0);
}

static void
test_time(void **state)
{
	struct xt_budget budget = { .max = 0 };
	struct xt_ws_partial *partial = xt_ws_partial_new(&budget, 1000);

	(void)state;
	assert_int_equal(xt_ws_partial_left(partial, 1000, 50), 50);
	assert_int_equal(xt_ws_partial_left(partial, 1049, 50), 1);
	assert_int_equal(xt_ws_partial_left(partial, 1050, 50), 0);
	assert_int_equal(xt_ws_partial_add(partial, xt_str_of("a", 1), 1040), 0);
	assert_int_equal(xt_ws_partial_left(partial, 1050, 50), 40);
	/* A byte now and then is not enough for ever. */
	assert_int_equal(xt_ws_partial_add(partial, xt_str_of("b", 1), 1990), 0);
	assert_int_equal(xt_ws_partial_left(partial, 1995, 50), 5);
	assert_int_equal(xt_ws_partial_left(partial, 2000, 50), 0);
	xt_ws_partial_free(partial);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_grown),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
