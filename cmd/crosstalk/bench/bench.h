/*
 * bench.h - a run of `crosstalk bench`: one thread, one loop, many connections.
 *
 *	OPENING -> WARMUP -> MEASURE -> DONE
 *
 *	options, target, origin     what was asked for
 *	loop, conn                  epoll; a socket, with TLS or without, that reads and sends
 *	ws, sse, http               what is said on it: as little as measuring needs
 *	volley, mark                messages made before, and the number in each
 *	schedule, lane              the open loop; what is under way on one connection
 *	echo, fanout, poll,
 *	idle, churn                 the scenarios: what is done when something came
 *	run                         the phases
 *	quantum                     runs of four ways to listen, side by side
 *	histogram, usage            what is measured: latencies, CPU time, memory
 *	progress, result, report    what is shown
 */
#ifndef CROSSTALK_BENCH_BENCH_H
#define CROSSTALK_BENCH_BENCH_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/conn.h"
#include "bench/histogram.h"
#include "bench/http.h"
#include "bench/loop.h"
#include "bench/options.h"
#include "bench/origin.h"
#include "bench/result.h"
#include "bench/schedule.h"
#include "bench/target.h"
#include "bench/usage.h"
#include "bench/volley.h"
#include "bench/ws.h"
#include "command.h"

enum phase { PHASE_OPENING, PHASE_WARMUP, PHASE_MEASURE, PHASE_DONE };

struct scenario {
	const char *name;
	const char *unit; /* what is counted and timed */
	uint64_t connections, in_flight;
	uint64_t in_flight_of_rate; /* with a schedule: how far it may be ahead of the server */
	bool opens;                 /* all connections are opened before it begins */
	bool times_opening;         /* what is counted happens while they are */
	/* What it does with its connections; NULL after it has said why not. */
	const struct conn_ops *(*prepare)(struct bench *bench);
	void (*begin)(struct bench *bench);
	void (*due)(struct conn *conn);       /* a message of the schedule; may be NULL */
	void (*turn)(struct bench *bench);    /* after each turn of the loop; may be NULL */
	void (*release)(struct bench *bench); /* may be NULL */
};

extern const struct scenario scenario_echo, scenario_fanout, scenario_idle, scenario_churn,
	scenario_poll;

struct bench {
	const struct command *command;
	const struct scenario *scenario;
	struct options options;
	struct target target;
	struct origin origin;
	struct ws_keys keys;
	SSL_CTX *tls;
	struct loop loop;
	struct source signals;
	struct conn *conns;
	uint64_t *times; /* of all lanes */
	struct volley volley;
	struct schedule schedule;
	void *own; /* the scenario's */

	bool quantum; /* several runs, see quantum.h */
	enum phase phase;
	int status;            /* of the process */
	uint64_t now;          /* when the last bytes came, or the turn began */
	uint64_t next, opened; /* connections begun, and ready */
	uint64_t released;     /* messages of the schedule that connections were told of */
	struct count count;
	struct histogram latency;
	struct result result;
};

/* Makes what it needs and runs it: the status of the process. bench_release() follows in any case. */
int bench_measure(struct bench *bench);

/* Frees what a run has needed, not the bench. */
void bench_release(struct bench *bench);

/* Runs it through its phases. The status of the process; what was measured is in bench->result. */
int bench_run(struct bench *bench);

/* A connection is ready; of all that are opened before the scenario begins. */
void bench_opened(struct conn *conn);

/* An `ended` for connections that should not. Before the measurement it is the end of all. */
void bench_lost(struct conn *conn, enum conn_end end, const char *why);

/* Nothing more can come of it: says so and ends the run. */
void bench_fail(struct bench *bench, int status, const char *why);

/* Opens a connection from the next address. False: it has failed, and said so. */
bool bench_connect(struct bench *bench, struct conn *conn);

/* Counts something that took so long. */
static inline void
bench_count(struct bench *bench, uint64_t ns)
{
	bench->count.messages++;
	histogram_add(&bench->latency, ns, 1);
}

#endif
