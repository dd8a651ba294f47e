/* json_test.c - JSON as it is shown: what fits stays on a line, and nothing is changed but blanks. */
#include "connect/json.h"

#include "connect/printed.h"

static void
is(const char *json, const char *expected)
{
	struct printed printed;

	if (!json_is_worth_it(json, strlen(json)))
		fail_msg("not taken: %s", json);
	json_print(printed_begin(&printed), &palette_plain, json, strlen(json),
		&(struct json_place){ 76, 2, 2 });
	printed_is(&printed, expected);
}

static void
test_short(void **state)
{
	(void)state;
	is("{}", "{}");
	is(" [ ] ", "[]");
	is("{\"a\":1}", "{\"a\": 1}");
	is("[1,2 , [3,\n4]]", "[1, 2, [3, 4]]");
	is("{\"a\":[true,false,null],\"b\":\"x\"}", "{\"a\": [true, false, null], \"b\": \"x\"}");
}

static void
test_nothing_is_changed(void **state)
{
	(void)state;
	is("[1.10,123456789012345678901234567890,1e2,-0]",
		"[1.10, 123456789012345678901234567890, 1e2, -0]");
	is("[\"a\\u00e9\\/\\\"}],:\"]", "[\"a\\u00e9\\/\\\"}],:\"]");
	is("{\"b\":1,\"a\":2}", "{\"b\": 1, \"a\": 2}");
	is("[\"\\u0000\"]", "[\"\\u0000\"]");
}

static void
test_long(void **state)
{
	(void)state;
	is("{\"name\":\"a name that takes some room on the line\",\"list\":[1,2,3],"
	   "\"inner\":{\"text\":\"and one more that would not fit beside it\"}}",
		"{\n    \"name\": \"a name that takes some room on the line\",\n"
		"    \"list\": [1, 2, 3],\n"
		"    \"inner\": {\"text\": \"and one more that would not fit beside it\"}\n  }");
}

/* A line holds 76 columns, those before it included. */
static void
test_one_line_or_two(void **state)
{
	char json[128], expected[160];

	(void)state;
	snprintf(json, sizeof json, "[\"%070d\"]", 0);
	is(json, json);
	snprintf(json, sizeof json, "[\"%071d\"]", 0);
	snprintf(expected, sizeof expected, "[\n    \"%071d\"\n  ]", 0);
	is(json, expected);
}

/* What is deep does not make lines of nothing but blanks. */
static void
test_depth(void **state)
{
	static char json[5000];
	struct printed printed;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		json[n++] = '[';
	for (int i = 0; i < 1000; i++)
		n += (size_t)snprintf(json + n, sizeof json - n, "%s1", i ? "," : "");
	for (int i = 0; i < 1000; i++)
		json[n++] = ']';
	assert_true(json_is_worth_it(json, n));
	json_print(
		printed_begin(&printed), &palette_plain, json, n, &(struct json_place){ 76, 0, 0 });
	fclose(printed.to);
	assert_in_range(printed.n, n, 2 * n);
	free(printed.text);
}

static void
test_hostile_strings(void **state)
{
	(void)state;
	is("[\"\xc2\x9b\xe2\x80\xae\x7f\"]", "[\"\\x9b\\u{202e}\\x7f\"]");
}

static void
test_colours(void **state)
{
	static const char json[] = "{\"k\" :\"s\",\"n\":-1}";
	struct printed printed;

	(void)state;
	json_print(printed_begin(&printed), &palette_ansi, json, sizeof json - 1,
		&(struct json_place){ 76, 0, 0 });
	printed_is(&printed, "{\033[36m\"k\"\033[0m: \033[32m\"s\"\033[0m, \033[36m\"n\"\033[0m: "
			     "\033[33m-1\033[0m}");
}

static void
test_not_worth_it(void **state)
{
	static const char *const others[] = { "", "  ", "1", "\"text\"", "true", "{", "[1,]",
		"{a:1}", "[1] x", "hello {\"a\":1}", "[1e999]", "[\"\x1b\"]" };
	static char large[(1 << 20) + 2];

	(void)state;
	assert_false(json_is_worth_it("[1\0]", 4));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (json_is_worth_it(others[i], strlen(others[i])))
			fail_msg("taken: %s", others[i]);
	memset(large, ' ', sizeof large);
	large[0] = '[';
	large[(1 << 20) - 1] = ']';
	assert_true(json_is_worth_it(large, 1 << 20));
	large[(1 << 20) - 1] = ' ';
	large[1 << 20] = ']';
	assert_false(json_is_worth_it(large, (1 << 20) + 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_nothing_is_changed),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_one_line_or_two),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_hostile_strings),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_not_worth_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
