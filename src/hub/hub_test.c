/*
 * hub_test.c - the contract of reading and publishing, on one worker and on two: the readers are on worker 0,
 * the channel's home is the last one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crosstalk.h"
#include "hub/fixture.h"
#include "hub/hub_private.h"

/* In each lane of a mailbox: few, so that they overflow. */
#define LETTERS 64

static size_t one_worker = 1, two_workers = 2;

struct place {
	struct xt_world world;
	struct xt_hub *here, *home;
	struct xt_str name;
};

static int
open_with(void **state, const struct xt_hub_config *config)
{
	struct place *place = calloc(1, sizeof *place);

	xt_world_open(&place->world, *(size_t *)*state, config, LETTERS);
	place->here = place->world.hubs[0];
	place->home = place->world.hubs[place->world.count - 1];
	place->name = xt_world_name(&place->world, place->world.count - 1, 0);
	*state = place;
	return 0;
}

static int
open_place(void **state)
{
	return open_with(state, &xt_world_config);
}

static int
open_long(void **state)
{
	struct xt_hub_config config = xt_world_config;

	config.history.messages = 5000;
	return open_with(state, &config);
}

static int
open_short(void **state)
{
	struct xt_hub_config config = xt_world_config;

	config.history.messages = 3;
	return open_with(state, &config);
}

static int
open_bare(void **state)
{
	struct xt_hub_config config = xt_world_config;

	config.history.messages = 0;
	return open_with(state, &config);
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
	for (unsigned i = 0; i < n; i++) {
		xt_hub_publish(place->here, place->name, xt_world_message("%u", i), NULL);
		/* Not all at once: mailboxes are small, and a batch is what one turn brings. */
		if (i % 8 == 7)
			xt_world_settle(&place->world);
	}
	xt_world_settle(&place->world);
}

static struct xt_position
top_of(struct place *place)
{
	uint64_t hash = xt_map_hash(&place->home->key, place->name);

	return xt_channel_find(place->home, hash, place->name)->top;
}

static void
read_with(struct place *place, struct xt_reader *reader, struct xt_reading reading)
{
	xt_reader_subscribe(reader, place->here, place->name, reading);
	xt_world_settle(&place->world);
}

static struct xt_reading
since(struct xt_position position, enum xt_mode mode)
{
	return (struct xt_reading){ .start = XT_START_SINCE, .mode = mode, .since = position };
}

#define NOW_JOIN    ((struct xt_reading){ .start = XT_START_NOW, .mode = XT_MODE_JOIN })
#define OLDEST_JOIN ((struct xt_reading){ .start = XT_START_OLDEST, .mode = XT_MODE_JOIN })

/* Where to begin, and what to do then -------------------------------------------------- */

/* Five were published, three are kept: 3, 4, 5. `at` is `since` or `last`. */
static const struct {
	enum xt_start start;
	uint64_t at;
	uint64_t first; /* 0: nothing */
	bool lost;
} starts[] = {
	{ XT_START_NOW, 0, 0, false },
	{ XT_START_OLDEST, 0, 3, false },
	{ XT_START_SINCE, 5, 0, false },
	{ XT_START_SINCE, 4, 5, false },
	{ XT_START_SINCE, 3, 4, false },
	{ XT_START_SINCE, 2, 3, false },
	{ XT_START_SINCE, 1, 3, true },
	{ XT_START_SINCE, 0, 3, true },
	{ XT_START_SINCE, 6, 3, true },
	{ XT_START_SINCE, XT_OFFSET_MAX, 3, true },
	{ XT_START_LAST, 0, 0, false },
	{ XT_START_LAST, 1, 5, false },
	{ XT_START_LAST, 3, 3, false },
	{ XT_START_LAST, 4, 3, false },
	{ XT_START_LAST, SIZE_MAX, 3, false },
};

static bool
stays(enum xt_mode mode, bool news)
{
	return mode == XT_MODE_JOIN || (mode == XT_MODE_WAIT && !news);
}

