/* request.h - what a client asks for, as HTTP/1.1: of a proxy, and of a WebSocket server. */
#ifndef XT_CLIENT_REQUEST_H
#define XT_CLIENT_REQUEST_H

#include "base/buf.h"
#include "client/settings.h"
#include "codec/ws_handshake.h"

struct xt_request_details {
	const struct xt_settings *settings;
	const struct xt_url *url; /* where it goes */
	const char *key;          /* Sec-WebSocket-Key */
	const char *extensions;   /* what is offered; empty: nothing */
	struct xt_str query;      /* p is NULL: the URL's own */
};

/* RFC 9110 9.3.6: appends a request for a tunnel to `url` to `out`. 0 or XT_ENOMEM. */
int xt_request_tunnel(
	struct xt_buf *out, const struct xt_settings *settings, const struct xt_url *url);

/* RFC 6455 4.1: appends the opening handshake. 0 or XT_ENOMEM. */
int xt_request_websocket(struct xt_buf *out, const struct xt_request_details *details);

#endif
