/*
 * partial.h - a message of the peer that has not come whole: what is there of it, and for how long it has been coming.
 *
 * What it holds counts in a budget that all connections of a worker share, and it may neither stand still nor come a
 * byte at a time for ever.
 */
#ifndef XT_TRANSPORT_WS_PARTIAL_H
#define XT_TRANSPORT_WS_PARTIAL_H

#include "base/budget.h"
#include "base/buf.h"

/* A message may take so many times as long, in all, as it may stand still. */
#define XT_WS_PARTIAL_TIMEOUTS 20

struct xt_ws_partial {
	struct xt_buf data; /* who appends to it says so with xt_ws_partial_grown() */
	struct xt_budget *budget;
	size_t counted;        /* bytes of `data` that the budget knows of */
	uint64_t began, moved; /* loop time, ms */
};

/* Begins at `now`. NULL: out of memory. */
struct xt_ws_partial *xt_ws_partial_new(struct xt_budget *budget, uint64_t now);
void xt_ws_partial_free(struct xt_ws_partial *partial); /* NULL is fine */

/* More has come. 0; XT_ELIMIT: all that are incomplete hold too much; XT_ENOMEM. */
int xt_ws_partial_add(struct xt_ws_partial *partial, struct xt_str bytes, uint64_t now);

/* The same when the bytes are in `data` already. */
int xt_ws_partial_grown(struct xt_ws_partial *partial, uint64_t now);

/* How many ms it has left at `now` when it may stand still for `timeout_ms`; 0: it came too slowly. */
uint32_t xt_ws_partial_left(const struct xt_ws_partial *partial, uint64_t now, uint32_t timeout_ms);

#endif
