/*
 * rules.h - what one path allows: its part of the configuration's group `paths`. Made before the workers start, shared by
 * them, never changed.
 */
#ifndef XT_BASE_RULES_H
#define XT_BASE_RULES_H

#include "base/str.h"

#define XT_RULES_UNSET UINT8_MAX

struct xt_rules {
	struct xt_str path; /* decoded; with '/' at its end all below it, else this path alone */
	uint32_t index;     /* tells it from the others */

	uint32_t message; /* bytes; 0: as everywhere */
	uint32_t frame;   /* bytes; this and the next: 0 is no limit */
	uint32_t messages_per_second;
	uint64_t bytes_per_second;
	uint32_t connections_per_address;
	uint8_t compression; /* a level, 0: off; XT_RULES_UNSET: as everywhere */

	const struct xt_str *origins, *subprotocols;
	size_t origins_count, subprotocols_count;
};

/* Of a path of which nothing is said. */
extern const struct xt_rules xt_rules_none;

/* Whether it counts how much comes. */
static inline bool
xt_rules_have_rates(const struct xt_rules *rules)
{
	return rules->messages_per_second || rules->bytes_per_second;
}

/* The level of compression, where the server's is `level`. */
static inline uint8_t
xt_rules_level(const struct xt_rules *rules, uint8_t level)
{
	return rules->compression == XT_RULES_UNSET ? level : rules->compression;
}

#endif