static void
check_start(struct place *place, size_t row, enum xt_mode mode)
{
	struct xt_reading reading = {
		.start = starts[row].start,
		.mode = mode,
		.since = { top_of(place).epoch, starts[row].at },
		.last = (size_t)starts[row].at,
	};
	uint64_t top = top_of(place).offset;
	bool live = stays(mode, starts[row].first || starts[row].lost);
	struct xt_reader reader;

	xt_reader_init(&reader);
	read_with(place, &reader, reading);
	assert_int_equal(reader.opened, 1);
	assert_int_equal(reader.refused, 0);
	assert_int_equal(reader.first, starts[row].first);
	assert_int_equal(reader.opening.count, starts[row].first ? top - starts[row].first + 1 : 0);
	assert_int_equal(reader.opening.lost, starts[row].lost);
	assert_false(reader.opening.more);
	assert_int_equal(reader.opening.live, live);
	assert_int_equal(reader.opening.next.offset, top);
	assert_int_equal(reader.opening.next.epoch, top_of(place).epoch);
	xt_hub_unsubscribe(&reader.subscriber);
}

static void
test_starts(void **state)
{
	struct place *place = *state;

	publish(place, 5);
	for (size_t row = 0; row < sizeof starts / sizeof starts[0]; row++)
		for (enum xt_mode mode = XT_MODE_READ; mode <= XT_MODE_JOIN; mode++)
			check_start(place, row, mode);
}

static void
test_live_rows_get_the_next(void **state)
{
	struct place *place = *state;
	struct xt_reading readings[] = {
		{ .start = XT_START_NOW, .mode = XT_MODE_WAIT },
		{ .start = XT_START_NOW, .mode = XT_MODE_JOIN },
		{ .start = XT_START_OLDEST, .mode = XT_MODE_JOIN },
		{ .start = XT_START_LAST, .mode = XT_MODE_JOIN, .last = 2 },
		{ .start = XT_START_SINCE, .mode = XT_MODE_JOIN, .since = { 1, 1 } },
	};
	struct xt_reader readers[5], once;

	publish(place, 5);
	for (size_t i = 0; i < 5; i++) {
		xt_reader_init(&readers[i]);
		read_with(place, &readers[i], readings[i]);
		assert_true(xt_reader_is_live(&readers[i]));
	}
	assert_true(readers[4].opening.lost);
	xt_reader_init(&once);
	read_with(place, &once, (struct xt_reading){ .mode = XT_MODE_READ });
	publish(place, 2);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(readers[i].messages, 2);
		assert_int_equal(readers[i].next.offset, 7);
		xt_hub_unsubscribe(&readers[i].subscriber);
	}
	assert_int_equal(once.messages, 0);
	publish(place, 1);
	assert_int_equal(readers[0].messages, 2);
}

static void
test_foreign_epoch_is_lost(void **state)
{
	struct place *place = *state;
	struct xt_reader reader;
	struct xt_position other;

	publish(place, 2);
	other = (struct xt_position){ top_of(place).epoch + 1, 1 };
	xt_reader_init(&reader);
	read_with(place, &reader, since(other, XT_MODE_WAIT));
	assert_true(reader.opening.lost);
	assert_false(reader.opening.live);
	assert_int_equal(reader.first, 1);
	/* also where nothing ever was, and then there is nothing to read */
	place->name = xt_world_name(&place->world, 0, 3);
	read_with(place, &reader, since(other, XT_MODE_JOIN));
	assert_true(reader.opening.lost);
	assert_int_equal(reader.opening.count, 0);
	assert_int_equal(reader.opening.next.offset, 0);
	assert_true(xt_reader_is_live(&reader));
	xt_hub_unsubscribe(&reader.subscriber);
}

static void
test_without_history(void **state)
{
	struct place *place = *state;
	struct xt_reader reader;

	publish(place, 4);
	xt_reader_init(&reader);
	read_with(place, &reader,
		since((struct xt_position){ top_of(place).epoch, 3 }, XT_MODE_READ));
	assert_true(reader.opening.lost);
	assert_int_equal(reader.opening.count, 0);
	read_with(place, &reader, since(top_of(place), XT_MODE_JOIN));
	assert_false(reader.opening.lost);
	publish(place, 3);
	assert_int_equal(reader.next.offset, 7);
	xt_hub_unsubscribe(&reader.subscriber);
	assert_int_equal(xt_counter_read(&xt_hub_stats(place->home)->history_messages), 0);
}

