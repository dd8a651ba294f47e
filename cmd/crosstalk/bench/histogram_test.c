/* histogram_test.c - every slot where it belongs, percentiles against a sorted list, the limits. */
#include "bench/histogram.h"

#include "connect/printed.h"

static void
test_slots_follow_each_other(void **state)
{
	uint64_t value = 0;

	(void)state;
	for (unsigned slot = 0; slot < HISTOGRAM_SLOTS - 1; slot++) {
		uint64_t top = histogram_slot_top(slot);
		assert_int_equal(histogram_slot(value), slot);
		assert_int_equal(histogram_slot(top), slot);
		assert_true((double)(top - value) <= (double)value / 127);
		value = top + 1;
	}
	assert_int_equal(histogram_slot(value), HISTOGRAM_SLOTS - 1);
	assert_int_equal(histogram_slot(UINT64_MAX), HISTOGRAM_SLOTS - 1);
}

static void
test_empty(void **state)
{
	static const struct histogram histogram;

	(void)state;
	assert_int_equal(histogram_percentile(&histogram, 0.5), 0);
	assert_int_equal(histogram_percentile(&histogram, 1), 0);
	assert_true(histogram_mean(&histogram) <= 0);
}

static void
test_percentiles(void **state)
{
	static struct histogram histogram;
	static const double shares[] = { 0.01, 0.5, 0.9, 0.99, 0.999, 1 };

	(void)state;
	for (uint64_t i = 1; i <= 100000; i++)
		histogram_add(&histogram, i * 1000, 1);
	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
		double exact = shares[i] * 1e8;
		double found = (double)histogram_percentile(&histogram, shares[i]);
		assert_true(found >= exact * 0.9999 && found <= exact * 1.008);
	}
	assert_int_equal(histogram.least, 1000);
	assert_int_equal(histogram_percentile(&histogram, 1), 100000000);
	assert_int_equal((uint64_t)histogram_mean(&histogram), 50000500);
}

static void
test_times(void **state)
{
	static struct histogram histogram;

	(void)state;
	histogram_add(&histogram, 5, 99);
	histogram_add(&histogram, UINT64_C(1) << 50, 1);
	assert_int_equal(histogram.count, 100);
	assert_int_equal(histogram_percentile(&histogram, 0.99), 5);
	assert_int_equal(histogram_percentile(&histogram, 0.999), UINT64_C(1) << 50);
}

static void
test_between(void **state)
{
	static struct histogram histogram;

	(void)state;
	for (uint64_t i = 0; i < 1024; i++)
		histogram_add(&histogram, i, 1);
	assert_int_equal(histogram_between(&histogram, 0, 64), 64);
	assert_int_equal(histogram_between(&histogram, 64, 128), 64);
	assert_int_equal(histogram_between(&histogram, 512, 1024), 512);
	assert_int_equal(histogram_between(&histogram, 512, UINT64_MAX), 512);
	assert_int_equal(histogram_between(&histogram, 1024, 2048), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots_follow_each_other),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
