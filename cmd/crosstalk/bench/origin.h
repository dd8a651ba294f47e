/* origin.h - the addresses that connections come from: an address has about 28,000 ports for one server. */
#ifndef CROSSTALK_BENCH_ORIGIN_H
#define CROSSTALK_BENCH_ORIGIN_H

#include <stdint.h>
#include <sys/socket.h>

#define ORIGIN_MAX 1024 /* addresses of a range */

/* A range of addresses, taken in turn. `count` 0: the system chooses. */
struct origin {
	struct sockaddr_storage first;
	socklen_t size;
	uint32_t count, next;
};

/* Reads "ADDRESS" or, of IPv4, "ADDRESS-ADDRESS". NULL, or a static sentence of what is wrong. */
const char *origin_parse(struct origin *origin, const char *text);

/* The next address, NULL when the system chooses. `*room` holds it. */
const struct sockaddr *origin_next(struct origin *origin, struct sockaddr_storage *room);

#endif
