/* hub.c - the hubs of a server, and what travels between them. */
#include "hub/hub_private.h"

#include "base/heap.h"
#include "base/panic.h"
#include "crosstalk.h"
#include "io/timer.h"

#define METRIC(name_, help_, kind_, field_) \
	{ \
		.name = (name_), .help = (help_), .kind = (kind_), \
		.offset = offsetof(struct xt_hub_stats, field_) \
	}

const struct xt_metric xt_hub_metrics[] = {
	METRIC("messages_in_total", "Messages published.", XT_METRIC_COUNTER, messages_in),
	METRIC("messages_out_total", "Messages delivered to readers.", XT_METRIC_COUNTER,
		messages_out),
	METRIC("message_bytes_in_total", "Payload bytes published.", XT_METRIC_COUNTER, bytes_in),
	METRIC("message_bytes_out_total", "Payload bytes delivered.", XT_METRIC_COUNTER, bytes_out),
	METRIC("channels", "Channels that exist now.", XT_METRIC_GAUGE, channels),
	METRIC("subscriptions", "Live subscriptions.", XT_METRIC_GAUGE, subscriptions),
	METRIC("history_messages", "Messages kept in histories.", XT_METRIC_GAUGE,
		history_messages),
	METRIC("history_bytes", "Bytes kept in histories.", XT_METRIC_GAUGE, history_bytes),
	METRIC("history_evictions_total", "Histories dropped because all together were too large.",
		XT_METRIC_COUNTER, evictions),
	METRIC("private_encodes_total", "Messages encoded for one reader alone.", XT_METRIC_COUNTER,
		private_encodes),
};
const size_t xt_hub_metrics_count = sizeof xt_hub_metrics / sizeof xt_hub_metrics[0];

int
xt_hub_new(struct xt_hub **out, struct xt_loop *loop, const struct xt_hub_config *config,
	const struct xt_map_key *key)
{
	struct xt_hub *hub = xt_calloc(1, sizeof *hub);

	if (!hub)
		return XT_ENOMEM;
	hub->loop = loop;
	hub->config = *config;
	hub->key = *key;
	xt_list_init(&hub->ready);
	xt_list_init(&hub->quiet);
	xt_list_init(&hub->kept);
	xt_list_init(&hub->fan_out.link);
	hub->fan_out.run = xt_topic_fan_out;
	xt_timer_init(&hub->expiry, xt_channel_expire);
	*out = hub;
	return 0;
}

int
xt_hub_connect(struct xt_hub **hubs, size_t count)
{
	struct xt_hub **all = xt_malloc(count * sizeof(*all));

	XT_ASSERT(count > 0 && count <= XT_WORKERS_MAX);
	if (!all)
		return XT_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		all[i] = hubs[i];
		hubs[i]->hubs = all;
		hubs[i]->hub_count = count;
		hubs[i]->index = i;
		hubs[i]->owns_hubs = i == 0;
	}
	return 0;
}

/* Takes every object out of a map; `drop` frees it. */
static void
empty_map(struct xt_map *map, void (*drop)(struct xt_map_node *node))
{
	for (size_t i = 0; map->slots && i <= map->mask; i++) {
		while (map->slots[i]) {
			struct xt_map_node *node = map->slots[i];
			map->slots[i] = node->next;
			drop(node);
		}
	}
	xt_map_fini(map);
}

static void
drop_topic(struct xt_map_node *node)
{
	xt_topic_free(XT_CONTAINER(node, struct xt_topic, node));
}

static void
drop_channel(struct xt_map_node *node)
{
	xt_channel_free(XT_CONTAINER(node, struct xt_channel, node));
}

void
xt_hub_free(struct xt_hub *hub)
{
	if (!hub)
		return;
	empty_map(&hub->topics, drop_topic);
	empty_map(&hub->channels, drop_channel);
	xt_batch_free(hub->spare);
	xt_timer_stop(xt_loop_timers(hub->loop), &hub->expiry);
	xt_task_cancel(&hub->fan_out);
	if (hub->owns_hubs)
		xt_free(hub->hubs);
	xt_free(hub);
}

struct xt_loop *
xt_hub_loop(const struct xt_hub *hub)
{
	return hub->loop;
}

struct xt_hub_stats *
xt_hub_stats(struct xt_hub *hub)
{
	return &hub->stats;
}

struct xt_hub *
xt_hub_home(struct xt_hub *hub, uint64_t hash)
{
	/* The upper half: the lower bits choose the slot in the maps. */
	return hub->hubs[(hash >> 32) % hub->hub_count];
}

void
xt_hub_letter(
	struct xt_hub *from, struct xt_hub *to, enum xt_lane lane, const struct xt_letter *letter)
{
	if (from == to)
		letter->open(letter);
	else
		xt_mail_post(from->loop, to->loop, lane, letter);
}

/* Asks ---------------------------------------------------------------------------------- */

struct xt_ask *
xt_ask_new(struct xt_hub *hub, enum xt_ask_kind kind, struct xt_str channel)
{
	struct xt_ask *ask = xt_calloc(1, sizeof *ask + channel.n);

	if (!ask)
		return NULL;
	ask->kind = kind;
	ask->from = hub;
	ask->name_size = channel.n;
	memcpy(ask->name, channel.p, channel.n);
	ask->hash = xt_map_hash(&hub->key, channel);
	ask->home = xt_hub_home(hub, ask->hash);
	return ask;
}

