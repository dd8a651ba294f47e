/*
 * counter.h - numbers that one thread writes and any thread may read: what /metrics shows.
 *
 * A layer keeps its counters in a plain struct and describes them in a const table of xt_metric,
 * so that whoever prints them needs to know no layer.
 */
#ifndef XT_BASE_COUNTER_H
#define XT_BASE_COUNTER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef _Atomic uint64_t xt_counter; /* the one typedef: _Atomic reads badly in long structs */

/* Only the owning thread calls these: a plain load and store, no locked instruction. */
static inline void
xt_counter_add(xt_counter *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
		memory_order_relaxed);
}

static inline void
xt_counter_sub(xt_counter *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) - n,
		memory_order_relaxed);
}

static inline void
xt_counter_set(xt_counter *counter, uint64_t n)
{
	atomic_store_explicit(counter, n, memory_order_relaxed);
}

/* Any thread. */
static inline uint64_t
xt_counter_read(const xt_counter *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

enum xt_metric_kind { XT_METRIC_COUNTER, XT_METRIC_GAUGE };

/* One row of a layer's table; rows of one name stand together. `label` may be NULL. */
struct xt_metric {
	const char *name;  /* without the prefix "crosstalk_" */
	const char *help;  /* a sentence */
	const char *label; /* "reason" */
	const char *value; /* "slow_reader" */
	size_t offset;     /* of the xt_counter in the layer's struct */
	enum xt_metric_kind kind;
};

#endif
