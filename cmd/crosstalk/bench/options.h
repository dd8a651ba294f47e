/* options.h - what the command line of `crosstalk bench` says. */
#ifndef CROSSTALK_BENCH_OPTIONS_H
#define CROSSTALK_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "command.h"

#define OPTIONS_PIDS     64
#define OPTIONS_HEADERS  32
#define OPTIONS_UNSAID   UINT64_MAX
#define CONNECTIONS_MAX  1000000u
#define IN_FLIGHT_MAX    16384u
#define SIZE_MAX_PAYLOAD ((uint64_t)16 << 20)

enum subscribe { SUBSCRIBE_WS, SUBSCRIBE_SSE, SUBSCRIBE_LONGPOLL, SUBSCRIBE_POLL };

struct texts {
	const char *p[OPTIONS_HEADERS];
	size_t n;
};

/* The texts are those of the command line. */
struct options {
	const char *scenario, *url;
	uint64_t connections, in_flight; /* OPTIONS_UNSAID: the scenario's own */
	uint64_t size;                   /* bytes of a payload */
	double rate;                     /* a second; 0: as fast as it goes */
	double seconds, warmup, timeout;
	enum subscribe subscribe;
	const char *publish; /* "ws", "post" or a URL */
	const char *source;  /* addresses to come from; NULL: the system's choice */
	struct {
		pid_t p[OPTIONS_PIDS];
		size_t n;
	} pids;
	struct texts headers; /* "Name: value" */
	int cpu;              /* -1: any */
	bool binary, json, quiet;
};

/* STATUS_OK; STATUS_USAGE after it has said what is wrong. */
int bench_options_read(
	struct options *options, const struct command *command, int argc, char **argv);

#endif
