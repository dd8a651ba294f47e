/* mask_test.c - every length, alignment and phase against the plain loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crosstalk_ws.h"

#define ROOM  512
#define GUARD 0x55

static const uint8_t key[4] = { 0x12, 0xF0, 0x80, 0x07 };

/* RFC 6455 5.3: octet i of the output is octet i of the input XOR octet i MOD 4 of the key. */
static void
mask_plain(char *dst, const char *src, size_t n, unsigned phase)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = (char)((uint8_t)src[i] ^ key[(i + phase) % 4]);
}

static void
fill(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(uint8_t)(i * 151 + 17);
}

static void
check(size_t from, size_t to, size_t n, unsigned phase)
{
	char src[ROOM], dst[ROOM], expected[ROOM];

	fill(src, sizeof src);
	memset(dst, GUARD, sizeof dst);
	memset(expected, GUARD, sizeof expected);
	mask_plain(expected + to, src + from, n, phase);
	xt_mask(dst + to, src + from, n, key, phase);
	assert_memory_equal(dst, expected, sizeof dst);
	/* in place, back again */
	xt_mask(dst + to, dst + to, n, key, phase);
	assert_memory_equal(dst + to, src + from, n);
	assert_true(n == 0 || (uint8_t)dst[to + n] == GUARD);
}

static void
test_all(void **state)
{
	(void)state;
	for (size_t n = 0; n < 200; n++)
		for (size_t offset = 0; offset < 9; offset++)
			for (unsigned phase = 0; phase < 4; phase++)
				check(offset, (offset * 5) % 11, n, phase);
}

/* One byte above ASCII, at every place of every length, is seen. */
static void
test_ascii(void **state)
{
	char plain[200], masked[200] = { 0 };

	(void)state;
	for (size_t n = 0; n <= sizeof plain; n++) {
		memset(plain, 'a', n);
		mask_plain(masked, plain, n, 1);
		assert_true(xt_mask(masked, masked, n, key, 1));
		for (size_t at = 0; at < n; at++) {
			plain[at] = (char)0x80;
			mask_plain(masked, plain, n, 1);
			assert_false(xt_mask(masked, masked, n, key, 1));
			plain[at] = 'a';
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