/* More than one answer ------------------------------------------------------------------ */

static void
test_more(void **state)
{
	struct place *place = *state;
	struct xt_reader reader;

	publish(place, XT_OPENING_MESSAGES);
	xt_reader_init(&reader);
	read_with(place, &reader, OLDEST_JOIN);
	assert_int_equal(reader.opening.count, XT_OPENING_MESSAGES);
	assert_false(reader.opening.more);
	assert_true(reader.opening.live);
	xt_hub_unsubscribe(&reader.subscriber);

	publish(place, XT_OPENING_MESSAGES + 1);
	for (enum xt_mode mode = XT_MODE_READ; mode <= XT_MODE_JOIN; mode++) {
		read_with(place, &reader,
			(struct xt_reading){ .start = XT_START_OLDEST, .mode = mode });
		assert_int_equal(reader.opening.count, XT_OPENING_MESSAGES);
		assert_true(reader.opening.more);
		assert_false(reader.opening.live);
		assert_int_equal(reader.opening.next.offset, XT_OPENING_MESSAGES);
	}
	/* on from there, while more comes */
	publish(place, 1);
	read_with(place, &reader, since(reader.next, XT_MODE_JOIN));
	assert_int_equal(reader.first, XT_OPENING_MESSAGES + 1);
	assert_true(reader.opening.more);
	read_with(place, &reader, since(reader.next, XT_MODE_JOIN));
	assert_int_equal(reader.opening.count, 2);
	assert_true(reader.opening.live);
	publish(place, 1);
	assert_int_equal(reader.messages, 1);
	xt_hub_unsubscribe(&reader.subscriber);
}

static void
publish_large(struct place *place, size_t size)
{
	char *bytes = calloc(1, size);

	xt_hub_publish(place->here, place->name,
		xt_message_new(XT_KIND_BINARY, xt_str_of(bytes, size), (struct xt_str){ 0 }, 0),
		NULL);
	xt_world_settle(&place->world);
	free(bytes);
}

static void
test_more_bytes(void **state)
{
	struct place *place = *state;
	struct xt_reader reader;

	publish_large(place, XT_OPENING_BYTES - 10);
	publish_large(place, 10);
	publish_large(place, 1);
	publish_large(place, XT_OPENING_BYTES * 2);
	publish_large(place, 0);
	xt_reader_init(&reader);
	read_with(place, &reader, OLDEST_JOIN);
	assert_int_equal(reader.opening.count, 2);
	read_with(place, &reader, since(reader.next, XT_MODE_JOIN));
	assert_int_equal(reader.opening.count, 1);
	/* however large, there is one */
	read_with(place, &reader, since(reader.next, XT_MODE_JOIN));
	assert_int_equal(reader.opening.count, 1);
	assert_true(reader.opening.more);
	read_with(place, &reader, since(reader.next, XT_MODE_JOIN));
	assert_int_equal(reader.opening.count, 1);
	assert_true(reader.opening.live);
	xt_hub_unsubscribe(&reader.subscriber);
}

/* Joining while messages are on their way ----------------------------------------------- */

/*
 * `before` messages wait for their fan-out when a second reader joins, `after` come behind him; the turns of the
 * two workers come in every order.
 */
static void
join_between(struct place *place, unsigned order, unsigned before, unsigned after)
{
	struct xt_reader first, second;
	uint64_t top;

	xt_reader_init(&first);
	xt_reader_init(&second);
	read_with(place, &first, NOW_JOIN);
	for (unsigned i = 0; i < before; i++)
		xt_hub_publish(place->here, place->name, xt_world_message("b"), NULL);
	for (unsigned i = 0; i < 3; i++)
		xt_world_turn(&place->world, (order >> i & 1) % place->world.count);
	xt_reader_subscribe(&second, place->here, place->name, OLDEST_JOIN);
	for (unsigned i = 0; i < after; i++)
		xt_hub_publish(place->home, place->name, xt_world_message("a"), NULL);
	for (unsigned i = 3; i < 6; i++)
		xt_world_turn(&place->world, (order >> i & 1) % place->world.count);
	xt_hub_publish(place->here, place->name, xt_world_message("end"), NULL);
	xt_world_settle(&place->world);
	top = top_of(place).offset;
	assert_int_equal(first.next.offset, top);
	assert_int_equal(second.next.offset, top);
	assert_int_equal(first.messages, before + after + 1);
	assert_string_equal(second.last, "end");
	xt_hub_unsubscribe(&first.subscriber);
	xt_hub_unsubscribe(&second.subscriber);
	xt_world_settle(&place->world);
}

