/* mask_x86_64.c - masking in registers of 32 bytes where this processor has them, found out at run time. */
#include "codec/mask_vectors.h"

#define WIDE_MIN 64 /* bytes from which on the test for wide registers pays */

__attribute__((target("avx2"))) static uint64_t
mask_avx2(char *dst, const char *src, size_t n, uint64_t key, size_t *at)
{
	return xt_mask_vectors_inline(dst, src, n, key, at);
}

uint64_t
xt_mask_vectors(char *dst, const char *src, size_t n, uint64_t key, size_t *at)
{
	if (n >= WIDE_MIN && __builtin_cpu_supports("avx2"))
		return mask_avx2(dst, src, n, key, at);
	return xt_mask_vectors_inline(dst, src, n, key, at);
}
