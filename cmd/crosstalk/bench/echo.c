/* echo.c - `bench echo`: each connection has some messages under way, which the server sends back. */
#include "bench/bench.h"
#include "bench/clock.h"

/* All that may leave now leaves with one send. */
static void
send_room(struct conn *conn)
{
	struct bench *bench = conn->bench;
	uint64_t room = lane_room(&conn->lane, &bench->schedule, bench->now);

	if (room == 0 || conn->state != CONN_OPEN || bench->phase == PHASE_DONE)
		return;
	lane_leave(&conn->lane, room, bench->now);
	volley_send(&bench->volley, conn, room);
}

static void
message(struct conn *conn)
{
	conn->got++;
}

static void
received(struct conn *conn)
{
	struct bench *bench = conn->bench;

	for (; conn->got > 0; conn->got--) {
		if (conn->lane.left == conn->lane.back)
			bench->count.strange++;
		else
			bench_count(bench, lane_return(&conn->lane, &bench->schedule, bench->now));
	}
	if (conn->ready && bench->phase != PHASE_OPENING)
		send_room(conn);
}

static const struct conn_ops *
prepare(struct bench *bench)
{
	static const struct conn_ops ops = {
		.connected = ws_connect,
		.opened = bench_opened,
		.message = message,
		.received = received,
		.ended = bench_lost,
	};
	struct volley_kind kind = { .size = bench->options.size,
		.count = bench->options.in_flight,
		.binary = bench->options.binary };

	if (volley_init_frames(&bench->volley, &kind, bench->keys.mask) == 0)
		return &ops;
	bench_fail(bench, STATUS_REFUSED, "out of memory");
	return NULL;
}

static void
begin(struct bench *bench)
{
	for (uint64_t i = 0; i < bench->options.connections; i++) {
		bench->now = clock_now();
		send_room(&bench->conns[i]);
	}
}

const struct scenario scenario_echo = {
	.name = "echo",
	.unit = "messages",
	.connections = 100,
	.in_flight = 1,
	.in_flight_of_rate = 1024,
	.opens = true,
	.prepare = prepare,
	.begin = begin,
	.due = send_room,
};