static void
test_join_between(void **state)
{
	for (unsigned order = 0; order < 64; order++)
		for (unsigned n = 0; n < 9; n++)
			join_between(*state, order, n % 3, n / 3);
}

/* Many subscribers are served in slices; who joins or leaves meanwhile disturbs nobody. */
static void
test_join_and_leave_in_slices(void **state)
{
	enum { MANY = XT_HUB_SLICE * 3 + 7 };
	struct place *place = *state;
	struct xt_reader *readers = calloc(MANY * 2, sizeof *readers);
	unsigned n = 0, gone = 0;

	srandom(7);
	for (; n < MANY; n++) {
		xt_reader_init(&readers[n]);
		read_with(place, &readers[n], NOW_JOIN);
	}
	for (unsigned round = 0; round < 200; round++) {
		unsigned leaver = (unsigned)random() % n;
		xt_hub_publish(place->home, place->name, xt_world_message("%u", round), NULL);
		for (unsigned i = (unsigned)random() % 3; i > 0; i--)
			xt_world_turn(&place->world, (size_t)random() % place->world.count);
		if (n < MANY * 2) {
			xt_reader_init(&readers[n]);
			xt_reader_subscribe(&readers[n++], place->here, place->name, OLDEST_JOIN);
		}
		gone += xt_reader_is_live(&readers[leaver]);
		xt_hub_unsubscribe(&readers[leaver].subscriber);
	}
	xt_world_settle(&place->world);
	assert_true(gone > 100);
	for (unsigned i = 0; i < n; i++) {
		if (xt_reader_is_live(&readers[i]))
			assert_int_equal(readers[i].next.offset, 200);
		xt_hub_unsubscribe(&readers[i].subscriber);
	}
	free(readers);
}

/* Publishing ---------------------------------------------------------------------------- */

struct receipt {
	struct xt_receipt receipt;
	unsigned done;
	int error;
	struct xt_position id;
};

static void
receipt_done(struct xt_receipt *receipt, int error, struct xt_position id)
{
	struct receipt *own = XT_CONTAINER(receipt, struct receipt, receipt);

	own->done++;
	own->error = error;
	own->id = id;
}

static void
test_receipts(void **state)
{
	struct place *place = *state;
	struct receipt receipts[3] = { 0 };

	for (unsigned i = 0; i < 3; i++) {
		receipts[i].receipt.done = receipt_done;
		xt_hub_publish(
			place->here, place->name, xt_world_message("%u", i), &receipts[i].receipt);
	}
	if (place->here != place->home) {
		assert_int_equal(receipts[0].done, 0);
		xt_receipt_cancel(&receipts[1].receipt);
	}
	xt_world_settle(&place->world);
	assert_int_equal(receipts[0].done, 1);
	assert_int_equal(receipts[0].error, 0);
	assert_int_equal(receipts[0].id.offset, 1);
	assert_int_equal(receipts[1].done, place->here == place->home);
	assert_int_equal(receipts[2].id.offset, 3);
	xt_receipt_cancel(&receipts[2].receipt);
	/* one that may be used again, for a drop */
	xt_hub_drop(place->here, place->name, &receipts[2].receipt);
	xt_world_settle(&place->world);
	assert_int_equal(receipts[2].done, 2);
	assert_int_equal(receipts[2].id.offset, 3);
	assert_int_equal(receipts[2].id.epoch, receipts[0].id.epoch);
}

