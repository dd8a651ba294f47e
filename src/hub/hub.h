/*
 * hub.h - the channels, as one worker sees them. What stands above the hub uses only the words of this
 * file and of message.h, batch.h, subscriber.h and codec/position.h.
 *
 * Every channel has a home worker, chosen by its name's hash: order, offsets and history live there, without
 * locks. Every worker has a topic for each channel that somebody on it listens to, and does the
 * fan-out to those. Between them travel letters; on one worker they are plain calls.
 *
 * Everything here is called on the hub's own thread, but for xt_hub_submit(). Callbacks may
 * come before the call that asked for them returns.
 */
#ifndef XT_HUB_HUB_H
#define XT_HUB_HUB_H

#include "base/buf.h"
#include "base/counter.h"
#include "base/map.h"
#include "hub/history.h"
#include "hub/subscriber.h"
#include "io/loop.h"

#define XT_CHANNEL_NAME_MAX 255
#define XT_WORKERS_MAX      256

struct xt_hub;

struct xt_hub_config {
	struct xt_history_limits history; /* of each channel */
	size_t history_total; /* bytes of history of all channels of this hub; the longest silent go first */
	size_t channels;    /* of this hub */
	uint64_t linger_ms; /* a poller stays in the presence list for so long after its poll */
};

struct xt_hub_stats {
	xt_counter messages_in, messages_out, bytes_in, bytes_out;
	xt_counter channels, subscriptions, history_messages, history_bytes;
	xt_counter evictions; /* histories dropped because of history_total */
	xt_counter private_encodes;
};

extern const struct xt_metric xt_hub_metrics[];
extern const size_t xt_hub_metrics_count;

/* 1 to 255 bytes without control characters. (That they are UTF-8 is checked by the doors, which know codecs.) */
bool xt_channel_name_valid(struct xt_str name);

/* 0 or XT_ENOMEM. `key` is the same for all hubs of a server; `config` is copied. */
int xt_hub_new(struct xt_hub **hub, struct xt_loop *loop, const struct xt_hub_config *config,
	const struct xt_map_key *key);

/* Makes hubs[0..count) the workers of one server. Once, before their loops run. 0 or XT_ENOMEM. */
int xt_hub_connect(struct xt_hub **hubs, size_t count);

/*
 * When no loop runs any more, after every subscriber has gone and every loop's mailbox was seen idle (what is still
 * under way would be lost, and leak). Its loop may be gone. NULL is fine.
 */
void xt_hub_free(struct xt_hub *hub);

struct xt_loop *xt_hub_loop(const struct xt_hub *hub);
struct xt_hub_stats *xt_hub_stats(struct xt_hub *hub);

/*
 * What waits for an answer; the caller's memory, zeroed but for `done`, to stay until `done` was called or it was
 * cancelled. One may wait for several: `done` is called once for each.
 */
struct xt_receipt {
	void (*done)(struct xt_receipt *receipt, int error, struct xt_position id);
	struct xt_ask *asks; /* the hub's */
};

/* Nobody waits any more, for any of them; what was asked for may still happen. Harmless when done. */
void xt_receipt_cancel(struct xt_receipt *receipt);

/*
 * Publishes on the channel; takes the caller's reference of `message`. With a receipt, `done` gets its id, or
 * XT_ENOMEM or XT_ELIMIT (too many channels): then nothing was published. Messages that one
 * worker publishes on one channel keep their order.
 */
void xt_hub_publish(struct xt_hub *hub, struct xt_str channel, struct xt_message *message,
	struct xt_receipt *receipt);

/* The same on the channel that `subscriber` is live on: needs no look-up. */
void xt_hub_publish_on(struct xt_subscriber *subscriber, struct xt_message *message);

/* Reads, waits or joins as `reading` says; ops->opened or ops->refused answers. The subscriber is idle. */
void xt_hub_subscribe(struct xt_hub *hub, struct xt_str channel, const struct xt_reading *reading,
	struct xt_subscriber *subscriber);

/* Back to idle, at once and without a further call. Harmless when it is idle. */
void xt_hub_unsubscribe(struct xt_subscriber *subscriber);

/* Drops the channel's history; positions go on. `done` gets the position. */
void xt_hub_drop(struct xt_hub *hub, struct xt_str channel, struct xt_receipt *receipt);

/*
 * Presence of those who come and go: keeps a member in the channel's list for the linger time from now, or, with
 * `leave`, takes it out. Strings are copied; `client` is not empty.
 */
void xt_hub_lease(
	struct xt_hub *hub, struct xt_str channel, const struct xt_member *member, bool leave);

/* Who is there, on all workers. */
struct xt_roll {
	/* `members` is borrowed; one row per subscriber or lease, clients not joined yet. */
	void (*done)(
		struct xt_roll *roll, int error, const struct xt_member *members, size_t count);
	struct xt_roll_call *call; /* the hub's */
};

void xt_hub_presence(struct xt_hub *hub, struct xt_str channel, struct xt_roll *roll);
void xt_roll_cancel(struct xt_roll *roll);

/*
 * From any thread that is no worker's: publishes without a receipt; takes the reference if it returns 0.
 * XT_EAGAIN: the worker has too much to do; XT_ENOMEM. Messages of one thread on one channel keep their order.
 */
int xt_hub_submit(struct xt_hub *any, struct xt_str channel, struct xt_message *message);

#endif
