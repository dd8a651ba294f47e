/* position_test.c - ids there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "codec/position.h"

static void
test_there_and_back(void **state)
{
	static const struct {
		struct xt_position position;
		const char *text;
	} rows[] = {
		{ { 0, 0 }, "0-0" },
		{ { 35, 1 }, "z-1" },
		{ { 36, 42 }, "10-42" },
		{ { UINT64_MAX - 1, XT_OFFSET_MAX }, "3w5e11264sgse-9223372036854775807" },
		{ { UINT64_MAX, XT_OFFSET_MAX }, "3w5e11264sgsf-9223372036854775807" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[XT_POSITION_TEXT];
		struct xt_position back;
		assert_int_equal(xt_position_format(rows[i].position, text), strlen(rows[i].text));
		assert_string_equal(text, rows[i].text);
		assert_true(xt_position_parse(xt_str_from(text), &back));
		assert_int_equal(back.epoch, rows[i].position.epoch);
		assert_int_equal(back.offset, rows[i].position.offset);
	}
}

/* 13 characters: what is larger than any epoch of ours is only unknown. */
static void
test_foreign_epochs(void **state)
{
	static const char *const texts[] = { "3w5e11264sgsf-7", "3w5e11264sgsg-7",
		"zzzzzzzzzzzzz-7" };
	struct xt_position position;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_true(xt_position_parse(xt_str_from(texts[i]), &position));
		assert_int_equal(position.offset, 7);
	}
}

static void
test_malformed(void **state)
{
	static const char *const texts[] = { "", "-", "a", "a-", "-1", "a-1-", "a-1-2", "A-1",
		"a-x", "a--1", "a-+1", "a -1", "a- 1", "a-1 ", "a_b-1", "a-9223372036854775808",
		"a-99999999999999999999", "zzzzzzzzzzzzzz-1", "0a-1", "a-01" };
	struct xt_position position;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_false(xt_position_parse(xt_str_from(texts[i]), &position));
	assert_false(xt_position_parse((struct xt_str){ 0 }, &position));
	assert_false(xt_position_parse(xt_str_of("a\0-1", 4), &position));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_foreign_epochs),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
