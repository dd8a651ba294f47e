/*
 * resolve.h - from a host's name to its addresses, without ever holding the loop: c-ares, on the loop's own descriptors.
 *
 * c-ares and not getaddrinfo() on a thread: nothing to join or to leave behind when a client goes, no thread in a
 * library, and a lookup can be cancelled. It reads /etc/hosts and /etc/resolv.conf anew each time; sources
 * of names other than those two (NSS modules) it does not know.
 */
#ifndef XT_CLIENT_RESOLVE_H
#define XT_CLIENT_RESOLVE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "io/loop.h"

#define XT_ENDPOINTS_MAX     16 /* addresses of a name that are tried */
#define XT_RESOLVE_SOCKETS   16
#define XT_RESOLVE_HOST_SIZE 256

struct xt_endpoint {
	struct sockaddr_storage address;
	socklen_t size;
};

/* In the order in which they should be tried: IPv6 and IPv4 by turns (RFC 8305 4). */
struct xt_endpoints {
	size_t count;
	struct xt_endpoint list[XT_ENDPOINTS_MAX];
};

struct xt_resolve;
struct ares_channeldata;

struct xt_resolve_socket {
	struct xt_watch watch; /* fd -1: free */
	struct xt_resolve *resolve;
};

/* One lookup; the fields are resolve.c's. */
struct xt_resolve {
	struct xt_loop *loop;
	struct ares_channeldata *channel; /* NULL: none is going on */
	struct xt_resolve_socket sockets[XT_RESOLVE_SOCKETS];
	struct xt_timer timer;
	struct xt_task task;
	uint16_t port;
	const char *words; /* why it failed; static */
	struct xt_endpoints found;
	void (*done)(struct xt_resolve *resolve);
};

/* Once. `done` is called on a later turn, when `found` is complete, or is empty and `words` says why. */
void xt_resolve_init(
	struct xt_resolve *resolve, struct xt_loop *loop, void (*done)(struct xt_resolve *resolve));

/* Looks up a name, or reads an address (RFC 6761 6.3: localhost is no name to ask others for). */
void xt_resolve_start(struct xt_resolve *resolve, const char *host, uint16_t port);

/* `done` is not called any more. Harmless when nothing is going on; within `done` too. */
void xt_resolve_cancel(struct xt_resolve *resolve);

#endif
