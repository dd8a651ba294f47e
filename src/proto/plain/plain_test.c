/* plain_test.c - catching up, and being told what is lost, without a socket. */
#include "proto/plain/plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hub/fixture.h"
#include "proto/plain/object.h"
#include "session/session.h"

#define MANY (3 * XT_OPENING_MESSAGES)

/* What the transport was to send; only one session at a time. */
static struct {
	struct xt_buf out;
	unsigned deliveries, opens, losses, closed;
	enum xt_close why;
} seen;

static int
frame(struct xt_session *session, const struct xt_message *message,
	const struct xt_payload *payload, struct xt_buf *out)
{
	(void)session;
	(void)message;
	return xt_buf_printf(out, "%.*s;", (int)payload->bytes.n, payload->bytes.p);
}

static void
deliver(struct xt_session *session, const struct xt_delivery *delivery)
{
	(void)session;
	seen.deliveries++;
	assert_int_equal(xt_buf_append(&seen.out, delivery->bytes->p + delivery->from,
				 delivery->to - delivery->from),
		0);
}

static void
tell(struct xt_session *session, const struct xt_notice *notice)
{
	(void)session;
	seen.opens += notice->kind == XT_NOTICE_OPEN;
	seen.losses += notice->kind == XT_NOTICE_LOST;
}

static void
note_close(struct xt_session *session, enum xt_close why, const char *words)
{
	(void)session;
	assert_true(*words);
	seen.closed++;
	seen.why = why;
}

#define KEEPS .frame = frame, .deliver = deliver, .notice = tell, .close = note_close

static const struct xt_socket_ops no_words;
static const struct xt_transport socket_like = { .socket = &no_words, KEEPS };
static const struct xt_transport stream_like = { .index = XT_TRANSPORT_SSE, KEEPS };

struct fixture {
	struct xt_world world;
	struct xt_sessions sessions;
	struct xt_session *session;
	struct xt_str channel;
};

static int
setup_with(void **state, size_t channels)
{
	static const struct xt_sessions_config config = { .max_backlog = 1u << 20 };
	struct xt_hub_config hub = xt_world_config;
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	hub.history.messages = MANY + 1;
	hub.channels = channels;
	xt_world_open(&f->world, 2, &hub, 16);
	xt_sessions_init(&f->sessions, f->world.hubs[0], 0, &config);
	memset(&seen, 0, sizeof seen);
	*state = f;
	return 0;
}

static int
setup(void **state)
{
	return setup_with(state, xt_world_config.channels);
}

/* Room for one channel at each home. */
static int
setup_small(void **state)
{
	return setup_with(state, 1);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	xt_session_closed(f->session, XT_CLOSE_PEER);
	xt_world_close(&f->world);
	xt_buf_fini(&seen.out);
	free(f);
	return 0;
}

/* The first session's id is known before it is there. */
static void
publish(struct fixture *f, const char *text, bool own)
{
	uint64_t origin = own ? f->sessions.last_id + !f->session : 0;
	struct xt_message *message =
		xt_message_new(XT_KIND_TEXT, xt_str_from(text), (struct xt_str){ 0 }, origin);

	assert_non_null(message);
	xt_hub_publish(f->world.hubs[0], f->channel, message, NULL);
	xt_world_settle(&f->world);
}

static void
begin(struct fixture *f, const struct xt_transport *transport, struct xt_entry entry)
{
	entry.channel = f->channel;
	f->session = xt_session_new(&f->sessions, transport, &xt_plain_protocol, &entry);
	assert_non_null(f->session);
	xt_session_open(f->session, &entry);
	xt_world_settle(&f->world);
}

static void
check_out(const char *expected)
{
	if (!xt_str_eq(xt_buf_str(&seen.out), xt_str_from(expected)))
		fail_msg("expected %s, got %.*s", expected, (int)seen.out.n,
			seen.out.n ? seen.out.p : "");
	seen.out.n = 0;
}

/* Answers full of own messages send nothing, so nothing drains: the next question follows by itself. */
static void
check_own_history(struct fixture *f, size_t home)
{
	f->channel = xt_world_name(&f->world, home, 0);
	for (size_t i = 0; i < MANY; i++)
		publish(f, "own", true);
	publish(f, "a", false);
	begin(f, &socket_like,
		(struct xt_entry){ .reading.start = XT_START_OLDEST, .no_echo = true });
	check_out("a;");
	publish(f, "own", true);
	publish(f, "b", false);
	check_out("b;");
}

static void
test_own_history_here(void **state)
{
	check_own_history(*state, 0);
}

