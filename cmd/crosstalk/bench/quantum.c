/* quantum.c - see quantum.h. */
#include "bench/quantum.h"

#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/report.h"

#define SIZES          3
#define WAYS           4
#define MEGABITS       (8.0 / 1048576)
#define PUBLISHED_POLL 871 /* bytes of headers, request and answer */
#define PUBLISHED_WS   2   /* bytes of a frame's header */

static const uint64_t sizes[SIZES] = { 1000, 10000, 100000 };

static const struct way {
	const char *name;
	enum subscribe subscribe;
} ways[WAYS] = {
	{ "polling", SUBSCRIBE_POLL },
	{ "long polling", SUBSCRIBE_LONGPOLL },
	{ "events", SUBSCRIBE_SSE },
	{ "WebSocket", SUBSCRIBE_WS },
};

/* What one way has cost. */
struct cost {
	uint64_t measured; /* clients that there were */
	double bytes;      /* for each client and message, payload excluded, both directions */
	double p50, p99;   /* of the latency, in nanoseconds */
};

static double
bytes_beside_payload(const struct result *result)
{
	const struct count *count = &result->count;
	double all = (double)(count->sent_bytes + count->received_bytes);
	double payload = (double)count->messages * (double)result->size;

	return count->messages ? (all - payload) / (double)count->messages : 0;
}

/* A run begins with nothing of the one before but what was asked for. */
static void
begin_again(struct bench *bench)
{
	bench_release(bench);
	bench->next = bench->opened = bench->released = 0;
	bench->phase = PHASE_OPENING;
	bench->count = (struct count){ 0 };
	memset(&bench->latency, 0, sizeof bench->latency);
}

static int
measure(struct bench *bench, uint64_t clients, const struct way *way, struct cost *cost)
{
	int status;

	begin_again(bench);
	bench->options.connections = clients;
	bench->options.subscribe = way->subscribe;
	status = bench_measure(bench);
	if (status != STATUS_OK)
		return status;
	if (bench->count.messages == 0)
		return command_fail(bench->command, STATUS_REFUSED,
			"%s: no message came; is it a channel, /c/NAME?", way->name);
	*cost = (struct cost){ .measured = clients,
		.bytes = bytes_beside_payload(&bench->result),
		.p50 = (double)histogram_percentile(&bench->latency, .5),
		.p99 = (double)histogram_percentile(&bench->latency, .99) };
	return STATUS_OK;
}

/* More clients than are opened are calculated from those that were. */
static int
measure_all(struct bench *bench, uint64_t most, struct cost costs[SIZES][WAYS])
{
	for (size_t size = 0; size < SIZES; size++) {
		uint64_t clients = sizes[size] < most ? sizes[size] : most;
		for (size_t way = 0; way < WAYS; way++) {
			struct cost *cost = &costs[size][way];
			int status = STATUS_OK;
			if (size > 0 && costs[size - 1][way].measured == clients)
				*cost = costs[size - 1][way];
			else
				status = measure(bench, clients, &ways[way], cost);
			if (status != STATUS_OK)
				return status;
		}
	}
	return STATUS_OK;
}

/* ---- the report ---- */

static double
megabits(double bytes, uint64_t clients)
{
	return bytes * (double)clients * MEGABITS;
}

/* Bytes of the published table; 0: it has no such row. */
static double
published(enum subscribe subscribe)
{
	return subscribe == SUBSCRIBE_POLL ? PUBLISHED_POLL
	       : subscribe == SUBSCRIBE_WS ? PUBLISHED_WS
					   : 0;
}

static void
print_row(uint64_t clients, const struct way *way, const struct cost *cost)
{
	char a[32], b[32], c[32], theirs[32] = "-";

	if (published(way->subscribe) > 0)
		snprintf(theirs, sizeof theirs, "%.3f",
			megabits(published(way->subscribe), clients));
	printf("  %8s%c %-12s %9.1f %10.3f %10s %10s %10s\n", report_number(a, (double)clients),
		clients > cost->measured ? '*' : ' ', way->name, cost->bytes,
		megabits(cost->bytes, clients), theirs, report_time(b, cost->p50),
		report_time(c, cost->p99));
}

static void
print_table(const struct bench *bench, struct cost costs[SIZES][WAYS])
{
	char a[32];

	printf("quantum %s\n  one message of %llu bytes a second for each client; counted at the "
	       "socket, both\n  directions, payload excluded; Mbit/s of 2^20 bits\n\n",
		bench->target.url, (unsigned long long)bench->options.size);
	printf("  %8s  %-12s %9s %10s %10s %10s %10s\n", "clients", "", "bytes", "Mbit/s",
		"published", "p50", "p99");
	for (size_t size = 0; size < SIZES; size++)
		for (size_t way = 0; way < WAYS; way++)
			print_row(sizes[size], &ways[way], &costs[size][way]);
	if (costs[SIZES - 1][0].measured < sizes[SIZES - 1])
		printf("\n  * calculated: bytes and latency are those of %s clients\n",
			report_number(a, (double)costs[SIZES - 1][0].measured));
	printf("  published: %d bytes of headers a poll, %d of a frame; requests here have few "
	       "headers, a\n  browser's have more (--header adds some)\n",
		PUBLISHED_POLL, PUBLISHED_WS);
}

static void
print_json(const struct bench *bench, struct cost costs[SIZES][WAYS])
{
	printf("{\"scenario\":\"quantum\",\"size\":%llu,\"rows\":[",
		(unsigned long long)bench->options.size);
	for (size_t i = 0; i < SIZES * WAYS; i++) {
		const struct cost *cost = &costs[i / WAYS][i % WAYS];
		uint64_t clients = sizes[i / WAYS];
		printf("%s{\"clients\":%llu,\"measured\":%llu,\"way\":\"%s\",\"bytes\":%.2f,"
		       "\"mbit_s\":%.4f,\"published_mbit_s\":%.4f,\"p50_us\":%.3f,"
		       "\"p99_us\":%.3f}",
			i ? "," : "", (unsigned long long)clients,
			(unsigned long long)cost->measured, ways[i % WAYS].name, cost->bytes,
			megabits(cost->bytes, clients),
			megabits(published(ways[i % WAYS].subscribe), clients), cost->p50 / 1000,
			cost->p99 / 1000);
	}
	puts("]}");
}

int
quantum_run(struct bench *bench)
{
	struct cost costs[SIZES][WAYS];
	uint64_t most = bench->options.connections;
	int status;

	bench->options.rate = 1;
	bench->options.in_flight = IN_FLIGHT_MAX;
	status = measure_all(bench, most, costs);
	if (status != STATUS_OK)
		return status;
	if (bench->options.json)
		print_json(bench, costs);
	else
		print_table(bench, costs);
	return fflush(stdout) == EOF ? STATUS_REFUSED : STATUS_OK;
}
