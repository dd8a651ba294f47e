/* json_test.c - what is JSON, where it stops being it, and strings written safely. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/json.h"

#define ROW(bytes)     bytes, sizeof(bytes) - 1
#define LINE_SEPARATOR "\xE2\x80\xA8"
#define PARA_SEPARATOR "\xE2\x80\xA9"
#define COUNT(rows)    (sizeof rows / sizeof rows[0])

static const char *const valid[] = { "0", "-0", "1", "-12.5e+10", "1E5", "1e-0", "0.0", "true",
	"false", "null", "\"\"", "[]", "{}", " [ ] ", "\t{\n}\r", "[1,2 , 3]", "{\"a\":1}",
	"{\"a\" : {\"b\":[{}]}, \"a\":null}", "[[[]],[]]", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
	"\"\\ud800\"", "\"\\uABCD\\uabcd\"", "\"\xC3\xA9\xF0\x9F\x98\x80\x7F\"",
	"123456789012345678901234567890", "1e999",
	"\"a string of more than sixteen bytes, and then some\"" };

static const struct {
	const char *bytes;
	size_t n;
	size_t error_at;
	const char *what;
} wrong[] = {
	{ ROW(""), 0, "the text ends too early" },
	{ ROW(" "), 1, "the text ends too early" },
	{ ROW("["), 1, "the text ends too early" },
	{ ROW("[1"), 2, "the text ends too early" },
	{ ROW("[1,"), 3, "the text ends too early" },
	{ ROW("{\"a\""), 4, "the text ends too early" },
	{ ROW("\"abc"), 4, "the text ends too early" },
	{ ROW("\"\\"), 2, "the text ends too early" },
	{ ROW("\"\\u12"), 5, "the text ends too early" },
	{ ROW("tru"), 3, "the text ends too early" },
	{ ROW("-"), 1, "the text ends too early" },
	{ ROW("1."), 2, "the text ends too early" },
	{ ROW("1e+"), 3, "the text ends too early" },
	{ ROW("[1,]"), 3, "a value is expected" },
	{ ROW("[,1]"), 1, "a value is expected" },
	{ ROW("{\"a\":}"), 5, "a value is expected" },
	{ ROW("+1"), 0, "a value is expected" },
	{ ROW(".5"), 0, "a value is expected" },
	{ ROW("'a'"), 0, "a value is expected" },
	{ ROW("NaN"), 0, "a value is expected" },
	{ ROW("nul1"), 3, "a value is expected" },
	{ ROW("\0"), 0, "a value is expected" },
	{ ROW("\xEF\xBB\xBF{}"), 0, "a value is expected" },
	{ ROW("\v1"), 0, "a value is expected" },
	{ ROW("]"), 0, "a value is expected" },
	{ ROW("01"), 1, "something follows the value" },
	{ ROW("-01"), 2, "something follows the value" },
	{ ROW("1 2"), 2, "something follows the value" },
	{ ROW("1\0"), 1, "something follows the value" },
	{ ROW("{}}"), 2, "something follows the value" },
	{ ROW("truex"), 4, "something follows the value" },
	{ ROW("0x1"), 1, "something follows the value" },
	{ ROW("-a"), 1, "a digit is expected" },
	{ ROW("1.e5"), 2, "a digit is expected" },
	{ ROW("1e+-5"), 3, "a digit is expected" },
	{ ROW("[1 2]"), 3, "a comma or ] is expected" },
	{ ROW("[1}"), 2, "a comma or ] is expected" },
	{ ROW("{\"a\":1]"), 6, "a comma or } is expected" },
	{ ROW("{\"a\":[1}"), 7, "a comma or ] is expected" },
	{ ROW("[{\"a\":1]"), 7, "a comma or } is expected" },
	{ ROW("{a:1}"), 1, "a name in quotation marks is expected" },
	{ ROW("{\"a\":1,}"), 7, "a name in quotation marks is expected" },
	{ ROW("{\"a\",1}"), 4, "a colon is expected" },
	{ ROW("\"a\nb\""), 2, "a control character in a string" },
	{ ROW("\"a\0b\""), 2, "a control character in a string" },
	{ ROW("\"twenty bytes or more then\x1F\""), 26, "a control character in a string" },
	{ ROW("\"\\x41\""), 2, "not an escape" },
	{ ROW("\"\\u12g4\""), 5, "not an escape" },
	{ ROW("\"\\U0041\""), 2, "not an escape" },
	{ ROW("\"\\\0\""), 2, "not an escape" },
	{ ROW("\"\xFF\""), 1, "not UTF-8" },
	{ ROW("\"\xC3\""), 2, "not UTF-8" },
	{ ROW("\"\xED\xA0\x80\""), 2, "not UTF-8" },
	{ ROW("{\"\x80\":x}"), 2, "not UTF-8" },
};

static void
test_valid(void **state)
{
	size_t at = 0;
	const char *what = "";

	(void)state;
	for (size_t i = 0; i < COUNT(valid); i++)
		if (!xt_json_check(xt_str_from(valid[i]), XT_JSON_DEPTH_MAX, &at, &what))
			fail_msg("%s: %s at %zu", valid[i], what, at);
}

static void
test_wrong(void **state)
{
	size_t at;
	const char *what;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct xt_str text = xt_str_of(wrong[i].bytes, wrong[i].n);
		at = SIZE_MAX;
		what = "";
		assert_false(xt_json_check(text, XT_JSON_DEPTH_MAX, &at, &what));
		if (at != wrong[i].error_at || strcmp(what, wrong[i].what) != 0)
			fail_msg("%s: %s at %zu", wrong[i].bytes, what, at);
	}
}

/* `depth` arrays, with an object in every third one. */
static bool
check_depth(size_t depth, size_t limit, size_t *at)
{
	struct xt_buf text = { 0 };
	const char *what = "";
	bool good;

	assert_int_equal(xt_buf_reserve(&text, depth * 8), 0);
	for (size_t i = 0; i < depth; i++)
		xt_buf_put_str(&text, i % 3 == 2 ? XT_STR("{\"\":") : XT_STR("["));
	if (depth > 0 && depth % 3 == 0)
		xt_buf_put_char(&text, '0');
	for (size_t i = depth; i-- > 0;)
		xt_buf_put_char(&text, i % 3 == 2 ? '}' : ']');
	if (depth == 0)
		xt_buf_append(&text, "0", 1);
	good = xt_json_check(xt_buf_str(&text), limit, at, &what);
	if (!good)
		assert_string_equal(what, "nested too deeply");
	xt_buf_fini(&text);
	return good;
}

