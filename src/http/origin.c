/* origin.c - our own pages, those that are allowed, and all others. */
#include "http/origin.h"

#include "crosstalk.h"
#include "http/http_private.h"
#include "io/tls.h"

#define ORIGIN XT_STR("origin")
#define SITE   XT_STR("sec-fetch-site")

#define QUOTED_MAX 100 /* bytes of the peer's words in our answer */

struct authority {
	struct xt_str host, port;
};

/* RFC 3986 3.2: HOST[:PORT]; the colons of an IPv6 address stand in brackets. */
static struct authority
split(struct xt_str text, struct xt_str default_port)
{
	struct authority authority = { .host = text, .port = default_port };
	size_t at = text.n;

	while (at > 0 && text.p[at - 1] != ':' && text.p[at - 1] != ']')
		at--;
	if (at == 0 || text.p[at - 1] != ':')
		return authority;
	authority.host.n = at - 1;
	if (at < text.n)
		authority.port = xt_str_skip(text, at);
	return authority;
}

bool
xt_origin_is_own(struct xt_str origin, struct xt_str host, bool secure)
{
	static const struct xt_str schemes[] = {
		XT_STR_INIT("https://"),
		XT_STR_INIT("http://"),
	};
	static const struct xt_str ports[] = { XT_STR_INIT("443"), XT_STR_INIT("80") };

	for (size_t i = 0; i < (secure ? 1 : 2); i++) {
		struct authority theirs, ours;
		if (!xt_str_starts(origin, schemes[i]))
			continue;
		theirs = split(xt_str_skip(origin, schemes[i].n), ports[i]);
		ours = split(host, ports[i]);
		return ours.host.n > 0 && xt_str_ieq(theirs.host, ours.host) &&
		       xt_str_eq(theirs.port, ours.port);
	}
	return false; /* null, and what is no page of the web */
}

/* Fetch Metadata 2.2: what the browser itself says of the page; `none`: it was the user, no page. */
static bool
browser_says_own(struct xt_str site)
{
	return xt_str_eq(site, XT_STR("same-origin")) || xt_str_eq(site, XT_STR("none"));
}

static bool
is_allowed(const struct xt_exchange *x, const struct xt_request *request)
{
	struct xt_str origin = xt_request_field(request, ORIGIN);
	struct xt_str site = xt_request_field(request, SITE);

	if (xt_http1_field_count(request->head, ORIGIN) > 1)
		return false;
	if (x->cors.origin.n > 0)
		return true;
	if (site.p)
		return browser_says_own(site);
	return !origin.p || xt_origin_is_own(origin, xt_request_field(request, XT_STR("host")),
				    xt_tls_is_on(xt_exchange_conn(x)));
}

int
xt_origin_check(struct xt_exchange *x)
{
	const struct xt_request *request = xt_exchange_request(x);
	struct xt_str origin = xt_request_field(request, ORIGIN);

	if (is_allowed(x, request))
		return 0;
	if (origin.n > QUOTED_MAX)
		origin.n = QUOTED_MAX;
	if (origin.n == 0)
		origin = XT_STR("another site");
	xt_exchange_error(x, 403, "origin_not_allowed",
		"pages of %.*s may not do this here; to let them, name their origin in "
		"cors.origins, or in origins of the path",
		(int)origin.n, origin.p);
	return XT_EPROTO;
}
