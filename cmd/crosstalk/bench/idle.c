/* idle.c - `bench idle`: connections that are opened and held, and what one of them costs the server in memory. */
#include "bench/bench.h"
#include "bench/clock.h"
#include "bench/reader.h"

/* What takes its time here is opening one. */
static void
opened(struct conn *conn)
{
	uint64_t now = clock_now();

	if (conn->bench->phase == PHASE_OPENING)
		bench_count(conn->bench, now - conn->began);
	bench_opened(conn);
}

static void
message(struct conn *conn)
{
	(void)conn;
}

static const struct conn_ops *
prepare(struct bench *bench)
{
	static const struct conn_ops ops = {
		.connected = reader_connect,
		.opened = opened,
		.message = message,
		.answer = reader_answer,
		.ended = bench_lost,
	};

	(void)bench;
	return &ops;
}

static void
begin(struct bench *bench)
{
	(void)bench;
}

const struct scenario scenario_idle = {
	.name = "idle",
	.unit = "connections",
	.connections = 1000,
	.in_flight = 1,
	.in_flight_of_rate = 1,
	.opens = true,
	.times_opening = true,
	.prepare = prepare,
	.begin = begin,
};
