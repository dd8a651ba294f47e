/* escape_test.c - what a hostile peer may write on a terminal: nothing that it obeys. */
#include "connect/escape.h"

#include "connect/printed.h"

#define LITERAL(text) text, sizeof(text) - 1

static const struct {
	const char *p;
	size_t n;
	const char *shown;
} lines[] = {
	{ LITERAL(""), "" },
	{ LITERAL("plain ASCII ~"), "plain ASCII ~" },
	{ LITERAL("gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2 \xf0\x9f\x98\x80"),
		"gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2 \xf0\x9f\x98\x80" },
	{ LITERAL("\x1b]0;title\x07"), "\\x1b]0;title\\x07" },
	{ LITERAL("\x1b[2J\x1b[H"), "\\x1b[2J\\x1b[H" },
	{ LITERAL("a\rb\nc\td"), "a\\x0db\\x0ac\\x09d" },
	{ LITERAL("\0\x7f"), "\\x00\\x7f" },
	{ LITERAL("\xc2\x9b"
		  "31m"),
		"\\x9b31m" }, /* C1: CSI in one character */
	{ LITERAL("\xc2\x80\xc2\x9f\xc2\xa0"), "\\x80\\x9f\xc2\xa0" },
	{ LITERAL("\xe2\x80\xae"
		  "exe.txt"),
		"\\u{202e}exe.txt" },
	{ LITERAL("\xe2\x80\xa8\xe2\x81\xa6\xef\xbb\xbf"), "\\u{2028}\\u{2066}\\u{feff}" },
	{ LITERAL("\xf3\xa0\x81\x81"), "\\u{e0041}" },
	/* not UTF-8: overlong, surrogate, above U+10FFFF, alone, cut */
	{ LITERAL("\xc0\x9b"), "\\xc0\\x9b" },
	{ LITERAL("\xe0\x80\x9b"), "\\xe0\\x80\\x9b" },
	{ LITERAL("\xed\xa0\x80"), "\\xed\\xa0\\x80" },
	{ LITERAL("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80" },
	{ LITERAL("\x9b"
		  "0m\xff"),
		"\\x9b0m\\xff" },
	{ LITERAL("\xe6\xbc"), "\\xe6\\xbc" },
	{ LITERAL("\xe6\x1b["), "\\xe6\\x1b[" },
};

static void
test_lines(void **state)
{
	struct printed printed;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		escape_line(printed_begin(&printed), &palette_plain, lines[i].p, lines[i].n);
		printed_is(&printed, lines[i].shown);
	}
}

/* All characters: nothing below a blank, no DEL, no C1, however it is spelt. */
static void
test_all_bytes(void **state)
{
	char pair[2];
	struct printed printed;

	(void)state;
	for (unsigned i = 0; i < 65536; i++) {
		pair[0] = (char)(i >> 8);
		pair[1] = (char)i;
		escape_text(printed_begin(&printed), &palette_plain, pair, 2, 0);
		fclose(printed.to);
		for (size_t k = 0; k < printed.n; k++) {
			unsigned char c = (unsigned char)printed.text[k];
			if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f)
				fail_msg("%04x: control character", i);
			if (c >= 0x80 && c < 0xa0 &&
				(k == 0 || (unsigned char)printed.text[k - 1] < 0xc3))
				fail_msg("%04x: C1", i);
		}
		free(printed.text);
	}
}

static void
test_text(void **state)
{
	struct printed printed;

	(void)state;
	escape_text(printed_begin(&printed), &palette_plain, "a\tb\n\nc\r\n", 8, 2);
	printed_is(&printed, "a\tb\n  \n  c\\x0d\n  ");
}

static void
test_colour(void **state)
{
	struct printed printed;

	(void)state;
	escape_line(printed_begin(&printed), &palette_ansi, "a\x1b", 2);
	printed_is(&printed, "a\033[35m\\x1b\033[0m");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_all_bytes),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_colour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
