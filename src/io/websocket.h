/*
 * websocket.h - a WebSocket as programs see it (crosstalk.h), whoever keeps it: a session of a server's path, or a
 * client. The public words go through the table of whoever made it; its struct begins with this one.
 */
#ifndef XT_IO_WEBSOCKET_H
#define XT_IO_WEBSOCKET_H

#include <stdbool.h>

#include "crosstalk.h"

/* As the functions of crosstalk.h with those names; arguments were checked. */
struct xt_websocket_ops {
	int (*send)(struct xt_websocket *ws, enum xt_kind kind, const void *p, size_t n);
	int (*ping)(struct xt_websocket *ws, const void *p, size_t n);
	int (*close)(struct xt_websocket *ws, unsigned code, const char *reason, size_t n);
	size_t (*buffered)(const struct xt_websocket *ws);
	void (*pause)(struct xt_websocket *ws, bool paused);
	const char *(*subprotocol)(const struct xt_websocket *ws);
	const char *(*extensions)(const struct xt_websocket *ws);
};

struct xt_websocket {
	const struct xt_websocket_ops *ops;
	const struct xt_websocket_handlers *handlers;
	void *context;
	void (*frame)(
		struct xt_websocket *ws, const struct xt_frame *frame); /* NULL: nobody watches */
};

#endif
