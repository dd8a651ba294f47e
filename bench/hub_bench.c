/*
 * hub_bench.c - what the hub itself costs: nanoseconds of a worker's CPU time for each delivery, and bytes for
 * each channel and subscription. Real loops, letters and threads, but subscribers that only count.
 *
 *   hub_bench WORKERS CHANNELS SUBSCRIBERS MESSAGES WINDOW   subscribers and messages of each channel,
 *                                                             messages that a worker publishes in a turn
 *   hub_bench                                                 the rows of docs/design/hub.md
 */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/panic.h"
#include "hub/hub.h"
#include "io/mailbox.h"

struct subscription {
	struct xt_subscriber subscriber;
	struct worker *worker;
};

struct bench;

struct worker {
	struct bench *bench;
	struct xt_loop *loop;
	struct xt_hub *hub;
	xt_counter delivered;
	size_t calls;
	size_t publishers, published, to_publish;
	struct xt_subscriber **publisher; /* of each channel, that the worker publishes on */
	struct xt_task publish;
	pthread_t thread;
	double seconds; /* of CPU */
};

struct bench {
	size_t workers, channels, subscribers, messages, window;
	struct worker worker[16];
	size_t all; /* deliveries */
	struct subscription **subscriptions;
};

static size_t
heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Subscribers ----------------------------------------------------------------------------- */

static void
opened(struct xt_subscriber *subscriber, const struct xt_opening *opening)
{
	(void)subscriber;
	XT_ASSERT(opening->live);
}

static void
refused(struct xt_subscriber *subscriber, int error)
{
	(void)subscriber;
	XT_ASSERT(error == 0);
}

static void
deliver(struct xt_subscriber *subscriber, struct xt_batch *batch, size_t from)
{
	struct subscription *own = XT_CONTAINER(subscriber, struct subscription, subscriber);

	xt_counter_add(&own->worker->delivered, batch->count - from);
	own->worker->calls++;
}

static void
describe(struct xt_subscriber *subscriber, struct xt_member *member)
{
	(void)subscriber;
	(void)member;
}

static const struct xt_subscriber_ops ops = { opened, refused, deliver, describe };

/* Setting up ------------------------------------------------------------------------------ */

static struct xt_str
channel_name(char name[32], size_t index)
{
	return xt_str_of(name, (size_t)snprintf(name, 32, "bench/channel/%06zu", index));
}

static void
open_workers(struct bench *bench)
{
	static const struct xt_hub_config config = {
		.history = { .messages = 10, .bytes = 1u << 20, .age_ms = 60000 },
		.history_total = 1u << 30,
		.channels = 10000000,
		.linger_ms = 30000,
	};
	static const struct xt_map_key key = { 1, 2 };
	struct xt_hub *hubs[16];

	for (size_t i = 0; i < bench->workers; i++) {
		struct worker *worker = &bench->worker[i];
		worker->bench = bench;
		XT_ASSERT(xt_loop_new(&worker->loop) == 0);
		XT_ASSERT(xt_hub_new(&worker->hub, worker->loop, &config, &key) == 0);
		worker->publisher = calloc(bench->channels, sizeof(struct xt_subscriber *));
		XT_ASSERT(worker->publisher);
		hubs[i] = worker->hub;
	}
	XT_ASSERT(xt_hub_connect(hubs, bench->workers) == 0);
}

static void
turn_all(struct bench *bench)
{
	for (size_t i = 0; i < bench->workers; i++)
		xt_loop_turn(bench->worker[i].loop, 0);
}

static bool
is_idle(const struct bench *bench)
{
	for (size_t i = 0; i < bench->workers; i++)
		if (!xt_mail_is_idle(bench->worker[i].loop))
			return false;
	return true;
}

static void
settle(struct bench *bench)
{
	do
		turn_all(bench);
	while (!is_idle(bench));
}

/* The subscribers of a channel are spread over the workers; one of them publishes, another one of each channel. */
static void
subscribe_all(struct bench *bench)
{
	struct xt_reading reading = { .start = XT_START_NOW, .mode = XT_MODE_JOIN };
	char name[32];

	for (size_t c = 0; c < bench->channels; c++) {
		struct worker *home = &bench->worker[c % bench->workers];
		for (size_t s = 0; s < bench->subscribers; s++) {
			struct subscription *own = bench->subscriptions[c * bench->subscribers + s];
			own->subscriber.ops = &ops;
			own->worker = &bench->worker[(c + s) % bench->workers];
			if (s == 0)
				home->publisher[home->publishers++] = &own->subscriber;
			xt_hub_subscribe(own->worker->hub, channel_name(name, c), &reading,
				&own->subscriber);
		}
		if (c % 100 == 99)
			settle(bench);
	}
	settle(bench);
}

/* Running --------------------------------------------------------------------------------- */

/*
 * A window of messages as soon as all workers have delivered the one before, so that a batch holds what is asked
 * for. A worker that waits does not spin: whoever delivers the last of a window wakes the others.
 */
