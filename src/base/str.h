/* str.h - what can be done with a borrowed run of bytes (struct xt_str of crosstalk.h). */
#ifndef XT_BASE_STR_H
#define XT_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "crosstalk.h"

#define XT_STR(literal) ((struct xt_str){ .p = (literal), .n = sizeof(literal) - 1 })

/* The same where only a constant may stand: in the initialiser of a const table. */
#define XT_STR_INIT(literal) \
	{ \
		.p = (literal), .n = sizeof(literal) - 1 \
	}

static inline struct xt_str
xt_str_from(const char *cstring)
{
	return (struct xt_str){ .p = cstring, .n = cstring ? strlen(cstring) : 0 };
}

static inline struct xt_str
xt_str_of(const void *p, size_t n)
{
	return (struct xt_str){ .p = p, .n = n };
}

static inline bool
xt_str_eq(struct xt_str a, struct xt_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
xt_str_starts(struct xt_str s, struct xt_str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* What follows the first `n` bytes; empty when there are fewer. */
static inline struct xt_str
xt_str_skip(struct xt_str s, size_t n)
{
	return n < s.n ? (struct xt_str){ .p = s.p + n, .n = s.n - n } : (struct xt_str){ 0 };
}

/* Equal but for the case of ASCII letters: header fields, tokens. */
bool xt_str_ieq(struct xt_str a, struct xt_str b);

/* Without spaces and tabs at both ends. */
struct xt_str xt_str_trim(struct xt_str s);

/*
 * A decimal number of 1 to 20 digits and nothing else, at most `max`. Returns false, and leaves
 * `*out` alone, for anything else (no sign, no space).
 */
bool xt_str_u64(struct xt_str s, uint64_t max, uint64_t *out);

/*
 * Cuts `*rest` at the first `separator`: returns what is before it and leaves what is after it.
 * Without one it returns all and leaves `rest->p` NULL, so `while (rest.p)` walks a list.
 */
struct xt_str xt_str_cut(struct xt_str *rest, char separator);

#endif
