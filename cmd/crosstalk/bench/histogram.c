/* histogram.c - see histogram.h. */
#include "bench/histogram.h"

uint64_t
histogram_slot_top(unsigned slot)
{
	unsigned shift;

	if (slot < 2u << HISTOGRAM_BITS)
		return slot;
	shift = (slot >> HISTOGRAM_BITS) - 1;
	return ((((uint64_t)slot & ((1u << HISTOGRAM_BITS) - 1)) + (1u << HISTOGRAM_BITS) + 1)
		       << shift) -
	       1;
}

uint64_t
histogram_percentile(const struct histogram *histogram, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)histogram->count + 0.5), seen = 0;

	if (histogram->count == 0)
		return 0;
	if (wanted < 1)
		wanted = 1;
	for (unsigned slot = 0; slot < HISTOGRAM_SLOTS - 1; slot++) {
		seen += histogram->slots[slot];
		if (seen >= wanted) {
			uint64_t top = histogram_slot_top(slot);
			return top < histogram->most ? top : histogram->most;
		}
	}
	return histogram->most;
}

double
histogram_mean(const struct histogram *histogram)
{
	return histogram->count ? (double)histogram->sum / (double)histogram->count : 0;
}

uint64_t
histogram_between(const struct histogram *histogram, uint64_t from, uint64_t to)
{
	uint64_t count = 0;

	for (unsigned slot = histogram_slot(from); slot < HISTOGRAM_SLOTS; slot++) {
		if (histogram_slot_top(slot) >= to && to < (uint64_t)1 << HISTOGRAM_TOP)
			break;
		count += histogram->slots[slot];
	}
	return count;
}
