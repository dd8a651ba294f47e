/* partial.c - a message in pieces: its bytes, its share of the budget, its time. */
#include "transport/ws/partial.h"

#include "base/heap.h"
#include "crosstalk.h"

struct xt_ws_partial *
xt_ws_partial_new(struct xt_budget *budget, uint64_t now)
{
	struct xt_ws_partial *partial = xt_malloc(sizeof *partial);

	if (partial)
		*partial = (struct xt_ws_partial){ .budget = budget, .began = now, .moved = now };
	return partial;
}

void
xt_ws_partial_free(struct xt_ws_partial *partial)
{
	if (!partial)
		return;
	xt_budget_shrink(partial->budget, partial->counted, 0);
	xt_buf_fini(&partial->data);
	xt_free(partial);
}

int
xt_ws_partial_grown(struct xt_ws_partial *partial, uint64_t now)
{
	if (!xt_budget_grow(partial->budget, partial->counted, partial->data.n))
		return XT_ELIMIT;
	partial->counted = partial->data.n;
	partial->moved = now;
	return 0;
}

int
xt_ws_partial_add(struct xt_ws_partial *partial, struct xt_str bytes, uint64_t now)
{
	if (xt_buf_append_str(&partial->data, bytes) < 0)
		return XT_ENOMEM;
	return xt_ws_partial_grown(partial, now);
}

uint32_t
xt_ws_partial_left(const struct xt_ws_partial *partial, uint64_t now, uint32_t timeout_ms)
{
	uint64_t still = partial->moved + timeout_ms;
	uint64_t whole = partial->began + (uint64_t)timeout_ms * XT_WS_PARTIAL_TIMEOUTS;
	uint64_t until = still < whole ? still : whole;

	return until > now ? (uint32_t)(until - now) : 0;
}