/* One receipt for several, and nobody who waits for the last ones. */
static void
test_receipt_of_many(void **state)
{
	struct place *place = *state;
	struct receipt many = { .receipt.done = receipt_done };
	bool here = place->here == place->home;

	for (unsigned i = 0; i < 3; i++)
		xt_hub_publish(place->here, place->name, xt_world_message("%u", i), &many.receipt);
	xt_world_settle(&place->world);
	assert_int_equal(many.done, 3);
	assert_int_equal(many.id.offset, 3);
	for (unsigned i = 0; i < 2; i++)
		xt_hub_publish(place->here, place->name, xt_world_message("%u", i), &many.receipt);
	xt_receipt_cancel(&many.receipt);
	xt_world_settle(&place->world);
	assert_int_equal(many.done, here ? 5 : 3);
}

static void
test_order(void **state)
{
	struct place *place = *state;
	struct xt_reader reader;

	xt_reader_init(&reader);
	read_with(place, &reader, NOW_JOIN);
	/* by name, and on the subscription: one order */
	for (unsigned i = 0; i < 100; i++) {
		if (i % 3)
			xt_hub_publish(place->here, place->name, xt_world_message("%u", i), NULL);
		else
			xt_hub_publish_on(&reader.subscriber, xt_world_message("%u", i));
		if (i % 7 == 0) {
			xt_world_settle(&place->world);
			assert_int_equal(atoi(reader.last), i);
		}
	}
	xt_hub_publish_on(&reader.subscriber, xt_world_message("last"));
	xt_world_settle(&place->world);
	assert_string_equal(reader.last, "last");
	assert_int_equal(reader.messages, 101);
	/* right before it leaves: the channel is still there for it */
	xt_hub_publish_on(&reader.subscriber, xt_world_message("bye"));
	xt_hub_unsubscribe(&reader.subscriber);
	xt_world_settle(&place->world);
	assert_int_equal(top_of(place).offset, 102);
	assert_int_equal(xt_counter_read(&xt_hub_stats(place->home)->messages_in), 102);
	assert_int_equal(xt_counter_read(&xt_hub_stats(place->here)->messages_out), 101);
	assert_true(xt_counter_read(&xt_hub_stats(place->here)->bytes_out) >= 101);
}

static void
test_turn_is_one_batch(void **state)
{
	struct place *place = *state;
	struct xt_reader reader;

	xt_reader_init(&reader);
	read_with(place, &reader, NOW_JOIN);
	for (unsigned i = 0; i < 10; i++)
		xt_hub_publish(place->here, place->name, xt_world_message("%u", i), NULL);
	xt_world_settle(&place->world);
	assert_int_equal(reader.deliveries, 1);
	assert_int_equal(reader.messages, 10);
	xt_hub_unsubscribe(&reader.subscriber);
}

static void
test_drop(void **state)
{
	struct place *place = *state;
	struct xt_reader reader, live;
	struct xt_position before;

	publish(place, 3);
	before = top_of(place);
	xt_reader_init(&reader);
	xt_reader_init(&live);
	read_with(place, &live, NOW_JOIN);
	xt_hub_drop(place->here, place->name, NULL);
	xt_world_settle(&place->world);
	assert_int_equal(xt_counter_read(&xt_hub_stats(place->home)->history_messages), 0);
	assert_int_equal(xt_counter_read(&xt_hub_stats(place->home)->history_bytes), 0);
	read_with(place, &reader, since(before, XT_MODE_READ));
	assert_false(reader.opening.lost);
	before.offset--;
	read_with(place, &reader, since(before, XT_MODE_READ));
	assert_true(reader.opening.lost);
	assert_int_equal(reader.opening.count, 0);
	/* positions go on, for those who were there too */
	publish(place, 1);
	assert_int_equal(live.next.offset, 4);
	read_with(place, &reader, (struct xt_reading){ .start = XT_START_OLDEST });
	assert_int_equal(reader.first, 4);
	xt_hub_unsubscribe(&live.subscriber);
}

/* From a foreign thread ----------------------------------------------------------------- */

enum { SUBMITS = 3000 };

static void *
submit_all(void *arg)
{
	struct place *place = arg;

	for (unsigned i = 0; i < SUBMITS; i++) {
		struct xt_message *message = xt_world_message("%u", i);
		int error;
		while ((error = xt_hub_submit(place->here, place->name, message)) == XT_EAGAIN)
			sched_yield();
		if (error < 0)
			xt_message_unref(message);
	}
	return NULL;
}

