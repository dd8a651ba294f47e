/*
 * mask_vectors.h - the middle of xt_mask(): 32 bytes at a step. One file per kind of processor compiles it:
 * mask_x86_64.c for two widths of registers, mask_any.c for whatever the compiler has.
 */
#ifndef XT_CODEC_MASK_VECTORS_H
#define XT_CODEC_MASK_VECTORS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t xt_vector __attribute__((vector_size(32)));

/* Masks whole vectors from `*at` on, moves `*at` behind them; returns all their bits or-ed. */
uint64_t xt_mask_vectors(char *dst, const char *src, size_t n, uint64_t key, size_t *at);

static inline __attribute__((always_inline)) uint64_t
xt_mask_vectors_inline(char *dst, const char *src, size_t n, uint64_t key, size_t *at)
{
	xt_vector keys = { key, key, key, key };
	xt_vector seen = { 0 };
	xt_vector v;
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

#endif
