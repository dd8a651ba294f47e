/*
 * hub_private.h - what the files of hub/ share; nobody else includes it.
 *
 *   worker                                   home (chosen by the name's hash)
 *   topic: who listens here                  channel: order, history, which workers listen
 *     subscribers, dense                       interests: {worker's hub, its topic}
 *     pending messages -> batch -> fan-out     history ring
 *
 *   ask    ----------------- request ----->  looked at, answered in the same struct
 *          <---------------- reply --------
 *   publish ---------------- request ----->  position, history, and to each interest:
 *          <---------------- reply --------  a message for its topic
 *   leave  ----------------- request ----->  the interest ends
 *          <---------------- reply --------  left: no message follows; the topic may go
 */
#ifndef XT_HUB_HUB_PRIVATE_H
#define XT_HUB_HUB_PRIVATE_H

#include "hub/hub.h"
#include "io/mailbox.h"

/* Subscribers served in one turn before the sockets are looked at again. */
#define XT_HUB_SLICE 256

/* Messages (and their bytes) that may wait for a fan-out on one worker before all workers stop reading. */
#define XT_HUB_QUEUED_MESSAGES 4096
#define XT_HUB_QUEUED_BYTES    (32u << 20)

struct xt_hub {
	struct xt_loop *loop;
	struct xt_hub **hubs; /* of the server, this one too; shared by all */
	size_t hub_count;
	size_t index;
	bool owns_hubs; /* frees `hubs` */
	struct xt_map_key key;
	struct xt_hub_config config;
	struct xt_hub_stats stats;

	/* As a worker: fan-out. */
	struct xt_map topics;
	struct xt_list ready; /* topics with something to fan out, in turn */
	struct xt_task fan_out;
	struct xt_batch *spare;
	size_t queued, queued_bytes;
	bool throttled;

	/* As a home. */
	struct xt_map channels;
	struct xt_list quiet; /* channels by their last use, the longest unused first */
	struct xt_list kept;  /* channels that have a history, the longest silent first */
	struct xt_timer expiry;
	size_t history_bytes, history_messages;
};

/* Somebody on a worker listens, or asks to. */
struct xt_topic {
	struct xt_map_node node;
	struct xt_hub *hub;
	struct xt_channel
		*channel; /* at home, for letters only; NULL until the first join was answered */
	uint32_t asking;  /* asks under way */
	bool joined;      /* the home has an interest of ours */
	bool leaving;     /* a leave is under way; there is no second before it came back */
	bool failed; /* out of memory: a message is missing, the subscriptions end with the turn */

	struct xt_subscriber **subscribers;
	uint32_t count, cap;

	struct xt_list ready;
	struct xt_message **pending; /* messages that came since the batch, oldest first */
	size_t pending_first, pending_count, pending_cap;
	struct xt_batch *batch; /* being fanned out; subscribers before `served` have it */
	uint32_t served;
	char name[];
};

struct xt_interest {
	struct xt_hub *hub;
	struct xt_topic *topic;
};

/* Clients that a channel keeps a lease for; of more, the one that ends first goes. */
#define XT_CHANNEL_LEASES (1u << 20)

struct xt_lease {
	struct xt_map_node node; /* by client */
	struct xt_list link;
	uint64_t until; /* loop time, ms */
	uint64_t since;
	const char *transport;
	uint8_t client_size, name_size;
	char text[]; /* client, name */
};

struct xt_leases {
	struct xt_map clients;
	struct xt_list order; /* the one that ends first, first: all last equally long */
};

struct xt_channel {
	struct xt_map_node node;
	struct xt_hub *hub;
	struct xt_list quiet;   /* in hub->quiet */
	struct xt_list kept;    /* in hub->kept, while its history is not empty */
	uint64_t used_at;       /* loop time, ms */
	struct xt_position top; /* of the newest message */
	struct xt_history history;
	struct xt_interest *interests;
	uint32_t interest_count, interest_cap;
	struct xt_leases *leases; /* NULL: none */
	char name[];
};

enum xt_ask_kind { XT_ASK_READ, XT_ASK_PUBLISH, XT_ASK_DROP, XT_ASK_LEASE, XT_ASK_ROLL };

/* A question to a home and its answer: it travels there and back, and belongs to whoever has it. */
struct xt_ask {
	enum xt_ask_kind kind;
	struct xt_hub *from, *home;
	uint64_t hash;
	int error;
	struct xt_position position; /* answer: of the message, or where reading goes on */

	/* Who waits; NULL when nobody does any more. Touched by `from` only. */
	struct xt_subscriber *subscriber;
	struct xt_receipt *receipt;
	struct xt_ask *next, **link; /* of receipt->asks; what points to this one */
	struct xt_topic *topic;

	struct xt_reading reading;
	struct xt_message *message; /* to be published */
	struct xt_channel *channel; /* answer of a join */
	struct xt_message **messages;
	size_t count;
	bool lost, more, live;

	struct xt_roll_call *call;
	struct xt_lease *lease;
	bool leave;

	size_t name_size;
	char name[];
};

static inline struct xt_str
xt_ask_channel(const struct xt_ask *ask)
{
	return xt_str_of(ask->name, ask->name_size);
}

/* hub.c */
struct xt_hub *xt_hub_home(struct xt_hub *hub, uint64_t hash);
struct xt_ask *xt_ask_new(struct xt_hub *hub, enum xt_ask_kind kind, struct xt_str channel);
void xt_ask_send(struct xt_ask *ask);   /* to its home; answered there, or comes back at once */
void xt_ask_answer(struct xt_ask *ask); /* from its home, on the thread of `from` */
void xt_ask_free(struct xt_ask *ask);
/* A letter, or a call when both are one. */
void xt_hub_letter(
	struct xt_hub *from, struct xt_hub *to, enum xt_lane lane, const struct xt_letter *letter);

/* topic.c: the worker's side */
struct xt_topic *xt_topic_get(struct xt_hub *hub, uint64_t hash, struct xt_str name);
void xt_topic_deliver(struct xt_topic *topic, struct xt_message *message); /* takes the reference */
void xt_topic_read_answered(struct xt_ask *ask);
void xt_topic_left(struct xt_topic *topic);
void xt_topic_fan_out(struct xt_task *task);
void xt_topic_free(struct xt_topic *topic);

/* channel.c: the home's side */
struct xt_channel *xt_channel_find(struct xt_hub *hub, uint64_t hash, struct xt_str name);
/* Makes it if need be. 0, XT_ENOMEM, XT_ELIMIT. */
int xt_channel_get(
	struct xt_hub *hub, uint64_t hash, struct xt_str name, struct xt_channel **channel);
/* Gives the message its position and its time; `id` is the position. */
void xt_channel_publish(
	struct xt_channel *channel, struct xt_message *message, struct xt_position *id);
void xt_channel_answer(struct xt_ask *ask);
void xt_channel_leave(struct xt_channel *channel, struct xt_topic *topic);
void xt_channel_free(struct xt_channel *channel);
void xt_channel_expire(struct xt_timer *timer);

/* presence.c */
int xt_lease_answer(struct xt_channel *channel, struct xt_ask *ask); /* 0 or XT_ENOMEM */
void xt_leases_expire(struct xt_channel *channel); /* channel->leases is NULL when none is left */
void xt_leases_clear(struct xt_channel *channel);
void xt_roll_answer(struct xt_channel *channel, struct xt_ask *ask);
void xt_roll_answered(struct xt_ask *ask);

#endif
