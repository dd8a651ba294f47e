/*
 * websocket.h - a WebSocket of the program that embeds the server: its handlers instead of a protocol of ours.
 *
 *	request of the path -> program's `request` -> session opens -> events -> session ends -> `close`, a turn later
 *
 * The WebSocket outlives its session until its `close` was told: a handler that ends it may go on using it.
 */
#ifndef XT_PROGRAM_WEBSOCKET_H
#define XT_PROGRAM_WEBSOCKET_H

#include "http/exchange.h"
#include "session/session.h"

#define XT_PROGRAM_PATHS    64 /* of one server */
#define XT_PROGRAM_CHANNELS 64 /* of one WebSocket */

/* A path that the program serves; lives as long as the server. */
struct xt_program_path {
	char *path;
	bool prefix; /* all below it too */
	const struct xt_websocket_handlers *handlers;
	void *context;
};

/* What a request on such a path needs to become a WebSocket. */
struct xt_program_door {
	const struct xt_program_path *path;
	struct xt_sessions *sessions;
	const struct xt_transport *transport; /* the WebSocket's */
	uint32_t max_message;
	uint8_t compression; /* as in struct xt_entry */
};

/* Answers the request: a WebSocket, or a refusal in words. */
void xt_program_url(struct xt_exchange *x, const struct xt_program_door *door);

#endif
