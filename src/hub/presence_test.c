/* presence_test.c - who is there: readers on all workers, and pollers by their leases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hub/fixture.h"
#include "hub/hub_private.h"

#define NOW_JOIN ((struct xt_reading){ .start = XT_START_NOW, .mode = XT_MODE_JOIN })

struct roll {
	struct xt_roll roll;
	unsigned done;
	int error;
	size_t count;
	struct xt_member members[8];
	char text[8][2][16];
};

static struct xt_str
copy(char text[16], struct xt_str s)
{
	assert_true(s.n <= 16);
	if (s.n)
		memcpy(text, s.p, s.n);
	return xt_str_of(text, s.n);
}

static void
roll_done(struct xt_roll *roll, int error, const struct xt_member *members, size_t count)
{
	struct roll *own = XT_CONTAINER(roll, struct roll, roll);

	own->done++;
	own->error = error;
	own->count = count;
	for (size_t i = 0; i < count && i < 8; i++) {
		own->members[i] = members[i];
		own->members[i].client = copy(own->text[i][0], members[i].client);
		own->members[i].name = copy(own->text[i][1], members[i].name);
	}
}

/* Asks and returns how many rows came. */
static size_t
call(struct roll *roll, struct xt_world *world, size_t worker, struct xt_str name)
{
	*roll = (struct roll){ .roll.done = roll_done };
	xt_hub_presence(world->hubs[worker], name, &roll->roll);
	xt_world_settle(world);
	assert_int_equal(roll->done, 1);
	assert_int_equal(roll->error, 0);
	assert_null(roll->roll.call);
	return roll->count;
}

static const struct xt_member *
find(const struct roll *roll, struct xt_str client)
{
	for (size_t i = 0; i < roll->count; i++)
		if (xt_str_eq(roll->members[i].client, client))
			return &roll->members[i];
	return NULL;
}

static void
test_readers_everywhere(void **state)
{
	struct xt_world world;
	struct xt_reader readers[3];
	struct xt_str name;
	struct roll roll;

	(void)state;
	xt_world_open(&world, 3, &xt_world_config, 16);
	name = xt_world_name(&world, 1, 0);
	/* a roll makes no channel */
	assert_int_equal(call(&roll, &world, 0, name), 0);
	assert_int_equal(world.hubs[1]->channels.count, 0);
	for (unsigned i = 0; i < 3; i++) {
		static const char *const clients[] = { "a1", "", "c3" };
		xt_reader_init(&readers[i]);
		readers[i].member = (struct xt_member){
			.client = xt_str_from(clients[i]),
			.name = XT_STR("Ann"),
			.transport = "sse",
			.since = 77 + i,
		};
		xt_reader_subscribe(&readers[i], world.hubs[i], name, NOW_JOIN);
	}
	xt_world_settle(&world);
	for (size_t worker = 0; worker < 3; worker++) {
		assert_int_equal(call(&roll, &world, worker, name), 3);
		assert_int_equal(find(&roll, XT_STR("a1"))->since, 77);
		assert_int_equal(find(&roll, XT_STR("c3"))->since, 79);
		assert_string_equal(find(&roll, XT_STR(""))->transport, "sse");
		assert_true(xt_str_eq(find(&roll, XT_STR(""))->name, XT_STR("Ann")));
	}
	assert_int_equal(call(&roll, &world, 0, xt_world_name(&world, 1, 1)), 0);
	for (unsigned i = 0; i < 3; i++) {
		xt_hub_unsubscribe(&readers[i].subscriber);
		assert_int_equal(call(&roll, &world, 2, name), 2 - i);
	}
	xt_world_close(&world);
}

static void
lease(struct xt_world *world, struct xt_str name, struct xt_str client, uint64_t since, bool leave)
{
	struct xt_member member = {
		.client = client, .name = XT_STR("Bo"), .transport = "poll", .since = since
	};

	xt_hub_lease(world->hubs[0], name, &member, leave);
	xt_world_settle(world);
}

/* Who was told that there is more listens when he has come to the end. */
static void
test_catching_up(void **state)
{
	struct xt_reading reading = { .start = XT_START_OLDEST, .mode = XT_MODE_JOIN, .bytes = 1 };
	struct xt_world world;
	struct xt_reader reader;
	struct xt_str name;
	struct roll roll;

	(void)state;
	xt_world_open(&world, 2, &xt_world_config, 16);
	name = xt_world_name(&world, 1, 0);
	for (unsigned i = 0; i < 2; i++)
		xt_hub_publish(world.hubs[0], name, xt_world_message("%u", i), NULL);
	xt_reader_init(&reader);
	xt_reader_subscribe(&reader, world.hubs[0], name, reading);
	xt_world_settle(&world);
	assert_true(reader.opening.more);
	assert_int_equal(call(&roll, &world, 0, name), 0);
	reading.start = XT_START_SINCE;
	reading.since = reader.next;
	xt_reader_subscribe(&reader, world.hubs[0], name, reading);
	xt_world_settle(&world);
	assert_int_equal(call(&roll, &world, 0, name), 1);
	xt_hub_unsubscribe(&reader.subscriber);
	xt_world_close(&world);
}

