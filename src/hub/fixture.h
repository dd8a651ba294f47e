/*
 * fixture.h - for the tests: a few workers' hubs, driven by one thread so that a test decides who gets on when, or
 * by threads of their own.
 */
#ifndef XT_HUB_FIXTURE_H
#define XT_HUB_FIXTURE_H

#include "hub/hub.h"

#define XT_WORLD_MAX 3

struct xt_world {
	size_t count;
	struct xt_loop *loops[XT_WORLD_MAX];
	struct xt_hub *hubs[XT_WORLD_MAX];
};

/* Limits that no test meets unless it wants to. */
extern const struct xt_hub_config xt_world_config;

/* `letters`: in each lane of a mailbox, a power of two. */
void xt_world_open(struct xt_world *world, size_t count, const struct xt_hub_config *config,
	size_t letters);

/* One turn of a worker, without waiting. */
void xt_world_turn(struct xt_world *world, size_t worker);

/* Turns of all workers until nothing is under way any more. */
void xt_world_settle(struct xt_world *world);

/* Turns until the clock of the loops has gone on by `ms`. */
void xt_world_pass(struct xt_world *world, uint64_t ms);

/* Settles, checks that no topic, no queue and no interest is left of subscribers gone, and frees all. */
void xt_world_close(struct xt_world *world);

/* The `index`-th of some names whose home is `home`. Static until the next call. */
struct xt_str xt_world_name(struct xt_world *world, size_t home, unsigned index);

/* A text message, its payload printed. */
struct xt_message *xt_world_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
