/*
 * hub_threads_test.c - workers that do everything at random and at once: subscribe, leave, free, publish, call the
 * roll. Whatever they do, no reader misses a message or gets one twice, all see the same, and nothing is left
 * at the end. First on one thread, in a thousand orders that can be repeated; then on real threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/panic.h"
#include "crosstalk.h"
#include "hub/fixture.h"
#include "hub/hub_private.h"

enum {
	CHANNELS = 4,
	LISTENERS = 24, /* on each worker */
	RECEIPTS = 8,
	PUBLISHERS = XT_WORLD_MAX + 1, /* the workers and a foreign thread */
	OFFSETS = 100000
};

struct scene;
struct worker;

struct listener {
	struct xt_reader reader;
	struct worker *worker;
	unsigned channel;
	struct xt_reading reading;
	struct xt_position last[CHANNELS]; /* where it stopped reading */
	uint64_t seen[PUBLISHERS]; /* the newest sequence number; 0: none since it subscribed */
};

struct receipt {
	struct xt_receipt receipt;
	struct worker *worker;
	unsigned channel;
	bool busy;
};

struct roll {
	struct xt_roll roll;
	bool busy;
};

struct worker {
	struct scene *scene;
	size_t index;
	struct xt_hub *hub;
	uint64_t random;
	unsigned ops; /* still to do */
	bool sleepy;  /* on a thread: does nothing for a while now and then */
	struct xt_task step;
	struct xt_timer later;
	struct listener *listeners[LISTENERS];
	struct receipt receipts[RECEIPTS];
	struct roll roll;
	uint64_t sent[CHANNELS], taken[CHANNELS];
};

struct payload {
	uint32_t publisher, channel;
	uint64_t sequence;
};

struct scene {
	struct xt_world world;
	struct worker workers[XT_WORLD_MAX];
	struct xt_str names[CHANNELS];
	bool forgetful; /* channels are forgotten: positions begin anew, readers are refused */
	atomic_uint finished;
	/* What each position of each channel held for the first who saw it. */
	_Atomic uint64_t epochs[CHANNELS];
	_Atomic uint64_t (*held)[OFFSETS];
};

static unsigned
chance(struct worker *worker, unsigned n)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return (unsigned)(worker->random >> 20) % n;
}

/* What readers check ---------------------------------------------------------------------- */

/* The first who sees a value keeps it; all others must see the same. */
static void
check_same(_Atomic uint64_t *place, uint64_t value)
{
	uint64_t before = 0;

	XT_ASSERT(atomic_compare_exchange_strong(place, &before, value) || before == value);
}

static void
check_message(struct xt_reader *reader, const struct xt_message *message)
{
	struct listener *listener = XT_CONTAINER(reader, struct listener, reader);
	struct scene *scene = listener->worker->scene;
	struct payload payload;
	uint64_t *seen;

	XT_ASSERT(message->size == sizeof payload);
	memcpy(&payload, message->bytes, sizeof payload);
	XT_ASSERT(payload.channel == listener->channel);
	seen = &listener->seen[payload.publisher];
	if (scene->forgetful)
		XT_ASSERT(payload.sequence > *seen);
	else
		XT_ASSERT(!*seen || payload.sequence == *seen + 1);
	*seen = payload.sequence;
	listener->last[listener->channel] = message->id;
	if (scene->forgetful)
		return;
	XT_ASSERT(message->id.offset < OFFSETS);
	check_same(&scene->epochs[listener->channel], message->id.epoch);
	check_same(&scene->held[listener->channel][message->id.offset],
		(uint64_t)(payload.publisher + 1) << 48 | payload.sequence);
}

static void
check_opening(const struct listener *listener)
{
	const struct xt_opening *opening = &listener->reader.opening;
	const struct xt_reading *reading = &listener->reading;

	XT_ASSERT(!opening->lost || reading->start == XT_START_SINCE);
	if (reading->start != XT_START_SINCE)
		return;
	if (opening->next.epoch != reading->since.epoch)
		XT_ASSERT(opening->lost);
	else if (!opening->lost)
		XT_ASSERT(opening->count ? listener->reader.first == reading->since.offset + 1
					 : opening->next.offset == reading->since.offset);
}

/* What workers do ------------------------------------------------------------------------- */

static void on_call(struct xt_reader *reader);

static struct listener *
listener_new(struct worker *worker)
{
	struct listener *listener = calloc(1, sizeof *listener);

	XT_ASSERT(listener);
	xt_reader_init(&listener->reader);
	listener->reader.on_message = check_message;
	listener->reader.on_opened = on_call;
	listener->reader.on_deliver = on_call;
	listener->worker = worker;
	return listener;
}

