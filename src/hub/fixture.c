/* fixture.c - workers for the tests. */
#include "hub/fixture.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/panic.h"
#include "hub/hub_private.h"
#include "io/loop_private.h"

const struct xt_hub_config xt_world_config = {
	.history = { .messages = 100, .bytes = 64u << 20, .age_ms = 3600 * 1000 },
	.history_total = 1u << 30,
	.channels = 1000000,
	.linger_ms = 30000,
};

static const struct xt_map_key key = { 1, 2 };

void
xt_world_open(struct xt_world *world, size_t count, const struct xt_hub_config *config,
	size_t letters)
{
	XT_ASSERT(count <= XT_WORLD_MAX);
	world->count = count;
	for (size_t i = 0; i < count; i++) {
		XT_ASSERT(xt_loop_new_sized(&world->loops[i], letters) == 0);
		XT_ASSERT(xt_hub_new(&world->hubs[i], world->loops[i], config, &key) == 0);
	}
	XT_ASSERT(xt_hub_connect(world->hubs, count) == 0);
}

void
xt_world_turn(struct xt_world *world, size_t worker)
{
	xt_loop_turn(world->loops[worker], 0);
}

static bool
is_settled(struct xt_world *world)
{
	for (size_t i = 0; i < world->count; i++)
		if (!xt_mail_is_idle(world->loops[i]) || !xt_list_empty(&world->loops[i]->tasks))
			return false;
	return true;
}

void
xt_world_settle(struct xt_world *world)
{
	do {
		for (size_t i = 0; i < world->count; i++)
			xt_world_turn(world, i);
	} while (!is_settled(world));
}

void
xt_world_pass(struct xt_world *world, uint64_t ms)
{
	for (size_t i = 0; i < world->count; i++) {
		uint64_t until = xt_loop_now(world->loops[i]) + ms;
		while (xt_loop_now(world->loops[i]) < until)
			xt_loop_turn(world->loops[i], (int)(until - xt_loop_now(world->loops[i])));
	}
	xt_world_settle(world);
}

static void
check_rest(struct xt_hub *hub)
{
	XT_ASSERT(hub->topics.count == 0);
	XT_ASSERT(hub->queued == 0 && hub->queued_bytes == 0 && !hub->throttled);
	XT_ASSERT(hub->loop->throttles == 0);
	XT_ASSERT(xt_counter_read(&hub->stats.subscriptions) == 0);
	XT_ASSERT(xt_counter_read(&hub->stats.channels) == hub->channels.count);
	xt_list_each(at, after, &hub->quiet)
		XT_ASSERT(XT_LIST_ENTRY(at, struct xt_channel, quiet)->interest_count == 0);
}

void
xt_world_close(struct xt_world *world)
{
	xt_world_settle(world);
	for (size_t i = 0; i < world->count; i++)
		check_rest(world->hubs[i]);
	for (size_t i = 0; i < world->count; i++) {
		xt_hub_free(world->hubs[i]);
		xt_loop_free(world->loops[i]);
	}
}

struct xt_str
xt_world_name(struct xt_world *world, size_t home, unsigned index)
{
	static char name[32];
	unsigned found = 0;

	for (unsigned i = 0;; i++) {
		struct xt_str s = xt_str_of(name, (size_t)snprintf(name, sizeof name, "room/%u", i));
		if (xt_hub_home(world->hubs[0], xt_map_hash(&key, s)) == world->hubs[home] &&
			found++ == index)
			return s;
	}
}

struct xt_message *
xt_world_message(const char *format, ...)
{
	char text[256];
	struct xt_message *message;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	XT_ASSERT(n >= 0 && (size_t)n < sizeof text);
	message = xt_message_new(
		XT_KIND_TEXT, xt_str_of(text, (size_t)n), (struct xt_str){ 0 }, 0);
	XT_ASSERT(message);
	return message;
}
