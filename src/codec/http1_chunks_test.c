/* http1_chunks_test.c - chunked bodies: whole, cut at every place, and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/http1.h"
#include "crosstalk.h"

struct outcome {
	struct xt_buf data;
	size_t used;
	unsigned status; /* 0: no error */
	const char *words;
	bool done;
};

/* Feeds copies of exactly the pieces; `first` bytes, then `step` at a time. */
static struct outcome
decode(struct xt_str s, size_t first, size_t step)
{
	struct xt_http1_chunks chunks = { 0 };
	struct xt_http1_error error = { 0 };
	struct outcome out = { 0 };

	for (size_t size = first; s.n > 0 && !chunks.done && !error.status; size = step) {
		size_t n = size < s.n ? size : s.n, data = 0;
		char *copy = malloc(n);
		ssize_t used;
		assert_non_null(copy);
		memcpy(copy, s.p, n);
		used = xt_http1_chunks_read(&chunks, copy, n, &data, &error);
		if (used >= 0) {
			assert_true((size_t)used == n || chunks.done);
			assert_int_equal(xt_buf_append(&out.data, copy, data), 0);
			out.used += (size_t)used;
			s = xt_str_skip(s, (size_t)used);
		} else {
			assert_int_equal(used, XT_EPROTO);
			assert_true(error.status >= 400);
		}
		free(copy);
	}
	out.status = error.status;
	out.words = error.words;
	out.done = chunks.done;
	if (!out.status)
		assert_int_equal(chunks.total, out.data.n);
	return out;
}

static void
check(struct xt_str s, const char *data, unsigned status, size_t used)
{
	struct outcome whole = decode(s, s.n, s.n);

	if (whole.status != status)
		fail_msg("'%s': status %u, %s", s.p, whole.status, whole.words);
	for (size_t i = 1; i <= s.n; i++) {
		struct outcome out = i == s.n ? decode(s, 1, 1) : decode(s, i, s.n);
		assert_ptr_equal(out.words, whole.words);
		assert_int_equal(out.done, whole.done);
		if (data) {
			assert_true(xt_str_eq(xt_buf_str(&out.data), xt_str_from(data)));
			assert_true(out.done);
			assert_int_equal(out.used, used);
		}
		xt_buf_fini(&out.data);
	}
	xt_buf_fini(&whole.data);
}

static void
test_good(void **state)
{
	static const struct {
		const char *text, *data;
	} goods[] = {
		{ "0\r\n\r\n", "" },
		{ "000\r\n\r\n", "" },
		{ "5\r\nhello\r\n0\r\n\r\n", "hello" },
		{ "1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", "abcdef" },
		{ "A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n", "0123456789abcdefghij" },
		{ "0000000000000005\r\nhello\r\n0\r\n\r\n", "hello" },
		{ "2\r\n\r\n\r\n2\r\n0\r\r\n0\r\n\r\n", "\r\n0\r" },
		{ "3;a=b;c=\"d e\"\r\nabc\r\n0;x\r\n\r\n", "abc" },
		{ "1;\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n", "x" },
		{ "1\r\nx\r\n0\r\nContent-Length: 5\r\nTransfer-Encoding: x\r\n\r\n", "x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof goods / sizeof goods[0]; i++) {
		char more[256];
		int n = snprintf(more, sizeof more, "%sGET", goods[i].text);
		size_t used = strlen(goods[i].text);
		check(xt_str_from(goods[i].text), goods[i].data, 0, used);
		check(xt_str_of(more, (size_t)n), goods[i].data, 0, used);
	}
}

static void
test_bad(void **state)
{
	static const char *const bads[] = {
		"\r\n",
		"\n",
		" 5\r\nhello\r\n",
		"5 \r\nhello\r\n",
		"5\t;a\r\nhello\r\n",
		"+5\r\nhello\r\n",
		"-5\r\nhello\r\n",
		"0x5\r\nhello\r\n",
		"g\r\n",
		";a\r\n",
		"5\nhello\r\n",
		"5\rhello\r\n",
		"5\r\rhello\r\n",
		"5\r\nhello\n",
		"5\r\nhello\r0",
		"5\r\nhelloo\r\n",
		"5\r\nhell\r\n0\r\n\r\n",
		"00000000000000005\r\nhello\r\n",
		"10000000000000005\r\nhello\r\n",
		"5;a\nhello",
		"5;a\x01\r\nhello",
		"5;a\rb\r\nhello",
		"0\r\n\n",
		"0\r\n\rX",
		"0\n\r\n",
		"0\r\n a\r\n\r\n",
		"0\r\nA: b\r\n c\r\n\r\n",
		"0\r\nA : b\r\n\r\n",
		"0\r\n: b\r\n\r\n",
		"0\r\nA\r\n\r\n",
		"0\r\nA: b\n\r\n",
		"0\r\nA: \x7f\r\n\r\n",
		"0\r\nA: b\rc\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++)
		check(xt_str_from(bads[i]), NULL, 400, 0);
	check(XT_STR("5;\0\r\n"), NULL, 400, 0);
	check(XT_STR("\0\r\n"), NULL, 400, 0);
}

/* Appends `n` times `piece`. */
static void
repeat(struct xt_buf *buf, size_t n, const char *piece)
{
	while (n-- > 0)
		assert_int_equal(xt_buf_append_str(buf, xt_str_from(piece)), 0);
}

static unsigned
status_of(struct xt_buf *buf)
{
	struct outcome out = decode(xt_buf_str(buf), buf->n, 1);
	unsigned status = out.status;

	assert_true(status || out.done);
	xt_buf_fini(&out.data);
	xt_buf_fini(buf);
	return status;
}

static void
test_limits(void **state)
{
	(void)state;
	for (unsigned extra = 0; extra < 2; extra++) {
		struct xt_buf buf = { 0 };
		/* one extension */
		repeat(&buf, 1, "0;");
		repeat(&buf, XT_HTTP1_CHUNK_EXT_MAX + extra, "x");
		repeat(&buf, 1, "\r\n\r\n");
		assert_int_equal(status_of(&buf), extra ? 400 : 0);
		/* all extensions: 16 bytes in each */
		repeat(&buf, XT_HTTP1_CHUNK_EXTS_MAX / 16, "1;0123456789abcdef\r\nx\r\n");
		repeat(&buf, extra, "1;y\r\nx\r\n");
		repeat(&buf, 1, "0\r\n\r\n");
		assert_int_equal(status_of(&buf), extra ? 400 : 0);
		/* the number of trailer fields */
		repeat(&buf, 1, "0\r\n");
		repeat(&buf, XT_HTTP1_FIELDS + extra, "A: b\r\n");
		repeat(&buf, 1, "\r\n");
		assert_int_equal(status_of(&buf), extra ? 431 : 0);
		/* their size: the LFs are not counted */
		repeat(&buf, 1, "0\r\nA:");
		repeat(&buf, XT_HTTP1_TRAILERS_MAX - 3 + extra, "x");
		repeat(&buf, 1, "\r\n\r\n");
		assert_int_equal(status_of(&buf), extra ? 431 : 0);
	}
}

/* The announced size is there before the data, so that 413 needs none of it. */
static void
test_announced(void **state)
{
	struct xt_http1_chunks chunks = { 0 };
	struct xt_http1_error error;
	char text[] = "ffffffffffffffff\r\nab";
	size_t data;

	(void)state;
	assert_int_equal(xt_http1_chunks_read(&chunks, text, 20, &data, &error), 20);
	assert_int_equal(data, 2);
	assert_int_equal(chunks.total, 2);
	assert_true(chunks.left == UINT64_MAX - 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_announced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
