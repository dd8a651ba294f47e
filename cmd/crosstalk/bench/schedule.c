/* schedule.c - see schedule.h. */
#include "bench/schedule.h"

void
schedule_begin(struct schedule *schedule, uint64_t now, double per_second)
{
	schedule->begin = now;
	schedule->interval = per_second > 0 ? 1e9 / per_second : 0;
}

/* The quotient may be one off, either way, where a time falls on a nanosecond exactly. */
uint64_t
schedule_due(const struct schedule *schedule, uint64_t now)
{
	uint64_t due;

	if (schedule->interval <= 0 || now < schedule->begin)
		return 0;
	due = (uint64_t)((double)(now - schedule->begin) / schedule->interval);
	while (schedule_time(schedule, due) <= now)
		due++;
	while (due > 0 && schedule_time(schedule, due - 1) > now)
		due--;
	return due;
}
