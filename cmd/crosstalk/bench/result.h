/* result.h - what a run has measured, and what it means. */
#ifndef CROSSTALK_BENCH_RESULT_H
#define CROSSTALK_BENCH_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/histogram.h"
#include "bench/usage.h"

/* Since the measurement began. */
struct count {
	uint64_t messages;  /* what the scenario counts */
	uint64_t published; /* fanout: before they were multiplied */
	uint64_t sent_bytes, received_bytes;
	uint64_t lost;    /* connections that ended */
	uint64_t missing; /* messages that were not seen again */
	uint64_t strange; /* messages that nobody waited for */
	uint64_t refused; /* answers that were no success */
};

struct result {
	const char *scenario, *unit, *url, *subscribe;
	uint64_t connections, in_flight, size;
	double rate; /* asked for; 0: as fast as it goes */
	double seconds;
	double opening; /* seconds until all connections were open; 0: not measured */
	struct count count;
	const struct histogram *latency;
	struct usage own, server;
	bool has_server, has_memory;
	uint64_t memory_before,
		memory_after; /* bytes of the server's own: with one connection, and all */
	double steal,
		others; /* CPUs that the hypervisor, and other programs, took; others < 0: unknown */
	char why_lost[96]; /* the first connection that was */
};

enum verdict {
	VERDICT_GENERATOR = 1,  /* this program was the bottleneck */
	VERDICT_DISTURBED = 2,  /* others used the machine */
	VERDICT_BEHIND = 4,     /* the schedule was not kept */
	VERDICT_INCOMPLETE = 8, /* connections or messages were lost */
};

/* A set of verdicts. */
unsigned result_judge(const struct result *result);

/* Bytes of the server's memory for each connection but the first. */
double result_memory(const struct result *result);

/* CPUs that a process kept busy. */
double result_share(const struct result *result, const struct usage *usage);

#endif
