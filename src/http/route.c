/* route.c - from a path and a method to who answers. */
#include "http/http_private.h"

#define METHODS_ANY (XT_GET | XT_HEAD | XT_POST | XT_PUT | XT_DELETE | XT_OPTIONS)

static const struct {
	struct xt_str name;
	enum xt_method method;
} methods[] = {
	{ XT_STR_INIT("GET"), XT_GET },
	{ XT_STR_INIT("HEAD"), XT_HEAD },
	{ XT_STR_INIT("POST"), XT_POST },
	{ XT_STR_INIT("PUT"), XT_PUT },
	{ XT_STR_INIT("DELETE"), XT_DELETE },
	{ XT_STR_INIT("OPTIONS"), XT_OPTIONS },
};

#define METHODS (sizeof methods / sizeof methods[0])

enum xt_method
xt_method_of(struct xt_str name)
{
	for (size_t i = 0; i < METHODS; i++)
		if (xt_str_eq(name, methods[i].name))
			return methods[i].method;
	return XT_METHOD_OTHER;
}

size_t
xt_methods_text(unsigned allowed, char out[XT_METHODS_SIZE])
{
	struct xt_buf buf = { .p = out, .cap = XT_METHODS_SIZE };

	for (size_t i = 0; i < METHODS; i++) {
		if (!(allowed & methods[i].method))
			continue;
		if (buf.n > 0)
			xt_buf_put_str(&buf, XT_STR(", "));
		xt_buf_put_str(&buf, methods[i].name);
	}
	return buf.n;
}

const struct xt_route *
xt_route_find(const struct xt_http_config *config, struct xt_str path)
{
	for (const struct xt_route *route = config->routes; route && route->handle; route++)
		if (route->prefix ? xt_str_starts(path, route->path) : xt_str_eq(path, route->path))
			return route;
	return NULL;
}

unsigned
xt_route_methods(const struct xt_route *route)
{
	unsigned allowed = route ? route->methods : 0;

	if (!route || (route->own_methods && !allowed))
		return METHODS_ANY;
	if (allowed & XT_GET)
		allowed |= XT_HEAD;
	return allowed | XT_OPTIONS;
}

static void
allow(struct xt_exchange *x, unsigned allowed)
{
	char text[XT_METHODS_SIZE];

	xt_exchange_header(x, XT_STR("Allow"), xt_str_of(text, xt_methods_text(allowed, text)));
}

static void
refuse_path(struct xt_exchange *x)
{
	xt_exchange_error(x, 404, "not_found", "nothing is served at this path");
}

static bool
refuse_method(struct xt_exchange *x, const struct xt_route *route, enum xt_method method)
{
	unsigned allowed = xt_route_methods(route);
	char text[XT_METHODS_SIZE];

	if (route->own_methods)
		return false;
	if (method == XT_OPTIONS && !(route->methods & XT_OPTIONS)) {
		allow(x, allowed);
		xt_exchange_reply(x, 204, (struct xt_str){ 0 }, (struct xt_str){ 0 });
		return true;
	}
	if (allowed & method)
		return false;
	allow(x, allowed);
	xt_exchange_error(x, 405, "method_not_allowed", "this path answers to %.*s",
		(int)xt_methods_text(allowed, text), text);
	return true;
}

static bool
refuse_size(struct xt_exchange *x, const struct xt_route *route)
{
	uint64_t max = xt_rules_max_body(xt_exchange_request(x), route);

	if (max == 0 || x->chunked || x->length <= max)
		return false;
	xt_exchange_error(x, 413, "body_too_large",
		"the body has %llu bytes; this path takes %llu at most",
		(unsigned long long)x->length, (unsigned long long)max);
	return true;
}

/* RFC 9110 9.3.7: about the server as a whole. */
static bool
answer_asterisk(struct xt_exchange *x)
{
	if (!xt_str_eq(xt_exchange_request(x)->path, XT_STR("*")))
		return false;
	allow(x, METHODS_ANY);
	xt_exchange_reply(x, 204, (struct xt_str){ 0 }, (struct xt_str){ 0 });
	return true;
}

bool
xt_route_refuse(struct xt_exchange *x, const struct xt_route *route)
{
	const struct xt_request *request = xt_exchange_request(x);
	const struct xt_http_config *config = x->link->server->config;

	if (request->head->expect == XT_HTTP1_EXPECT_UNKNOWN) {
		xt_exchange_error(x, 417, "expectation_failed",
			"only Expect: 100-continue is understood here");
		return true;
	}
	if (answer_asterisk(x) || xt_cors_preflight(x, route))
		return true;
	if (route)
		return refuse_method(x, route, request->method) || refuse_size(x, route) ||
		       (route->refuse && route->refuse(x, route->ctx));
	if (config->fallback)
		return false;
	refuse_path(x);
	return true;
}
