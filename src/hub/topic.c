/*
 * topic.c - a worker's side of a channel: who listens here, and the fan-out to them.
 *
 * Messages wait in `pending` until the end of the turn, so that a turn's messages leave as one batch. A
 * batch is served in slices; subscribers before `served` have it:
 *
 *   subscribers   [ have the batch | wait for it ]
 *                                  ^ served        joining: to the left; it holds nothing new for him
 *
 * Whoever joins has seen what is pending too, for the home answered after it had sent that: his
 * `seen` says so. When the last one goes what is pending goes with him, so that it never has a gap
 * and never belongs to two epochs.
 */

#include "base/panic.h"
#include "base/heap.h"
#include "crosstalk.h"
#include "hub/hub_private.h"

static void fan_out_later(struct xt_topic *topic);

static struct xt_topic *
topic_new(struct xt_hub *hub, uint64_t hash, struct xt_str name)
{
	struct xt_topic *topic = xt_calloc(1, sizeof *topic + name.n);

	if (!topic)
		return NULL;
	memcpy(topic->name, name.p, name.n);
	topic->node.hash = hash;
	topic->node.name = xt_str_of(topic->name, name.n);
	topic->hub = hub;
	xt_list_init(&topic->ready);
	if (xt_map_add(&hub->topics, &topic->node) < 0) {
		xt_free(topic);
		return NULL;
	}
	return topic;
}

struct xt_topic *
xt_topic_get(struct xt_hub *hub, uint64_t hash, struct xt_str name)
{
	struct xt_map_node *node = xt_map_find(&hub->topics, hash, name);

	return node ? XT_CONTAINER(node, struct xt_topic, node) : topic_new(hub, hash, name);
}

static void
unqueue(struct xt_hub *hub, struct xt_message *message)
{
	hub->queued--;
	hub->queued_bytes -= message->size;
}

static struct xt_message *
pop_pending(struct xt_topic *topic)
{
	struct xt_message *message = topic->pending[topic->pending_first++];

	if (--topic->pending_count == 0)
		topic->pending_first = 0;
	return message;
}

static void
drop_pending(struct xt_topic *topic)
{
	while (topic->pending_count) {
		struct xt_message *message = pop_pending(topic);
		unqueue(topic->hub, message);
		xt_message_unref(message);
	}
}

static void
give_batch(struct xt_topic *topic)
{
	struct xt_hub *hub = topic->hub;
	struct xt_batch *batch = topic->batch;

	if (!batch)
		return;
	for (size_t i = 0; i < batch->count; i++)
		unqueue(hub, batch->messages[i]);
	topic->batch = NULL;
	topic->served = 0;
	xt_batch_reset(batch);
	if (hub->spare)
		xt_batch_free(batch);
	else
		hub->spare = batch;
}

/* Frees without taking it out of the map. */
void
xt_topic_free(struct xt_topic *topic)
{
	xt_list_remove(&topic->ready);
	drop_pending(topic);
	give_batch(topic);
	xt_free(topic->pending);
	xt_free(topic->subscribers);
	xt_free(topic);
}

static void
leave_opened(const struct xt_letter *letter)
{
	xt_channel_leave(letter->body.pointers[0], letter->body.pointers[1]);
}

/* Nobody listens: tells the home, and goes when nothing is under way any more. */
static void
topic_rest(struct xt_topic *topic)
{
	struct xt_hub *hub = topic->hub;

	if (topic->count)
		return;
	drop_pending(topic);
	if (topic->asking)
		return;
	if (topic->joined) {
		struct xt_letter letter = {
			.open = leave_opened,
			.body.pointers = { topic->channel, topic },
		};
		topic->joined = false;
		topic->leaving = true;
		xt_hub_letter(hub, xt_hub_home(hub, topic->node.hash), XT_LANE_REQUEST, &letter);
		return;
	}
	if (topic->leaving || topic->batch)
		return;
	xt_map_remove(&hub->topics, &topic->node);
	xt_topic_free(topic);
}

void
xt_topic_left(struct xt_topic *topic)
{
	XT_ASSERT(topic->leaving);
	topic->leaving = false;
	topic_rest(topic);
}

/* Subscribers --------------------------------------------------------------------------- */

