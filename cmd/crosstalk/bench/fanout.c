/*
 * fanout.c - `bench fanout`: one publishes on a channel, and many listen.
 *
 * Each message carries its number. A slot of the ring remembers when it was to leave and how many readers it has not
 * reached yet; when that is none, the next may leave.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bench/bench.h"
#include "bench/clock.h"
#include "bench/mark.h"
#include "bench/reader.h"

#define RING (1u << 16)
#define PATIENT \
	(3 * CLOCK_SECOND) /* after so long without a sign of life, what is under way is missing */

struct slot {
	uint64_t time;
	uint64_t left; /* readers that it has not reached */
};

struct fanout {
	struct conn publisher;
	struct target publish;
	bool by_post;
	uint32_t base;       /* the first number, so that another run's are not taken for ours */
	uint64_t next, done; /* messages published, and delivered to all */
	uint64_t seen;       /* when something came last */
	struct schedule polls;
	uint64_t polled; /* of that schedule */
	struct slot ring[RING];
};

static struct fanout *
of(struct bench *bench)
{
	return bench->own;
}

/* ---- the publisher ---- */

static uint64_t
room_for(struct bench *bench)
{
	struct fanout *fanout = of(bench);
	uint64_t room = bench->options.in_flight - (fanout->next - fanout->done), due;

	if (bench->schedule.interval <= 0)
		return room;
	due = schedule_due(&bench->schedule, bench->now);
	due = due > fanout->next ? due - fanout->next : 0;
	return due < room ? due : room;
}

static void
prepare_message(struct bench *bench, size_t index)
{
	struct fanout *fanout = of(bench);
	uint64_t number = fanout->next++;
	struct slot *slot = &fanout->ring[number % RING];

	slot->left = bench->options.connections;
	slot->time =
		bench->schedule.interval > 0 ? schedule_time(&bench->schedule, number) : bench->now;
	volley_mark(&bench->volley, index, fanout->base + (uint32_t)number);
}

static void
publish(struct bench *bench)
{
	struct fanout *fanout = of(bench);
	uint64_t room = room_for(bench);

	while (room > 0 && fanout->publisher.ready && bench->phase != PHASE_DONE) {
		size_t n = room < bench->volley.count ? (size_t)room : bench->volley.count;
		if (fanout->next == fanout->done)
			fanout->seen = bench->now;
		for (size_t i = 0; i < n; i++)
			prepare_message(bench, i);
		bench->count.published += n;
		if (!volley_send(&bench->volley, &fanout->publisher, n))
			return;
		room -= n;
	}
}

static void
publisher_opened(struct conn *conn)
{
	conn->ready = true;
	conn->bench->now = clock_now();
	publish(conn->bench);
}

/* Where publisher and readers have the same URL it hears itself; that is not counted. */
static void
publisher_message(struct conn *conn)
{
	(void)conn;
}

static void
publisher_connected_post(struct conn *conn)
{
	conn->read = http_read;
	publisher_opened(conn);
}

static void
publisher_answer(struct conn *conn, const struct http_answer *answer)
{
	if (answer->status < 200 || answer->status > 299)
		conn->bench->count.refused++;
}

static void
publisher_ended(struct conn *conn, enum conn_end end, const char *why)
{
	bench_fail(conn->bench, end == CONN_UNREACHABLE ? STATUS_UNREACHABLE : STATUS_REFUSED, why);
}

/* ---- the readers ---- */

static void
message(struct conn *conn)
{
	struct bench *bench = conn->bench;
	struct fanout *fanout = of(bench);
	uint32_t number = mark_decode(conn->mark) - fanout->base;
	struct slot *slot = &fanout->ring[number % RING];
	/* Numbers wrap at 2^32; what is under way fits into the ring. */
	uint32_t age = (uint32_t)fanout->next - 1 - number;

	if (!mark_is_one(conn->mark) || age >= RING || slot->left == 0) {
		bench->count.strange++;
		return;
	}
	bench_count(bench, bench->now > slot->time ? bench->now - slot->time : 0);
	if (--slot->left == 0)
		fanout->done++;
}

static void
received(struct conn *conn)
{
	struct fanout *fanout = of(conn->bench);

	fanout->seen = conn->bench->now;
	if (conn->bench->schedule.interval <= 0 && fanout->publisher.ready)
		publish(conn->bench);
}