static struct xt_message *
make_message(unsigned publisher, unsigned channel, uint64_t sequence)
{
	struct payload payload = { publisher, channel, sequence };
	struct xt_message *message = xt_message_new(
		XT_KIND_BINARY, xt_str_of(&payload, sizeof payload), (struct xt_str){ 0 }, 0);

	XT_ASSERT(message);
	return message;
}

static struct xt_message *
next_message(struct worker *worker, unsigned channel)
{
	return make_message((unsigned)worker->index, channel, ++worker->sent[channel]);
}

static void
receipt_done(struct xt_receipt *receipt, int error, struct xt_position id)
{
	struct receipt *own = XT_CONTAINER(receipt, struct receipt, receipt);
	struct worker *worker = own->worker;

	XT_ASSERT(own->busy);
	own->busy = false;
	if (worker->scene->forgetful)
		return;
	XT_ASSERT(error == 0 && id.offset > worker->taken[own->channel]);
	worker->taken[own->channel] = id.offset;
}

static void
publish(struct worker *worker)
{
	struct receipt *receipt = &worker->receipts[chance(worker, RECEIPTS)];
	unsigned channel = chance(worker, CHANNELS);
	struct xt_message *message = next_message(worker, channel);

	if (receipt->busy) {
		if (chance(worker, 2)) {
			xt_receipt_cancel(&receipt->receipt);
			receipt->busy = false;
		}
		xt_hub_publish(worker->hub, worker->scene->names[channel], message, NULL);
		return;
	}
	*receipt = (struct receipt){
		.receipt.done = receipt_done, .worker = worker, .channel = channel, .busy = true
	};
	xt_hub_publish(worker->hub, worker->scene->names[channel], message, &receipt->receipt);
}

static void
publish_on(struct listener *listener)
{
	if (xt_reader_is_live(&listener->reader))
		xt_hub_publish_on(&listener->reader.subscriber,
			next_message(listener->worker, listener->channel));
}

static void
leave(struct listener *listener)
{
	xt_hub_unsubscribe(&listener->reader.subscriber);
}

static void
subscribe(struct listener *listener)
{
	struct worker *worker = listener->worker;

	leave(listener);
	listener->channel = chance(worker, CHANNELS);
	listener->reading = (struct xt_reading){
		.start = (enum xt_start)chance(worker, 4),
		.mode = chance(worker, 4) ? XT_MODE_JOIN : (enum xt_mode)chance(worker, 2),
		.since = listener->last[listener->channel],
		.last = chance(worker, 10),
	};
	memset(listener->seen, 0, sizeof listener->seen);
	xt_reader_subscribe(&listener->reader, worker->hub, worker->scene->names[listener->channel],
		listener->reading);
}

static void
replace(struct worker *worker, unsigned index)
{
	struct listener *old = worker->listeners[index];

	/* First the new one: what frees and allocates must not hand out the same place. */
	worker->listeners[index] = listener_new(worker);
	leave(old);
	free(old);
}

static void
roll_done(struct xt_roll *roll, int error, const struct xt_member *members, size_t count)
{
	struct roll *own = XT_CONTAINER(roll, struct roll, roll);

	XT_ASSERT(own->busy && error == 0);
	own->busy = false;
	for (size_t i = 0; i < count; i++)
		XT_ASSERT(strcmp(members[i].transport,
				  members[i].client.n ? "poll" : "websocket") == 0);
}

static void
presence(struct worker *worker)
{
	struct xt_str name = worker->scene->names[chance(worker, CHANNELS)];
	char client[] = { 'c', (char)('a' + chance(worker, 8)) };
	struct xt_member member = { .client = xt_str_of(client, 2), .transport = "poll" };

	xt_hub_lease(worker->hub, name, &member, chance(worker, 3) == 0);
	if (!worker->roll.busy) {
		worker->roll = (struct roll){ .roll.done = roll_done, .busy = true };
		xt_hub_presence(worker->hub, name, &worker->roll.roll);
	} else if (chance(worker, 4) == 0) {
		xt_roll_cancel(&worker->roll.roll);
		worker->roll.busy = false;
	}
}

static void
do_something(struct worker *worker)
{
	unsigned index = chance(worker, LISTENERS);
	struct listener *listener = worker->listeners[index];
	unsigned what = chance(worker, 100);

	if (what < 35)
		publish(worker);
	else if (what < 50)
		publish_on(listener);
	else if (what < 75 && listener->reader.subscriber.state == XT_SUBSCRIBER_IDLE)
		subscribe(listener);
	else if (what < 78)
		leave(listener);
	else if (what < 80)
		replace(worker, index);
	else if (what < 84)
		presence(worker);
	else if (what == 84)
		xt_hub_drop(worker->hub, worker->scene->names[chance(worker, CHANNELS)], NULL);
}