static void
place_subscriber(struct xt_topic *topic, struct xt_subscriber *subscriber, uint32_t index)
{
	topic->subscribers[index] = subscriber;
	subscriber->index = index;
}

static int
add_subscriber(struct xt_topic *topic, struct xt_subscriber *subscriber)
{
	if (topic->count == topic->cap) {
		uint32_t cap = topic->cap ? topic->cap * 2 : 4;
		struct xt_subscriber **grown =
			xt_realloc(topic->subscribers, cap * sizeof(struct xt_subscriber *));
		if (!grown)
			return XT_ENOMEM;
		topic->subscribers = grown;
		topic->cap = cap;
	}
	if (topic->served < topic->count && topic->batch)
		place_subscriber(topic, topic->subscribers[topic->served], topic->count);
	place_subscriber(topic, subscriber, topic->batch ? topic->served++ : topic->count);
	topic->count++;
	xt_counter_add(&topic->hub->stats.subscriptions, 1);
	return 0;
}

static void
shrink_subscribers(struct xt_topic *topic)
{
	uint32_t cap = topic->cap / 2;
	struct xt_subscriber **less;

	if (topic->cap <= 16 || topic->count >= topic->cap / 4)
		return;
	less = xt_realloc(topic->subscribers, cap * sizeof(struct xt_subscriber *));
	if (!less)
		return;
	topic->subscribers = less;
	topic->cap = cap;
}

/* Closes the gap without mixing those who have the batch with those who wait for it. */
static void
remove_subscriber(struct xt_topic *topic, struct xt_subscriber *subscriber)
{
	uint32_t gap = subscriber->index;

	XT_ASSERT(gap < topic->count && topic->subscribers[gap] == subscriber);
	if (gap < topic->served) {
		topic->served--;
		place_subscriber(topic, topic->subscribers[topic->served], gap);
		gap = topic->served;
	}
	topic->count--;
	/* The last place may be the gap, and then holds somebody who has just moved away. */
	if (gap < topic->count)
		place_subscriber(topic, topic->subscribers[topic->count], gap);
	shrink_subscribers(topic);
	xt_counter_sub(&topic->hub->stats.subscriptions, 1);
}

void
xt_hub_subscribe(struct xt_hub *hub, struct xt_str channel, const struct xt_reading *reading,
	struct xt_subscriber *subscriber)
{
	struct xt_ask *ask = xt_ask_new(hub, XT_ASK_READ, channel);

	XT_ASSERT(subscriber->state == XT_SUBSCRIBER_IDLE);
	if (ask)
		ask->topic = xt_topic_get(hub, ask->hash, channel);
	if (!ask || !ask->topic) {
		if (ask)
			xt_ask_free(ask);
		subscriber->ops->refused(subscriber, XT_ENOMEM);
		return;
	}
	ask->reading = *reading;
	ask->subscriber = subscriber;
	ask->topic->asking++;
	subscriber->state = XT_SUBSCRIBER_ASKING;
	subscriber->ask = ask;
	subscriber->topic = ask->topic;
	xt_ask_send(ask);
}

static size_t
bytes_of(struct xt_message *const *messages, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += messages[i]->size;
	return bytes;
}

static void
count_out(struct xt_hub *hub, size_t messages, size_t bytes)
{
	xt_counter_add(&hub->stats.messages_out, messages);
	xt_counter_add(&hub->stats.bytes_out, bytes);
}

static void
make_live(struct xt_ask *ask)
{
	struct xt_subscriber *subscriber = ask->subscriber;

	if (!ask->live || !subscriber)
		return;
	if (add_subscriber(ask->topic, subscriber) < 0) {
		ask->error = XT_ENOMEM;
		return;
	}
	subscriber->state = XT_SUBSCRIBER_LIVE;
	subscriber->topic = ask->topic;
	subscriber->seen = ask->position.offset;
}

