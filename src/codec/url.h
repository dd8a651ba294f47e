/*
 * url.h - the URLs of http, https, ws and wss as the WHATWG's URL standard reads them, also relative to another one.
 * Clauses named here and in url*.c are of that standard (url.spec.whatwg.org).
 */
#ifndef XT_CODEC_URL_H
#define XT_CODEC_URL_H

#include "base/buf.h"

#define XT_URL_MAX 8192 /* bytes that are read */

enum xt_url_scheme { XT_URL_HTTP, XT_URL_HTTPS, XT_URL_WS, XT_URL_WSS };

/* The parts point into `text`, which is the URL's own. */
struct xt_url {
	enum xt_url_scheme scheme;
	uint16_t port;                    /* the scheme's own when the URL names none */
	bool other_port;                  /* it is named in `text`, and is not the scheme's own */
	bool has_query, has_fragment;     /* there is a '?', a '#'; they may be empty */
	struct xt_str username, password; /* percent-encoded; empty: none */
	struct xt_str host;               /* ASCII; an IPv6 address in its brackets; never empty */
	struct xt_str path;               /* begins with '/', percent-encoded */
	struct xt_str query, fragment;    /* percent-encoded, without '?' and '#' */
	struct xt_buf text;               /* all of it, written as the standard does, NUL-ended */
};

/*
 * Reads `input`, relative to `base` if that is not NULL. 0: `*url` is the caller's, until xt_url_fini(); XT_EINVAL: it is
 * none, or none of these schemes, and `*why` are static words; XT_ENOMEM. On failure `*url` is empty.
 */
int xt_url_parse(
	struct xt_url *url, struct xt_str input, const struct xt_url *base, const char **why);

void xt_url_fini(struct xt_url *url);

/* Whether ws or http, wss or https; what is left of the difference is the letters. */
bool xt_url_is_secure(const struct xt_url *url);

/* Scheme (ws is http, wss is https), host and port are the same (HTML, 7.1.1). */
bool xt_url_same_origin(const struct xt_url *a, const struct xt_url *b);

/*
 * The host as a name or an address is looked up: without brackets, NUL-ended. `size` above 255 is enough for whatever
 * can be looked up; false: longer.
 */
bool xt_url_host(const struct xt_url *url, char *host, size_t size);

/* ---- url_host.c ------------------------------------------------------------------------- */

/*
 * Host parsing (3.5) of a special URL's host, as it stands there: appends what is to be written in its place. 0, XT_EINVAL
 * with `*why`, XT_ENOMEM.
 */
int xt_url_host_parse(struct xt_buf *out, struct xt_str input, const char **why);

#endif
