/* listen_url.c - the URL of a listener: scheme by table, then host and port or a path. */
#include "server/listen_url.h"

#include <arpa/inet.h>

#define NOT_YET " is not in this version, allowed: http://HOST:PORT, unix:/PATH"

static bool parse_http(struct xt_str rest, struct xt_listen_url *url, const char **why);
static bool parse_unix(struct xt_str rest, struct xt_listen_url *url, const char **why);

static const struct scheme {
	const char *prefix;
	bool (*parse)(struct xt_str rest, struct xt_listen_url *url, const char **why);
	const char *why; /* without a parser: what to say */
} schemes[] = {
	{ "http://", parse_http, NULL },
	{ "unix:", parse_unix, NULL },
	{ "https://", NULL, "https" NOT_YET },
	{ "mqtt://", NULL, "mqtt" NOT_YET },
	{ "mqtts://", NULL, "mqtts" NOT_YET },
	{ "tcp://", NULL, "tcp" NOT_YET },
};

static bool
is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (xt_str_ieq(xt_str_from(host), XT_STR("localhost")))
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool
is_name_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '.' || c == '_';
}

static bool
check_name(struct xt_str name, const char **why)
{
	*why = "the host is not a name or an address, allowed: http://HOST:PORT";
	for (size_t i = 0; i < name.n; i++)
		if (!is_name_char(name.p[i]))
			return false;
	return name.n > 0 && name.n <= XT_LISTEN_HOST_MAX;
}

static void
copy(char *to, struct xt_str from)
{
	if (from.n)
		memcpy(to, from.p, from.n);
	to[from.n] = '\0';
}

/* RFC 3986 3.2.2: an IPv6 address stands in brackets. Leaves what follows it in `*rest`. */
static bool
take_host(struct xt_str *rest, struct xt_listen_url *url, const char **why)
{
	struct xt_str host;
	struct in6_addr v6;

	if (!xt_str_starts(*rest, XT_STR("["))) {
		host = *rest;
		for (host.n = 0; host.n < rest->n && rest->p[host.n] != ':';)
			host.n++;
		*rest = xt_str_skip(*rest, host.n);
		if (!check_name(host, why))
			return false;
		copy(url->host, host);
		return true;
	}
	*rest = xt_str_skip(*rest, 1);
	host = xt_str_cut(rest, ']');
	*why = "what stands in brackets is not an IPv6 address, allowed: http://[::1]:PORT";
	if (!rest->p || host.n >= INET6_ADDRSTRLEN)
		return false;
	copy(url->host, host);
	return strlen(url->host) == host.n && inet_pton(AF_INET6, url->host, &v6) == 1;
}

static bool
parse_http(struct xt_str rest, struct xt_listen_url *url, const char **why)
{
	uint64_t port = 80;

	url->kind = XT_LISTEN_HTTP;
	if (rest.n > 0 && rest.p[rest.n - 1] == '/')
		rest.n--;
	*why = "a listener has no path, allowed: http://HOST:PORT";
	if (rest.n > 0 && memchr(rest.p, '/', rest.n))
		return false;
	if (!take_host(&rest, url, why))
		return false;
	*why = "the port is not a number, allowed: 0 to 65535 (0: the system chooses)";
	if (rest.n > 0 &&
		(rest.p[0] != ':' || !xt_str_u64(xt_str_skip(rest, 1), UINT16_MAX, &port)))
		return false;
	url->port = (uint16_t)port;
	url->loopback = is_loopback(url->host);
	return true;
}

static bool
parse_unix(struct xt_str rest, struct xt_listen_url *url, const char **why)
{
	url->kind = XT_LISTEN_UNIX;
	url->loopback = true;
	*why = "the path of the socket is not absolute, allowed: unix:/PATH";
	if (xt_str_starts(rest, XT_STR("//")))
		rest = xt_str_skip(rest, 2);
	if (!xt_str_starts(rest, XT_STR("/")) || rest.n == 1)
		return false;
	*why = "the path of the socket is too long or holds a NUL, allowed: 107 bytes";
	if (rest.n > XT_LISTEN_PATH_MAX || memchr(rest.p, '\0', rest.n))
		return false;
	copy(url->path, rest);
	return true;
}

bool
xt_listen_url_parse(struct xt_str text, struct xt_listen_url *url, const char **why)
{
	*url = (struct xt_listen_url){ 0 };
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		const struct scheme *scheme = &schemes[i];
		struct xt_str prefix = xt_str_from(scheme->prefix);
		if (!xt_str_starts(text, prefix))
			continue;
		*why = scheme->why;
		return scheme->parse && scheme->parse(xt_str_skip(text, prefix.n), url, why);
	}
	*why = "it is not the URL of a listener, allowed: http://HOST:PORT, unix:/PATH";
	return false;
}
