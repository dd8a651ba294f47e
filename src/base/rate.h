/*
 * rate.h - so many messages and bytes a second, and as many at once: two buckets of one second each, in 16 bytes.
 *
 * What goes through is paid for at so much a second; who owes for more than a second waits. A bucket is the time at which all
 * will be paid for (the generic cell rate algorithm, ITU-T I.371 appendix I): nothing has to be refilled.
 */
#ifndef XT_BASE_RATE_H
#define XT_BASE_RATE_H

#include "base/rules.h"

struct xt_rate {
	uint64_t messages, bytes; /* paid then: ns of the clock that the caller gives in ms */
};

/*
 * One more message of `bytes`, 2^34 at most. 0: it goes through; else nothing has changed, and so many ms from now it will. What is larger than
 * a second's worth goes through when all is paid for.
 */
uint64_t xt_rate_take(
	struct xt_rate *rate, const struct xt_rules *rules, uint64_t bytes, uint64_t now_ms);

/* Whether all is paid for: it says no more than a new one. */
bool xt_rate_is_idle(const struct xt_rate *rate, uint64_t now_ms);

#endif
