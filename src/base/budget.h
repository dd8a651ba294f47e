/* budget.h - a sum that many share: what all peers of a worker together may make it keep. */
#ifndef XT_BASE_BUDGET_H
#define XT_BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/panic.h"

struct xt_budget {
	size_t used, max;
};

/* False: that would be too much, and nothing is taken. */
static inline bool
xt_budget_take(struct xt_budget *budget, size_t n)
{
	if (n > budget->max - budget->used)
		return false;
	budget->used += n;
	return true;
}

/* Gives back what was taken. */
static inline void
xt_budget_give(struct xt_budget *budget, size_t n)
{
	XT_ASSERT(n <= budget->used);
	budget->used -= n;
}

/* ---- things that grow --------------------------------------------------------------------- */

/* So much of each is free, whatever the others hold: what is short always gets through. */
#define XT_BUDGET_FREE 4096

static inline size_t
xt_budget_share(size_t n)
{
	return n > XT_BUDGET_FREE ? n - XT_BUDGET_FREE : 0;
}

/* Something of `from` bytes has `to` of them now. False: that would be too much, and nothing is taken. */
static inline bool
xt_budget_grow(struct xt_budget *budget, size_t from, size_t to)
{
	return xt_budget_take(budget, xt_budget_share(to) - xt_budget_share(from));
}

/* The same back: it shrank, or could not grow. */
static inline void
xt_budget_shrink(struct xt_budget *budget, size_t from, size_t to)
{
	xt_budget_give(budget, xt_budget_share(from) - xt_budget_share(to));
}

#endif