void
xt_ask_free(struct xt_ask *ask)
{
	for (size_t i = 0; i < ask->count; i++)
		xt_message_unref(ask->messages[i]);
	xt_free(ask->messages);
	xt_message_unref(ask->message);
	xt_free(ask->lease);
	xt_free(ask);
}

/* `receipt` may be NULL. */
static void
put_on_receipt(struct xt_ask *ask, struct xt_receipt *receipt)
{
	ask->receipt = receipt;
	if (!receipt)
		return;
	ask->next = receipt->asks;
	ask->link = &receipt->asks;
	if (ask->next)
		ask->next->link = &ask->next;
	receipt->asks = ask;
}

static void
take_off_receipt(struct xt_ask *ask)
{
	if (!ask->receipt)
		return;
	*ask->link = ask->next;
	if (ask->next)
		ask->next->link = ask->link;
	ask->receipt = NULL;
}

static void
answered_publish(struct xt_ask *ask)
{
	struct xt_receipt *receipt = ask->receipt;
	int error = ask->error;
	struct xt_position position = ask->position;

	take_off_receipt(ask);
	xt_ask_free(ask);
	if (receipt)
		receipt->done(receipt, error, position);
}

typedef void xt_answered(struct xt_ask *ask);

static xt_answered *const answered[] = {
	[XT_ASK_READ] = xt_topic_read_answered,
	[XT_ASK_PUBLISH] = answered_publish,
	[XT_ASK_DROP] = answered_publish,
	[XT_ASK_LEASE] = xt_ask_free,
	[XT_ASK_ROLL] = xt_roll_answered,
};

static void
open_answer(const struct xt_letter *letter)
{
	struct xt_ask *ask = letter->body.pointers[0];

	answered[ask->kind](ask);
}

void
xt_ask_answer(struct xt_ask *ask)
{
	struct xt_letter letter = { .open = open_answer, .body.pointers = { ask } };

	xt_hub_letter(ask->home, ask->from, XT_LANE_REPLY, &letter);
}

static void
open_ask(const struct xt_letter *letter)
{
	xt_channel_answer(letter->body.pointers[0]);
}

void
xt_ask_send(struct xt_ask *ask)
{
	struct xt_letter letter = { .open = open_ask, .body.pointers = { ask } };

	xt_hub_letter(ask->from, ask->home, XT_LANE_REQUEST, &letter);
}

void
xt_receipt_cancel(struct xt_receipt *receipt)
{
	while (receipt->asks)
		take_off_receipt(receipt->asks);
}

/* Sends an ask whose answer goes to `receipt`, which may be NULL. */
static void
send_with_receipt(struct xt_ask *ask, struct xt_receipt *receipt)
{
	put_on_receipt(ask, receipt);
	xt_ask_send(ask);
}

static void
fail_receipt(struct xt_receipt *receipt, int error)
{
	if (receipt)
		receipt->done(receipt, error, (struct xt_position){ 0 });
}

void
xt_hub_publish(struct xt_hub *hub, struct xt_str channel, struct xt_message *message,
	struct xt_receipt *receipt)
{
	struct xt_ask *ask = xt_ask_new(hub, XT_ASK_PUBLISH, channel);

	if (!ask) {
		xt_message_unref(message);
		fail_receipt(receipt, XT_ENOMEM);
		return;
	}
	ask->message = message;
	send_with_receipt(ask, receipt);
}

void
xt_hub_drop(struct xt_hub *hub, struct xt_str channel, struct xt_receipt *receipt)
{
	struct xt_ask *ask = xt_ask_new(hub, XT_ASK_DROP, channel);

	if (!ask)
		fail_receipt(receipt, XT_ENOMEM);
	else
		send_with_receipt(ask, receipt);
}

static void
open_publish_on(const struct xt_letter *letter)
{
	struct xt_message *message = letter->body.pointers[1];
	struct xt_position id;

	xt_channel_publish(letter->body.pointers[0], message, &id);
	xt_message_unref(message);
}

void
xt_hub_publish_on(struct xt_subscriber *subscriber, struct xt_message *message)
{
	struct xt_topic *topic = subscriber->topic;
	struct xt_letter letter = {
		.open = open_publish_on,
		.body.pointers = { topic->channel, message },
	};

	/* Live: our join keeps the channel, and our leave, if one follows, comes after this letter. */
	XT_ASSERT(subscriber->state == XT_SUBSCRIBER_LIVE);
	xt_hub_letter(
		topic->hub, xt_hub_home(topic->hub, topic->node.hash), XT_LANE_REQUEST, &letter);
}

/* A publish from a foreign thread: the ask has no `from` to come back to. */
static void
open_submitted(const struct xt_letter *letter)
{
	struct xt_ask *ask = letter->body.pointers[0];

	ask->from = ask->home;
	xt_channel_answer(ask);
}

int
xt_hub_submit(struct xt_hub *any, struct xt_str channel, struct xt_message *message)
{
	struct xt_ask *ask = xt_ask_new(any, XT_ASK_PUBLISH, channel);
	struct xt_letter letter = { .open = open_submitted, .body.pointers = { ask } };
	int error;

	if (!ask)
		return XT_ENOMEM;
	ask->message = message;
	error = xt_mail_submit(ask->home->loop, &letter);
	if (error < 0) {
		ask->message = NULL;
		xt_ask_free(ask);
	}
	return error;
}
