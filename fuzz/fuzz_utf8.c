/*
 * fuzz_utf8.c - the validator against a decoder that follows RFC 3629 by arithmetic.
 *
 * Input: a byte that says where to cut, then the text.
 */
#include "base/panic.h"
#include "codec/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The size of the character that `lead` begins or 0; `bits`: what it holds of its number. */
static size_t
lead_size(uint8_t lead, uint32_t *bits)
{
	static const uint8_t masks[] = { 0x80, 0xE0, 0xF0, 0xF8 },
			     marks[] = { 0, 0xC0, 0xE0, 0xF0 };

	for (size_t i = 0; i < 4; i++)
		if ((lead & masks[i]) == marks[i]) {
			*bits = lead & (uint8_t)~masks[i];
			return i + 1;
		}
	return 0;
}

/* Whether a character of `size` bytes, of which `have` gave `bits`, can still be a valid one. */
static bool
possible(uint32_t bits, size_t size, size_t have)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned missing = 6 * (unsigned)(size - have);
	uint32_t low = bits << missing, high = low | ((1u << missing) - 1);

	if (high < least[size] || low > 0x10FFFF)
		return false;
	return !(low >= 0xD800 && high <= 0xDFFF);
}

/* The index of the first byte that can't be, or `n`; `*complete` as the validator says it. */
static size_t
reference(const uint8_t *p, size_t n, bool *complete)
{
	size_t at = 0;

	*complete = true;
	while (at < n) {
		uint32_t bits = 0;
		size_t size = lead_size(p[at], &bits);
		if (size == 0 || !possible(bits, size, 1))
			return at;
		for (size_t have = 1; have < size; have++) {
			*complete = false;
			if (at + have == n)
				return n;
			bits = bits << 6 | (p[at + have] & 0x3F);
			if ((p[at + have] & 0xC0) != 0x80 || !possible(bits, size, have + 1))
				return at + have;
		}
		*complete = true;
		at += size;
	}
	return at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data + 1;
	struct xt_utf8 whole = { 0 }, pieces = { 0 };
	size_t n = size - 1, cut, at, found;
	bool complete;

	if (size < 1)
		return 0;
	at = reference(data + 1, n, &complete);
	XT_ASSERT(xt_utf8_feed(&whole, p, n) == at);
	XT_ASSERT(xt_utf8_complete(&whole) == complete);
	XT_ASSERT(xt_utf8_valid(xt_str_of(p, n)) == (at == n && complete));
	cut = n * data[0] / 255;
	found = xt_utf8_feed(&pieces, p, cut);
	if (found == cut)
		found += xt_utf8_feed(&pieces, p + cut, n - cut);
	XT_ASSERT(found == at && pieces.state == whole.state);
	return 0;
}
