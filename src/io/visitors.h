/*
 * visitors.h - what each address takes of the paths that count it: connections now, and messages a second. One for a server,
 * shared by its workers; touched only for paths that have such a limit.
 *
 *	arrive (a connection) -> leave        a visitor is kept while it has connections, or owes for what it published
 *	spend (a message)
 *
 * An address of IPv6 stands for the /64 around it, which is what one customer has at least (RFC 6177).
 */
#ifndef XT_IO_VISITORS_H
#define XT_IO_VISITORS_H

#include "base/map.h"
#include "base/rules.h"
#include "io/conn.h"

/* Addresses that are kept though they have no connection, at most; then the oldest are forgotten. */
#define XT_VISITORS_IDLE_MAX (1u << 16)

struct xt_visitors;
struct xt_visitor; /* an address on a path */

/* `key`: against names that collide. 0 or XT_ENOMEM. */
int xt_visitors_new(struct xt_visitors **visitors, const struct xt_map_key *key);
void xt_visitors_free(struct xt_visitors *visitors); /* when all have left; NULL is fine */

/* 16 bytes that stand for an address: IPv4 as IPv6 mapped, IPv6 without its lower half. */
struct xt_peer_address {
	unsigned char bytes[16];
};

/* Of the peer. False: it has none (a Unix socket). Asks the kernel. */
bool xt_conn_address(const struct xt_conn *conn, struct xt_peer_address *address);

/*
 * Any thread. One more connection on a path: 0, XT_ELIMIT when rules->connections_per_address are there, XT_ENOMEM. What comes
 * back is given to xt_visitors_leave(), once.
 */
int xt_visitors_arrive(struct xt_visitors *visitors, const struct xt_rules *rules,
	const struct xt_peer_address *address, struct xt_visitor **visitor);
void xt_visitors_leave(struct xt_visitor *visitor); /* NULL is fine */

/* Any thread. One message more, as xt_rate_take(); out of memory lets it through. */
uint64_t xt_visitors_spend(struct xt_visitors *visitors, const struct xt_rules *rules,
	const struct xt_peer_address *address, uint64_t bytes, uint64_t now_ms);

/* How many are kept; for tests. */
size_t xt_visitors_count(struct xt_visitors *visitors);

#endif
