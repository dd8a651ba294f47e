/*
 * mark.h - the number of a message, in the first eight bytes of its payload: a nibble each, as the letters a to p, which
 * every protocol carries as they are.
 */
#ifndef CROSSTALK_BENCH_MARK_H
#define CROSSTALK_BENCH_MARK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MARK_SIZE    8
#define MARK_LETTERS UINT64_C(0x6161616161616161)
#define MARK_NIBBLES UINT64_C(0x0f0f0f0f0f0f0f0f)

/* The bytes as they lie in memory: compared and masked as one word. */
static inline uint64_t
mark_load(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return word;
}

static inline bool
mark_is_one(uint64_t mark)
{
	return ((mark - MARK_LETTERS) & ~MARK_NIBBLES) == 0;
}

/* The lowest nibble is the first byte of memory where bytes go from low to high; else the last. Both sides are this program. */
static inline uint64_t
mark_encode(uint32_t number)
{
	uint64_t x = number;

	x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
	x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
	x = (x | x << 4) & MARK_NIBBLES;
	return x + MARK_LETTERS;
}

static inline uint32_t
mark_decode(uint64_t mark)
{
	uint64_t x = mark - MARK_LETTERS;

	x = (x | x >> 4) & UINT64_C(0x00ff00ff00ff00ff);
	x = (x | x >> 8) & UINT64_C(0x0000ffff0000ffff);
	return (uint32_t)(x | x >> 16);
}

#endif
