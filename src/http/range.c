/* range.c - If-Match, If-None-Match, If-Range and Range, in the order of RFC 9110 13.2.2. */
#include "http/range.h"

static bool
tag_is(struct xt_str member, struct xt_str etag, bool weak)
{
	if (xt_str_eq(member, XT_STR("*")))
		return true;
	if (weak && xt_str_starts(member, XT_STR("W/")))
		member = xt_str_skip(member, 2);
	return xt_str_eq(member, etag);
}

/* Whether a field `name` of the request lists the tag; `*any` is set when there is such a field. */
static bool
tags_hold(const struct xt_request *request, struct xt_str name, struct xt_str etag, bool weak,
	bool *any)
{
	const struct xt_http1_head *head = request->head;

	*any = false;
	for (size_t i = 0; i < head->fields_count; i++) {
		struct xt_str list = head->fields[i].value, member;
		if (!xt_str_ieq(head->fields[i].name, name))
			continue;
		*any = true;
		while (xt_http1_list_next(&list, &member))
			if (tag_is(member, etag, weak))
				return true;
	}
	return false;
}

/* A position; one that is too large to be counted is behind the end, as any that is too large. */
static bool
parse_position(struct xt_str s, uint64_t *out)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	if (!xt_str_u64(s, UINT64_MAX - 1, out))
		*out = UINT64_MAX - 1;
	return true;
}

/* RFC 9110 14.1.2: "first-last", "first-" or "-suffix". False: not of this form, so ignored. */
static bool
parse_spec(struct xt_str spec, uint64_t size, struct xt_range *range)
{
	struct xt_str last = spec;
	struct xt_str first = xt_str_cut(&last, '-');
	uint64_t a = 0, b = UINT64_MAX - 1;

	if (!last.p || (first.n == 0 && last.n == 0))
		return false;
	if (first.n > 0 && !parse_position(first, &a))
		return false;
	if (last.n > 0 && !parse_position(last, &b))
		return false;
	if (first.n == 0) {
		range->from = b < size ? size - b : 0;
		range->to = size;
		return true;
	}
	range->from = a;
	range->to = b < size ? b + 1 : size;
	return a <= b;
}

/* Several ranges would need multipart/byteranges: they get the whole (RFC 9110 14.2 allows it). */
static void
apply_range(struct xt_str value, struct xt_range *range)
{
	struct xt_range part = { .status = 206 };
	uint64_t size = range->to;

	if (value.n < 6 || !xt_str_ieq(xt_str_of(value.p, 6), XT_STR("bytes=")))
		return;
	if (!parse_spec(xt_str_trim(xt_str_skip(value, 6)), size, &part))
		return;
	if (part.from >= part.to)
		part.status = 416;
	*range = part;
}

struct xt_range
xt_range_select(const struct xt_request *request, struct xt_str etag, uint64_t size)
{
	struct xt_range range = { .status = 200, .from = 0, .to = size };
	struct xt_str ask = xt_request_field(request, XT_STR("range"));
	struct xt_str only_if = xt_request_field(request, XT_STR("if-range"));
	bool any;

	if (!tags_hold(request, XT_STR("if-match"), etag, false, &any) && any)
		range.status = 412;
	else if (tags_hold(request, XT_STR("if-none-match"), etag, true, &any))
		range.status = 304;
	/* RFC 9110 14.2: for GET only. 13.1.5: a date as If-Range matches nothing, as we send none. */
	else if (request->method == XT_GET && ask.p && (!only_if.p || xt_str_eq(only_if, etag)))
		apply_range(ask, &range);
	return range;
}
