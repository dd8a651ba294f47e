/*
 * subscriber_test.c - what a subscriber may do in its own calls and when: go, come back, be freed, take
 * others along; on one worker and on two, as in hub_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crosstalk.h"
#include "hub/fixture.h"
#include "hub/hub_private.h"

#define NOW_JOIN    ((struct xt_reading){ .start = XT_START_NOW, .mode = XT_MODE_JOIN })
#define OLDEST_JOIN ((struct xt_reading){ .start = XT_START_OLDEST, .mode = XT_MODE_JOIN })
#define OLDEST_READ ((struct xt_reading){ .start = XT_START_OLDEST, .mode = XT_MODE_READ })

static size_t one_worker = 1, two_workers = 2;

struct place {
	struct xt_world world;
	struct xt_hub *here, *home;
	struct xt_str name;
};

static int
open_place(void **state)
{
	struct place *place = calloc(1, sizeof *place);

	xt_world_open(&place->world, *(size_t *)*state, &xt_world_config, 16);
	place->here = place->world.hubs[0];
	place->home = place->world.hubs[place->world.count - 1];
	place->name = xt_world_name(&place->world, place->world.count - 1, 0);
	*state = place;
	return 0;
}

static int
close_place(void **state)
{
	struct place *place = *state;

	xt_world_close(&place->world);
	free(place);
	return 0;
}

static void
publish(struct place *place, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		xt_hub_publish(place->home, place->name, xt_world_message("%u", i), NULL);
	xt_world_settle(&place->world);
}

static struct xt_reader *
reader_new(void)
{
	struct xt_reader *reader = malloc(sizeof *reader);

	xt_reader_init(reader);
	return reader;
}

static struct xt_reader *
live_reader(struct place *place)
{
	struct xt_reader *reader = reader_new();

	xt_reader_subscribe(reader, place->here, place->name, NOW_JOIN);
	xt_world_settle(&place->world);
	assert_true(xt_reader_is_live(reader));
	return reader;
}

static void
leave(struct xt_reader *reader)
{
	xt_hub_unsubscribe(&reader->subscriber);
}

static void
leave_and_free(struct xt_reader *reader)
{
	leave(reader);
	free(reader);
}

static void
free_only(struct xt_reader *reader)
{
	assert_int_equal(reader->subscriber.state, XT_SUBSCRIBER_IDLE);
	free(reader);
}

static void
leave_other(struct xt_reader *reader)
{
	if (reader->other)
		leave(reader->other);
	reader->other = NULL;
}

static void
come_again(struct xt_reader *reader)
{
	leave(reader);
	if (reader->opened + reader->refused < 10)
		xt_reader_subscribe(reader, reader->hub, reader->channel, OLDEST_JOIN);
}

/* In opened ------------------------------------------------------------------------------ */

static void
test_freed_when_opened(void **state)
{
	struct place *place = *state;
	struct xt_reader *live = reader_new(), *once = reader_new();

	publish(place, 2);
	live->on_opened = leave_and_free;
	once->on_opened = free_only;
	xt_reader_subscribe(live, place->here, place->name, OLDEST_JOIN);
	xt_reader_subscribe(once, place->here, place->name, OLDEST_READ);
	xt_world_settle(&place->world);
	assert_int_equal(xt_counter_read(&place->here->stats.subscriptions), 0);
}

static void
test_subscribes_again_when_opened(void **state)
{
	struct place *place = *state;
	struct xt_reader *reader = reader_new();

	publish(place, 2);
	reader->on_opened = come_again;
	xt_reader_subscribe(reader, place->here, place->name, OLDEST_JOIN);
	xt_world_settle(&place->world);
	assert_int_equal(reader->opened, 10);
	assert_false(xt_reader_is_live(reader));
	free(reader);
}

static void
publish_back(struct xt_reader *reader)
{
	xt_hub_publish_on(&reader->subscriber, xt_world_message("hello"));
}

static void
test_publishes_when_opened(void **state)
{
	struct place *place = *state;
	struct xt_reader *reader = reader_new();

	reader->on_opened = publish_back;
	xt_reader_subscribe(reader, place->here, place->name, OLDEST_JOIN);
	xt_world_settle(&place->world);
	assert_int_equal(reader->opening.count, 0);
	assert_string_equal(reader->last, "hello");
	leave_and_free(reader);
}

/* While asking --------------------------------------------------------------------------- */

