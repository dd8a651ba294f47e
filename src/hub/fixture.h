/*
 * fixture.h - for the tests: a few workers' hubs, driven by one thread so that a test decides who gets on when, or
 * by threads of their own.
 */
#ifndef XT_HUB_FIXTURE_H
#define XT_HUB_FIXTURE_H

#include "hub/hub.h"

#define XT_WORLD_MAX   3
#define XT_WORLD_NAMES 8

struct xt_world {
	size_t count;
	struct xt_loop *loops[XT_WORLD_MAX];
	struct xt_hub *hubs[XT_WORLD_MAX];
	char names[XT_WORLD_MAX][XT_WORLD_NAMES][32];
};

/* Limits that no test meets unless it wants to. */
extern const struct xt_hub_config xt_world_config;

/* `letters`: in each lane of a mailbox, a power of two. */
void xt_world_open(
	struct xt_world *world, size_t count, const struct xt_hub_config *config, size_t letters);

/* One turn of a worker, without waiting. */
void xt_world_turn(struct xt_world *world, size_t worker);

/* Turns of all workers until nothing is under way any more. */
void xt_world_settle(struct xt_world *world);

/* Turns until the clock of the loops has gone on by `ms`. */
void xt_world_pass(struct xt_world *world, uint64_t ms);

/* Settles, checks that no topic, no queue and no interest is left of subscribers gone, and frees all. */
void xt_world_close(struct xt_world *world);

/* A name whose home is `home`; index < XT_WORLD_NAMES. Lives as long as the world. */
struct xt_str xt_world_name(const struct xt_world *world, size_t home, unsigned index);

/*
 * A reader who checks that nothing is missing or repeated between what opened him and what was delivered.
 * The hooks run at the end of each call and may free him; but for on_message, which comes for every message.
 */
struct xt_reader {
	struct xt_subscriber subscriber;
	struct xt_member member;
	unsigned opened, refused, deliveries;
	int error;
	struct xt_opening opening; /* the last one, without its messages */
	uint64_t first;            /* offset of its first message; 0: it had none */
	struct xt_position next;   /* of the last message or opening */
	size_t messages;           /* delivered since it opened */
	char last[64];             /* the beginning of the last payload, NUL-ended */
	void (*on_message)(struct xt_reader *reader, const struct xt_message *message);
	void (*on_opened)(struct xt_reader *reader);
	void (*on_deliver)(struct xt_reader *reader);
	void (*on_refused)(struct xt_reader *reader);
	struct xt_hub *hub; /* for the hooks */
	struct xt_str channel;
	struct xt_reader *other;
};

void xt_reader_init(struct xt_reader *reader);
void xt_reader_subscribe(struct xt_reader *reader, struct xt_hub *hub, struct xt_str channel,
	struct xt_reading reading);
bool xt_reader_is_live(const struct xt_reader *reader);

/* A text message, its payload printed. */
struct xt_message *xt_world_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
