/*
 * churn.c - `bench churn`: connect, handshake, one message there and back, closing handshake; and again. So many at a
 * time as there are connections.
 */
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/clock.h"

#define TOLERATED \
	100 /* connections that may be lost beside one for each slot, before it is given up */

struct churn {
	uint64_t begun; /* connections so far */
	uint32_t free_n;
	uint32_t free[]; /* slots without a connection */
};

static struct churn *
of(struct bench *bench)
{
	return bench->own;
}

static void
leave(struct conn *conn)
{
	struct churn *churn = of(conn->bench);

	churn->free[churn->free_n++] = conn->index;
}

static void
opened(struct conn *conn)
{
	volley_send(&conn->bench->volley, conn, 1);
}

static void
message(struct conn *conn)
{
	if (!conn->closing)
		ws_close(conn);
}

static void
ended(struct conn *conn, enum conn_end end, const char *why)
{
	struct bench *bench = conn->bench;

	leave(conn);
	if (end == CONN_GOODBYE) {
		bench_count(bench, bench->now > conn->began ? bench->now - conn->began : 0);
		bench->opened++;
		return;
	}
	if (bench->opened == 0 || bench->count.lost > bench->options.connections + TOLERATED)
		bench->phase = PHASE_OPENING; /* it never worked, or does not any more */
	bench_lost(conn, end, why);
}

static const struct conn_ops *
prepare(struct bench *bench)
{
	static const struct conn_ops ops = {
		.connected = ws_connect,
		.opened = opened,
		.message = message,
		.ended = ended,
	};
	struct volley_kind kind = {
		.size = bench->options.size, .count = 1, .binary = bench->options.binary
	};

	bench->own = malloc(sizeof(struct churn) + bench->options.connections * sizeof(uint32_t));
	if (bench->own && volley_init_frames(&bench->volley, &kind, bench->keys.mask) == 0)
		return &ops;
	bench_fail(bench, STATUS_REFUSED, "out of memory");
	return NULL;
}

/* The next connection: when it was intended to begin; false: not yet. */
static bool
may_begin(struct bench *bench, uint64_t *began)
{
	struct churn *churn = of(bench);

	if (bench->schedule.interval <= 0)
		return true;
	*began = schedule_time(&bench->schedule, churn->begun);
	return *began <= bench->now;
}

static void
turn(struct bench *bench)
{
	struct churn *churn = of(bench);
	uint64_t began = 0;

	while (churn->free_n > 0 && bench->phase != PHASE_DONE && may_begin(bench, &began)) {
		struct conn *conn = &bench->conns[churn->free[--churn->free_n]];
		churn->begun++;
		if (!bench_connect(bench, conn))
			return;
		if (began)
			conn->began = began;
	}
}

static void
begin(struct bench *bench)
{
	struct churn *churn = of(bench);

	churn->begun = churn->free_n = 0;
	for (uint32_t i = 0; i < bench->options.connections; i++)
		churn->free[churn->free_n++] = i;
	turn(bench);
}

static void
release(struct bench *bench)
{
	free(bench->own);
}

const struct scenario scenario_churn = {
	.name = "churn",
	.unit = "connections",
	.connections = 50,
	.in_flight = 1,
	.in_flight_of_rate = 1,
	.prepare = prepare,
	.begin = begin,
	.turn = turn,
	.release = release,
};
