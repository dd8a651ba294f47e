/*
 * channel.c - a channel at its home: gives positions, keeps the history, knows which workers listen.
 *
 *   made by the first publish or read; goes when nobody listens, nothing is kept, and it has not been
 *   used for as long as history is kept: whoever comes back later finds a new epoch.
 */

#include "base/clock.h"
#include "base/heap.h"
#include "base/panic.h"
#include "base/random.h"
#include "crosstalk.h"
#include "hub/hub_private.h"
#include "io/timer.h"

/* A channel is kept at least so long after its last use, whatever the history's age. */
#define REST_MS 60000

/* The longest that is waited for anything to expire; a longer age comes round again. */
#define REST_MS_MAX (24 * 3600 * 1000)

/* Channels looked at in one go of the expiry, or to make room; and the pause between two goes. */
#define EXPIRE_SLICE    1000
#define EXPIRE_PAUSE_MS 100

bool
xt_channel_name_valid(struct xt_str name)
{
	if (name.n == 0 || name.n > XT_CHANNEL_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
			return false;
	return true;
}

static uint64_t
rest_ms(const struct xt_hub *hub)
{
	uint64_t age = hub->config.history.age_ms;

	return age < REST_MS ? REST_MS : age > REST_MS_MAX ? REST_MS_MAX : age;
}

static void
schedule_expiry(struct xt_hub *hub)
{
	uint64_t now = xt_loop_now(hub->loop), at;
	struct xt_channel *oldest;

	if (xt_list_empty(&hub->quiet) || !xt_list_empty(&hub->expiry.link))
		return;
	oldest = XT_LIST_ENTRY(hub->quiet.next, struct xt_channel, quiet);
	at = oldest->used_at + rest_ms(hub);
	xt_timer_start(xt_loop_timers(hub->loop), &hub->expiry, now,
		at > now + EXPIRE_PAUSE_MS ? at - now : EXPIRE_PAUSE_MS);
}

static void
use(struct xt_channel *channel)
{
	channel->used_at = xt_loop_now(channel->hub->loop);
	xt_list_remove(&channel->quiet);
	xt_list_append(&channel->hub->quiet, &channel->quiet);
}

/* Keeps the hub's sums and its list right after anything that changes a history. */
static void
account(struct xt_channel *channel, size_t bytes_before, size_t count_before)
{
	struct xt_hub *hub = channel->hub;

	hub->history_bytes += channel->history.bytes - bytes_before;
	hub->history_messages += channel->history.count - count_before;
	atomic_store_explicit(&hub->stats.history_bytes, hub->history_bytes, memory_order_relaxed);
	atomic_store_explicit(
		&hub->stats.history_messages, hub->history_messages, memory_order_relaxed);
	if (!channel->history.count)
		xt_list_remove(&channel->kept);
}

static void
clear_history(struct xt_channel *channel)
{
	size_t bytes = channel->history.bytes, count = channel->history.count;

	xt_history_clear(&channel->history);
	account(channel, bytes, count);
}

static void
expire_history(struct xt_channel *channel)
{
	size_t bytes = channel->history.bytes, count = channel->history.count;

	xt_history_expire(&channel->history, &channel->hub->config.history, xt_clock_wall_ms());
	account(channel, bytes, count);
}

/* Frees without taking it out of the map. */
void
xt_channel_free(struct xt_channel *channel)
{
	clear_history(channel);
	xt_leases_clear(channel);
	xt_list_remove(&channel->quiet);
	xt_counter_sub(&channel->hub->stats.channels, 1);
	xt_free(channel->interests);
	xt_free(channel);
}

static bool
is_unused(struct xt_channel *channel)
{
	xt_leases_expire(channel);
	return !channel->interest_count && !channel->leases;
}

static void
forget(struct xt_channel *channel)
{
	xt_map_remove(&channel->hub->channels, &channel->node);
	xt_channel_free(channel);
}

void
xt_channel_expire(struct xt_timer *timer)
{
	struct xt_hub *hub = XT_CONTAINER(timer, struct xt_hub, expiry);
	uint64_t now = xt_loop_now(hub->loop);
	int seen = 0;

	xt_list_each (at, after, &hub->quiet) {
		struct xt_channel *channel = XT_LIST_ENTRY(at, struct xt_channel, quiet);
		if (channel->used_at + rest_ms(hub) > now || seen++ == EXPIRE_SLICE)
			break;
		expire_history(channel);
		if (is_unused(channel) && !channel->history.count)
			forget(channel);
		else
			use(channel);
	}
	schedule_expiry(hub);
}

/*
 * Makes room for one more channel by forgetting the longest unused. False: as far as was looked, all are in
 * use; those go to the end of the list, so that the next look gets further.
 */
static bool
make_room(struct xt_hub *hub)
{
	int seen = 0;

	if (hub->channels.count < hub->config.channels)
		return true;
	xt_list_each (at, after, &hub->quiet) {
		struct xt_channel *channel = XT_LIST_ENTRY(at, struct xt_channel, quiet);
		if (seen++ == EXPIRE_SLICE)
			break;
		if (is_unused(channel)) {
			forget(channel);
			return true;
		}
		use(channel);
	}
	return false;
}

struct xt_channel *
xt_channel_find(struct xt_hub *hub, uint64_t hash, struct xt_str name)
{
	struct xt_map_node *node = xt_map_find(&hub->channels, hash, name);

	return node ? XT_CONTAINER(node, struct xt_channel, node) : NULL;
}

static int
channel_new(struct xt_hub *hub, uint64_t hash, struct xt_str name, struct xt_channel **out)
{
	struct xt_channel *channel;

	if (!make_room(hub))
		return XT_ELIMIT;
	channel = xt_calloc(1, sizeof *channel + name.n);
	if (!channel)
		return XT_ENOMEM;
	memcpy(channel->name, name.p, name.n);
	channel->node.hash = hash;
	channel->node.name = xt_str_of(channel->name, name.n);
	channel->hub = hub;
	channel->top.epoch = xt_random_u64();
	xt_list_init(&channel->quiet);
	xt_list_init(&channel->kept);
	if (xt_map_add(&hub->channels, &channel->node) < 0) {
		xt_free(channel);
		return XT_ENOMEM;
	}
	xt_counter_add(&hub->stats.channels, 1);
	*out = channel;
	return 0;
}

int
xt_channel_get(struct xt_hub *hub, uint64_t hash, struct xt_str name, struct xt_channel **out)
{
	int error = 0;

	*out = xt_channel_find(hub, hash, name);
	if (!*out)
		error = channel_new(hub, hash, name, out);
	if (error < 0)
		return error;
	use(*out);
	schedule_expiry(hub);
	return 0;
}

/* Publishing ---------------------------------------------------------------------------- */

static void
deliver_opened(const struct xt_letter *letter)
{
	xt_topic_deliver(letter->body.pointers[0], letter->body.pointers[1]);
}

/* While all histories together are too large, the one of the longest silent channel goes. */
static void
keep_total(struct xt_hub *hub, struct xt_channel *except)
{
	while (hub->history_bytes > hub->config.history_total) {
		struct xt_channel *channel = XT_LIST_ENTRY(hub->kept.next, struct xt_channel, kept);
		if (channel == except)
			return;
		clear_history(channel);
		xt_counter_add(&hub->stats.evictions, 1);
	}
}

static void
remember(struct xt_channel *channel, struct xt_message *message)
{
	struct xt_hub *hub = channel->hub;
	const struct xt_history_limits *limits = &hub->config.history;
	size_t bytes = channel->history.bytes, count = channel->history.count;

	if (!limits->messages || !limits->bytes || !limits->age_ms)
		return;
	/* Out of memory: who reads later must see that all is lost, not a history that lacks its newest. */
	if (xt_history_add(&channel->history, limits, message) < 0)
		xt_history_clear(&channel->history);
	else
		xt_history_expire(&channel->history, limits, message->time);
	xt_list_remove(&channel->kept);
	xt_list_append(&hub->kept, &channel->kept);
	account(channel, bytes, count);
	keep_total(hub, channel);
}

void
xt_channel_publish(struct xt_channel *channel, struct xt_message *message, struct xt_position *id)
{
	struct xt_hub *hub = channel->hub;

	XT_ASSERT(!message->id.offset);
	use(channel);
	channel->top.offset++;
	message->id = *id = channel->top;
	message->time = xt_clock_wall_ms();
	xt_counter_add(&hub->stats.messages_in, 1);
	xt_counter_add(&hub->stats.bytes_in, message->size);
	remember(channel, message);
	for (uint32_t i = 0; i < channel->interest_count; i++) {
		struct xt_interest *interest = &channel->interests[i];
		struct xt_letter letter = {
			.open = deliver_opened,
			.body.pointers = { interest->topic, xt_message_ref(message) },
		};
		xt_hub_letter(hub, interest->hub, XT_LANE_REPLY, &letter);
	}
}

/* Interests ----------------------------------------------------------------------------- */

static struct xt_interest *
find_interest(struct xt_channel *channel, const struct xt_topic *topic)
{
	for (uint32_t i = 0; i < channel->interest_count; i++)
		if (channel->interests[i].topic == topic)
			return &channel->interests[i];
	return NULL;
}

static int
join(struct xt_channel *channel, struct xt_hub *hub, struct xt_topic *topic)
{
	struct xt_interest *interest = find_interest(channel, topic);

	if (interest)
		return 0;
	if (channel->interest_count == channel->interest_cap) {
		uint32_t cap = channel->interest_cap ? channel->interest_cap * 2 : 1;
		struct xt_interest *grown = xt_realloc(channel->interests, cap * sizeof *grown);
		if (!grown)
			return XT_ENOMEM;
		channel->interests = grown;
		channel->interest_cap = cap;
	}
	interest = &channel->interests[channel->interest_count++];
	*interest = (struct xt_interest){ .hub = hub, .topic = topic };
	return 0;
}

static void
left_opened(const struct xt_letter *letter)
{
	xt_topic_left(letter->body.pointers[0]);
}

/* The topic asks nothing while it leaves, so what it asks later finds it without an interest. */
void
xt_channel_leave(struct xt_channel *channel, struct xt_topic *topic)
{
	struct xt_interest *interest = find_interest(channel, topic);
	struct xt_letter letter = { .open = left_opened, .body.pointers = { topic } };
	struct xt_hub *to;

	XT_ASSERT(interest);
	to = interest->hub;
	*interest = channel->interests[--channel->interest_count];
	use(channel);
	xt_hub_letter(channel->hub, to, XT_LANE_REPLY, &letter);
}

/* Reading ------------------------------------------------------------------------------- */

/* The index in the history at which an answer begins; says whether what was asked for is gone. */
static size_t
first_index(struct xt_channel *channel, const struct xt_reading *reading, bool *lost)
{
	struct xt_history *history = &channel->history;
	uint64_t oldest =
		channel->top.offset - history->count; /* the position before the oldest kept */

	*lost = false;
	switch (reading->start) {
	case XT_START_NOW:
		return history->count;
	case XT_START_OLDEST:
		return 0;
	case XT_START_LAST:
		return reading->last < history->count ? history->count - reading->last : 0;
	case XT_START_SINCE:
		break;
	}
	*lost = reading->since.epoch != channel->top.epoch || reading->since.offset < oldest ||
		reading->since.offset > channel->top.offset;
	return *lost ? 0 : (size_t)(reading->since.offset - oldest);
}

/* How many messages from `first` on fit into one answer. */
static size_t
fitting(const struct xt_history *history, size_t first, size_t limit)
{
	size_t n = 0, bytes = 0;

	while (first + n < history->count && n < XT_OPENING_MESSAGES) {
		bytes += xt_history_at(history, first + n)->size;
		if (n > 0 && bytes > limit)
			break;
		n++;
	}
	return n;
}

static int
copy_messages(struct xt_ask *ask, const struct xt_history *history, size_t first, size_t n)
{
	if (n == 0)
		return 0;
	ask->messages = xt_malloc(n * sizeof(struct xt_message *));
	if (!ask->messages)
		return XT_ENOMEM;
	for (size_t i = 0; i < n; i++)
		ask->messages[i] = xt_message_ref(xt_history_at(history, first + i));
	ask->count = n;
	return 0;
}

static bool
stays(const struct xt_ask *ask)
{
	switch (ask->reading.mode) {
	case XT_MODE_READ:
		return false;
	case XT_MODE_WAIT:
		return !ask->count && !ask->lost;
	case XT_MODE_JOIN:
		return !ask->more;
	}
	return false;
}

static int
answer_read(struct xt_channel *channel, struct xt_ask *ask)
{
	struct xt_history *history = &channel->history;
	size_t first, n;
	int error;

	expire_history(channel);
	first = first_index(channel, &ask->reading, &ask->lost);
	n = fitting(history, first, ask->reading.bytes ? ask->reading.bytes : XT_OPENING_BYTES);
	error = copy_messages(ask, history, first, n);
	if (error < 0)
		return error;
	ask->more = first + n < history->count;
	ask->position = channel->top;
	ask->position.offset -= history->count - (first + n);
	ask->live = stays(ask);
	ask->channel = channel;
	return ask->live ? join(channel, ask->from, ask->topic) : 0;
}

static int
answer_publish(struct xt_channel *channel, struct xt_ask *ask)
{
	xt_channel_publish(channel, ask->message, &ask->position);
	return 0;
}

static int
answer_drop(struct xt_channel *channel, struct xt_ask *ask)
{
	clear_history(channel);
	ask->position = channel->top;
	return 0;
}

static int
answer_roll(struct xt_channel *channel, struct xt_ask *ask)
{
	xt_roll_answer(channel, ask);
	return 0;
}

static int
answer_lease(struct xt_channel *channel, struct xt_ask *ask)
{
	return xt_lease_answer(channel, ask);
}

static int (*const answers[])(struct xt_channel *channel, struct xt_ask *ask) = {
	[XT_ASK_READ] = answer_read,
	[XT_ASK_PUBLISH] = answer_publish,
	[XT_ASK_DROP] = answer_drop,
	[XT_ASK_LEASE] = answer_lease,
	[XT_ASK_ROLL] = answer_roll,
};

void
xt_channel_answer(struct xt_ask *ask)
{
	struct xt_str name = xt_ask_channel(ask);
	struct xt_channel *channel;

	/* Asking who is there, and leaving, make no channel. */
	if (ask->kind == XT_ASK_ROLL || ask->leave)
		channel = xt_channel_find(ask->home, ask->hash, name);
	else
		ask->error = xt_channel_get(ask->home, ask->hash, name, &channel);
	if (ask->error == 0 && channel)
		ask->error = answers[ask->kind](channel, ask);
	if (ask->error < 0)
		ask->live = false;
	xt_ask_answer(ask);
}
