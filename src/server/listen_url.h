/* listen_url.h - reading the URL of a listener: which door, at which address. */
#ifndef XT_SERVER_LISTEN_URL_H
#define XT_SERVER_LISTEN_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum xt_listen_kind {
	XT_LISTEN_HTTP, /* http://HOST:PORT */
	XT_LISTEN_UNIX  /* unix:/PATH, HTTP as well */
};

#define XT_LISTEN_HOST_MAX 255
#define XT_LISTEN_PATH_MAX 107 /* sun_path without its NUL */

/* By value, owns nothing. */
struct xt_listen_url {
	enum xt_listen_kind kind;
	uint16_t port; /* 0: the system chooses; 80 when the URL has none */
	bool loopback; /* only this machine can reach it: localhost, 127/8, ::1, unix */
	char host[XT_LISTEN_HOST_MAX + 1]; /* NUL-ended, an IPv6 address without its brackets */
	char path[XT_LISTEN_PATH_MAX + 1]; /* NUL-ended, for XT_LISTEN_UNIX */
};

/*
 * Reads `text`. True, or false with a static sentence in `*why` ("https is not in this version,
 * …"). No name is looked up: a host name other than localhost counts as reachable from outside.
 */
bool xt_listen_url_parse(struct xt_str text, struct xt_listen_url *url, const char **why);

#endif
