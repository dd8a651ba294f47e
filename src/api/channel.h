/*
 * channel.h - what back ends and pages do with a channel over HTTP besides reading it: publish, drop its
 * history, ask who is there (docs/channel.md). Each handler answers the exchange, now or later.
 */
#ifndef XT_API_CHANNEL_H
#define XT_API_CHANNEL_H

#include "http/exchange.h"
#include "hub/hub.h"

/* POST: 201 {"id":"…"}; 400 bad_json. The body is whole. */
void xt_api_publish(struct xt_exchange *x, struct xt_hub *hub, struct xt_str channel);

/* DELETE: 204. */
void xt_api_drop(struct xt_exchange *x, struct xt_hub *hub, struct xt_str channel);

/* GET ?presence: 200 {"count":…,"members":[…]}. */
void xt_api_presence(struct xt_exchange *x, struct xt_hub *hub, struct xt_str channel);

/* DELETE ?presence&client=ID: a poller leaves at once; 204. */
void xt_api_leave(
	struct xt_exchange *x, struct xt_hub *hub, struct xt_str channel, struct xt_str client);

#endif
