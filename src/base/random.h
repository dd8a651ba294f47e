/* random.h - bytes nobody can guess, from the kernel. */
#ifndef XT_BASE_RANDOM_H
#define XT_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills `p`; ends the process when the kernel has no randomness (it always has, once booted). */
void xt_random_fill(void *p, size_t n);

uint64_t xt_random_u64(void);

#endif
