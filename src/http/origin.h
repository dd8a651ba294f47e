/*
 * origin.h - whether the page that a request comes from may make it: other sites' pages must not use what a browser
 * can reach (cross-site WebSocket hijacking, cross-site request forgery).
 *
 * Browsers say where a request comes from, and pages can't change what they say: Origin (RFC 6454 7) with every WebSocket,
 * POST and DELETE, Sec-Fetch-Site (Fetch Metadata) in newer ones. Who says neither is no browser, and is let in.
 */
#ifndef XT_HTTP_ORIGIN_H
#define XT_HTTP_ORIGIN_H

#include "http/exchange.h"

/*
 * For requests that do more than read: 0, or XT_EPROTO and the exchange was answered with 403. Let in are our own pages, and those
 * that the configuration's origins name.
 */
int xt_origin_check(struct xt_exchange *x);

/*
 * Whether `origin` is that of the server that `host` names (RFC 6454 5), where both may leave out the port of the
 * origin's scheme. `secure`: the request came over TLS; then http is another origin. Without TLS https is not: a proxy
 * in front may have taken it off.
 */
bool xt_origin_is_own(struct xt_str origin, struct xt_str host, bool secure);

#endif
