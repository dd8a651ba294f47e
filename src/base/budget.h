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

#endif
