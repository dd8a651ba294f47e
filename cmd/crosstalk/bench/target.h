/* target.h - where a URL points: who to connect to, and what to ask for. */
#ifndef CROSSTALK_BENCH_TARGET_H
#define CROSSTALK_BENCH_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define TARGET_MAX 1024 /* bytes of a URL */

struct target {
	char url[TARGET_MAX + 8];
	char host[256];      /* without brackets */
	char authority[280]; /* as the Host field names it */
	char port[8];
	char path[TARGET_MAX]; /* with the query; never empty */
	bool tls;
	struct sockaddr_storage address; /* set by target_resolve() */
	socklen_t address_size;
};

/*
 * Reads ws://, wss://, http:// or https://; without a scheme it is ws://. NULL, or a static sentence of what is
 * wrong. A fragment is left out.
 */
const char *target_parse(struct target *target, const char *url);

/* Asks the system for the address; waits. NULL, or a static sentence. */
const char *target_resolve(struct target *target);

#endif