static unsigned
index_of(const struct listener *listener)
{
	unsigned i = 0;

	while (listener->worker->listeners[i] != listener)
		i++;
	return i;
}

/* In opened and deliver: mostly nothing, sometimes whatever is allowed there. */
static void
on_call(struct xt_reader *reader)
{
	struct listener *listener = XT_CONTAINER(reader, struct listener, reader);
	struct worker *worker = listener->worker;

	if (!reader->messages)
		check_opening(listener);
	if (!worker->ops)
		return;
	switch (chance(worker, 60)) {
	case 0:
		leave(listener);
		break;
	case 1:
		replace(worker, index_of(listener));
		break;
	case 2:
		subscribe(listener);
		break;
	case 3:
		replace(worker, chance(worker, LISTENERS));
		break;
	case 4:
		leave(worker->listeners[chance(worker, LISTENERS)]);
		break;
	case 5:
		publish_on(listener);
		break;
	default:
		if (!reader->opening.live && reader->opening.more)
			subscribe(listener);
	}
}

/*
 * Goes on after a while. When all have done all it ends. It looks for that from time to time rather than being
 * told, because a letter would wait for ever with a sender who has stopped.
 */
static void
woke(struct xt_timer *timer)
{
	struct worker *worker = XT_CONTAINER(timer, struct worker, later);
	struct xt_loop *loop = xt_hub_loop(worker->hub);

	if (worker->ops)
		xt_loop_post(loop, &worker->step);
	else if (atomic_load(&worker->scene->finished) == worker->scene->world.count)
		xt_loop_stop(loop);
	else
		xt_timer_start(xt_loop_timers(loop), timer, xt_loop_now(loop), 1);
}

static void
step(struct xt_task *task)
{
	struct worker *worker = XT_CONTAINER(task, struct worker, step);
	struct xt_loop *loop = xt_hub_loop(worker->hub);

	for (unsigned n = chance(worker, 12); n > 0 && worker->ops; n--) {
		do_something(worker);
		worker->ops--;
	}
	if (!worker->ops) {
		atomic_fetch_add(&worker->scene->finished, 1);
		woke(&worker->later);
	} else if (worker->sleepy && chance(worker, 50) == 0)
		xt_timer_start(xt_loop_timers(loop), &worker->later, xt_loop_now(loop), 1);
	else
		xt_loop_post(loop, task);
}

/* The scene ------------------------------------------------------------------------------- */

static void
worker_init(struct scene *scene, size_t index, unsigned ops, uint64_t seed)
{
	struct worker *worker = &scene->workers[index];

	worker->scene = scene;
	worker->index = index;
	worker->hub = scene->world.hubs[index];
	worker->random = (seed + 1) * 0x9e3779b97f4a7c15 + index;
	worker->ops = ops;
	worker->step.run = step;
	xt_list_init(&worker->step.link);
	xt_timer_init(&worker->later, woke);
	for (unsigned i = 0; i < LISTENERS; i++)
		worker->listeners[i] = listener_new(worker);
	xt_loop_post(xt_hub_loop(worker->hub), &worker->step);
}

static struct scene *
scene_new(size_t workers, const struct xt_hub_config *config, size_t letters, unsigned ops,
	uint64_t seed)
{
	struct scene *scene = calloc(1, sizeof *scene);

	XT_ASSERT(scene);
	scene->held = calloc(CHANNELS, sizeof *scene->held);
	XT_ASSERT(scene->held);
	xt_world_open(&scene->world, workers, config, letters);
	for (unsigned i = 0; i < CHANNELS; i++)
		scene->names[i] = xt_world_name(&scene->world, i % workers, i / (unsigned)workers);
	for (size_t i = 0; i < workers; i++)
		worker_init(scene, i, ops, seed);
	return scene;
}

static void
check_end(struct scene *scene, struct listener *listener)
{
	struct xt_str name = scene->names[listener->channel];
	uint64_t hash = xt_map_hash(&scene->world.hubs[0]->key, name);
	struct xt_hub *home = xt_hub_home(scene->world.hubs[0], hash);

	XT_ASSERT(listener->reader.subscriber.state != XT_SUBSCRIBER_ASKING);
	if (xt_reader_is_live(&listener->reader))
		XT_ASSERT(listener->reader.next.offset ==
			  xt_channel_find(home, hash, name)->top.offset);
}