static void
count_in_order(struct xt_reader *reader)
{
	assert_int_equal((uint64_t)atoi(reader->last) + 1, reader->next.offset);
}

static void
test_submit(void **state)
{
	struct place *place = *state;
	struct xt_reader reader;
	pthread_t thread;

	xt_reader_init(&reader);
	reader.on_deliver = count_in_order;
	read_with(place, &reader, NOW_JOIN);
	assert_int_equal(pthread_create(&thread, NULL, submit_all, place), 0);
	while (reader.messages < SUBMITS)
		xt_world_settle(&place->world);
	pthread_join(thread, NULL);
	xt_hub_unsubscribe(&reader.subscriber);
}

static void
test_submit_to_a_full_mailbox(void **state)
{
	struct place *place = *state;
	struct xt_message *message = xt_world_message("one too many");
	unsigned n = 0;

	while (xt_hub_submit(place->here, place->name, xt_message_ref(message)) == 0) {
		xt_message_unref(message);
		message = xt_world_message("%u", ++n);
	}
	assert_int_equal(message->refs, 2);
	xt_message_unref(message);
	xt_message_unref(message);
	assert_int_equal(n, LETTERS);
	xt_world_settle(&place->world);
	assert_int_equal(top_of(place).offset, n);
}

/* Pressure ------------------------------------------------------------------------------ */

/* Messages come faster than a worker serves them: all stop taking new ones, and what waits stays bounded. */
static void
test_throttle(void **state)
{
	enum { READERS = 12 * XT_HUB_SLICE, MESSAGES = 4 * XT_HUB_QUEUED_MESSAGES };
	struct place *place = *state;
	struct xt_reader *readers = calloc(READERS, sizeof *readers);
	size_t most = 0, again = 0;

	for (unsigned i = 0; i < READERS; i++) {
		xt_reader_init(&readers[i]);
		read_with(place, &readers[i], NOW_JOIN);
	}
	for (unsigned i = 0; i < MESSAGES;) {
		struct xt_message *message = xt_world_message("%u", i);
		if (xt_hub_submit(place->home, place->name, message) < 0) {
			xt_message_unref(message);
			again++;
			for (size_t w = 0; w < place->world.count; w++)
				xt_world_turn(&place->world, w);
		} else {
			i++;
		}
		most = place->here->queued > most ? place->here->queued : most;
	}
	xt_world_settle(&place->world);
	assert_true(again > 0);
	assert_true(most > XT_HUB_QUEUED_MESSAGES);
	/* one turn's letters more */
	assert_true(most < XT_HUB_QUEUED_MESSAGES + 4096);
	assert_false(place->here->throttled);
	for (unsigned i = 0; i < READERS; i++) {
		assert_int_equal(readers[i].next.offset, MESSAGES);
		xt_hub_unsubscribe(&readers[i].subscriber);
	}
	free(readers);
}

#define ON_BOTH(test_, setup_) \
	{ #test_ ", one worker", test_, setup_, close_place, &one_worker }, \
	{ \
#test_ ", two workers", test_, setup_, close_place, &two_workers \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_starts, open_short),
		ON_BOTH(test_live_rows_get_the_next, open_place),
		ON_BOTH(test_foreign_epoch_is_lost, open_place),
		ON_BOTH(test_without_history, open_bare),
		ON_BOTH(test_more, open_long),
		ON_BOTH(test_more_bytes, open_place),
		ON_BOTH(test_join_between, open_place),
		ON_BOTH(test_join_and_leave_in_slices, open_long),
		ON_BOTH(test_receipts, open_place),
		ON_BOTH(test_receipt_of_many, open_place),
		ON_BOTH(test_order, open_place),
		ON_BOTH(test_turn_is_one_batch, open_place),
		ON_BOTH(test_drop, open_place),
		ON_BOTH(test_submit, open_place),
		ON_BOTH(test_submit_to_a_full_mailbox, open_place),
		ON_BOTH(test_throttle, open_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
