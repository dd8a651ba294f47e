/*
 * map.h - a hash table from names to objects that embed their own node.
 *
 * Names come from peers, so the hash is keyed (SipHash-1-3) with a secret of the process: nobody can
 * choose names that collide. The table grows by itself; nodes never move.
 */
#ifndef XT_BASE_MAP_H
#define XT_BASE_MAP_H

#include "base/str.h"

struct xt_map_node {
	struct xt_map_node *next;
	uint64_t hash;
	struct xt_str name; /* belongs to the object, unchanged while it is in the map */
};

struct xt_map {
	struct xt_map_node **slots; /* a power of two; NULL while empty */
	size_t mask, count;
};

/* Hashes differ from process to process. */
struct xt_map_key {
	uint64_t k0, k1;
};

uint64_t xt_map_hash(const struct xt_map_key *key, struct xt_str name);

/* Does not free the objects. */
void xt_map_fini(struct xt_map *map);

/* NULL: none. `hash` is xt_map_hash() of the name. */
struct xt_map_node *xt_map_find(const struct xt_map *map, uint64_t hash, struct xt_str name);

/* The name must not be in the map yet; node->hash and node->name are set. 0 or XT_ENOMEM. */
int xt_map_add(struct xt_map *map, struct xt_map_node *node);
void xt_map_remove(struct xt_map *map, struct xt_map_node *node);

#endif
