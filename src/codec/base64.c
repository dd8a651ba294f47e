/* base64.c - three bytes to four characters and back. */
#include "codec/base64.h"

#include "crosstalk.h"

#define NO 0xFF /* not one of the characters */

/* RFC 4648 4, table 1 */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* From '+' to 'z'. */
static const uint8_t values[80] = {
	/* + */ 62, NO, NO, NO, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO,
	/* ; */ NO, NO, NO, NO, NO, NO, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
	/* K */ 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
	/* [ */ NO, NO, NO, NO, NO, NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,
	/* k */ 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51
};

static inline unsigned
value_of(char c)
{
	unsigned i = (unsigned char)c - (unsigned)'+';

	return i < sizeof values ? values[i] : NO;
}

bool
xt_base64_char(char c)
{
	return value_of(c) != NO;
}

static inline void
put_group(uint32_t bits, char *out)
{
	out[0] = alphabet[bits >> 18 & 63];
	out[1] = alphabet[bits >> 12 & 63];
	out[2] = alphabet[bits >> 6 & 63];
	out[3] = alphabet[bits & 63];
}

size_t
xt_base64_encode(struct xt_str in, char *out)
{
	const uint8_t *p = (const uint8_t *)in.p;
	size_t left = in.n;
	char *at = out;

	for (; left >= 3; left -= 3, p += 3, at += 4)
		put_group((uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2], at);
	if (left > 0) {
		put_group((uint32_t)p[0] << 16 | (left == 2 ? (uint32_t)p[1] << 8 : 0), at);
		at[3] = '=';
		if (left == 1)
			at[2] = '=';
		at += 4;
	}
	return (size_t)(at - out);
}

int
xt_base64_append(struct xt_buf *out, struct xt_str in)
{
	if (in.n > SIZE_MAX / 2 || xt_buf_reserve(out, XT_BASE64_SIZE(in.n)) < 0)
		return XT_ENOMEM;
	if (in.n)
		out->n += xt_base64_encode(in, out->p + out->n);
	return 0;
}

/* Four characters of which the last `pad` are padding: the bits, or false. */
static bool
read_group(const char *p, unsigned pad, uint32_t *bits)
{
	uint32_t all = 0;

	for (unsigned i = 0; i < 4; i++) {
		unsigned value = i < 4 - pad ? value_of(p[i]) : 0;
		if (value == NO)
			return false;
		all = all << 6 | value;
	}
	*bits = all;
	/* RFC 4648 3.5: the unused bits are 0, so that a text has one form */
	return (all & ((1u << 8 * pad) - 1)) == 0;
}

ssize_t
xt_base64_decode(struct xt_str text, char *out)
{
	char *at = out;
	uint32_t bits;

	if (text.n % 4 != 0)
		return XT_EINVAL;
	for (size_t i = 0; i < text.n; i += 4) {
		const char *p = text.p + i;
		bool end = i + 4 == text.n;
		unsigned pad = end && p[3] == '=' ? (p[2] == '=' ? 2 : 1) : 0;
		if (!read_group(p, pad, &bits))
			return XT_EINVAL;
		for (unsigned k = 0; k < 3 - pad; k++)
			*at++ = (char)(uint8_t)(bits >> (16 - 8 * k));
	}
	return at - out;
}
