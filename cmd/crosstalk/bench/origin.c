/* origin.c - see origin.h. */
#include "bench/origin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const char form[] = "an address, or a range of IPv4 (127.0.0.1-127.0.0.8), at most 1024";

static const char *
parse_range(struct origin *origin, const char *first, const char *last)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&origin->first;
	struct in_addr end;
	uint32_t span;

	if (inet_pton(AF_INET, first, &in->sin_addr) != 1 || inet_pton(AF_INET, last, &end) != 1)
		return form;
	span = ntohl(end.s_addr) - ntohl(in->sin_addr.s_addr);
	if (span >= ORIGIN_MAX)
		return form;
	in->sin_family = AF_INET;
	origin->size = sizeof *in;
	origin->count = span + 1;
	return NULL;
}

const char *
origin_parse(struct origin *origin, const char *text)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&origin->first;
	const char *dash = strchr(text, '-');
	char first[64];

	*origin = (struct origin){ .count = 0 };
	if (!strchr(text, ':')) {
		snprintf(first, sizeof first, "%.*s", (int)(dash ? dash - text : 63), text);
		return parse_range(origin, first, dash ? dash + 1 : first);
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
		return form;
	in6->sin6_family = AF_INET6;
	origin->size = sizeof *in6;
	origin->count = 1;
	return NULL;
}

const struct sockaddr *
origin_next(struct origin *origin, struct sockaddr_storage *room)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)room;

	if (origin->count == 0)
		return NULL;
	*room = origin->first;
	if (room->ss_family == AF_INET)
		in->sin_addr.s_addr =
			htonl(ntohl(in->sin_addr.s_addr) + origin->next++ % origin->count);
	return (const struct sockaddr *)(void *)room;
}