static void
scene_end(struct scene *scene)
{
	unsigned live = 0;

	for (size_t i = 0; i < scene->world.count; i++)
		xt_timer_stop(xt_loop_timers(scene->world.loops[i]), &scene->workers[i].later);
	xt_world_settle(&scene->world);
	for (size_t i = 0; i < scene->world.count; i++) {
		struct worker *worker = &scene->workers[i];
		for (unsigned r = 0; r < RECEIPTS; r++)
			XT_ASSERT(!worker->receipts[r].busy);
		XT_ASSERT(!worker->roll.busy);
		for (unsigned l = 0; l < LISTENERS; l++) {
			check_end(scene, worker->listeners[l]);
			live += xt_reader_is_live(&worker->listeners[l]->reader);
			leave(worker->listeners[l]);
			free(worker->listeners[l]);
		}
	}
	XT_ASSERT(live > 0 || scene->forgetful);
	xt_world_close(&scene->world);
	free(scene->held);
	free(scene);
}

/* One thread ------------------------------------------------------------------------------ */

static void
run_interleaved(size_t workers, const struct xt_hub_config *config, size_t letters, uint64_t seed)
{
	struct scene *scene = scene_new(workers, config, letters, 600, seed);
	struct worker order = { .random = seed * 77 + 1 };

	scene->forgetful = config->channels < CHANNELS;
	while (atomic_load(&scene->finished) < workers) {
		/* Now and then one of them gets on alone. */
		size_t who = chance(&order, (unsigned)workers);
		for (unsigned n = chance(&order, 4) ? 1 : chance(&order, 10); n > 0; n--)
			xt_world_turn(&scene->world, who);
	}
	scene_end(scene);
}

static void
test_interleaved(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 120; seed++)
		run_interleaved(1 + seed % 3, &xt_world_config, 2ul << seed % 7, seed);
}

static void
test_interleaved_and_forgetful(void **state)
{
	struct xt_hub_config config = xt_world_config;

	(void)state;
	config.channels = 1;
	for (uint64_t seed = 0; seed < 60; seed++)
		run_interleaved(1 + seed % 3, &config, 2ul << seed % 7, seed);
}

static void
test_interleaved_with_little_history(void **state)
{
	struct xt_hub_config config = xt_world_config;

	(void)state;
	config.history.messages = 3;
	config.history_total = 500;
	for (uint64_t seed = 0; seed < 60; seed++)
		run_interleaved(1 + seed % 3, &config, 2ul << seed % 7, seed);
}

/* Threads --------------------------------------------------------------------------------- */

static void *
run_loop(void *loop)
{
	xt_loop_run(loop);
	return NULL;
}

static void *
run_foreign(void *arg)
{
	struct scene *scene = arg;

	for (unsigned i = 0; i < 4000; i++) {
		unsigned channel = i % CHANNELS;
		struct xt_message *message = make_message(XT_WORLD_MAX, channel, i / CHANNELS + 1);
		int error;
		do
			error = xt_hub_submit(scene->world.hubs[i % scene->world.count],
				scene->names[channel], message);
		while (error == XT_EAGAIN && sched_yield() == 0 &&
			atomic_load(&scene->finished) < scene->world.count);
		if (error < 0) {
			xt_message_unref(message);
			break;
		}
	}
	return NULL;
}

static void
run_threads(size_t workers, size_t letters)
{
	struct scene *scene = scene_new(workers, &xt_world_config, letters, 12000, workers);
	pthread_t threads[XT_WORLD_MAX], foreign;

	for (size_t i = 0; i < workers; i++) {
		scene->workers[i].sleepy = true;
		XT_ASSERT(pthread_create(&threads[i], NULL, run_loop, scene->world.loops[i]) == 0);
	}
	XT_ASSERT(pthread_create(&foreign, NULL, run_foreign, scene) == 0);
	for (size_t i = 0; i < workers; i++)
		XT_ASSERT(pthread_join(threads[i], NULL) == 0);
	XT_ASSERT(pthread_join(foreign, NULL) == 0);
	scene_end(scene);
}

static void
test_two_threads(void **state)
{
	(void)state;
	run_threads(2, XT_MAILBOX_LETTERS);
}

static void
test_three_threads(void **state)
{
	(void)state;
	run_threads(3, XT_MAILBOX_LETTERS);
}

/* Letters wait with their senders most of the time. */
static void
test_threads_with_small_mailboxes(void **state)
{
	(void)state;
	run_threads(2, 8);
	run_threads(3, 16);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_interleaved_and_forgetful),
		cmocka_unit_test(test_interleaved_with_little_history),
		cmocka_unit_test(test_two_threads),
		cmocka_unit_test(test_three_threads),
		cmocka_unit_test(test_threads_with_small_mailboxes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
