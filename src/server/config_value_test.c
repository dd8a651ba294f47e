/* config_value_test.c - numbers with units, read and written, and origins. */
#include "server/config_value.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *text;
	const struct xt_config_unit *units;
	uint64_t value;
} numbers[] = {
	{ "0", xt_config_units_none, 0 },
	{ "42", xt_config_units_none, 42 },
	{ "999999999999999999", xt_config_units_none, 999999999999999999 },
	{ "7", xt_config_units_size, 7 },
	{ "7B", xt_config_units_size, 7 },
	{ "3KB", xt_config_units_size, 3000 },
	{ "3KiB", xt_config_units_size, 3072 },
	{ "1.5KiB", xt_config_units_size, 1536 },
	{ "2MB", xt_config_units_size, 2000000 },
	{ "2MiB", xt_config_units_size, 2097152 },
	{ "1GB", xt_config_units_size, 1000000000 },
	{ "17179869183GiB", xt_config_units_size, 0xffffffffc0000000 },
	{ "10", xt_config_units_time, 10000 },
	{ "2.5", xt_config_units_time, 2500 },
	{ "0.001", xt_config_units_time, 1 },
	{ "500ms", xt_config_units_time, 500 },
	{ "10s", xt_config_units_time, 10000 },
	{ "5m", xt_config_units_time, 300000 },
	{ "0.5h", xt_config_units_time, 1800000 },
};

static const struct {
	const char *text;
	const struct xt_config_unit *units;
} no_numbers[] = {
	{ "", xt_config_units_size },
	{ "MiB", xt_config_units_size },
	{ " 1", xt_config_units_size },
	{ "1 ", xt_config_units_size },
	{ "1 MiB", xt_config_units_size },
	{ "1mib", xt_config_units_size },
	{ "1M", xt_config_units_size },
	{ "+1", xt_config_units_size },
	{ "-1", xt_config_units_size },
	{ "0x10", xt_config_units_size },
	{ "1e3", xt_config_units_size },
	{ "1_000", xt_config_units_size },
	{ "1.", xt_config_units_size },
	{ ".5KiB", xt_config_units_size },
	{ "0.3B", xt_config_units_size },
	{ "1.2.3", xt_config_units_size },
	{ "17179869184GiB", xt_config_units_size },
	{ "1000000000000000000", xt_config_units_none },
	{ "1.000000000000000000", xt_config_units_none },
	{ "0.5ms", xt_config_units_time },
	{ "1KiB", xt_config_units_time },
	{ "1s", xt_config_units_none },
};

static void
test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		uint64_t value = 1;
		if (!xt_config_value_number(xt_str_from(numbers[i].text), numbers[i].units, &value))
			fail_msg("%s is refused", numbers[i].text);
		assert_int_equal(value, numbers[i].value);
	}
}

static void
test_no_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof no_numbers / sizeof *no_numbers; i++) {
		uint64_t value = 77;
		if (xt_config_value_number(
			    xt_str_from(no_numbers[i].text), no_numbers[i].units, &value))
			fail_msg("%s is taken", no_numbers[i].text);
		assert_int_equal(value, 77);
	}
}

static void
test_format(void **state)
{
	char p[32];

	(void)state;
	assert_string_equal(xt_config_value_format(0, xt_config_units_size, p, sizeof p), "0");
	assert_string_equal(
		xt_config_value_format(1536, xt_config_units_size, p, sizeof p), "1536");
	assert_string_equal(
		xt_config_value_format(2048, xt_config_units_size, p, sizeof p), "2KiB");
	assert_string_equal(
		xt_config_value_format(90000, xt_config_units_time, p, sizeof p), "90s");
	assert_string_equal(xt_config_value_format(1, xt_config_units_time, p, sizeof p), "1ms");
	assert_string_equal(xt_config_value_format(12, xt_config_units_none, p, sizeof p), "12");
}

static void
test_origins(void **state)
{
	static const char *const good[] = { "*", "http://a", "https://example.com:8443",
		"http://[::1]:80", "capacitor://localhost", "chrome-extension://abc" };
	static const char *const bad[] = { "", "**", "example.com", "://a", "http://", "http://a/",
		"http://a/b", "HTTP://a", "http://A", "http://a b", "http://u@a", "http://a?",
		"null" };

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		if (!xt_config_value_origin(xt_str_from(good[i])))
			fail_msg("%s is refused", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (xt_config_value_origin(xt_str_from(bad[i])))
			fail_msg("%s is taken", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_no_numbers),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
