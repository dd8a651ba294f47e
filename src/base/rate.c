/* rate.c - what is let through now, and when the next. */
#include "base/rate.h"

#define SECOND 1000000000ULL /* ns */
#define MS     1000000ULL

/* What `n`, at most 2^34, cost at so many a second, in ns; 0 a second is no limit. */
static uint64_t
cost_of(uint64_t n, uint64_t per_second)
{
	return per_second ? n * SECOND / per_second : 0;
}

/* How many ns until that may be added to what is paid at `paid`. */
static uint64_t
wait_for(uint64_t paid, uint64_t cost, uint64_t now)
{
	uint64_t owed = paid > now ? paid - now : 0;

	if (owed == 0 || owed + cost <= SECOND)
		return 0;
	return cost < SECOND ? owed + cost - SECOND : owed;
}

static uint64_t
add(uint64_t paid, uint64_t cost, uint64_t now)
{
	return (paid > now ? paid : now) + cost;
}

uint64_t
xt_rate_take(struct xt_rate *rate, const struct xt_rules *rules, uint64_t bytes, uint64_t now_ms)
{
	uint64_t now = now_ms * MS;
	uint64_t message_cost = cost_of(1, rules->messages_per_second);
	uint64_t bytes_cost = cost_of(bytes, rules->bytes_per_second);
	uint64_t messages_wait = wait_for(rate->messages, message_cost, now);
	uint64_t bytes_wait = wait_for(rate->bytes, bytes_cost, now);
	uint64_t wait = messages_wait > bytes_wait ? messages_wait : bytes_wait;

	if (wait > 0)
		return (wait + MS - 1) / MS;
	rate->messages = add(rate->messages, message_cost, now);
	rate->bytes = add(rate->bytes, bytes_cost, now);
	return 0;
}

bool
xt_rate_is_idle(const struct xt_rate *rate, uint64_t now_ms)
{
	return rate->messages <= now_ms * MS && rate->bytes <= now_ms * MS;
}
