/* config_value.h - values of the configuration as people write them: "1MiB", "500ms", an origin. */
#ifndef XT_SERVER_CONFIG_VALUE_H
#define XT_SERVER_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* What may follow a number, and what one of it is worth; an array of them ends with a NULL name. */
struct xt_config_unit {
	const char *name; /* "" when the number stands alone */
	uint64_t factor;
};

extern const struct xt_config_unit xt_config_units_none[];
extern const struct xt_config_unit xt_config_units_size[]; /* in bytes */
extern const struct xt_config_unit xt_config_units_time[]; /* in milliseconds */

/*
 * A decimal number, with a fraction if it comes out whole ("1.5KiB" is 1536, "0.0001s" is refused),
 * at once followed by one of `units`. False, `*out` left alone, for all else.
 */
bool xt_config_value_number(struct xt_str text, const struct xt_config_unit *units, uint64_t *out);

/* Writes `value` with the largest unit in which it is whole ("1MiB", "90s"); returns `p`. */
const char *xt_config_value_format(
	uint64_t value, const struct xt_config_unit *units, char *p, size_t size);

/* "*", or SCHEME://HOST[:PORT] as a browser sends it: no path, no slash at the end. */
bool xt_config_value_origin(struct xt_str text);

/*
 * `text` for an error: cut after 60 bytes, what is not printable replaced by "?"; the second in
 * quotes. Both return `p`, which holds at least 80 bytes.
 */
const char *xt_config_value_clean(struct xt_str text, char *p, size_t size);
const char *xt_config_value_quote(struct xt_str text, char *p, size_t size);

#endif
