/* result.c - see result.h. */
#include "bench/result.h"

#define BUSY     0.95 /* of a core: hardly more can be had */
#define STEAL    0.02 /* of a core: what the hypervisor may take */
#define OTHERS   0.10 /* of a core: what other programs may use */
#define KEEPS_UP 0.98 /* of the rate that was asked for */

double
result_memory(const struct result *result)
{
	double grown = (double)result->memory_after - (double)result->memory_before;

	return result->connections > 1 ? grown / (double)(result->connections - 1) : 0;
}

double
result_share(const struct result *result, const struct usage *usage)
{
	return result->seconds > 0 ? (double)usage->total / 1e9 / result->seconds : 0;
}

/* A server that has had no more than a core, and that one full, was the slower one or as slow. */
static bool
is_own_fault(const struct result *result)
{
	double server = result->has_server ? result_share(result, &result->server) : 0;

	return result_share(result, &result->own) >= BUSY && server < BUSY;
}

static bool
is_behind(const struct result *result)
{
	uint64_t done = result->count.published ? result->count.published : result->count.messages;

	return result->rate > 0 && (double)done < result->rate * result->seconds * KEEPS_UP - 1;
}

unsigned
result_judge(const struct result *result)
{
	unsigned verdict = 0;

	if (is_own_fault(result))
		verdict |= VERDICT_GENERATOR;
	if (result->steal > STEAL || result->others > OTHERS)
		verdict |= VERDICT_DISTURBED;
	if (is_behind(result))
		verdict |= VERDICT_BEHIND;
	if (result->count.lost || result->count.missing || result->count.refused)
		verdict |= VERDICT_INCOMPLETE;
	return verdict;
}
