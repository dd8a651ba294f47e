/* map.c - chained hashing; the chain is in the nodes. */
#include "base/map.h"

#include "base/heap.h"
#include "base/panic.h"
#include "crosstalk.h"

#define FIRST_SLOTS 16

static uint64_t
rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

static void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static void
sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

/* SipHash-1-3 (Aumasson, Bernstein: SipHash: a fast short-input PRF): one round a word, three at the end. */
uint64_t
xt_map_hash(const struct xt_map_key *key, struct xt_str name)
{
	struct sip s = {
		.v0 = key->k0 ^ 0x736f6d6570736575,
		.v1 = key->k1 ^ 0x646f72616e646f6d,
		.v2 = key->k0 ^ 0x6c7967656e657261,
		.v3 = key->k1 ^ 0x7465646279746573,
	};
	uint64_t word, last = (uint64_t)name.n << 56;
	size_t at = 0;

	for (; at + 8 <= name.n; at += 8) {
		memcpy(&word, name.p + at, 8);
		sip_word(&s, word);
	}
	for (size_t i = 0; at + i < name.n; i++)
		last |= (uint64_t)(unsigned char)name.p[at + i] << (8 * i);
	sip_word(&s, last);
	s.v2 ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void
xt_map_fini(struct xt_map *map)
{
	xt_free(map->slots);
	*map = (struct xt_map){ 0 };
}

struct xt_map_node *
xt_map_find(const struct xt_map *map, uint64_t hash, struct xt_str name)
{
	struct xt_map_node *node = map->slots ? map->slots[hash & map->mask] : NULL;

	while (node && !(node->hash == hash && xt_str_eq(node->name, name)))
		node = node->next;
	return node;
}

static int
grow(struct xt_map *map)
{
	size_t n = map->slots ? (map->mask + 1) * 2 : FIRST_SLOTS;
	struct xt_map_node **slots = xt_calloc(n, sizeof(*slots));

	if (!slots)
		return XT_ENOMEM;
	for (size_t i = 0; map->slots && i <= map->mask; i++) {
		struct xt_map_node *node = map->slots[i];
		while (node) {
			struct xt_map_node *next = node->next;
			node->next = slots[node->hash & (n - 1)];
			slots[node->hash & (n - 1)] = node;
			node = next;
		}
	}
	xt_free(map->slots);
	map->slots = slots;
	map->mask = n - 1;
	return 0;
}

int
xt_map_add(struct xt_map *map, struct xt_map_node *node)
{
	struct xt_map_node **slot;

	/* A table that can't grow still works, only slower; an empty one can't. */
	if ((!map->slots || map->count > map->mask) && grow(map) < 0 && !map->slots)
		return XT_ENOMEM;
	slot = &map->slots[node->hash & map->mask];
	node->next = *slot;
	*slot = node;
	map->count++;
	return 0;
}

void
xt_map_remove(struct xt_map *map, struct xt_map_node *node)
{
	struct xt_map_node **at = &map->slots[node->hash & map->mask];

	while (*at != node) {
		XT_ASSERT(*at);
		at = &(*at)->next;
	}
	*at = node->next;
	map->count--;
}
