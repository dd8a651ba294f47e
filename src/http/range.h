/*
 * range.h - conditions and ranges (RFC 9110 13 and 14): which part of a representation, if any, a
 * request is answered with.
 */
#ifndef XT_HTTP_RANGE_H
#define XT_HTTP_RANGE_H

#include "http/request.h"

struct xt_range {
	unsigned status;   /* 200, 206, 304, 412 or 416 */
	uint64_t from, to; /* of 200 and 206: bytes, `to` not included */
};

/* For GET or HEAD of `size` bytes with that strong entity tag, in its quotes. */
struct xt_range xt_range_select(
	const struct xt_request *request, struct xt_str etag, uint64_t size);

#endif
