/* utf8_test.c - where UTF-8 goes wrong, in every pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/utf8.h"

#define ROW(bytes) bytes, sizeof(bytes) - 1
#define GOOD(bytes) \
	{ \
		ROW(bytes), sizeof(bytes) - 1, true \
	}

static const struct {
	const char *bytes;
	size_t n;
	size_t wrong_at; /* `n`: nowhere */
	bool complete;
} rows[] = {
	GOOD(""),
	GOOD("plain"),
	GOOD("\0\x7F"),
	GOOD("\xC2\x80\xDF\xBF"),
	GOOD("\xE0\xA0\x80\xE1\x80\x80\xEC\xBF\xBF\xED\x80\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF"
	     "\xBF"),
	GOOD("\xF0\x90\x80\x80\xF1\x80\x80\x80\xF3\xBF\xBF\xBF\xF4\x8F\xBF\xBF"),
	GOOD("more than eight bytes of ASCII, more than thirty-two in fact, then \xC3\xA9 and on"),
	{ ROW("\x80"), 0, true },
	{ ROW("\xBF"), 0, true },
	{ ROW("\xC0\x80"), 0, true },
	{ ROW("\xC1\xBF"), 0, true },
	{ ROW("\xF5\x80"), 0, true },
	{ ROW("\xFF"), 0, true },
	{ ROW("\xC2\x7F"), 1, false },
	{ ROW("\xC2\xC0"), 1, false },
	{ ROW("\xE0\x80\x80"), 1, false },
	{ ROW("\xE0\x9F\xBF"), 1, false },
	{ ROW("\xED\xA0\x80"), 1, false },
	{ ROW("\xED\xBF\xBF"), 1, false },
	{ ROW("\xE1\x80x"), 2, false },
	{ ROW("\xF0\x80\x80\x80"), 1, false },
	{ ROW("\xF0\x8F\xBF\xBF"), 1, false },
	{ ROW("\xF4\x90\x80\x80"), 1, false },
	{ ROW("\xF1\x80\x80y"), 3, false },
	{ ROW("\xC3"), 1, false },
	{ ROW("\xE2\x82"), 2, false },
	{ ROW("\xF0\x9F\x98"), 3, false },
	{ ROW("twelve bytes\xFFtwelve bytes"), 12, true },
	{ ROW("\xC3\xA9 then a good run of ASCII letters \xC3("), 37, false },
};

#define COUNT (sizeof rows / sizeof rows[0])

/* Two pieces, as one: the index of the wrong byte in the whole. */
static size_t
feed_cut(struct xt_utf8 *utf8, const char *p, size_t n, size_t cut)
{
	size_t first = xt_utf8_feed(utf8, p, cut);

	return first < cut ? first : cut + xt_utf8_feed(utf8, p + cut, n - cut);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		for (size_t cut = 0; cut <= rows[i].n; cut++) {
			struct xt_utf8 utf8 = { 0 };
			size_t at = feed_cut(&utf8, rows[i].bytes, rows[i].n, cut);
			if (at != rows[i].wrong_at || xt_utf8_complete(&utf8) != rows[i].complete)
				fail_msg("row %zu cut at %zu: wrong at %zu", i, cut, at);
		}
}

static void
test_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		struct xt_utf8 utf8 = { 0 };
		size_t at = 0;
		while (at < rows[i].n && xt_utf8_feed(&utf8, rows[i].bytes + at, 1) == 1)
			at++;
		assert_int_equal(at, rows[i].wrong_at);
		assert_int_equal(xt_utf8_valid(xt_str_of(rows[i].bytes, rows[i].n)),
			at == rows[i].n && rows[i].complete);
	}
}

/* RFC 3629 3 */
static size_t
encode(uint32_t c, char out[4])
{
	static const uint8_t marks[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(uint8_t)(0x80 | (c & 0x3F));
	out[0] = (char)(uint8_t)(marks[n] | c);
	return n;
}

static void
test_every_character(void **state)
{
	char out[4];

	(void)state;
	for (uint32_t c = 0; c < 0x120000; c++) {
		size_t n = encode(c, out);
		bool valid = c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF);
		if (xt_utf8_valid(xt_str_of(out, n)) != valid)
			fail_msg("U+%04X", c);
	}
}

/* A wrong byte at every place of a run of ASCII. */
static void
test_every_place(void **state)
{
	char text[100];

	(void)state;
	for (size_t at = 0; at < sizeof text; at++) {
		struct xt_utf8 utf8 = { 0 };
		memset(text, 'a', sizeof text);
		text[at] = (char)0xFE;
		assert_int_equal(xt_utf8_feed(&utf8, text, sizeof text), at);
	}
}

static void
test_cut(void **state)
{
	struct xt_str s = XT_STR("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
	static const size_t cuts[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };

	(void)state;
	for (size_t n = 0; n < sizeof cuts / sizeof cuts[0]; n++)
		assert_int_equal(xt_utf8_cut(s, n), cuts[n]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_every_character),
		cmocka_unit_test(test_every_place),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
