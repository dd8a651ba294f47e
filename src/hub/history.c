/* history.c - a ring that grows up to its limits. */
#include "hub/history.h"

#include "base/heap.h"
#include "crosstalk.h"

#define FIRST_SIZE 8

static void
drop_oldest(struct xt_history *history)
{
	struct xt_message *message = history->ring[history->first];

	history->first = (history->first + 1) & history->mask;
	history->count--;
	history->bytes -= xt_message_weight(message);
	xt_message_unref(message);
}

void
xt_history_clear(struct xt_history *history)
{
	while (history->count)
		drop_oldest(history);
	xt_free(history->ring);
	*history = (struct xt_history){ 0 };
}

static int
grow(struct xt_history *history)
{
	size_t size = history->ring ? (history->mask + 1) * 2 : FIRST_SIZE;
	struct xt_message **ring = xt_malloc(size * sizeof(*ring));

	if (!ring)
		return XT_ENOMEM;
	for (size_t i = 0; i < history->count; i++)
		ring[i] = xt_history_at(history, i);
	xt_free(history->ring);
	history->ring = ring;
	history->mask = size - 1;
	history->first = 0;
	return 0;
}

int
xt_history_add(struct xt_history *history, const struct xt_history_limits *limits,
	struct xt_message *message)
{
	if (history->count == limits->messages && history->count)
		drop_oldest(history);
	if ((!history->ring || history->count > history->mask) && grow(history) < 0)
		return XT_ENOMEM;
	history->ring[(history->first + history->count) & history->mask] = xt_message_ref(message);
	history->count++;
	history->bytes += xt_message_weight(message);
	while (history->count &&
		(history->bytes > limits->bytes || history->count > limits->messages))
		drop_oldest(history);
	return 0;
}

/* The wall clock may have been set back: what seems to come from the future is new. */
static bool
is_old(const struct xt_message *message, uint64_t age_ms, uint64_t now)
{
	return now >= message->time && now - message->time >= age_ms;
}

void
xt_history_expire(struct xt_history *history, const struct xt_history_limits *limits, uint64_t now)
{
	while (history->count && is_old(xt_history_at(history, 0), limits->age_ms, now))
		drop_oldest(history);
	if (!history->count)
		xt_history_clear(history);
}
