/* body.h - a message from the body and the Content-Type of a POST. */
#ifndef XT_API_BODY_H
#define XT_API_BODY_H

#include "http/exchange.h"
#include "hub/message.h"

/*
 * What docs/channel.md says about payloads: JSON is checked, images and their like are binary, all else is
 * text if it is UTF-8. NULL: the exchange has been answered (400, 503). The caller's reference.
 */
struct xt_message *xt_api_message(struct xt_exchange *x);

#endif
