/*
 * schedule.h - the open loop: when each message is intended to leave, whatever became of those before. A latency that is
 * counted from that time leaves nothing out when the server, or this program, falls behind ("coordinated omission").
 */
#ifndef CROSSTALK_BENCH_SCHEDULE_H
#define CROSSTALK_BENCH_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

/* Times are nanoseconds of clock_now(). */
struct schedule {
	uint64_t begin;
	double interval; /* between two messages; 0: there is no schedule, as fast as it goes */
};

void schedule_begin(struct schedule *schedule, uint64_t now, double per_second);

/* When message `index`, counted from 0, is intended to leave. */
static inline uint64_t
schedule_time(const struct schedule *schedule, uint64_t index)
{
	return schedule->begin + (uint64_t)((double)index * schedule->interval);
}

/* How many messages should have left by now. */
uint64_t schedule_due(const struct schedule *schedule, uint64_t now);

#endif
