/* kind_test.c - the same bytes as each kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/kind.h"

static void
test_each_kind(void **state)
{
	static const struct {
		const char *bytes;
		bool text, json;
	} rows[] = {
		{ "", true, false },
		{ "hello", true, false },
		{ "\"hello\"", true, true },
		{ "{\"a\":[1,2]}", true, true },
		{ "{\"a\":[1,2}", true, false },
		{ "\xFF", false, false },
		{ "\"\xFF\"", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct xt_str payload = xt_str_from(rows[i].bytes);
		assert_int_equal(xt_kind_fits(XT_KIND_TEXT, payload), rows[i].text);
		assert_int_equal(xt_kind_fits(XT_KIND_JSON, payload), rows[i].json);
		assert_true(xt_kind_fits(XT_KIND_BINARY, payload));
	}
	assert_false(xt_kind_fits((enum xt_kind)3, XT_STR("hello")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
