/* request.h - one HTTP request as a handler sees it. All of it is borrowed: gone when the handler returns. */
#ifndef XT_HTTP_REQUEST_H
#define XT_HTTP_REQUEST_H

#include "base/buf.h"
#include "base/rules.h"
#include "base/str.h"
#include "codec/http1.h"

enum xt_method {
	XT_GET = 1,
	XT_HEAD = 2,
	XT_POST = 4,
	XT_PUT = 8,
	XT_DELETE = 16,
	XT_OPTIONS = 32,
	XT_METHOD_OTHER = 64
};

struct xt_request {
	enum xt_method method;
	const struct xt_http1_head *head; /* method, target, fields as they came */
	struct xt_str path;               /* as sent, percent-encoded, begins with '/' */
	struct xt_str query;              /* what follows '?', as sent; empty without */
	struct xt_str body;               /* whole, chunks joined */
	const struct xt_rules *rules;     /* of its path; lives as long as the server */
};

/* The value of the first field called `name`, whatever the case; p is NULL when there is none. */
struct xt_str xt_request_field(const struct xt_request *request, struct xt_str name);

/*
 * Whether the comma-separated list of all fields called `name` holds `token`, whatever the case
 * (RFC 9110 5.6.1): `Connection: keep-alive, Upgrade`.
 */
bool xt_request_has_token(
	const struct xt_request *request, struct xt_str name, struct xt_str token);

/*
 * The first query parameter called `name`, percent-decoded ('+' is a space) into `out` (which is
 * emptied first). 1: there is one; 0: none; XT_EINVAL: its percent-encoding is broken; XT_ENOMEM.
 */
int xt_request_query(const struct xt_request *request, struct xt_str name, struct xt_buf *out);

/* Whether there is a query parameter of that name, with or without a value: `?presence`. */
bool xt_request_has_query(const struct xt_request *request, struct xt_str name);

#endif
