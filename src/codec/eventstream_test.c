/* eventstream_test.c - lines of every kind, and what would break out of a field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/eventstream.h"
#include "crosstalk.h"

static void
assert_written(struct xt_buf *out, const char *expected)
{
	if (!xt_str_eq(xt_buf_str(out), xt_str_from(expected)))
		fail_msg("expected %s, got %.*s", expected, (int)out->n, out->p);
	xt_buf_fini(out);
}

static void
test_data(void **state)
{
	static const char *const rows[][2] = {
		{ "", "data: \n" },
		{ "one", "data: one\n" },
		{ " led by a space", "data:  led by a space\n" },
		{ "a\nb", "data: a\ndata: b\n" },
		{ "a\rb", "data: a\ndata: b\n" },
		{ "a\r\nb", "data: a\ndata: b\n" },
		{ "a\n\rb", "data: a\ndata: \ndata: b\n" },
		{ "\n", "data: \ndata: \n" },
		{ "\r\n", "data: \ndata: \n" },
		{ "\r", "data: \ndata: \n" },
		{ "\n\n", "data: \ndata: \ndata: \n" },
		{ "a\n", "data: a\ndata: \n" },
		{ "\nevent: x", "data: \ndata: event: x\n" },
	};
	struct xt_buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(xt_eventstream_data(&out, xt_str_from(rows[i][0])), 0);
		assert_written(&out, rows[i][1]);
	}
}

static void
test_field(void **state)
{
	struct xt_buf out = { 0 };

	(void)state;
	assert_int_equal(xt_eventstream_field(&out, XT_STR("id"), XT_STR("e-1")), 0);
	assert_int_equal(xt_eventstream_field(&out, XT_STR("event"), XT_STR("")), 0);
	assert_int_equal(xt_eventstream_data(&out, XT_STR("x")), 0);
	assert_int_equal(xt_eventstream_end(&out), 0);
	assert_written(&out, "id: e-1\nevent: \ndata: x\n\n");
	assert_int_equal(xt_eventstream_field(&out, XT_STR("id"), XT_STR("a\nb")), XT_EINVAL);
	assert_int_equal(xt_eventstream_field(&out, XT_STR("event"), XT_STR("a\r")), XT_EINVAL);
	assert_int_equal(xt_eventstream_field(&out, XT_STR("id"), XT_STR("a\0b")), XT_EINVAL);
	assert_int_equal(out.n, 0);
	xt_buf_fini(&out);
}

static void
test_comment(void **state)
{
	struct xt_buf out = { 0 };

	(void)state;
	assert_int_equal(xt_eventstream_comment(&out, (struct xt_str){ 0 }), 0);
	assert_written(&out, ":\n");
	assert_int_equal(xt_eventstream_comment(&out, XT_STR("still here\ndata: no")), 0);
	assert_written(&out, ": still here\n: data: no\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_field),
		cmocka_unit_test(test_comment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