/* What a server has dropped will not come: it is counted, and the next messages leave. */
static void
give_up(struct bench *bench)
{
	struct fanout *fanout = of(bench);

	for (uint32_t i = 0; i < RING; i++) {
		bench->count.missing += fanout->ring[i].left;
		fanout->ring[i].left = 0;
	}
	fanout->done = fanout->next;
	publish(bench);
}

/* Who polls asks once a second, each at a time of its own. */
static void
poll_due(struct bench *bench)
{
	struct fanout *fanout = of(bench);
	uint64_t due = schedule_due(&fanout->polls, bench->now);

	while (fanout->polled < due)
		reader_poll(&bench->conns[fanout->polled++ % bench->options.connections]);
}

static void
turn(struct bench *bench)
{
	struct fanout *fanout = of(bench);

	poll_due(bench);
	if (fanout->next > fanout->done && bench->now > fanout->seen + PATIENT)
		give_up(bench);
}

static void
due(struct conn *conn)
{
	publish(conn->bench);
}

/* ---- setting up ---- */

static int
set_publisher(struct bench *bench)
{
	static const struct conn_ops by_ws = { .connected = ws_connect,
		.opened = publisher_opened,
		.message = publisher_message,
		.ended = publisher_ended };
	static const struct conn_ops by_post = { .connected = publisher_connected_post,
		.answer = publisher_answer,
		.ended = publisher_ended };
	struct fanout *fanout = of(bench);
	const char *how = bench->options.publish, *wrong = NULL;
	bool url = strstr(how, "://") != NULL;

	fanout->publish = bench->target;
	if (url)
		wrong = target_parse(&fanout->publish, how);
	if (url && !wrong)
		wrong = target_resolve(&fanout->publish);
	fanout->by_post = url ? strncasecmp(how, "http", 4) == 0 : strcmp(how, "post") == 0;
	fanout->publisher.bench = bench;
	fanout->publisher.uncounted = bench->quantum;
	fanout->publisher.target = &fanout->publish;
	fanout->publisher.ops = fanout->by_post ? &by_post : &by_ws;
	if (wrong)
		bench_fail(bench, STATUS_USAGE, wrong);
	return wrong ? -1 : 0;
}

static int
make_volley(struct bench *bench)
{
	struct fanout *fanout = of(bench);
	struct volley_kind kind = { .size = bench->options.size,
		.count = bench->options.in_flight,
		.binary = bench->options.binary };

	if (fanout->by_post)
		return volley_init_requests(&bench->volley, &kind, &fanout->publisher);
	return volley_init_frames(&bench->volley, &kind, bench->keys.mask);
}

static const char *
check(const struct options *options)
{
	if (options->size < MARK_SIZE)
		return "--size is 8 at least: each message carries its number";
	if (options->binary && options->subscribe != SUBSCRIBE_WS)
		return "--binary goes with --subscribe ws only: others get base64";
	return NULL;
}

static const struct conn_ops *
prepare(struct bench *bench)
{
	static const struct conn_ops ops = {
		.connected = reader_connect,
		.opened = bench_opened,
		.message = message,
		.answer = reader_answer,
		.received = received,
		.ended = bench_lost,
	};
	const char *wrong = check(&bench->options);
	struct fanout *fanout;

	if (wrong) {
		bench_fail(bench, STATUS_USAGE, wrong);
		return NULL;
	}
	fanout = bench->own = calloc(1, sizeof *fanout);
	if (!fanout || getrandom(&fanout->base, sizeof fanout->base, 0) < 0) {
		bench_fail(bench, STATUS_REFUSED, "out of memory");
		return NULL;
	}
	if (set_publisher(bench) < 0)
		return NULL;
	if (make_volley(bench) < 0) {
		bench_fail(bench, STATUS_REFUSED, "out of memory");
		return NULL;
	}
	return &ops;
}

static void
begin(struct bench *bench)
{
	double polls =
		bench->options.subscribe == SUBSCRIBE_POLL ? (double)bench->options.connections : 0;

	schedule_begin(&of(bench)->polls, bench->now, polls);
	bench_connect(bench, &of(bench)->publisher);
}

static void
release(struct bench *bench)
{
	if (bench->own)
		conn_close(&of(bench)->publisher);
	free(bench->own);
}

const struct scenario scenario_fanout = {
	.name = "fanout",
	.unit = "deliveries",
	.connections = 1000,
	.in_flight = 1,
	.in_flight_of_rate = IN_FLIGHT_MAX,
	.opens = true,
	.prepare = prepare,
	.begin = begin,
	.due = due,
	.turn = turn,
	.release = release,
};
