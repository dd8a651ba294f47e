/*
 * timer.h - a timer wheel: starting and stopping is O(1), however many there are.
 *
 * For what has its own moment (a channel's expiry, a drain). Connections use none of these: their
 * deadlines are swept (xt_conn_expire_in()), so that an idle one costs four bytes.
 */
#ifndef XT_IO_TIMER_H
#define XT_IO_TIMER_H

#include "base/list.h"

#include <stdint.h>

struct xt_timer {
	struct xt_list link;
	uint64_t at; /* loop time, ms */
	void (*fire)(struct xt_timer *timer);
};

/* Levels of 64 slots, each level 64 times as coarse; the first has slots of 8 ms. */
#define XT_WHEEL_LEVELS 5
#define XT_WHEEL_SLOTS  64

struct xt_wheel {
	uint64_t tick; /* the next tick to run */
	size_t count;
	struct xt_list slots[XT_WHEEL_LEVELS][XT_WHEEL_SLOTS];
};

void xt_wheel_init(struct xt_wheel *wheel, uint64_t now);

/* Stops every timer; none fires. Stopping one of them later is harmless, the wheel may be gone. */
void xt_wheel_fini(struct xt_wheel *wheel);

/* Before first use; `fire` runs on the loop's thread and may start the timer again or free it. */
void xt_timer_init(struct xt_timer *timer, void (*fire)(struct xt_timer *timer));

/*
 * Fires once, not before `ms` from `now` and at most a slot later; a running timer is moved. Started
 * while timers fire it waits for the next slot at least, so one that starts itself can't hold the loop.
 */
void xt_timer_start(struct xt_wheel *wheel, struct xt_timer *timer, uint64_t now, uint64_t ms);

/* A timer that is not running: no effect. */
void xt_timer_stop(struct xt_wheel *wheel, struct xt_timer *timer);

/* Fires all that is due at `now`. */
void xt_wheel_run(struct xt_wheel *wheel, uint64_t now);

/* How long until the wheel may have something to run: 0 or more ms, -1: nothing is running. */
int64_t xt_wheel_wait(const struct xt_wheel *wheel, uint64_t now);

#endif
