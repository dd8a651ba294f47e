/* view_test.c - messages as people and scripts see them, and lines as they become messages. */
#include "connect/view.h"

#include "connect/printed.h"

static const struct view person = {
	.palette = &palette_plain, .arrows = true, .safe = true, .json = true, .width = 76
};
static const struct view script = { .palette = &palette_plain };

static void
is(const struct view *view, struct xt_data data, bool sent, const char *expected)
{
	struct printed printed;

	view_message(view, printed_begin(&printed), &data, sent);
	printed_is(&printed, expected);
}

static struct xt_data
text(const char *p)
{
	return (struct xt_data){ .kind = XT_KIND_TEXT, .p = p, .n = strlen(p) };
}

static struct xt_data
binary(const char *p, size_t n)
{
	return (struct xt_data){ .kind = XT_KIND_BINARY, .p = p, .n = n };
}

static void
test_person(void **state)
{
	struct xt_data data = text("x");

	(void)state;
	is(&person, text("hello"), false, "← hello\n");
	is(&person, text(""), true, "→ \n");
	is(&person, text("two\nlines\x1b"), false, "← two\n  lines\\x1b\n");
	is(&person, text("{\"a\":1}"), false, "← {\"a\": 1}\n");
	data.id = "k3-1";
	is(&person, data, false, "← k3-1 x\n");
	is(&person, binary("\x00hi", 3), false,
		"← 3 bytes\n  00000000  00 68 69                                          .hi\n");
	is(&person, binary("", 0), false, "← 0 bytes\n");
}

static void
test_script(void **state)
{
	struct view view = script;
	struct xt_data data = text("x\x1b");

	(void)state;
	data.id = "k3-1";
	is(&view, data, false, "x\x1b\n");
	is(&view, text("{\"a\":1}"), false, "{\"a\":1}\n");
	is(&view, binary("\x00\xff", 2), false, "00ff\n");
	view.form = FORM_BASE64;
	is(&view, binary("\x00\xff", 2), false, "AP8=\n");
	view.form = FORM_BINARY;
	is(&view, binary("a\xff\x1b", 3), false, "a\xff\x1b\n");
	view.safe = true;
	is(&view, binary("a\xff\x1b", 3), false, "a\\xff\\x1b\n");
	is(&view, text("\x1b"), false, "\\x1b\n");
	view.json = true;
	view.width = 76;
	is(&view, text("[1,2]"), false, "[1, 2]\n");
}

/* What is cut says so; for a script nothing is. */
static void
test_limits(void **state)
{
	static char large[VIEW_TEXT_MAX + 1];
	struct printed printed;
	struct xt_data data = { .kind = XT_KIND_TEXT, .p = large, .n = sizeof large };

	(void)state;
	memset(large, 'x', sizeof large);
	view_message(&person, printed_begin(&printed), &data, false);
	fclose(printed.to);
	assert_string_equal(printed.text + strlen("← ") + VIEW_TEXT_MAX, "\n  ... 1 bytes more\n");
	free(printed.text);
	data.n--;
	view_message(&person, printed_begin(&printed), &data, false);
	fclose(printed.to);
	assert_string_equal(printed.text + strlen("← ") + VIEW_TEXT_MAX, "\n");
	free(printed.text);
	data.n++;
	view_message(&script, printed_begin(&printed), &data, false);
	fclose(printed.to);
	assert_int_equal(printed.n, sizeof large + 1);
	free(printed.text);
	data.kind = XT_KIND_BINARY;
	data.n = VIEW_DUMP_MAX + 16;
	view_message(&person, printed_begin(&printed), &data, false);
	fclose(printed.to);
	assert_non_null(strstr(printed.text, "\n  000003f0 "));
	assert_null(strstr(printed.text, "\n  00000400 "));
	assert_non_null(strstr(printed.text, "\n  ... 16 bytes more\n"));
	free(printed.text);
}

static void
test_time(void **state)
{
	struct view view = person;
	struct xt_data data = text("x");
	struct printed printed;
	int h, m, s, ms, used = 0;

	(void)state;
	view.time = true;
	view_message(&view, printed_begin(&printed), &data, false);
	fclose(printed.to);
	assert_int_equal(sscanf(printed.text, "%2d:%2d:%2d.%3d ← x%n", &h, &m, &s, &ms, &used), 4);
	assert_string_equal(printed.text + used, "\n");
	free(printed.text);
}

static void
decodes(enum form form, const char *line, const char *expected, size_t n)
{
	char copy[64];
	size_t have = strlen(line);

	memcpy(copy, line, have + 1);
	assert_null(view_decode(form, copy, &have));
	assert_int_equal(have, n);
	assert_memory_equal(copy, expected, n);
}

static void
test_decode(void **state)
{
	static const struct {
		enum form form;
		const char *line;
	} wrong[] = { { FORM_HEX, "0" }, { FORM_HEX, "0g" }, { FORM_HEX, "0 0" },
		{ FORM_HEX, "000" }, { FORM_BASE64, "A" }, { FORM_BASE64, "AA-_" },
		{ FORM_BASE64, "A=A=" } };
	char copy[16];

	(void)state;
	decodes(FORM_TEXT, "00", "00", 2);
	decodes(FORM_BINARY, "00", "00", 2);
	decodes(FORM_HEX, "", "", 0);
	decodes(FORM_HEX, "00 fF:0a", "\x00\xff\x0a", 3);
	decodes(FORM_BASE64, "AP8=", "\x00\xff", 2);
	decodes(FORM_BASE64, "AP8", "\x00\xff", 2);
	decodes(FORM_BASE64, "", "", 0);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		size_t n = strlen(wrong[i].line);
		memcpy(copy, wrong[i].line, n + 1);
		if (!view_decode(wrong[i].form, copy, &n))
			fail_msg("taken: %s", wrong[i].line);
	}
	assert_int_equal(view_kind(FORM_TEXT), XT_KIND_TEXT);
	assert_int_equal(view_kind(FORM_HEX), XT_KIND_BINARY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_person),
		cmocka_unit_test(test_script),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_decode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
