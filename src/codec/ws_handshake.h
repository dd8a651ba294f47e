/*
 * ws_handshake.h - the client's side of the opening handshake (RFC 6455 4.1): is this answer the one to what was asked? Pure.
 * (The server's side needs an exchange: http/websocket.h.)
 */
#ifndef XT_CODEC_WS_HANDSHAKE_H
#define XT_CODEC_WS_HANDSHAKE_H

#include "codec/http1_response.h"
#include "codec/permessage.h"
#include "crosstalk_ws.h"

#define XT_WS_KEY_SIZE 25 /* of a Sec-WebSocket-Key value with its NUL */

/* What was asked. */
struct xt_ws_asked {
	const char *key;                  /* Sec-WebSocket-Key, NUL-ended */
	const char *const *subprotocols;  /* ends with NULL; NULL: none */
	const struct xt_permessage *wish; /* permessage-deflate was offered; NULL: it was not */
};

/* What the answer agrees to. The slices are the response's. */
struct xt_ws_agreed {
	struct xt_str subprotocol; /* empty: none */
	struct xt_str extensions;  /* as in the header; empty: none */
	bool deflate;
	struct xt_permessage permessage;
};

/* The Sec-WebSocket-Key for 16 bytes that were chosen at random (RFC 6455 4.1, 7). */
void xt_ws_key(const uint8_t random[16], char key[XT_WS_KEY_SIZE]);

/*
 * Whether a response with status 101 opens the WebSocket that was asked for. 0 and `*agreed`; XT_EPROTO: the connection
 * must be failed, and `*why` are static words; XT_ENOMEM.
 */
int xt_ws_handshake_check(const struct xt_http1_response *response, const struct xt_ws_asked *asked,
	struct xt_ws_agreed *agreed, const char **why);

#endif