static void
publish(struct xt_task *task)
{
	static const char payload[64];
	struct worker *worker = XT_CONTAINER(task, struct worker, publish);
	struct bench *bench = worker->bench;

	for (size_t n = 0; n < bench->window && worker->published < worker->to_publish; n++)
		xt_hub_publish_on(worker->publisher[worker->published++ % worker->publishers],
			xt_message_new(XT_KIND_TEXT, xt_str_of(payload, sizeof payload),
				(struct xt_str){ 0 }, 0));
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many deliveries there are when every worker has published so many windows. */
static size_t
deliveries_after(const struct bench *bench, size_t windows)
{
	size_t messages = 0;

	for (size_t i = 0; i < bench->workers; i++)
		messages += least(windows * bench->window, bench->worker[i].to_publish);
	return messages * bench->subscribers;
}

static size_t
delivered_by_all(struct bench *bench)
{
	size_t sum = 0;

	for (size_t i = 0; i < bench->workers; i++)
		sum += atomic_load_explicit(&bench->worker[i].delivered, memory_order_relaxed);
	return sum;
}

static void
wake_others(struct worker *worker)
{
	for (size_t i = 0; i < worker->bench->workers; i++)
		if (&worker->bench->worker[i] != worker)
			xt_loop_wake(worker->bench->worker[i].loop);
}

static void *
run(void *arg)
{
	struct worker *worker = arg;
	struct bench *bench = worker->bench;
	double began = cpu_seconds();

	for (size_t windows = 1; delivered_by_all(bench) < bench->all; windows++) {
		xt_loop_post(worker->loop, &worker->publish);
		while (delivered_by_all(bench) < deliveries_after(bench, windows))
			xt_loop_turn(worker->loop, bench->workers > 1 ? 1 : 0);
		wake_others(worker);
	}
	worker->seconds = cpu_seconds() - began;
	return NULL;
}

static void
print_result(const struct bench *bench, size_t bytes, uint64_t ms)
{
	size_t subscriptions = bench->channels * bench->subscribers;
	double seconds = 0, delivered = 0, calls = 0;

	for (size_t i = 0; i < bench->workers; i++) {
		seconds += bench->worker[i].seconds;
		delivered += (double)xt_counter_read(&bench->worker[i].delivered);
		calls += (double)bench->worker[i].calls;
	}
	printf("%zu workers, %6zu channels of %5zu, %2.0f messages a call: %6.2f ns a delivery, "
	       "%6.2f a call; "
	       "%6.1f M/s; %6zu bytes a channel, %5.1f a subscription\n",
		bench->workers, bench->channels, bench->subscribers, delivered / calls,
		seconds / delivered * 1e9, seconds / calls * 1e9,
		delivered / (double)(ms ? ms : 1) / 1e3, bytes / bench->channels,
		(double)bytes / (double)subscriptions);
	fflush(stdout);
}

static void
close_all(struct bench *bench)
{
	settle(bench);
	for (size_t i = 0; i < bench->channels * bench->subscribers; i++) {
		xt_hub_unsubscribe(&bench->subscriptions[i]->subscriber);
		free(bench->subscriptions[i]);
		if (i % 1000 == 999)
			settle(bench);
	}
	settle(bench);
	for (size_t i = 0; i < bench->workers; i++) {
		xt_hub_free(bench->worker[i].hub);
		xt_loop_free(bench->worker[i].loop);
		free(bench->worker[i].publisher);
	}
	free(bench->subscriptions);
}

static void
run_bench(size_t workers, size_t channels, size_t subscribers, size_t messages, size_t window)
{
	struct bench bench = { workers, channels, subscribers, messages, window,
		.all = channels * subscribers * messages };
	size_t before, bytes;
	uint64_t began;

	bench.subscriptions = calloc(channels * subscribers, sizeof(struct subscription *));
	XT_ASSERT(bench.subscriptions && workers > 0 && workers <= 16);
	for (size_t i = 0; i < channels * subscribers; i++)
		XT_ASSERT((bench.subscriptions[i] = calloc(1, sizeof(struct subscription))));
	open_workers(&bench);
	before = heap_bytes();
	subscribe_all(&bench);
	bytes = heap_bytes() - before;
	began = xt_clock_ms();
	for (size_t i = 0; i < workers; i++) {
		struct worker *worker = &bench.worker[i];
		xt_list_init(&worker->publish.link);
		worker->publish.run = publish;
		worker->to_publish = worker->publishers * messages;
		XT_ASSERT(pthread_create(&worker->thread, NULL, run, worker) == 0);
	}
	for (size_t i = 0; i < workers; i++)
		pthread_join(bench.worker[i].thread, NULL);
	print_result(&bench, bytes, xt_clock_ms() - began);
	close_all(&bench);
}

int
main(int argc, char **argv)
{
	size_t args[5];

	for (int i = 0; i < 5 && argc == 6; i++)
		args[i] = strtoul(argv[i + 1], NULL, 10);
	if (argc == 6) {
		run_bench(args[0], args[1], args[2], args[3], args[4]);
		return 0;
	}
	for (size_t workers = 1; workers <= 2; workers++) {
		run_bench(workers, 1, 10000, 4000, 1);
		run_bench(workers, 1, 10000, 32000, 32);
		run_bench(workers, 100000, 10, 10, 256);
	}
	return 0;
}
