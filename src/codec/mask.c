/*
 * mask.c - XOR with a repeating key, in the widest steps that the processor has.
 *
 * Every step is a multiple of four bytes, so the turned key stays the same for all of them. The
 * last word is laid over the end of the one before: it is read before anything is written (in
 * place, what is under it is masked already then) and written last.
 */
#include "codec/mask.h"

#include <string.h>

#define HIGH_BITS 0x8080808080808080u
#define WIDE_MIN  64 /* bytes from which on the test for wide registers pays */

typedef uint64_t vector __attribute__((vector_size(32)));

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

/* Masks whole vectors from `*at` on; returns all their bits or-ed. */
static inline __attribute__((always_inline)) uint64_t
mask_vectors(char *dst, const char *src, size_t n, uint64_t key, size_t *at)
{
	vector keys = { key, key, key, key };
	vector seen = { 0 };
	vector v;
	size_t i = *at;

	for (; n - i >= sizeof v; i += sizeof v) {
		memcpy(&v, src + i, sizeof v);
		v ^= keys;
		seen |= v;
		memcpy(dst + i, &v, sizeof v);
	}
	*at = i;
	return seen[0] | seen[1] | seen[2] | seen[3];
}

static uint64_t
mask_narrow(char *dst, const char *src, size_t n, uint64_t key, size_t *at)
{
	return mask_vectors(dst, src, n, key, at);
}

#ifdef __x86_64__ /* the same code with 32-byte registers, where this processor has them */
__attribute__((target("avx2"))) static uint64_t
mask_avx2(char *dst, const char *src, size_t n, uint64_t key, size_t *at)
{
	return mask_vectors(dst, src, n, key, at);
}

static inline uint64_t
mask_wide(char *dst, const char *src, size_t n, uint64_t key, size_t *at)
{
	if (n >= WIDE_MIN && __builtin_cpu_supports("avx2"))
		return mask_avx2(dst, src, n, key, at);
	return mask_narrow(dst, src, n, key, at);
}
#else
static inline uint64_t
mask_wide(char *dst, const char *src, size_t n, uint64_t key, size_t *at)
{
	return mask_narrow(dst, src, n, key, at);
}
#endif

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
	seen = mask_wide(dst, src, n, key8, &at) | last;
	for (; n - at > sizeof word; at += sizeof word) {
		word = load(src + at) ^ key8;
		seen |= word;
		memcpy(dst + at, &word, sizeof word);
	}
	memcpy(dst + n - sizeof word, &last, sizeof word);
	return (seen & HIGH_BITS) == 0;
}
