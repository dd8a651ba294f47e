/* presence_test.c - the roll as JSON: connections of one client are one member. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/channel.h"
#include "http/fixture.h"

#define MANY 1001 /* one more than an answer lists */
#define ROOM XT_STR("room")

struct world {
	struct fixture http;
	struct xt_http_config config;
	struct xt_hub *hub;
	size_t count;
	struct reader {
		struct xt_subscriber subscriber;
		struct xt_member member;
		char client[16];
	} readers[MANY];
};

static void
ask_presence(struct xt_exchange *x, void *ctx)
{
	xt_api_presence(x, *(struct xt_hub **)ctx, ROOM);
}

static void
ask_leave(struct xt_exchange *x, void *ctx)
{
	xt_api_leave(x, *(struct xt_hub **)ctx, ROOM, XT_STR("p1"));
}

static struct xt_hub *routed; /* the routes are a constant table */

static const struct xt_route routes[] = {
	{ .path = XT_STR_INIT("/"), .methods = XT_GET, .handle = ask_presence, .ctx = &routed },
	{ .path = XT_STR_INIT("/p1"), .methods = XT_DELETE, .handle = ask_leave, .ctx = &routed },
	{ .handle = NULL },
};

static void
opened(struct xt_subscriber *subscriber, const struct xt_opening *opening)
{
	(void)subscriber;
	assert_true(opening->live);
}

static void
refused(struct xt_subscriber *subscriber, int error)
{
	(void)subscriber;
	fail_msg("refused: %d", error);
}

static void
deliver(struct xt_subscriber *subscriber, struct xt_batch *batch, size_t from)
{
	(void)subscriber;
	(void)batch;
	(void)from;
}

static void
describe(struct xt_subscriber *subscriber, struct xt_member *member)
{
	*member = XT_CONTAINER(subscriber, struct reader, subscriber)->member;
}

static const struct xt_subscriber_ops ops = {
	.opened = opened,
	.refused = refused,
	.deliver = deliver,
	.describe = describe,
};

static void
join(struct world *world, const char *client, const char *name, const char *transport,
	uint64_t since)
{
	struct reader *reader = &world->readers[world->count++];
	struct xt_reading reading = { .start = XT_START_NOW, .mode = XT_MODE_JOIN };

	snprintf(reader->client, sizeof reader->client, "%s", client);
	reader->member = (struct xt_member){
		.client = xt_str_from(reader->client),
		.name = xt_str_from(name),
		.transport = transport,
		.since = since,
	};
	reader->subscriber.ops = &ops;
	xt_hub_subscribe(world->hub, ROOM, &reading, &reader->subscriber);
}

static int
setup(void **state)
{
	static const struct xt_map_key key = { 1, 2 };
	static const struct xt_hub_config config = {
		.history = { .messages = 10, .bytes = 1000, .age_ms = 1000000 },
		.history_total = 100000,
		.channels = 10,
		.linger_ms = 1000000,
	};
	struct world *world = calloc(1, sizeof *world);

	assert_non_null(world);
	world->config.routes = routes;
	fixture_init(&world->http, &world->config);
	assert_int_equal(xt_hub_new(&world->hub, world->http.loop, &config, &key), 0);
	assert_int_equal(xt_hub_connect(&world->hub, 1), 0);
	routed = world->hub;
	*state = world;
	return 0;
}

static int
teardown(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < world->count; i++)
		xt_hub_unsubscribe(&world->readers[i].subscriber);
	fixture_run(&world->http, 0);
	fixture_fini(&world->http);
	xt_hub_free(world->hub);
	free(world);
	return 0;
}

static void
check(struct world *world, const char *expected)
{
	struct answer answer;

	fixture_send(&world->http, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	answer = fixture_answer(&world->http, true);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer_field(&answer, "content-type"), "application/json");
	assert_string_equal(answer.body.p, expected);
	answer_fini(&answer);
}

static void
test_nobody(void **state)
{
	check(*state, "{\"count\":0,\"members\":[]}\n");
}

/* Each transport once, the longest there first, and the name of whichever has one. */
static void
test_merging(void **state)
{
	join(*state, "b2", "", "websocket", 300);
	join(*state, "a1", "", "sse", 200);
	join(*state, "b2", "Bo", "longpoll", 100);
	join(*state, "b2", "", "longpoll", 400);
	join(*state, "b", "", "ndjson", 50);
	check(*state,
		"{\"count\":3,\"members\":["
		"{\"client\":\"a1\",\"transports\":[\"sse\"],\"since\":200},"
		"{\"client\":\"b\",\"transports\":[\"ndjson\"],\"since\":50},"
		"{\"client\":\"b2\",\"name\":\"Bo\",\"transports\":[\"longpoll\",\"websocket\"],"
		"\"since\":100}]}\n");
}

/* Those without a client are members of their own, though they may have the same name. */
static void
test_without_client(void **state)
{
	join(*state, "", "Ann", "sse", 20);
	join(*state, "", "Ann", "sse", 10);
	join(*state, "z", "", "iframe", 30);
	check(*state, "{\"count\":3,\"members\":["
		      "{\"client\":\"z\",\"transports\":[\"iframe\"],\"since\":30},"
		      "{\"name\":\"Ann\",\"transports\":[\"sse\"],\"since\":10},"
		      "{\"name\":\"Ann\",\"transports\":[\"sse\"],\"since\":20}]}\n");
}

/* Of several names the one of the newest connection counts; it may hold any character. */
static void
test_names(void **state)
{
	join(*state, "a", "old", "sse", 10);
	join(*state, "a", "\"\\\n\xc3\xa9", "sse", 20);
	check(*state,
		"{\"count\":1,\"members\":[{\"client\":\"a\",\"name\":\"\\\"\\\\\\n\xc3\xa9\","
		"\"transports\":[\"sse\"],\"since\":10}]}\n");
}

static size_t
count_members(struct xt_str json)
{
	static const char client[] = "{\"client\":";
	size_t n = 0;
	const char *at = json.p;

	while ((at = strstr(at, client))) {
		at += sizeof client - 1;
		n++;
	}
	return n;
}

/* 1000 are listed; one more is counted only. */
static void
test_limit(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < MANY; i++) {
		char client[16], count[32];
		struct answer answer;
		snprintf(client, sizeof client, "c%04u", i);
		join(world, client, "", "sse", 1);
		if (i + 2 < MANY)
			continue;
		fixture_send(&world->http, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
		fixture_run(&world->http, 1);
		answer = fixture_answer(&world->http, true);
		assert_int_equal(count_members(answer.body), 1000);
		snprintf(count, sizeof count, "{\"count\":%u,", i + 1);
		assert_true(xt_str_starts(answer.body, xt_str_from(count)));
		answer_fini(&answer);
	}
}

static void
test_leave(void **state)
{
	struct world *world = *state;
	struct xt_member poller = {
		.client = XT_STR("p1"), .name = XT_STR("Po"), .transport = "poll", .since = 5
	};

	xt_hub_lease(world->hub, ROOM, &poller, false);
	join(world, "p1", "", "sse", 7);
	check(world, "{\"count\":1,\"members\":[{\"client\":\"p1\",\"name\":\"Po\","
		     "\"transports\":[\"poll\",\"sse\"],\"since\":5}]}\n");
	fixture_ask(&world->http, "DELETE /p1 HTTP/1.1\r\nHost: a\r\n\r\n", 204, "");
	check(world, "{\"count\":1,\"members\":[{\"client\":\"p1\",\"transports\":[\"sse\"],"
		     "\"since\":7}]}\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_merging, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leave, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
