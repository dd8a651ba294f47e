/* base64_test.c - the vectors of RFC 4648 10, what is refused, and every length there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/base64.h"
#include "crosstalk.h"

static void
test_vectors(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xFB\xFF\xBF", "+/+/" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct xt_str plain = xt_str_from(rows[i][0]), text = xt_str_from(rows[i][1]);
		char out[16];
		size_t n = xt_base64_encode(plain, out);
		assert_int_equal(n, XT_BASE64_SIZE(plain.n));
		assert_true(xt_str_eq(xt_str_of(out, n), text));
		assert_int_equal(xt_base64_decode(text, out), plain.n);
		assert_memory_equal(out, plain.p, plain.n);
	}
}

static void
test_refused(void **state)
{
	static const char *const rows[] = { "Z", "Zg", "Zg=", "Zg===", "=",
		"====", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm8=Zm8=", "Zm9v\n", "Zm9\n", " Zm9",
		"Zm-_", "Zm9v=", "Z=g=", "Zm\xC3v", "Zm9*", "Zm9|", "Zm9@", "Zm9[", "Zm9`", "Zm9{",
		"Zm9,", "Zm9." };
	char out[16];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (xt_base64_decode(xt_str_from(rows[i]), out) != XT_EINVAL)
			fail_msg("taken: %s", rows[i]);
	assert_int_equal(xt_base64_decode(xt_str_of("Zm9\0", 4), out), XT_EINVAL);
}

static void
test_lengths(void **state)
{
	char plain[100];

	(void)state;
	for (size_t i = 0; i < sizeof plain; i++)
		plain[i] = (char)(uint8_t)(i * 37);
	for (size_t n = 0; n <= sizeof plain; n++) {
		struct xt_buf out = { 0 };
		assert_int_equal(xt_base64_append(&out, XT_STR("abc")), 0);
		assert_int_equal(xt_base64_append(&out, xt_str_of(plain, n)), 0);
		assert_int_equal(out.n, 4 + XT_BASE64_SIZE(n));
		assert_true(xt_str_starts(xt_buf_str(&out), XT_STR("YWJj")));
		/* in place */
		assert_true(XT_BASE64_ROOM(out.n) >= n + 3);
		assert_int_equal(xt_base64_decode(xt_buf_str(&out), out.p), n + 3);
		assert_memory_equal(out.p + 3, plain, n);
		xt_buf_fini(&out);
	}
}

static void
test_char(void **state)
{
	size_t count = 0;

	(void)state;
	for (int c = 0; c < 256; c++)
		count += xt_base64_char((char)(unsigned char)c);
	assert_int_equal(count, 64);
	assert_false(xt_base64_char('='));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_char),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
