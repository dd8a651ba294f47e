/*
 * histogram.h - how often each value came, with a relative error below 1 %, as HdrHistogram keeps it: each power of two
 * is cut into 128 slots of the same width. Adding is a few instructions; nothing is allocated.
 */
#ifndef CROSSTALK_BENCH_HISTOGRAM_H
#define CROSSTALK_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS  7  /* 2^7 slots for each power of two */
#define HISTOGRAM_TOP   40 /* values from 2^40 on (18 minutes in nanoseconds) share the last slot */
#define HISTOGRAM_SLOTS ((HISTOGRAM_TOP - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

/* Zeros are an empty one. */
struct histogram {
	uint64_t count, sum, least, most;
	uint64_t slots[HISTOGRAM_SLOTS];
};

/* The slot of a value. */
static inline unsigned
histogram_slot(uint64_t value)
{
	unsigned shift;

	if (value < 1u << HISTOGRAM_BITS)
		return (unsigned)value;
	if (value >> HISTOGRAM_TOP)
		return HISTOGRAM_SLOTS - 1;
	shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_BITS;
	return (shift << HISTOGRAM_BITS) + (unsigned)(value >> shift);
}

/* The greatest value that belongs to the slot. */
uint64_t histogram_slot_top(unsigned slot);

/* Adds `times` values that are the same. */
static inline void
histogram_add(struct histogram *histogram, uint64_t value, uint64_t times)
{
	if (value < histogram->least || histogram->count == 0)
		histogram->least = value;
	if (value > histogram->most)
		histogram->most = value;
	histogram->count += times;
	histogram->sum += value * times;
	histogram->slots[histogram_slot(value)] += times;
}

/* The value that `share` (0 to 1) of all values do not exceed; 0 when there is none. */
uint64_t histogram_percentile(const struct histogram *histogram, double share);

double histogram_mean(const struct histogram *histogram);

/* How many values are from `from` on and below `to`, to the precision of the slots. */
uint64_t histogram_between(const struct histogram *histogram, uint64_t from, uint64_t to);

#endif
