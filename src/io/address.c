/* address.c - reading and writing the URL of a listener: scheme by table, then host and port or a path. */
#include "io/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

#include "crosstalk.h"

#define ALLOWED ", allowed: http://HOST:PORT, https://HOST:PORT, unix:/PATH"

/* Return NULL, or what is wrong. */
static const char *parse_host(struct xt_str rest, struct xt_address *address);
static const char *parse_unix(struct xt_str rest, struct xt_address *address);

static const struct {
	const char *prefix;
	enum xt_scheme scheme;
	uint16_t port; /* when the URL has none */
	const char *(*parse)(struct xt_str rest, struct xt_address *address); /* NULL: not yet */
} schemes[] = {
	{ "http://", XT_SCHEME_HTTP, 80, parse_host },
	{ "https://", XT_SCHEME_HTTPS, 443, parse_host },
	{ "unix:", XT_SCHEME_UNIX, 0, parse_unix },
	{ "mqtt://", 0, 0, NULL },
	{ "mqtts://", 0, 0, NULL },
	{ "tcp://", 0, 0, NULL },
};

static bool
is_name_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '.' || c == '_';
}

static void
copy(char *to, struct xt_str from)
{
	memcpy(to, from.p, from.n);
	to[from.n] = '\0';
}

static const char *
take_name(struct xt_str *rest, struct xt_address *address)
{
	struct xt_str name = { .p = rest->p, .n = 0 };

	while (name.n < rest->n && is_name_char(name.p[name.n]))
		name.n++;
	if (name.n == 0 || name.n > XT_ADDRESS_HOST_MAX)
		return "the host is not a name or an address" ALLOWED;
	copy(address->host, name);
	*rest = xt_str_skip(*rest, name.n);
	return NULL;
}

/* RFC 3986 3.2.2: an IPv6 address stands in brackets. */
static const char *
take_ipv6(struct xt_str *rest, struct xt_address *address)
{
	static const char why[] =
		"what stands in brackets is not an IPv6 address, as in http://[::1]:80";
	struct xt_str host;
	struct in6_addr v6;
	const char *end;

	*rest = xt_str_skip(*rest, 1);
	end = rest->n ? memchr(rest->p, ']', rest->n) : NULL;
	if (!end || end - rest->p >= INET6_ADDRSTRLEN)
		return why;
	host = xt_str_of(rest->p, (size_t)(end - rest->p));
	copy(address->host, host);
	*rest = xt_str_skip(*rest, host.n + 1);
	if (strlen(address->host) != host.n || inet_pton(AF_INET6, address->host, &v6) != 1)
		return why;
	return NULL;
}

static const char *
parse_host(struct xt_str rest, struct xt_address *address)
{
	uint64_t port = address->port;
	const char *why = xt_str_starts(rest, XT_STR("[")) ? take_ipv6(&rest, address)
							   : take_name(&rest, address);

	if (why)
		return why;
	if (rest.n > 0 && rest.p[rest.n - 1] == '/')
		rest.n--;
	if (rest.n > 0 && rest.p[0] == '/')
		return "a listener has no path" ALLOWED;
	if (rest.n > 0 && rest.p[0] != ':')
		return "the host is not a name or an address" ALLOWED;
	if (rest.n > 0 && !xt_str_u64(xt_str_skip(rest, 1), UINT16_MAX, &port))
		return "the port is not a number, allowed: 0 to 65535 (0: the system chooses)";
	address->port = (uint16_t)port;
	return NULL;
}

static const char *
parse_unix(struct xt_str rest, struct xt_address *address)
{
	if (xt_str_starts(rest, XT_STR("//")))
		rest = xt_str_skip(rest, 2);
	if (!xt_str_starts(rest, XT_STR("/")) || rest.n == 1)
		return "the path of the socket is not absolute" ALLOWED;
	if (rest.n > XT_ADDRESS_PATH_MAX)
		return "the path of the socket is too long, allowed: 107 bytes";
	if (memchr(rest.p, '\0', rest.n))
		return "the path of the socket holds a NUL" ALLOWED;
	copy(address->path, rest);
	return NULL;
}

const char *
xt_address_read(struct xt_str text, struct xt_address *address)
{
	*address = (struct xt_address){ 0 };
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		struct xt_str prefix = xt_str_from(schemes[i].prefix);
		if (!xt_str_starts(text, prefix))
			continue;
		if (!schemes[i].parse)
			return "this scheme is not in this version" ALLOWED;
		address->scheme = schemes[i].scheme;
		address->port = schemes[i].port;
		return schemes[i].parse(xt_str_skip(text, prefix.n), address);
	}
	return "not an address to listen on" ALLOWED;
}

int
xt_address_parse(struct xt_str text, struct xt_address *address, char *error, size_t size)
{
	const char *why;
	int shown = text.n < XT_ADDRESS_URL_SIZE ? (int)text.n : (int)XT_ADDRESS_URL_SIZE;

	why = xt_address_read(text, address);
	if (!why)
		return 0;
	snprintf(error, size, "%.*s: %s", shown, text.p ? text.p : "", why);
	return XT_EINVAL;
}

int
xt_address_resolve(const struct xt_address *address, struct addrinfo **list)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	char port[8];

	snprintf(port, sizeof port, "%u", address->port);
	return getaddrinfo(address->host, port, &hints, list);
}

static bool
is_loopback(const struct addrinfo *at)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (at->ai_family == AF_INET) {
		memcpy(&v4, at->ai_addr, sizeof v4);
		return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
	}
	if (at->ai_family != AF_INET6)
		return false;
	memcpy(&v6, at->ai_addr, sizeof v6);
	return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

bool
xt_address_is_loopback(const struct xt_address *address)
{
	struct addrinfo *list;
	bool all = true;

	if (address->scheme == XT_SCHEME_UNIX)
		return true;
	if (xt_address_resolve(address, &list) != 0)
		return false;
	for (const struct addrinfo *at = list; at; at = at->ai_next)
		all = all && is_loopback(at);
	freeaddrinfo(list);
	return all;
}

void
xt_address_format(const struct xt_address *address, uint16_t port, char *text, size_t size)
{
	const char *scheme = address->scheme == XT_SCHEME_HTTPS ? "https" : "http";

	if (address->scheme == XT_SCHEME_UNIX)
		snprintf(text, size, "unix:%s", address->path);
	else if (strchr(address->host, ':'))
		snprintf(text, size, "%s://[%s]:%u", scheme, address->host, port);
	else
		snprintf(text, size, "%s://%s:%u", scheme, address->host, port);
}