/* The topic is kept by `asking` until the end: the subscriber may do anything in its call. */
void
xt_topic_read_answered(struct xt_ask *ask)
{
	struct xt_topic *topic = ask->topic;
	struct xt_subscriber *subscriber = ask->subscriber;
	struct xt_opening opening = {
		.messages = ask->messages,
		.count = ask->count,
		.next = ask->position,
		.lost = ask->lost,
		.more = ask->more,
		.live = ask->live,
	};

	if (ask->live) {
		topic->joined = true;
		topic->channel = ask->channel;
	}
	if (subscriber) {
		subscriber->state = XT_SUBSCRIBER_IDLE;
		subscriber->topic = NULL;
		make_live(ask);
		if (ask->error < 0) {
			subscriber->ops->refused(subscriber, ask->error);
		} else {
			count_out(topic->hub, ask->count, bytes_of(ask->messages, ask->count));
			subscriber->ops->opened(subscriber, &opening);
		}
	}
	xt_ask_free(ask);
	topic->asking--;
	topic_rest(topic);
}

void
xt_hub_unsubscribe(struct xt_subscriber *subscriber)
{
	struct xt_topic *topic = subscriber->topic;

	switch ((enum xt_subscriber_state)subscriber->state) {
	case XT_SUBSCRIBER_IDLE:
		return;
	case XT_SUBSCRIBER_ASKING:
		subscriber->ask->subscriber = NULL;
		break;
	case XT_SUBSCRIBER_LIVE:
		remove_subscriber(topic, subscriber);
		topic_rest(topic);
		break;
	}
	subscriber->state = XT_SUBSCRIBER_IDLE;
	subscriber->topic = NULL;
}

/* Fan-out ------------------------------------------------------------------------------- */

/*
 * Out of memory: a gap in what was promised can't be hidden, so the subscriptions end and say why. From the
 * end, because a subscriber who subscribes again when told comes after those still to be told.
 */
static void
fail_subscribers(struct xt_topic *topic)
{
	/* Counts as an ask under way, which keeps the topic until all have been told. */
	topic->asking++;
	topic->failed = false;
	give_batch(topic);
	drop_pending(topic);
	for (uint32_t i = topic->count; i-- > 0;) {
		struct xt_subscriber *subscriber;
		if (i >= topic->count)
			continue;
		subscriber = topic->subscribers[i];
		remove_subscriber(topic, subscriber);
		subscriber->state = XT_SUBSCRIBER_IDLE;
		subscriber->topic = NULL;
		subscriber->ops->refused(subscriber, XT_ENOMEM);
	}
	topic->asking--;
	topic_rest(topic);
}

static int
grow_pending(struct xt_topic *topic)
{
	size_t cap = topic->pending_cap ? topic->pending_cap * 2 : 8;
	struct xt_message **grown;

	if (topic->pending_first) {
		memmove(topic->pending, topic->pending + topic->pending_first,
			topic->pending_count * sizeof(struct xt_message *));
		topic->pending_first = 0;
		return 0;
	}
	grown = xt_realloc(topic->pending, cap * sizeof(struct xt_message *));
	if (!grown)
		return XT_ENOMEM;
	topic->pending = grown;
	topic->pending_cap = cap;
	return 0;
}

static void
throttle_opened(const struct xt_letter *letter)
{
	xt_loop_throttle(letter->body.pointers[0]);
}

static void
unthrottle_opened(const struct xt_letter *letter)
{
	xt_loop_unthrottle(letter->body.pointers[0]);
}

/*
 * Tells all loops of the server: what floods this worker may be published on any of them, and it can't
 * refuse to take deliveries.
 */
static void
set_throttled(struct xt_hub *hub, bool throttled)
{
	struct xt_letter letter = { .open = throttled ? throttle_opened : unthrottle_opened };

	hub->throttled = throttled;
	for (size_t i = 0; i < hub->hub_count; i++) {
		letter.body.pointers[0] = hub->hubs[i]->loop;
		xt_hub_letter(hub, hub->hubs[i], XT_LANE_REPLY, &letter);
	}
}

static void
update_throttle(struct xt_hub *hub)
{
	bool much = hub->queued > XT_HUB_QUEUED_MESSAGES || hub->queued_bytes > XT_HUB_QUEUED_BYTES;
	bool little = hub->queued < XT_HUB_QUEUED_MESSAGES / 2 &&
		      hub->queued_bytes < XT_HUB_QUEUED_BYTES / 2;

	if (!hub->throttled && much)
		set_throttled(hub, true);
	else if (hub->throttled && little)
		set_throttled(hub, false);
}

