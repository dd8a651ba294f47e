/* websocket.c - the public words for a WebSocket: checks what is given, and passes it on. */
#include "io/websocket.h"

#include <string.h>

#define CONTROL_MAX 125 /* RFC 6455 5.5: payload bytes of a control frame */
#define REASON_MAX  123 /* and so, after the code, of the reason */

void *
xt_websocket_context(const struct xt_websocket *ws)
{
	return ws->context;
}

void
xt_websocket_set_context(struct xt_websocket *ws, void *context)
{
	ws->context = context;
}

int
xt_websocket_send(struct xt_websocket *ws, enum xt_kind kind, const void *p, size_t n)
{
	return ws->ops->send(ws, kind, p, n);
}

int
xt_websocket_send_text(struct xt_websocket *ws, const char *text)
{
	return ws->ops->send(ws, XT_KIND_TEXT, text, strlen(text));
}

size_t
xt_websocket_buffered(const struct xt_websocket *ws)
{
	return ws->ops->buffered(ws);
}

int
xt_websocket_ping(struct xt_websocket *ws, const void *p, size_t n)
{
	return n > CONTROL_MAX ? XT_EINVAL : ws->ops->ping(ws, p, n);
}

/* RFC 6455 7.4: 1004 to 1006 and 1015 are never sent, below 3000 only what is registered. */
static bool
is_code(unsigned code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	       (code >= 3000 && code <= 4999);
}

int
xt_websocket_close(struct xt_websocket *ws, unsigned code, const char *reason)
{
	size_t n = reason ? strlen(reason) : 0;

	if (!is_code(code) || n > REASON_MAX)
		return XT_EINVAL;
	return ws->ops->close(ws, code, reason, n);
}

void
xt_websocket_pause(struct xt_websocket *ws)
{
	ws->ops->pause(ws, true);
}

void
xt_websocket_resume(struct xt_websocket *ws)
{
	ws->ops->pause(ws, false);
}

const char *
xt_websocket_subprotocol(const struct xt_websocket *ws)
{
	return ws->ops->subprotocol(ws);
}

const char *
xt_websocket_extensions(const struct xt_websocket *ws)
{
	return ws->ops->extensions(ws);
}

void
xt_websocket_watch_frames(struct xt_websocket *ws,
	void (*frame)(struct xt_websocket *ws, const struct xt_frame *frame))
{
	ws->frame = frame;
}
