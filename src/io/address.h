/* address.h - where a listener listens, from its URL; and what names it resolves to. */
#ifndef XT_IO_ADDRESS_H
#define XT_IO_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum xt_scheme { XT_SCHEME_HTTP, XT_SCHEME_HTTPS, XT_SCHEME_UNIX };

#define XT_ADDRESS_HOST_MAX 255
#define XT_ADDRESS_PATH_MAX 107 /* sun_path without its NUL */

/* Room for any address as a URL, with its NUL. */
#define XT_ADDRESS_URL_SIZE (sizeof "https://[]:65535" + XT_ADDRESS_HOST_MAX)

/* By value, owns nothing. */
struct xt_address {
	enum xt_scheme scheme;
	uint16_t port; /* 0: the system chooses; 80, of https 443, when the URL has none */
	char host[XT_ADDRESS_HOST_MAX + 1]; /* NUL-ended; an IPv6 address without its brackets */
	char path[XT_ADDRESS_PATH_MAX + 1]; /* NUL-ended, absolute; of XT_SCHEME_UNIX */
};

/*
 * As xt_address_parse(), for those who say themselves what the words are about: NULL, or a static
 * half sentence, what is wrong and what is allowed.
 */
const char *xt_address_read(struct xt_str text, struct xt_address *address);

/*
 * Reads http://HOST, http://HOST:PORT, the same with https (HOST: a name, an IPv4 address, or an IPv6 address in
 * brackets, RFC 3986 3.2.2), unix:/PATH. Looks up no name. 0, or XT_EINVAL with the sentence in
 * `error` and `*address` undefined.
 */
int xt_address_parse(struct xt_str text, struct xt_address *address, char *error, size_t size);

/*
 * Only this machine can reach it: unix, 127/8, ::1, and a name all of whose addresses are such
 * (asks the resolver, may block). A name that does not resolve is not loopback.
 */
bool xt_address_is_loopback(const struct xt_address *address);

struct addrinfo;

/*
 * The addresses to bind, for freeaddrinfo(); not for XT_SCHEME_UNIX. 0, or an error of
 * getaddrinfo(). May block.
 */
int xt_address_resolve(const struct xt_address *address, struct addrinfo **list);

/* The URL, with `port` in place of address->port. NUL-ended; XT_ADDRESS_URL_SIZE is enough. */
void xt_address_format(const struct xt_address *address, uint16_t port, char *text, size_t size);

#endif
