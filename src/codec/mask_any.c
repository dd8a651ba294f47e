/* mask_any.c - masking in the registers that the compiler may always use. */
#include "codec/mask_vectors.h"

uint64_t
xt_mask_vectors(char *dst, const char *src, size_t n, uint64_t key, size_t *at)
{
	return xt_mask_vectors_inline(dst, src, n, key, at);
}
