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

/* Of the names room/1, room/2 and so on, the first few for every home. */
static void
choose_names(struct xt_world *world)
{
	size_t found[XT_WORLD_MAX] = { 0 }, missing = world->count * XT_WORLD_NAMES;

	for (unsigned i = 1; missing; i++) {
		char name[32];
		size_t n = (size_t)snprintf(name, sizeof name, "room/%u", i);
		size_t home =
			xt_hub_home(world->hubs[0], xt_map_hash(&key, xt_str_of(name, n)))->index;
		if (found[home] == XT_WORLD_NAMES)
			continue;
		memcpy(world->names[home][found[home]++], name, n + 1);
		missing--;
	}
}

void
xt_world_open(
	struct xt_world *world, size_t count, const struct xt_hub_config *config, size_t letters)
{
	XT_ASSERT(count <= XT_WORLD_MAX);
	world->count = count;
	for (size_t i = 0; i < count; i++) {
		XT_ASSERT(xt_loop_new_sized(&world->loops[i], letters) == 0);
		XT_ASSERT(xt_hub_new(&world->hubs[i], world->loops[i], config, &key) == 0);
	}
	XT_ASSERT(xt_hub_connect(world->hubs, count) == 0);
	choose_names(world);
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
	xt_list_each (at, after, &hub->quiet)
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
xt_world_name(const struct xt_world *world, size_t home, unsigned index)
{
	return xt_str_from(world->names[home][index]);
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
	message = xt_message_new(XT_KIND_TEXT, xt_str_of(text, (size_t)n), (struct xt_str){ 0 }, 0);
	XT_ASSERT(message);
	return message;
}

/* Readers ------------------------------------------------------------------------------- */

static struct xt_reader *
reader_of(struct xt_subscriber *subscriber)
{
	return XT_CONTAINER(subscriber, struct xt_reader, subscriber);
}

static void
take(struct xt_reader *reader, const struct xt_message *message)
{
	struct xt_str payload = xt_message_payload(message);
	size_t n = payload.n < sizeof reader->last ? payload.n : sizeof reader->last - 1;

	memcpy(reader->last, payload.p, n);
	reader->last[n] = '\0';
	reader->next = message->id;
	if (reader->on_message)
		reader->on_message(reader, message);
}

static void
reader_opened(struct xt_subscriber *subscriber, const struct xt_opening *opening)
{
	struct xt_reader *reader = reader_of(subscriber);

	XT_ASSERT(subscriber->state == (opening->live ? XT_SUBSCRIBER_LIVE : XT_SUBSCRIBER_IDLE));
	reader->opened++;
	reader->opening = *opening;
	reader->opening.messages = NULL;
	reader->first = opening->count ? opening->messages[0]->id.offset : 0;
	reader->messages = 0;
	for (size_t i = 0; i < opening->count; i++) {
		XT_ASSERT(opening->messages[i]->id.epoch == opening->next.epoch);
		XT_ASSERT(opening->messages[i]->id.offset == reader->first + i);
		take(reader, opening->messages[i]);
	}
	if (opening->count)
		XT_ASSERT(reader->next.offset == opening->next.offset);
	reader->next = opening->next;
	if (reader->on_opened)
		reader->on_opened(reader);
}

static void
reader_refused(struct xt_subscriber *subscriber, int error)
{
	struct xt_reader *reader = reader_of(subscriber);

	XT_ASSERT(subscriber->state == XT_SUBSCRIBER_IDLE);
	reader->refused++;
	reader->error = error;
	if (reader->on_refused)
		reader->on_refused(reader);
}

static void
reader_deliver(struct xt_subscriber *subscriber, struct xt_batch *batch, size_t from)
{
	struct xt_reader *reader = reader_of(subscriber);

	XT_ASSERT(subscriber->state == XT_SUBSCRIBER_LIVE && from < batch->count);
	for (size_t i = from; i < batch->count; i++) {
		XT_ASSERT(batch->messages[i]->id.epoch == reader->next.epoch);
		XT_ASSERT(batch->messages[i]->id.offset == reader->next.offset + 1);
		take(reader, batch->messages[i]);
	}
	reader->deliveries++;
	reader->messages += batch->count - from;
	if (reader->on_deliver)
		reader->on_deliver(reader);
}

static void
reader_describe(struct xt_subscriber *subscriber, struct xt_member *member)
{
	*member = reader_of(subscriber)->member;
}

static const struct xt_subscriber_ops reader_ops = {
	.opened = reader_opened,
	.refused = reader_refused,
	.deliver = reader_deliver,
	.describe = reader_describe,
};

void
xt_reader_init(struct xt_reader *reader)
{
	*reader = (struct xt_reader){ .subscriber.ops = &reader_ops };
	reader->member.transport = "websocket";
}

void
xt_reader_subscribe(struct xt_reader *reader, struct xt_hub *hub, struct xt_str channel,
	struct xt_reading reading)
{
	reader->hub = hub;
	reader->channel = channel;
	xt_hub_subscribe(hub, channel, &reading, &reader->subscriber);
}

bool
xt_reader_is_live(const struct xt_reader *reader)
{
	return reader->subscriber.state == XT_SUBSCRIBER_LIVE;
}
