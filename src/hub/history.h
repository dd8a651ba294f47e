/*
 * history.h - the last messages of a channel, at its home: a ring of references, limited by count, bytes
 * and age. Offsets in it are consecutive; its newest is the channel's newest unless it is empty.
 */
#ifndef XT_HUB_HISTORY_H
#define XT_HUB_HISTORY_H

#include "hub/message.h"

/* 0 means none of it is kept. */
struct xt_history_limits {
	size_t messages;
	size_t bytes;
	uint64_t age_ms;
};

struct xt_history {
	struct xt_message **ring; /* NULL until the first message */
	size_t mask, first, count;
	size_t bytes; /* xt_message_weight() of all */
};

void xt_history_clear(struct xt_history *history);

/* Takes a reference of its own, and drops what is over the limits then. 0 or XT_ENOMEM (nothing changed). */
int xt_history_add(struct xt_history *history, const struct xt_history_limits *limits,
	struct xt_message *message);

/* Drops what is older than the limit at the time `now` (wall clock, ms). */
void xt_history_expire(
	struct xt_history *history, const struct xt_history_limits *limits, uint64_t now);

/* Message `index` from the oldest, borrowed; index < count. */
static inline struct xt_message *
xt_history_at(const struct xt_history *history, size_t index)
{
	return history->ring[(history->first + index) & history->mask];
}

#endif
