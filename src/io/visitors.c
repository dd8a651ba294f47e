/* visitors.c - a table of addresses in shards, each with a lock that is held for a few instructions. */
#include "io/visitors.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/panic.h"
#include "base/rate.h"
#include "crosstalk.h"
#include "io/carrier.h"

#define SHARDS 16

/* So many of the oldest are looked at for each new one: more go than come. */
#define LOOKS 2

struct name {
	struct xt_peer_address address;
	uint32_t path;
};

struct shard {
	pthread_mutex_t lock;
	struct xt_map map;
	struct xt_list idle; /* without connections; the one that was used last is the last */
	size_t idle_count;
};

struct xt_visitors {
	struct xt_map_key key;
	struct shard shards[SHARDS];
};

struct xt_visitor {
	struct xt_map_node node;
	struct xt_list link; /* of shard->idle, while there are no connections */
	struct shard *shard;
	struct name name;
	uint32_t connections;
	struct xt_rate rate;
};

int
xt_visitors_new(struct xt_visitors **out, const struct xt_map_key *key)
{
	struct xt_visitors *visitors = xt_calloc(1, sizeof *visitors);

	if (!visitors)
		return XT_ENOMEM;
	visitors->key = *key;
	for (size_t i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&visitors->shards[i].lock, NULL);
		xt_list_init(&visitors->shards[i].idle);
	}
	*out = visitors;
	return 0;
}

/* It has no connections. */
static void
forget(struct xt_visitor *visitor)
{
	xt_list_remove(&visitor->link);
	visitor->shard->idle_count--;
	xt_map_remove(&visitor->shard->map, &visitor->node);
	xt_free(visitor);
}

static struct xt_visitor *
oldest(struct shard *shard)
{
	return XT_LIST_ENTRY(shard->idle.next, struct xt_visitor, link);
}

void
xt_visitors_free(struct xt_visitors *visitors)
{
	if (!visitors)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &visitors->shards[i];
		while (!xt_list_empty(&shard->idle))
			forget(oldest(shard));
		XT_ASSERT(shard->map.count == 0);
		xt_map_fini(&shard->map);
		pthread_mutex_destroy(&shard->lock);
	}
	xt_free(visitors);
}

/* ---- addresses --------------------------------------------------------------------------- */

bool
xt_conn_address(const struct xt_conn *conn, struct xt_peer_address *address)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof storage;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&storage;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&storage;
	struct xt_carrier *carrier;

	while ((carrier = xt_conn_carrier(conn)) && carrier->below)
		conn = carrier->below;
	*address = (struct xt_peer_address){ 0 };
	if (getpeername(xt_conn_fd(conn), (struct sockaddr *)&storage, &length) < 0)
		return false;
	if (storage.ss_family == AF_INET) {
		/* RFC 4291 2.5.5.2: as an IPv4-mapped one */
		address->bytes[10] = address->bytes[11] = 0xff;
		memcpy(address->bytes + 12, &v4->sin_addr, 4);
		return true;
	}
	if (storage.ss_family != AF_INET6)
		return false;
	memcpy(address->bytes, &v6->sin6_addr, IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) ? 16 : 8);
	return true;
}

/* ---- finding ----------------------------------------------------------------------------- */

/* Those that owe nothing any more make room. */
static void
tidy(struct shard *shard, uint64_t now_ms)
{
	for (int i = 0; i < LOOKS && !xt_list_empty(&shard->idle); i++) {
		bool full = shard->idle_count > XT_VISITORS_IDLE_MAX / SHARDS;
		if (!full && !xt_rate_is_idle(&oldest(shard)->rate, now_ms))
			return;
		forget(oldest(shard));
	}
}

static struct xt_visitor *
add(struct shard *shard, const struct name *name, uint64_t hash)
{
	struct xt_visitor *visitor = xt_calloc(1, sizeof *visitor);

	if (!visitor)
		return NULL;
	visitor->shard = shard;
	visitor->name = *name;
	visitor->node.hash = hash;
	visitor->node.name = xt_str_of(&visitor->name, sizeof visitor->name);
	if (xt_map_add(&shard->map, &visitor->node) < 0) {
		xt_free(visitor);
		return NULL;
	}
	xt_list_append(&shard->idle, &visitor->link);
	shard->idle_count++;
	return visitor;
}

/* Its shard is locked when this returns, whether it was found, was made, or there is no memory (NULL). */
static struct xt_visitor *
find(struct xt_visitors *visitors, const struct xt_rules *rules,
	const struct xt_peer_address *address, uint64_t now_ms, struct shard **locked)
{
	struct name name = { .address = *address, .path = rules->index };
	uint64_t hash = xt_map_hash(&visitors->key, xt_str_of(&name, sizeof name));
	struct shard *shard = &visitors->shards[hash >> 60];
	struct xt_map_node *node;

	*locked = shard;
	pthread_mutex_lock(&shard->lock);
	node = xt_map_find(&shard->map, hash, xt_str_of(&name, sizeof name));
	if (node)
		return XT_CONTAINER(node, struct xt_visitor, node);
	tidy(shard, now_ms);
	return add(shard, &name, hash);
}

/* ---- what they do ------------------------------------------------------------------------ */

static int
enter(struct xt_visitor *visitor, uint32_t max)
{
	if (!visitor)
		return XT_ENOMEM;
	if (visitor->connections >= max)
		return XT_ELIMIT;
	if (visitor->connections++ == 0) {
		xt_list_remove(&visitor->link);
		visitor->shard->idle_count--;
	}
	return 0;
}

int
xt_visitors_arrive(struct xt_visitors *visitors, const struct xt_rules *rules,
	const struct xt_peer_address *address, struct xt_visitor **out)
{
	struct shard *shard;
	/* Of now 0 nobody is idle who owes anything: those are looked at when somebody spends. */
	struct xt_visitor *visitor = find(visitors, rules, address, 0, &shard);
	int error = enter(visitor, rules->connections_per_address);

	pthread_mutex_unlock(&shard->lock);
	*out = error < 0 ? NULL : visitor;
	return error;
}

void
xt_visitors_leave(struct xt_visitor *visitor)
{
	struct shard *shard;

	if (!visitor)
		return;
	shard = visitor->shard;
	pthread_mutex_lock(&shard->lock);
	XT_ASSERT(visitor->connections > 0);
	if (--visitor->connections == 0) {
		xt_list_append(&shard->idle, &visitor->link);
		shard->idle_count++;
		if (xt_rate_is_idle(&visitor->rate, 0))
			forget(visitor);
	}
	pthread_mutex_unlock(&shard->lock);
}

uint64_t
xt_visitors_spend(struct xt_visitors *visitors, const struct xt_rules *rules,
	const struct xt_peer_address *address, uint64_t bytes, uint64_t now_ms)
{
	struct shard *shard;
	struct xt_visitor *visitor = find(visitors, rules, address, now_ms, &shard);
	uint64_t wait = visitor ? xt_rate_take(&visitor->rate, rules, bytes, now_ms) : 0;

	if (visitor && visitor->connections == 0) {
		xt_list_remove(&visitor->link);
		xt_list_append(&shard->idle, &visitor->link);
	}
	pthread_mutex_unlock(&shard->lock);
	return wait;
}

size_t
xt_visitors_count(struct xt_visitors *visitors)
{
	size_t count = 0;

	for (size_t i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&visitors->shards[i].lock);
		count += visitors->shards[i].map.count;
		pthread_mutex_unlock(&visitors->shards[i].lock);
	}
	return count;
}