static void
test_leases(void **state)
{
	struct xt_world world;
	struct xt_str name;
	struct roll roll;

	(void)state;
	xt_world_open(&world, 2, &xt_world_config, 16);
	name = xt_world_name(&world, 1, 0);
	/* leaving makes no channel */
	lease(&world, name, XT_STR("b2"), 1, true);
	assert_int_equal(world.hubs[1]->channels.count, 0);
	lease(&world, name, XT_STR("b2"), 100, false);
	lease(&world, name, XT_STR("c3"), 150, false);
	/* polls again: a member since his first */
	lease(&world, name, XT_STR("b2"), 200, false);
	assert_int_equal(call(&roll, &world, 0, name), 2);
	assert_int_equal(find(&roll, XT_STR("b2"))->since, 100);
	assert_true(xt_str_eq(find(&roll, XT_STR("b2"))->name, XT_STR("Bo")));
	assert_int_equal(find(&roll, XT_STR("c3"))->since, 150);
	lease(&world, name, XT_STR("b2"), 0, true);
	lease(&world, name, XT_STR("b2"), 0, true);
	assert_int_equal(call(&roll, &world, 1, name), 1);
	/* and begins anew after he had left */
	lease(&world, name, XT_STR("b2"), 300, false);
	call(&roll, &world, 1, name);
	assert_int_equal(find(&roll, XT_STR("b2"))->since, 300);
	lease(&world, name, XT_STR("b2"), 0, true);
	lease(&world, name, XT_STR("c3"), 0, true);
	assert_int_equal(call(&roll, &world, 1, name), 0);
	lease(&world, name, XT_STR("stays"), 0, false);
	xt_world_close(&world);
}

static void
test_linger(void **state)
{
	struct roll roll;
	struct xt_hub_config config = xt_world_config;
	struct xt_world world;
	struct xt_channel *channel;
	struct xt_str name;

	(void)state;
	config.linger_ms = 1000;
	xt_world_open(&world, 1, &config, 16);
	name = xt_world_name(&world, 0, 0);
	lease(&world, name, XT_STR("a"), 0, false);
	lease(&world, name, XT_STR("b"), 0, false);
	lease(&world, name, XT_STR("c"), 0, false);
	channel = xt_channel_find(world.hubs[0], xt_map_hash(&world.hubs[0]->key, name), name);
	assert_int_equal(call(&roll, &world, 0, name), 3);
	/* the time of two of them passes */
	xt_list_each (at, after, &channel->leases->order)
		if (at != channel->leases->order.prev)
			XT_LIST_ENTRY(at, struct xt_lease, link)->until =
				xt_loop_now(world.loops[0]);
	assert_int_equal(call(&roll, &world, 0, name), 1);
	/* a lease alone keeps a channel, and no longer than it lasts */
	channel->used_at -= xt_world_config.history.age_ms;
	xt_channel_expire(&world.hubs[0]->expiry);
	assert_int_equal(world.hubs[0]->channels.count, 1);
	XT_LIST_ENTRY(channel->leases->order.next, struct xt_lease, link)->until = 0;
	channel->used_at -= xt_world_config.history.age_ms;
	xt_channel_expire(&world.hubs[0]->expiry);
	assert_int_equal(world.hubs[0]->channels.count, 0);
	xt_world_close(&world);
}

static void
test_linger_on_the_clock(void **state)
{
	struct roll roll;
	struct xt_hub_config config = xt_world_config;
	struct xt_world world;

	(void)state;
	config.linger_ms = 20;
	xt_world_open(&world, 1, &config, 16);
	lease(&world, xt_world_name(&world, 0, 0), XT_STR("a"), 0, false);
	xt_world_pass(&world, 20);
	assert_int_equal(call(&roll, &world, 0, xt_world_name(&world, 0, 0)), 0);
	/* no linger: a member only while it asks, and that is over */
	world.hubs[0]->config.linger_ms = 0;
	lease(&world, xt_world_name(&world, 0, 0), XT_STR("a"), 0, false);
	assert_int_equal(call(&roll, &world, 0, xt_world_name(&world, 0, 0)), 0);
	xt_world_close(&world);
}

static void
test_cancelled(void **state)
{
	struct roll roll = { .roll.done = roll_done };
	struct xt_world world;
	struct xt_reader reader;

	(void)state;
	xt_world_open(&world, 3, &xt_world_config, 16);
	xt_reader_init(&reader);
	xt_reader_subscribe(&reader, world.hubs[2], xt_world_name(&world, 1, 0), NOW_JOIN);
	xt_world_settle(&world);
	/* after so many turns: asked, answered by the home, asked of all workers */
	for (unsigned turns = 0; turns < 5; turns++) {
		xt_hub_presence(world.hubs[0], xt_world_name(&world, 1, 0), &roll.roll);
		for (unsigned i = 0; i < turns; i++)
			xt_world_turn(&world, (i + 1) % 3);
		if (!roll.done) {
			xt_roll_cancel(&roll.roll);
			xt_roll_cancel(&roll.roll);
		}
		xt_world_settle(&world);
		assert_int_equal(roll.done, 0);
	}
	xt_hub_unsubscribe(&reader.subscriber);
	xt_world_close(&world);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readers_everywhere),
		cmocka_unit_test(test_catching_up),
		cmocka_unit_test(test_leases),
		cmocka_unit_test(test_linger),
		cmocka_unit_test(test_linger_on_the_clock),
		cmocka_unit_test(test_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
