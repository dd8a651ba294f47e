/*
 * subscriber.h - what listens to a channel implements this; a session embeds it.
 *
 *   IDLE --xt_hub_subscribe--> ASKING --opened(live)--> LIVE --xt_hub_unsubscribe--> IDLE
 *                                 |  opened(not live), refused, xt_hub_unsubscribe --> IDLE
 *                                                       LIVE --refused (out of memory)--> IDLE
 */
#ifndef XT_HUB_SUBSCRIBER_H
#define XT_HUB_SUBSCRIBER_H

#include "hub/batch.h"

struct xt_subscriber;

/* Where to begin. */
enum xt_start {
	XT_START_NOW,    /* with the next message */
	XT_START_OLDEST, /* with the oldest that is kept */
	XT_START_SINCE,  /* after `since` */
	XT_START_LAST    /* with the last `last` messages */
};

/* What to do when the channel's messages up to now have been read. */
enum xt_mode {
	XT_MODE_READ, /* nothing: once */
	XT_MODE_WAIT, /* stay for the next, but only if there is no news */
	XT_MODE_JOIN /* stay, if all news fit into one answer; if not, ask again when these are through */
};

struct xt_reading {
	enum xt_start start;
	enum xt_mode mode;
	struct xt_position since;
	size_t last;
	size_t bytes; /* of payload in one answer, at most; 0: XT_OPENING_BYTES */
};

/* An answer holds at most so much; there is always one message, however large. */
#define XT_OPENING_MESSAGES 1000
#define XT_OPENING_BYTES    (1u << 20)

struct xt_opening {
	struct xt_message *const *messages; /* borrowed */
	size_t count;
	struct xt_position next; /* the position after the last of them */
	bool lost;               /* what was asked for is not all kept any more */
	bool more;               /* there is more already, after `next` */
	bool live;               /* deliveries follow from `next` on, without a gap */
};

/* Who listens, for the presence list. The strings live as long as the subscriber says. */
struct xt_member {
	struct xt_str client, name; /* at most 255 bytes each; empty: none */
	const char *transport;      /* static */
	uint64_t since;             /* ms since 1970 UTC */
};

struct xt_subscriber_ops {
	/* The answer to xt_hub_subscribe(). May unsubscribe, subscribe again, or free the subscriber. */
	void (*opened)(struct xt_subscriber *subscriber, const struct xt_opening *opening);

	/*
	 * It can't be: XT_ENOMEM, XT_ELIMIT (too many channels). While live: XT_ENOMEM, a message could not be
	 * kept for this worker. The subscriber is idle. May subscribe again or free the subscriber.
	 */
	void (*refused)(struct xt_subscriber *subscriber, int error);

	/*
	 * Messages `from` up to the end of the batch, at least one. May unsubscribe, subscribe again, or free
	 * the subscriber, this one and others.
	 */
	void (*deliver)(struct xt_subscriber *subscriber, struct xt_batch *batch, size_t from);

	/* Fills `member`, borrowed until it returns to the hub. */
	void (*describe)(struct xt_subscriber *subscriber, struct xt_member *member);
};

enum xt_subscriber_state { XT_SUBSCRIBER_IDLE, XT_SUBSCRIBER_ASKING, XT_SUBSCRIBER_LIVE };

/* Zero it and set `ops`; the rest is the hub's. */
struct xt_subscriber {
	const struct xt_subscriber_ops *ops;
	struct xt_topic *topic;
	union {
		struct xt_ask *ask; /* ASKING */
		uint64_t seen;      /* LIVE: the offset of the last message it got */
	};
	uint32_t index; /* LIVE: its place in the topic's array */
	uint8_t state;  /* enum xt_subscriber_state */
};

#endif