void
xt_topic_deliver(struct xt_topic *topic, struct xt_message *message)
{
	struct xt_hub *hub = topic->hub;

	/* All have gone, or the answer that will bring the first holds this message. */
	if (!topic->count || topic->failed) {
		xt_message_unref(message);
		return;
	}
	if (topic->pending_first + topic->pending_count == topic->pending_cap &&
		grow_pending(topic) < 0) {
		/* Later: the home may be in the middle of its interests. */
		topic->failed = true;
		xt_message_unref(message);
		fan_out_later(topic);
		return;
	}
	topic->pending[topic->pending_first + topic->pending_count++] = message;
	hub->queued++;
	hub->queued_bytes += message->size;
	update_throttle(hub);
	fan_out_later(topic);
}

static void
fan_out_later(struct xt_topic *topic)
{
	struct xt_hub *hub = topic->hub;

	if (xt_list_empty(&topic->ready))
		xt_list_append(&hub->ready, &topic->ready);
	xt_loop_post(hub->loop, &hub->fan_out);
}

/* Moves what is pending into a batch, as much as fits. */
static int
begin_batch(struct xt_topic *topic)
{
	struct xt_hub *hub = topic->hub;

	if (topic->batch || !topic->pending_count)
		return 0;
	topic->batch = hub->spare ? hub->spare : xt_batch_new();
	if (!topic->batch)
		return XT_ENOMEM;
	hub->spare = NULL;
	topic->served = 0;
	while (topic->pending_count &&
		xt_batch_add(topic->batch, topic->pending[topic->pending_first]))
		pop_pending(topic);
	return 0;
}

/* One who joined when some or all of the batch was pending: his answer held that. */
static void
serve_rest(struct xt_topic *topic, struct xt_subscriber *subscriber)
{
	struct xt_batch *batch = topic->batch;
	size_t from = xt_batch_after(batch, subscriber->seen), n = batch->count - from;

	if (n == 0)
		return;
	count_out(topic->hub, n, bytes_of(batch->messages + from, n));
	subscriber->seen = batch->messages[batch->count - 1]->id.offset;
	subscriber->ops->deliver(subscriber, batch, from);
}

/* Serves up to `budget` subscribers; returns how many. Each may be gone after its call, and others with it. */
static uint32_t
serve_slice(struct xt_topic *topic, uint32_t budget)
{
	struct xt_batch *batch = topic->batch;
	uint64_t before = batch->messages[0]->id.offset - 1, last = before + batch->count;
	uint32_t done = 0;
	size_t whole = 0;

	for (; done < budget && topic->served < topic->count; done++) {
		struct xt_subscriber *subscriber = topic->subscribers[topic->served++];
		if (subscriber->seen > before) {
			serve_rest(topic, subscriber);
			continue;
		}
		subscriber->seen = last;
		whole++;
		subscriber->ops->deliver(subscriber, batch, 0);
	}
	count_out(topic->hub, whole * batch->count, whole * batch->bytes);
	return done;
}

static uint32_t
run_topic(struct xt_topic *topic, uint32_t budget)
{
	uint32_t done = 1; /* so that many empty topics do not make an endless turn */

	if (topic->failed || begin_batch(topic) < 0) {
		fail_subscribers(topic);
		return done;
	}
	if (topic->batch) {
		done += serve_slice(topic, budget);
		if (topic->served >= topic->count)
			give_batch(topic);
	}
	if (topic->batch || topic->pending_count)
		fan_out_later(topic);
	else
		topic_rest(topic);
	return done;
}

void
xt_topic_fan_out(struct xt_task *task)
{
	struct xt_hub *hub = XT_CONTAINER(task, struct xt_hub, fan_out);
	uint32_t budget = XT_HUB_SLICE;

	while (budget && !xt_list_empty(&hub->ready)) {
		struct xt_topic *topic = XT_LIST_ENTRY(hub->ready.next, struct xt_topic, ready);
		uint32_t done;
		xt_list_remove(&topic->ready);
		done = run_topic(topic, budget);
		budget -= done < budget ? done : budget;
	}
	if (!xt_list_empty(&hub->ready))
		xt_loop_post(hub->loop, &hub->fan_out);
	update_throttle(hub);
}
