/* cors.c - exact origins, and preflights answered without asking the handler. */
#include "http/cors.h"

#include "http/http_private.h"

/* How long a browser may remember a preflight, in seconds: the most that Chromium does. */
#define MAX_AGE "7200"

#define EXPOSED "Access-Control-Expose-Headers: Allow, ETag, Retry-After\r\n"

/* Looks for `asked` in a list; * is all. */
static struct xt_cors
match(struct xt_cors cors, const struct xt_str *origins, size_t count, struct xt_str asked)
{
	for (size_t i = 0; i < count; i++) {
		if (xt_str_eq(origins[i], XT_STR("*")))
			return (struct xt_cors){ .origin = origins[i], .all = true };
		cors.vary = true;
		if (xt_str_eq(origins[i], asked))
			cors.origin = origins[i];
	}
	return cors;
}

struct xt_cors
xt_cors_match(const struct xt_http_config *config, const struct xt_request *request)
{
	const struct xt_rules *rules = request->rules;
	struct xt_str asked = xt_request_field(request, XT_STR("origin"));
	struct xt_cors cors = { 0 };

	cors = match(cors, config->cors_origins, config->cors_origins_count, asked);
	return cors.all ? cors : match(cors, rules->origins, rules->origins_count, asked);
}

size_t
xt_cors_size(const struct xt_cors *cors)
{
	return sizeof "Vary: Origin\r\nAccess-Control-Allow-Origin: \r\n" EXPOSED + cors->origin.n;
}

void
xt_cors_put(const struct xt_cors *cors, struct xt_buf *out)
{
	if (cors->vary)
		xt_buf_put_str(out, XT_STR("Vary: Origin\r\n"));
	if (cors->origin.n == 0)
		return;
	xt_buf_put_str(out, XT_STR("Access-Control-Allow-Origin: "));
	xt_buf_put_str(out, cors->origin);
	xt_buf_put_str(out, XT_STR("\r\n" EXPOSED));
}

static void
allow(struct xt_exchange *x, const struct xt_route *route, const struct xt_request *request)
{
	struct xt_str fields = xt_request_field(request, XT_STR("access-control-request-headers"));
	char methods[XT_METHODS_SIZE];
	size_t n = xt_methods_text(xt_route_methods(route), methods);

	xt_exchange_header(x, XT_STR("Access-Control-Allow-Methods"), xt_str_of(methods, n));
	if (fields.n > 0)
		xt_exchange_header(x, XT_STR("Access-Control-Allow-Headers"), fields);
	xt_exchange_header(x, XT_STR("Access-Control-Max-Age"), XT_STR(MAX_AGE));
	xt_exchange_reply(x, 204, (struct xt_str){ 0 }, (struct xt_str){ 0 });
}

bool
xt_cors_preflight(struct xt_exchange *x, const struct xt_route *route)
{
	const struct xt_request *request = xt_exchange_request(x);
	struct xt_str method = XT_STR("access-control-request-method");

	if (request->method != XT_OPTIONS || !xt_request_field(request, method).p ||
		!xt_request_field(request, XT_STR("origin")).p || (!x->cors.all && !x->cors.vary))
		return false;
	if (x->cors.origin.n == 0)
		xt_exchange_error(x, 403, "origin_not_allowed",
			"this origin is not among those that cors.origins, or origins of the path, "
			"allow");
	else
		allow(x, route, request);
	return true;
}