static void
test_leaves_while_asking(void **state)
{
	struct place *place = *state;
	struct xt_reader *reader = reader_new(), *back = reader_new();

	/* with nobody else there, so that the topic goes too */
	xt_reader_subscribe(reader, place->here, place->name, OLDEST_JOIN);
	leave_and_free(reader);
	xt_world_settle(&place->world);
	/* and comes back before the answer to the first question, or before it was even asked */
	for (unsigned turns = 0; turns < 4; turns++) {
		xt_reader_subscribe(back, place->here, place->name, OLDEST_JOIN);
		for (unsigned i = 0; i < turns; i++)
			xt_world_turn(&place->world, i % place->world.count);
		leave(back);
		xt_reader_subscribe(back, place->here, place->name, OLDEST_JOIN);
		publish(place, 1);
		assert_true(xt_reader_is_live(back));
		assert_int_equal(back->next.offset, turns + 1);
		leave(back);
	}
	free(back);
}

/* In deliver ----------------------------------------------------------------------------- */

static void
test_freed_in_deliver(void **state)
{
	struct place *place = *state;

	for (unsigned others = 0; others < 4; others++) {
		struct xt_reader *rest[4];
		struct xt_reader *reader = live_reader(place);
		reader->on_deliver = leave_and_free;
		for (unsigned i = 0; i < others; i++)
			rest[i] = live_reader(place);
		publish(place, 2);
		for (unsigned i = 0; i < others; i++) {
			assert_int_equal(rest[i]->messages, 2);
			leave_and_free(rest[i]);
		}
	}
}

/* One of `n` readers takes another along; all the rest must get this message and the next, once. */
static void
take_along(struct place *place, unsigned n, unsigned who, unsigned whom)
{
	struct xt_reader *readers[8];

	for (unsigned i = 0; i < n; i++)
		readers[i] = live_reader(place);
	readers[who]->on_deliver = leave_other;
	readers[who]->other = readers[whom];
	publish(place, 1);
	publish(place, 1);
	for (unsigned i = 0; i < n; i++) {
		if (i != whom) {
			assert_true(xt_reader_is_live(readers[i]));
			assert_int_equal(readers[i]->messages, 2);
		}
	}
	for (unsigned i = 0; i < n; i++)
		leave_and_free(readers[i]);
	xt_world_settle(&place->world);
}

static void
test_takes_others_along(void **state)
{
	for (unsigned n = 1; n <= 5; n++)
		for (unsigned who = 0; who < n; who++)
			for (unsigned whom = 0; whom < n; whom++)
				take_along(*state, n, who, whom);
}

static void
come_again_once(struct xt_reader *reader)
{
	reader->on_deliver = NULL;
	come_again(reader);
}

static void
test_comes_again_in_deliver(void **state)
{
	struct place *place = *state;
	struct xt_reader *readers[3];

	for (unsigned i = 0; i < 3; i++)
		readers[i] = live_reader(place);
	readers[1]->on_deliver = come_again_once;
	publish(place, 3);
	assert_int_equal(readers[1]->opened, 2);
	assert_int_equal(readers[1]->opening.count, 3);
	publish(place, 1);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(readers[i]->next.offset, 4);
		leave_and_free(readers[i]);
	}
}

static void
answer_up_to_ten(struct xt_reader *reader)
{
	if (reader->next.offset < 10)
		publish_back(reader);
}

static void
test_publishes_in_deliver(void **state)
{
	struct place *place = *state;
	struct xt_reader *reader = live_reader(place), *other = live_reader(place);

	reader->on_deliver = answer_up_to_ten;
	publish(place, 1);
	assert_int_equal(reader->next.offset, 10);
	assert_int_equal(other->messages, 10);
	leave_and_free(reader);
	leave_and_free(other);
}

/* The last one leaves -------------------------------------------------------------------- */

/*
 * The last reader leaves while messages wait for his fan-out, behind another topic's; the next one must
 * not see them, nor a gap.
 */