static void
test_own_history_elsewhere(void **state)
{
	check_own_history(*state, 1);
}

/* The next part is asked for when the one before has left, and live messages follow the last. */
static void
test_catching_up(void **state)
{
	struct fixture *f = *state;

	f->channel = xt_world_name(&f->world, 1, 0);
	for (size_t i = 0; i < MANY; i++)
		publish(f, "x", false);
	begin(f, &stream_like, (struct xt_entry){ .reading.start = XT_START_OLDEST });
	for (size_t i = 1; i <= 3; i++) {
		assert_int_equal(seen.out.n, i * 2 * XT_OPENING_MESSAGES);
		xt_session_drained(f->session);
		xt_world_settle(&f->world);
	}
	assert_int_equal(seen.opens, 1);
	assert_int_equal(seen.deliveries, 3);
	seen.out.n = 0;
	publish(f, "y", false);
	check_out("y;");
}

static struct xt_entry
from_another_life(bool json)
{
	return (struct xt_entry){
		.reading = { .start = XT_START_SINCE, .since = { 1, 7 } },
		.json = json,
	};
}

/* Payloads alone leave no room for words. */
static void
test_lost_on_payloads(void **state)
{
	struct fixture *f = *state;

	f->channel = xt_world_name(&f->world, 0, 0);
	publish(f, "a", false);
	begin(f, &socket_like, from_another_life(false));
	assert_int_equal(seen.closed, 1);
	assert_int_equal(seen.why, XT_CLOSE_LOST);
	check_out("");
}

static void
test_lost_in_words(void **state)
{
	struct fixture *f = *state;

	f->channel = xt_world_name(&f->world, 0, 0);
	publish(f, "a", false);
	begin(f, &socket_like, from_another_life(true));
	assert_int_equal(seen.closed, 0);
	assert_int_equal(seen.opens, 1);
	assert_int_equal(seen.losses, 1);
	assert_int_equal(seen.deliveries, 1);
}

/* Publishing ---------------------------------------------------------------------------- */

static void
receive(struct fixture *f, const char *text)
{
	xt_session_received(f->session,
		&(struct xt_payload){ .bytes = xt_str_from(text), .kind = XT_KIND_TEXT });
}

/* One who catches up does not keep his channel, so what he publishes may be refused: he is told. */
static void
check_refused(struct fixture *f, size_t home)
{
	struct xt_reader other;

	f->channel = xt_world_name(&f->world, home, 0);
	for (size_t i = 0; i < MANY; i++)
		publish(f, "x", false);
	begin(f, &socket_like, (struct xt_entry){ .reading.start = XT_START_OLDEST });
	xt_reader_init(&other);
	xt_reader_subscribe(&other, f->world.hubs[0], xt_world_name(&f->world, home, 1),
		(struct xt_reading){ .mode = XT_MODE_JOIN });
	xt_world_settle(&f->world);
	assert_true(xt_reader_is_live(&other));
	receive(f, "one");
	receive(f, "two");
	xt_world_settle(&f->world);
	assert_int_equal(seen.closed, 1);
	assert_int_equal(seen.why, XT_CLOSE_LIMIT);
	xt_hub_unsubscribe(&other.subscriber);
}

static void
test_refused_here(void **state)
{
	check_refused(*state, 0);
}

static void
test_refused_elsewhere(void **state)
{
	check_refused(*state, 1);
}

/* What was published before the first answer came is published all the same. */
static void
test_published_and_gone(void **state)
{
	struct fixture *f = *state;
	struct xt_entry entry = { .reading.start = XT_START_NOW };
	struct xt_hub_stats *stats = xt_hub_stats(f->world.hubs[1]);

	entry.channel = xt_world_name(&f->world, 1, 0);
	f->session = xt_session_new(&f->sessions, &socket_like, &xt_plain_protocol, &entry);
	assert_non_null(f->session);
	xt_session_open(f->session, &entry);
	receive(f, "one");
	receive(f, "two");
	xt_session_close(f->session, XT_CLOSE_DONE, "enough");
	xt_world_settle(&f->world);
	assert_int_equal(xt_counter_read(&stats->messages_in), 2);
}

int
main(void)
{
#define TEST(name)       cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
#define TEST_SMALL(name) cmocka_unit_test_setup_teardown(test_##name, setup_small, teardown)
	const struct CMUnitTest tests[] = {
		TEST(own_history_here),
		TEST(own_history_elsewhere),
		TEST(catching_up),
		TEST(lost_on_payloads),
		TEST(lost_in_words),
		TEST_SMALL(refused_here),
		TEST_SMALL(refused_elsewhere),
		TEST(published_and_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
