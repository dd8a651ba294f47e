/*
 * mask.c - XOR with a repeating key, in the widest steps that the processor has.
 *
 * Every step is a multiple of four bytes, so the turned key stays the same for all of them. The
 * last word is laid over the end of the one before: it is read before anything is written (in
 * place, what is under it is masked already then) and written last.
 */
#include "crosstalk_ws.h"

#include <string.h>

#include "codec/mask_vectors.h"

#define HIGH_BITS 0x8080808080808080u

static inline uint64_t
load(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return word;
}

/* The key from byte `phase` on, as it lies in memory, twice. */
static inline uint64_t
turn_key(const uint8_t key[4], unsigned phase)
{
	uint8_t bytes[8];
	uint64_t word;

	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = key[(phase + i) & 3];
	memcpy(&word, bytes, sizeof word);
	return word;
}

/* Fewer bytes than a word. */
static bool
mask_few(char *dst, const char *src, size_t n, const uint8_t key[4], unsigned phase)
{
	uint8_t seen = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t byte = (uint8_t)src[i] ^ key[(phase + i) & 3];
		seen |= byte;
		dst[i] = (char)byte;
	}
	return seen < 0x80;
}

bool
xt_mask(char *dst, const char *src, size_t n, const uint8_t key[4], unsigned phase)
{
	uint64_t key8, last, word, seen;
	size_t at = 0;

	if (n < sizeof word)
		return mask_few(dst, src, n, key, phase);
	key8 = turn_key(key, phase);
	last = load(src + n - sizeof word) ^ turn_key(key, phase + (unsigned)(n & 3));
	seen = xt_mask_vectors(dst, src, n, key8, &at) | last;
	for (; n - at > sizeof word; at += sizeof word) {
		word = load(src + at) ^ key8;
		seen |= word;
		memcpy(dst + at, &word, sizeof word);
	}
	memcpy(dst + n - sizeof word, &last, sizeof word);
	return (seen & HIGH_BITS) == 0;
}
