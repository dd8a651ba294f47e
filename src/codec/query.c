/* query.c - pairs of a query, one after the other. */
#include "codec/query.h"

#include "codec/percent.h"

bool
xt_query_next(struct xt_str *rest, struct xt_query_pair *pair)
{
	while (rest->n > 0) {
		struct xt_str part = xt_str_cut(rest, '&');
		if (part.n == 0)
			continue;
		pair->name = xt_str_cut(&part, '=');
		pair->has_value = part.p != NULL;
		pair->value = part;
		return true;
	}
	return false;
}

/* Whether `encoded` decodes to `name`; decodes byte by byte, so that no room is needed. */
static bool
name_is(struct xt_str encoded, struct xt_str name)
{
	size_t at = 0, n = 0;

	while (at < encoded.n && n < name.n) {
		size_t size = encoded.p[at] == '%' ? 3 : 1;
		char byte[3];
		size_t one;
		if (size > encoded.n - at ||
			!xt_percent_decode_form(xt_str_of(encoded.p + at, size), byte, &one) ||
			byte[0] != name.p[n++])
			return false;
		at += size;
	}
	return at == encoded.n && n == name.n;
}

bool
xt_query_find(struct xt_str query, struct xt_str name, struct xt_query_pair *pair)
{
	while (xt_query_next(&query, pair))
		if (name_is(pair->name, name))
			return true;
	return false;
}
