/*
 * utf8.c - the validator: a table of eight states, and a run over ASCII and what is common.
 *
 * A state says which bytes may come next and which state follows, so the first wrong byte shows at
 * once; what would be overlong, a surrogate or above U+10FFFF is a narrower range for the second
 * byte (RFC 3629 4).
 */
#include "codec/utf8.h"

enum state {
	BETWEEN, /* two characters: the next is a first byte */
	TAIL1,   /* one more continuation byte */
	TAIL2,
	TAIL3,
	AFTER_E0,
	AFTER_ED,
	AFTER_F0,
	AFTER_F4,
	WRONG
};

struct rule {
	uint8_t low, high, next;
};

/* RFC 3629 4: UTF8-tail, and the second bytes of E0, ED, F0 and F4. */
static const struct rule rules[] = {
	[BETWEEN] = { 0x00, 0x7F, BETWEEN },
	[TAIL1] = { 0x80, 0xBF, BETWEEN },
	[TAIL2] = { 0x80, 0xBF, TAIL1 },
	[TAIL3] = { 0x80, 0xBF, TAIL2 },
	[AFTER_E0] = { 0xA0, 0xBF, TAIL1 }, /* below: overlong */
	[AFTER_ED] = { 0x80, 0x9F, TAIL1 }, /* above: surrogates */
	[AFTER_F0] = { 0x90, 0xBF, TAIL2 }, /* below: overlong */
	[AFTER_F4] = { 0x80, 0x8F, TAIL2 }, /* above: past U+10FFFF */
};

/* RFC 3629 4: what a first byte from C0 on begins. */
static const uint8_t first_bytes[64] = {
	/* C0 */ WRONG, WRONG, TAIL1, TAIL1, TAIL1, TAIL1, TAIL1, TAIL1,
	/* C8 */ TAIL1, TAIL1, TAIL1, TAIL1, TAIL1, TAIL1, TAIL1, TAIL1,
	/* D0 */ TAIL1, TAIL1, TAIL1, TAIL1, TAIL1, TAIL1, TAIL1, TAIL1,
	/* D8 */ TAIL1, TAIL1, TAIL1, TAIL1, TAIL1, TAIL1, TAIL1, TAIL1,
	/* E0 */ AFTER_E0, TAIL2, TAIL2, TAIL2, TAIL2, TAIL2, TAIL2, TAIL2,
	/* E8 */ TAIL2, TAIL2, TAIL2, TAIL2, TAIL2, AFTER_ED, TAIL2, TAIL2,
	/* F0 */ AFTER_F0, TAIL3, TAIL3, TAIL3, AFTER_F4, WRONG, WRONG, WRONG,
	/* F8 */ WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG
};

static inline uint8_t
begin(uint8_t byte)
{
	if (byte < 0x80)
		return BETWEEN;
	return byte < 0xC0 ? (uint8_t)WRONG : first_bytes[byte - 0xC0];
}

static inline uint8_t
step(uint8_t state, uint8_t byte)
{
	const struct rule *rule = &rules[state];

	if (state == BETWEEN)
		return begin(byte);
	return byte >= rule->low && byte <= rule->high ? rule->next : (uint8_t)WRONG;
}

/* How many bytes of ASCII stand at the front. */
static size_t
ascii_run(const char *p, size_t n)
{
	const uint64_t high = 0x8080808080808080u;
	uint64_t words[4];
	size_t i = 0;

	for (; n - i >= sizeof words; i += sizeof words) {
		memcpy(words, p + i, sizeof words);
		if ((words[0] | words[1] | words[2] | words[3]) & high)
			break;
	}
	for (; n - i >= sizeof words[0]; i += sizeof words[0]) {
		memcpy(words, p + i, sizeof words[0]);
		if (words[0] & high)
			break;
	}
	while (i < n && (p[i] & 0x80) == 0)
		i++;
	return i;
}

static inline bool
is_tail(char c)
{
	return ((uint8_t)c & 0xC0) == 0x80;
}

/*
 * The size of the character at `p`, if it is a whole and valid one of two or three bytes, else 0:
 * a step over what most texts beyond ASCII are made of. The states judge all else.
 */
static inline size_t
common_character(const char *p, size_t n)
{
	uint8_t first = (uint8_t)*p;

	if (n >= 3 && first > 0xE0 && first < 0xF0 && first != 0xED)
		return is_tail(p[1]) && is_tail(p[2]) ? 3 : 0;
	return n >= 2 && first >= 0xC2 && first < 0xE0 && is_tail(p[1]) ? 2 : 0;
}

/* How many bytes of ASCII and common characters stand at the front. */
static size_t
common_run(const char *p, size_t n)
{
	size_t i = 0, size;

	while (i < n) {
		size = p[i] & 0x80 ? common_character(p + i, n - i) : ascii_run(p + i, n - i);
		if (size == 0)
			break;
		i += size;
	}
	return i;
}

size_t
xt_utf8_feed(struct xt_utf8 *utf8, const char *p, size_t n)
{
	uint8_t state = utf8->state;
	size_t i = 0;

	while (i < n) {
		uint8_t next;
		if (state == BETWEEN)
			i += common_run(p + i, n - i);
		if (i == n)
			break;
		next = step(state, (uint8_t)p[i]);
		if (next == WRONG)
			break;
		state = next;
		i++;
	}
	utf8->state = state;
	return i;
}

bool
xt_utf8_valid(struct xt_str s)
{
	struct xt_utf8 utf8 = { 0 };

	return xt_utf8_feed(&utf8, s.p, s.n) == s.n && xt_utf8_complete(&utf8);
}

size_t
xt_utf8_cut(struct xt_str s, size_t n)
{
	if (n >= s.n)
		return s.n;
	while (n > 0 && ((uint8_t)s.p[n] & 0xC0) == 0x80)
		n--;
	return n;
}