static void
test_depth(void **state)
{
	static const size_t limits[] = { 0, 1, 2, 63, 64, 65, 127, 128 };
	size_t at;

	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		assert_true(check_depth(limits[i], limits[i], &at));
		assert_false(check_depth(limits[i] + 1, limits[i], &at));
	}
	assert_false(check_depth(XT_JSON_DEPTH_MAX + 1, 100000, &at));
	assert_false(check_depth(100000, 100000, &at));
}

static const struct {
	const char *in;
	size_t n;
	const char *quoted;
	const char *script;
} strings[] = {
	{ ROW(""), "\"\"", "\"\"" },
	{ ROW("plain"), "\"plain\"", "\"plain\"" },
	{ ROW("a\"b\\c/"), "\"a\\\"b\\\\c/\"", "\"a\\\"b\\\\c/\"" },
	{ ROW("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"", "\"\\b\\f\\n\\r\\t\"" },
	{ ROW("\0\x1F\x7F"), "\"\\u0000\\u001f\x7F\"", "\"\\u0000\\u001f\x7F\"" },
	{ ROW("\xC3\xA9\xF0\x9F\x98\x80"), "\"\xC3\xA9\xF0\x9F\x98\x80\"",
		"\"\xC3\xA9\xF0\x9F\x98\x80\"" },
	{ ROW("</script>&"), "\"</script>&\"", "\"\\u003c/script\\u003e\\u0026\"" },
	{ ROW(LINE_SEPARATOR PARA_SEPARATOR), "\"" LINE_SEPARATOR PARA_SEPARATOR "\"",
		"\"\\u2028\\u2029\"" },
	{ ROW("\xE2\x80\xAA\xE2\x81\xA8\xE2\x80\xA7"), "\"\xE2\x80\xAA\xE2\x81\xA8\xE2\x80\xA7\"",
		"\"\xE2\x80\xAA\xE2\x81\xA8\xE2\x80\xA7\"" },
	{ ROW("a run of more than sixteen bytes\n"), "\"a run of more than sixteen bytes\\n\"",
		"\"a run of more than sixteen bytes\\n\"" },
};

static void
assert_appended(struct xt_buf *out, const char *expected)
{
	if (!xt_str_eq(xt_buf_str(out), xt_str_from(expected)))
		fail_msg("expected %s, got %.*s", expected, (int)out->n, out->p);
	xt_buf_fini(out);
}

static void
test_quote(void **state)
{
	struct xt_buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(strings); i++) {
		struct xt_str in = xt_str_of(strings[i].in, strings[i].n);
		assert_int_equal(xt_json_quote(&out, in), 0);
		assert_appended(&out, strings[i].quoted);
		assert_int_equal(xt_json_quote_script(&out, in), 0);
		assert_appended(&out, strings[i].script);
	}
	assert_int_equal(xt_buf_append(&out, "x:", 2), 0);
	assert_int_equal(xt_json_quote(&out, XT_STR("y")), 0);
	assert_appended(&out, "x:\"y\"");
}

static void
test_script_safe(void **state)
{
	struct xt_buf out = { 0 };

	(void)state;
	assert_int_equal(
		xt_json_script_safe(&out, XT_STR("{\"<!--\": [\"&\\n\xE2\x80\xA8\"]}\n")), 0);
	assert_appended(&out, "{\"\\u003c!--\": [\"\\u0026\\n\\u2028\"]}\n");
	assert_int_equal(xt_json_script_safe(&out, (struct xt_str){ 0 }), 0);
	assert_int_equal(out.n, 0);
	xt_buf_fini(&out);
}

static void
test_compact_line(void **state)
{
	struct xt_buf out = { 0 };

	(void)state;
	assert_int_equal(xt_json_compact_line(&out, XT_STR("{\r\n\t\"a\": [1,\n 2]\r}\n")), 0);
	assert_appended(&out, "{\"a\": [1, 2]}");
	assert_int_equal(xt_json_compact_line(&out, XT_STR("[\"\\n\"]")), 0);
	assert_appended(&out, "[\"\\n\"]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_script_safe),
		cmocka_unit_test(test_compact_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
