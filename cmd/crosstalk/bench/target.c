/* target.c - see target.h. */
#include "bench/target.h"

#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct scheme {
	const char *name;
	bool tls;
	const char *port;
} schemes[] = {
	{ "ws://", false, "80" },
	{ "wss://", true, "443" },
	{ "http://", false, "80" },
	{ "https://", true, "443" },
};

static const struct scheme *
find_scheme(const char *url)
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (strncasecmp(url, schemes[i].name, strlen(schemes[i].name)) == 0)
			return &schemes[i];
	return NULL;
}

/* What would end a line of a request or a field in it. */
static bool
is_clean(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 127)
			return false;
	return true;
}

/* The host ends at ':', behind ']' when it begins with '['. */
static const char *
take_host(struct target *target, const char *p, size_t n, size_t *used)
{
	const char *end = *p == '[' ? memchr(p, ']', n) : memchr(p, ':', n);
	size_t skip = *p == '[';

	if (skip && !end)
		return "a bracket of the host is not closed";
	*used = end ? (size_t)(end - p) + skip : n;
	n = *used - 2 * skip;
	if (n == 0 || n >= sizeof target->host)
		return "the host is empty or too long";
	memcpy(target->host, p + skip, n);
	target->host[n] = '\0';
	return NULL;
}

static const char *
take_port(struct target *target, const char *p, size_t n, const char *otherwise)
{
	unsigned long value;
	char *end;

	if (n <= 1) {
		snprintf(target->port, sizeof target->port, "%s", otherwise);
		return n == 1 && *p != ':' ? "what follows the host is no port" : NULL;
	}
	value = strtoul(p + 1, &end, 10);
	if (*p != ':' || p[1] < '0' || p[1] > '9' || end != p + n || value == 0 || value > 65535)
		return "the port is a number from 1 to 65535";
	snprintf(target->port, sizeof target->port, "%lu", value);
	return NULL;
}

static void
take_path(struct target *target, const char *p)
{
	int n = (int)strcspn(p, "#");

	snprintf(target->path, sizeof target->path, "%s%.*s", *p == '/' ? "" : "/", n, p);
}

const char *
target_parse(struct target *target, const char *url)
{
	const struct scheme *scheme;
	const char *wrong;
	size_t n, used = 0;

	*target = (struct target){ .tls = false };
	if (strlen(url) >= TARGET_MAX - 8 || !is_clean(url))
		return "the URL is too long, or has blanks";
	snprintf(target->url, sizeof target->url, "%s%s", strstr(url, "://") ? "" : "ws://", url);
	scheme = find_scheme(target->url);
	if (!scheme)
		return "the scheme is ws, wss, http or https";
	url = target->url + strlen(scheme->name);
	n = strcspn(url, "/?#");
	if (memchr(url, '@', n))
		return "a user in the URL is not supported";
	target->tls = scheme->tls;
	wrong = take_host(target, url, n, &used);
	if (!wrong)
		wrong = take_port(target, url + used, n - used, scheme->port);
	snprintf(target->authority, sizeof target->authority, "%.*s", (int)n, url);
	take_path(target, url + n);
	return wrong;
}

const char *
target_resolve(struct target *target)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int error = getaddrinfo(target->host, target->port, &hints, &list);

	if (error)
		return gai_strerror(error);
	memcpy(&target->address, list->ai_addr, list->ai_addrlen);
	target->address_size = list->ai_addrlen;
	freeaddrinfo(list);
	return NULL;
}
