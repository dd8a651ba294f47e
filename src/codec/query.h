/* query.h - walking "a=b&c" (application/x-www-form-urlencoded), without allocation. Pure. */
#ifndef XT_CODEC_QUERY_H
#define XT_CODEC_QUERY_H

#include "base/str.h"

struct xt_query_pair {
	struct xt_str name, value; /* still percent-encoded */
	bool has_value;            /* there was a '=' */
};

/* Takes the next pair off the front of `*rest`; empty ones ("a&&b") are skipped. False: no more. */
bool xt_query_next(struct xt_str *rest, struct xt_query_pair *pair);

/*
 * Finds the first pair whose decoded name is `name`. A name that is not well-formed matches nothing.
 */
bool xt_query_find(struct xt_str query, struct xt_str name, struct xt_query_pair *pair);

#endif
