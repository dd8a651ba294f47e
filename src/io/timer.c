/*
 * timer.c - a hierarchical wheel: a timer sits in the level whose span covers its distance, and moves
 * down a level when that level's slot comes round.
 */
#include "io/timer.h"

#define TICK_SHIFT  3 /* a tick is 8 ms */
#define LEVEL_SHIFT 6
#define SLOT_MASK   (XT_WHEEL_SLOTS - 1)

void
xt_wheel_init(struct xt_wheel *wheel, uint64_t now)
{
	wheel->tick = now >> TICK_SHIFT;
	wheel->count = 0;
	for (int level = 0; level < XT_WHEEL_LEVELS; level++)
		for (int slot = 0; slot < XT_WHEEL_SLOTS; slot++)
			xt_list_init(&wheel->slots[level][slot]);
}

void
xt_wheel_fini(struct xt_wheel *wheel)
{
	for (int level = 0; level < XT_WHEEL_LEVELS; level++) {
		for (int slot = 0; slot < XT_WHEEL_SLOTS; slot++) {
			struct xt_list *head = &wheel->slots[level][slot];
			while (!xt_list_empty(head))
				xt_list_remove(head->next);
		}
	}
	wheel->count = 0;
}

void
xt_timer_init(struct xt_timer *timer, void (*fire)(struct xt_timer *timer))
{
	*timer = (struct xt_timer){ .fire = fire };
	xt_list_init(&timer->link);
}

/* The tick at which a timer runs: the first that begins at or after its time. */
static uint64_t
tick_of(const struct xt_timer *timer)
{
	return (timer->at + (1u << TICK_SHIFT) - 1) >> TICK_SHIFT;
}

static void
place(struct xt_wheel *wheel, struct xt_timer *timer)
{
	uint64_t tick = tick_of(timer);
	uint64_t span = XT_WHEEL_SLOTS;
	int level = 0;

	if (tick < wheel->tick)
		tick = wheel->tick;
	while (level < XT_WHEEL_LEVELS - 1 && tick - wheel->tick >= span) {
		level++;
		span <<= LEVEL_SHIFT;
	}
	/* Beyond the last level (99 days): as far as it reaches, and placed again from there. */
	if (tick - wheel->tick >= span)
		tick = wheel->tick + span - 1;
	xt_list_append(
		&wheel->slots[level][(tick >> (level * LEVEL_SHIFT)) & SLOT_MASK], &timer->link);
}

void
xt_timer_start(struct xt_wheel *wheel, struct xt_timer *timer, uint64_t now, uint64_t ms)
{
	xt_timer_stop(wheel, timer);
	timer->at = now + ms;
	wheel->count++;
	place(wheel, timer);
}

void
xt_timer_stop(struct xt_wheel *wheel, struct xt_timer *timer)
{
	if (xt_list_empty(&timer->link))
		return;
	xt_list_remove(&timer->link);
	wheel->count--;
}

/* Spreads the slot of a coarser level that begins now over the finer ones. */
static void
cascade(struct xt_wheel *wheel, int level)
{
	struct xt_list moved;

	xt_list_init(&moved);
	xt_list_splice(
		&moved, &wheel->slots[level][(wheel->tick >> (level * LEVEL_SHIFT)) & SLOT_MASK]);
	xt_list_each (at, after, &moved) {
		xt_list_remove(at);
		place(wheel, XT_LIST_ENTRY(at, struct xt_timer, link));
	}
}

static void
run_tick(struct xt_wheel *wheel)
{
	struct xt_list due;

	for (int level = 1; level < XT_WHEEL_LEVELS; level++) {
		if (wheel->tick & ((1ull << (level * LEVEL_SHIFT)) - 1))
			break;
		cascade(wheel, level);
	}
	xt_list_init(&due);
	xt_list_splice(&due, &wheel->slots[0][wheel->tick & SLOT_MASK]);
	wheel->tick++;
	/* One at a time from the front: what fires may stop any of the others. */
	while (!xt_list_empty(&due)) {
		struct xt_timer *timer = XT_LIST_ENTRY(due.next, struct xt_timer, link);
		xt_list_remove(&timer->link);
		wheel->count--;
		timer->fire(timer);
	}
}

void
xt_wheel_run(struct xt_wheel *wheel, uint64_t now)
{
	uint64_t last = now >> TICK_SHIFT;

	while (wheel->tick <= last) {
		if (wheel->count == 0) {
			wheel->tick = last + 1;
			break;
		}
		run_tick(wheel);
	}
}

/* The first tick from now on at which `level` has something to do. */
static uint64_t
next_tick(const struct xt_wheel *wheel, int level)
{
	int shift = level * LEVEL_SHIFT;
	uint64_t unit = wheel->tick >> shift;

	/* The slot of the running unit was spread already, unless the unit begins just now. */
	if (wheel->tick & ((1ull << shift) - 1))
		unit++;
	for (uint64_t i = 0; i < XT_WHEEL_SLOTS; i++, unit++)
		if (!xt_list_empty(&wheel->slots[level][unit & SLOT_MASK]))
			return unit << shift;
	return UINT64_MAX;
}

int64_t
xt_wheel_wait(const struct xt_wheel *wheel, uint64_t now)
{
	uint64_t first = UINT64_MAX, at;

	if (wheel->count == 0)
		return -1;
	for (int level = 0; level < XT_WHEEL_LEVELS; level++) {
		uint64_t tick = next_tick(wheel, level);
		if (tick < first)
			first = tick;
	}
	at = first << TICK_SHIFT;
	return at > now ? (int64_t)(at - now) : 0;
}
