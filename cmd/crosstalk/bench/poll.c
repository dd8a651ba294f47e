/* poll.c - `bench poll`: each connection asks whether there is news, and asks again when it was told. */
#include "bench/bench.h"
#include "bench/clock.h"
#include "bench/reader.h"

static void
send_room(struct conn *conn)
{
	struct bench *bench = conn->bench;

	if (conn->state != CONN_OPEN || !conn->ready || bench->phase == PHASE_DONE ||
		lane_room(&conn->lane, &bench->schedule, bench->now) == 0)
		return;
	lane_leave(&conn->lane, 1, bench->now);
	reader_ask(conn, 0);
}

/* The first one asks where the channel is now, and is not counted. */
static void
connected(struct conn *conn)
{
	conn->read = http_read;
	*conn->position = '\0';
	reader_ask(conn, 0);
}

static void
answer(struct conn *conn, const struct http_answer *answer)
{
	struct bench *bench = conn->bench;

	if (answer->status >= 400 && !conn->ready) {
		conn_end(conn, CONN_REFUSED, "polls are refused: is it a channel, /c/NAME?");
		return;
	}
	if (answer->status >= 400)
		bench->count.refused++;
	reader_take_position(conn, answer);
	if (!conn->ready) {
		conn->ready = true;
		bench_opened(conn);
		return;
	}
	bench_count(bench, lane_return(&conn->lane, &bench->schedule, bench->now));
	send_room(conn);
}

static const struct conn_ops *
prepare(struct bench *bench)
{
	static const struct conn_ops ops = {
		.connected = connected,
		.answer = answer,
		.ended = bench_lost,
	};

	(void)bench;
	return &ops;
}

static void
begin(struct bench *bench)
{
	for (uint64_t i = 0; i < bench->options.connections; i++) {
		bench->now = clock_now();
		send_room(&bench->conns[i]);
	}
}

const struct scenario scenario_poll = {
	.name = "poll",
	.unit = "requests",
	.connections = 100,
	.in_flight = 1,
	.in_flight_of_rate = 1,
	.opens = true,
	.prepare = prepare,
	.begin = begin,
	.due = send_room,
};
