/* rate_test.c - so many at once, then so many a second, to the very one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rate.h"

#define T0 1000000 /* ms: any time */

static void
test_messages(void **state)
{
	(void)state;
	for (uint32_t rate = 1; rate <= 1000; rate = rate * 3 + 1) {
		struct xt_rules rules = { .messages_per_second = rate };
		struct xt_rate at = { 0 };
		uint64_t wait;
		for (uint32_t i = 0; i < rate; i++)
			assert_int_equal(xt_rate_take(&at, &rules, 1 << 20, T0), 0);
		wait = xt_rate_take(&at, &rules, 0, T0);
		assert_in_range(wait, 1, 1000 / rate + 1);
		/* refused again changes nothing, and at the time that was said it goes through */
		assert_int_equal(xt_rate_take(&at, &rules, 0, T0), wait);
		assert_true(xt_rate_take(&at, &rules, 0, T0 + wait - 1) > 0);
		assert_int_equal(xt_rate_take(&at, &rules, 0, T0 + wait), 0);
	}
}

/* Over a long time it is neither more nor less. */
static void
test_steady(void **state)
{
	struct xt_rules rules = { .messages_per_second = 30 };
	struct xt_rate at = { 0 };
	int through = 0;

	(void)state;
	for (int ms = 0; ms < 10000; ms++)
		while (xt_rate_take(&at, &rules, 0, (uint64_t)(T0 + ms)) == 0)
			through++;
	assert_in_range(through, 30 + 298, 30 + 301);
}

static void
test_bytes(void **state)
{
	struct xt_rules rules = { .bytes_per_second = 1000 };
	struct xt_rate at = { 0 };

	(void)state;
	assert_int_equal(xt_rate_take(&at, &rules, 600, T0), 0);
	assert_int_equal(xt_rate_take(&at, &rules, 401, T0), 1);
	assert_int_equal(xt_rate_take(&at, &rules, 400, T0), 0);
	assert_int_equal(xt_rate_take(&at, &rules, 1, T0), 1);
	assert_int_equal(xt_rate_take(&at, &rules, 0, T0), 0);
	assert_int_equal(xt_rate_take(&at, &rules, 500, T0 + 499), 1);
	assert_int_equal(xt_rate_take(&at, &rules, 500, T0 + 500), 0);
}

/* One that no bucket holds: alone, and paid for before the next. */
static void
test_large(void **state)
{
	struct xt_rules rules = { .bytes_per_second = 1000 };
	struct xt_rate at = { 0 };

	(void)state;
	assert_int_equal(xt_rate_take(&at, &rules, 1, T0), 0);
	assert_int_equal(xt_rate_take(&at, &rules, 5000, T0), 1);
	assert_int_equal(xt_rate_take(&at, &rules, 5000, T0 + 1), 0);
	assert_false(xt_rate_is_idle(&at, T0 + 5000));
	assert_int_equal(xt_rate_take(&at, &rules, 1, T0 + 1), 4001);
	assert_int_equal(xt_rate_take(&at, &rules, 1, T0 + 4002), 0);
	assert_true(xt_rate_is_idle(&at, T0 + 5002));
	/* the largest of all */
	assert_int_equal(
		xt_rate_take(&at, &(struct xt_rules){ .bytes_per_second = 1 }, 1u << 30, T0 + 9000),
		0);
}

/* What one of the two refuses, the other does not pay for. */
static void
test_both(void **state)
{
	struct xt_rules rules = { .messages_per_second = 2, .bytes_per_second = 100 };
	struct xt_rate at = { 0 };

	(void)state;
	assert_int_equal(xt_rate_take(&at, &rules, 100, T0), 0);
	for (int i = 0; i < 10; i++)
		assert_true(xt_rate_take(&at, &rules, 1, T0) > 0);
	assert_int_equal(xt_rate_take(&at, &rules, 0, T0), 0);
	assert_true(xt_rate_take(&at, &rules, 0, T0) > 0);
}

static void
test_none(void **state)
{
	struct xt_rate at = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(xt_rate_take(&at, &xt_rules_none, 1u << 30, T0), 0);
	assert_true(xt_rate_is_idle(&at, T0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