static void
test_pending_goes_with_the_last(void **state)
{
	enum { CROWD = XT_HUB_SLICE * 6 };
	struct place *place = *state;
	struct xt_reader *crowd[CROWD], *reader, *next = reader_new();
	struct xt_str name = place->name;

	place->name = xt_world_name(&place->world, place->world.count - 1, 1);
	for (unsigned i = 0; i < CROWD; i++)
		crowd[i] = live_reader(place);
	xt_hub_publish(place->here, place->name, xt_world_message("crowd"), NULL);
	for (unsigned i = 0; i < 4; i++)
		xt_world_turn(&place->world, i % place->world.count);
	place->name = name;
	reader = reader_new();
	xt_reader_subscribe(reader, place->here, place->name, NOW_JOIN);
	xt_hub_publish(place->home, place->name, xt_world_message("1"), NULL);
	for (unsigned i = 0; i < 2; i++)
		xt_world_turn(&place->world, (i + 1) % place->world.count);
	leave(reader);
	xt_hub_publish(place->home, place->name, xt_world_message("2"), NULL);
	xt_reader_subscribe(next, place->here, place->name, OLDEST_JOIN);
	xt_hub_publish(place->home, place->name, xt_world_message("3"), NULL);
	xt_world_settle(&place->world);
	assert_int_equal(next->next.offset, 3);
	leave_and_free(reader);
	leave_and_free(next);
	for (unsigned i = 0; i < CROWD; i++)
		leave_and_free(crowd[i]);
}

/* Everybody leaves in the middle of a fan-out, the channel is forgotten, and its name comes to life again. */
static void
test_new_epoch_within_a_fan_out(void **state)
{
	enum { CROWD = XT_HUB_SLICE * 3 };
	struct place *place = *state;
	struct xt_reader *crowd[CROWD], *next = reader_new();
	uint64_t epoch;

	place->home->config.channels = 1;
	for (unsigned i = 0; i < CROWD; i++)
		crowd[i] = live_reader(place);
	xt_hub_publish(place->home, place->name, xt_world_message("old"), NULL);
	xt_world_turn(&place->world, place->world.count - 1);
	xt_world_turn(&place->world, 0);
	epoch = crowd[0]->next.epoch;
	for (unsigned i = 0; i < CROWD; i++)
		leave_and_free(crowd[i]);
	/* Told by letter, the home needs a turn to know; on one worker the batch would be through by then. */
	if (place->here != place->home)
		xt_world_turn(&place->world, place->world.count - 1);
	/* another name takes the only place */
	xt_hub_drop(place->home, xt_world_name(&place->world, place->world.count - 1, 1), NULL);
	xt_reader_subscribe(next, place->here, place->name, OLDEST_JOIN);
	xt_world_settle(&place->world);
	assert_true(xt_reader_is_live(next));
	assert_true(next->next.epoch != epoch);
	assert_int_equal(next->messages, 0);
	publish(place, 1);
	assert_int_equal(next->messages, 1);
	leave_and_free(next);
}

/* Refusals ------------------------------------------------------------------------------- */

static void
test_too_many_channels(void **state)
{
	struct place *place = *state;
	struct xt_reader *first = live_reader(place), *again = reader_new(), *gone = reader_new();
	struct xt_str full = xt_world_name(&place->world, place->world.count - 1, 1);

	place->home->config.channels = 1;
	again->on_refused = come_again;
	gone->on_refused = free_only;
	xt_reader_subscribe(again, place->here, full, OLDEST_JOIN);
	xt_reader_subscribe(gone, place->here, full, OLDEST_JOIN);
	xt_world_settle(&place->world);
	assert_int_equal(again->refused, 10);
	assert_int_equal(again->error, XT_ELIMIT);
	/* the one that is not used any more makes room */
	leave_and_free(first);
	xt_world_settle(&place->world);
	again->on_refused = NULL;
	xt_reader_subscribe(again, place->here, full, OLDEST_JOIN);
	xt_world_settle(&place->world);
	assert_true(xt_reader_is_live(again));
	leave_and_free(again);
}

static void
free_other(struct xt_reader *reader)
{
	if (reader->other)
		leave_and_free(reader->other);
	reader->other = NULL;
}

static void
test_out_of_memory_while_live(void **state)
{
	struct place *place = *state;
	struct xt_reader *readers[6];
	struct xt_topic *topic;

	for (unsigned i = 0; i < 6; i++)
		readers[i] = live_reader(place);
	readers[5]->on_refused = come_again;
	readers[4]->on_refused = free_other;
	readers[4]->other = readers[1];
	readers[3]->on_refused = free_only;
	/* as a failed allocation leaves it */
	topic = readers[0]->subscriber.topic;
	topic->failed = true;
	xt_list_append(&place->here->ready, &topic->ready);
	xt_loop_post(place->here->loop, &place->here->fan_out);
	publish(place, 1);
	assert_int_equal(readers[0]->refused, 1);
	assert_int_equal(readers[0]->error, XT_ENOMEM);
	assert_int_equal(readers[2]->refused, 1);
	assert_true(xt_reader_is_live(readers[5]));
	publish(place, 1);
	assert_int_equal(readers[5]->next.offset, 2);
	leave_and_free(readers[5]);
	leave_and_free(readers[0]);
	leave_and_free(readers[2]);
	leave_and_free(readers[4]);
}

