/*
 * lane.h - the messages of one connection that are under way, in their order: how many more may leave now, and since when
 * each of them counts.
 *
 * Of a schedule, lane `offset` of `stride` takes the messages offset, offset + stride, … so that the intended time of each
 * is known from its number, and nothing is kept. Without one, the time at which each left is kept in a ring.
 */
#ifndef CROSSTALK_BENCH_LANE_H
#define CROSSTALK_BENCH_LANE_H

#include "bench/schedule.h"

#include <stddef.h>

struct lane {
	uint64_t left, back; /* messages so far */
	uint64_t offset, stride;
	uint64_t *times; /* borrowed: lane_ring(room) of them; NULL with a schedule */
	uint32_t room;   /* messages that may be under way */
	uint32_t mask;   /* lane_ring(room) - 1 */
};

/* Slots of the ring: a power of two, because a division takes longer than all else that is done for a message. */
static inline uint64_t
lane_ring(uint64_t room)
{
	return room < 2 ? 1 : (uint64_t)2 << (63 - __builtin_clzll(room - 1));
}

/* How many messages may leave now. */
static inline uint64_t
lane_room(const struct lane *lane, const struct schedule *schedule, uint64_t now)
{
	uint64_t room = lane->room - (lane->left - lane->back), due;

	if (schedule->interval <= 0)
		return room;
	due = schedule_due(schedule, now);
	due = due > lane->offset ? (due - lane->offset - 1) / lane->stride + 1 : 0;
	due = due > lane->left ? due - lane->left : 0;
	return due < room ? due : room;
}

/* `n` messages, at most lane_room(), have left. */
static inline void
lane_leave(struct lane *lane, uint64_t n, uint64_t now)
{
	if (!lane->times)
		lane->left += n;
	for (; lane->times && n > 0; n--)
		lane->times[lane->left++ & lane->mask] = now;
}

/* The oldest has come back; how long that took. There must be one under way. */
static inline uint64_t
lane_return(struct lane *lane, const struct schedule *schedule, uint64_t now)
{
	uint64_t begin =
		lane->times ? lane->times[lane->back & lane->mask]
			    : schedule_time(schedule, lane->back * lane->stride + lane->offset);

	lane->back++;
	return now > begin ? now - begin : 0;
}

#endif
