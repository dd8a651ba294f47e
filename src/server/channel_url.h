/* channel_url.h - the door /c/NAME: every way to read and write a channel over HTTP. */
#ifndef XT_SERVER_CHANNEL_URL_H
#define XT_SERVER_CHANNEL_URL_H

#include "http/exchange.h"

/* A bad name is refused before a body is sent to it. */
bool xt_channel_url_refuse(struct xt_exchange *x, void *ctx);

/* Routes' handlers; `ctx` is the xt_worker. */
void xt_channel_url(struct xt_exchange *x, void *ctx);

/* /echo: a WebSocket that sends everything back. */
void xt_echo_url(struct xt_exchange *x, void *ctx);

#endif