/* Channels come and go ------------------------------------------------------------------- */

static void
expire_all(struct xt_hub *hub, uint64_t ms)
{
	xt_list_each (at, after, &hub->quiet)
		XT_LIST_ENTRY(at, struct xt_channel, quiet)->used_at -= ms;
	xt_channel_expire(&hub->expiry);
}

static void
test_expiry(void **state)
{
	struct place *place = *state;
	struct xt_reader *live = live_reader(place);
	struct xt_hub *home = place->home;

	xt_hub_publish(home, xt_world_name(&place->world, place->world.count - 1, 1),
		xt_world_message("kept"), NULL);
	xt_hub_drop(home, xt_world_name(&place->world, place->world.count - 1, 2), NULL);
	xt_world_settle(&place->world);
	assert_int_equal(home->channels.count, 3);
	expire_all(home, 1000);
	assert_int_equal(home->channels.count, 3);
	/* the one with nothing in it goes; one has a message, one a reader */
	expire_all(home, xt_world_config.history.age_ms);
	assert_int_equal(home->channels.count, 2);
	assert_int_equal(xt_counter_read(&home->stats.channels), 2);
	home->config.history.age_ms = 1;
	xt_world_pass(&place->world, 20);
	expire_all(home, 60000);
	assert_int_equal(home->channels.count, 1);
	assert_int_equal(xt_counter_read(&home->stats.history_messages), 0);
	assert_int_equal(xt_counter_read(&home->stats.history_bytes), 0);
	publish(place, 1);
	assert_int_equal(live->messages, 1);
	leave_and_free(live);
}

static void
test_history_total(void **state)
{
	struct place *place = *state;
	struct xt_hub *home = place->home;
	size_t weight = sizeof(struct xt_message) + 1;

	home->config.history_total = 10 * weight;
	for (unsigned i = 0; i < 4; i++) {
		place->name = xt_world_name(&place->world, place->world.count - 1, i);
		publish(place, 3);
	}
	/* twelve are too many: the history of the longest silent channel went */
	assert_int_equal(xt_counter_read(&home->stats.history_messages), 9);
	assert_int_equal(xt_counter_read(&home->stats.evictions), 1);
	assert_int_equal(home->channels.count, 4);
	/* one alone is left its own */
	publish(place, 30);
	assert_int_equal(xt_counter_read(&home->stats.evictions), 3);
	assert_int_equal(xt_counter_read(&home->stats.history_messages), 33);
	assert_int_equal(xt_counter_read(&home->stats.history_bytes), home->history_bytes);
}

static void
test_names(void **state)
{
	char longest[XT_CHANNEL_NAME_MAX + 1];

	(void)state;
	memset(longest, 'a', sizeof longest);
	assert_true(xt_channel_name_valid(xt_str_of(longest, XT_CHANNEL_NAME_MAX)));
	assert_false(xt_channel_name_valid(xt_str_of(longest, XT_CHANNEL_NAME_MAX + 1)));
	assert_false(xt_channel_name_valid(XT_STR("")));
	assert_true(xt_channel_name_valid(XT_STR("sport/football/42 \xc3\xa4")));
	assert_false(xt_channel_name_valid(XT_STR("a\x1f")));
	assert_false(xt_channel_name_valid(XT_STR("a\0b")));
	assert_false(xt_channel_name_valid(XT_STR("\x7f")));
}

#define ON_BOTH(test_) \
	{ #test_ ", one worker", test_, open_place, close_place, &one_worker }, \
	{ \
#test_ ", two workers", test_, open_place, close_place, &two_workers \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_freed_when_opened),
		ON_BOTH(test_subscribes_again_when_opened),
		ON_BOTH(test_publishes_when_opened),
		ON_BOTH(test_leaves_while_asking),
		ON_BOTH(test_freed_in_deliver),
		ON_BOTH(test_takes_others_along),
		ON_BOTH(test_comes_again_in_deliver),
		ON_BOTH(test_publishes_in_deliver),
		ON_BOTH(test_pending_goes_with_the_last),
		ON_BOTH(test_new_epoch_within_a_fan_out),
		ON_BOTH(test_too_many_channels),
		ON_BOTH(test_out_of_memory_while_live),
		ON_BOTH(test_expiry),
		ON_BOTH(test_history_total),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
