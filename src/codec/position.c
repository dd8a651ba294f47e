/* position.c - EPOCH-OFFSET to text and back. */
#include "codec/position.h"

#define BASE         36
#define EPOCH_DIGITS 13 /* of 2^64 - 1 in base 36 */

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

static size_t
put_number(char *out, uint64_t value, unsigned base)
{
	char reversed[20];
	size_t n = 0;

	do {
		reversed[n++] = digits[value % base];
		value /= base;
	} while (value);
	for (size_t i = 0; i < n; i++)
		out[i] = reversed[n - 1 - i];
	return n;
}

size_t
xt_position_format(struct xt_position position, char text[XT_POSITION_TEXT])
{
	size_t n = put_number(text, position.epoch, BASE);

	text[n++] = '-';
	n += put_number(text + n, position.offset, 10);
	text[n] = '\0';
	return n;
}

static bool
parse_epoch(struct xt_str s, uint64_t *epoch)
{
	uint64_t value = 0;

	/* One text for each position: no leading zeros. */
	if (s.n == 0 || s.n > EPOCH_DIGITS || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		const char *digit = s.p[i] ? strchr(digits, s.p[i]) : NULL;
		if (!digit)
			return false;
		/* One that is too large for us is well-formed: it is only nobody's. */
		if (__builtin_mul_overflow(value, (uint64_t)BASE, &value) ||
			__builtin_add_overflow(value, (uint64_t)(digit - digits), &value))
			value = UINT64_MAX;
	}
	*epoch = value;
	return true;
}

bool
xt_position_parse(struct xt_str text, struct xt_position *position)
{
	struct xt_str offset = text;
	struct xt_str epoch = xt_str_cut(&offset, '-');

	return offset.p && !(offset.n > 1 && offset.p[0] == '0') &&
	       parse_epoch(epoch, &position->epoch) &&
	       xt_str_u64(offset, XT_OFFSET_MAX, &position->offset);
}
