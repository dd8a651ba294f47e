/*
 * cors.h - who else's pages may read our answers (the Fetch standard, "HTTP extensions").
 *
 * Without configured origins there is not one CORS field, and browsers keep to the same origin.
 */
#ifndef XT_HTTP_CORS_H
#define XT_HTTP_CORS_H

#include "base/buf.h"

struct xt_exchange;
struct xt_http_config;
struct xt_request;
struct xt_route;

/* What an answer says about it. */
struct xt_cors {
	struct xt_str
		origin; /* "*" or the request's, when it is allowed; points into the configuration */
	bool vary;      /* the answer depends on who asks */
	bool all;       /* it does not: all are allowed */
};

struct xt_cors xt_cors_match(const struct xt_http_config *config, const struct xt_request *request);

/* The most that xt_cors_put() writes. */
size_t xt_cors_size(const struct xt_cors *cors);
void xt_cors_put(const struct xt_cors *cors, struct xt_buf *out); /* reserved */

/* Answers a preflight for `route` (NULL: no route). False: the request is none. */
bool xt_cors_preflight(struct xt_exchange *x, const struct xt_route *route);

#endif
