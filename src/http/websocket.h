/*
 * websocket.h - the opening handshake of RFC 6455 4.2, the server's side of it.
 *
 *	if (xt_websocket_check(x) < 0)
 *		return;                       (refused: answered already)
 *	xt_websocket_accept_headers(x);
 *	xt_exchange_takeover(x, 101, …);
 */
#ifndef XT_HTTP_WEBSOCKET_H
#define XT_HTTP_WEBSOCKET_H

#include "http/exchange.h"

/* Whether the request asks for a WebSocket at all: its Upgrade field names it. */
bool xt_websocket_wanted(const struct xt_request *request);

/*
 * Checks the whole handshake. 0; or XT_EPROTO, and the exchange was answered with 400, 403, 405 or 426 in
 * words. Subprotocols and extensions are well-formed lists then; choosing is the caller's.
 */
int xt_websocket_check(struct xt_exchange *x);

/*
 * The first subprotocol in the client's list that is one of `allowed`, as the client wrote it (RFC 6455 4.2.2, /subprotocol/);
 * empty: none is. Borrowed from the request.
 */
struct xt_str xt_websocket_choose(
	const struct xt_request *request, const struct xt_str *allowed, size_t count);

/* Adds Upgrade and Sec-WebSocket-Accept. After the check; before the takeover. 0 or XT_ENOMEM. */
int xt_websocket_accept_headers(struct xt_exchange *x);

#endif
