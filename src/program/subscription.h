/*
 * subscription.h - a program's own ear on a channel (struct xt_subscription of crosstalk.h).
 *
 *	any thread: new --call--> worker: LISTENING --call (close)--> ENDED
 *	                                      `--the server stops-----> ENDED
 *
 * It lives on one worker. Who closes it, on whatever thread, leaves a note that the worker finds: calls.h.
 */
#ifndef XT_PROGRAM_SUBSCRIPTION_H
#define XT_PROGRAM_SUBSCRIPTION_H

#include "hub/hub.h"
#include "program/calls.h"

/* NULL: out of memory. Any thread. `reading` has been made of listening->since. */
struct xt_subscription *xt_subscription_new(struct xt_calls *calls, struct xt_hub *hub,
	const struct xt_listening *listening, const struct xt_reading *reading);

/* When no worker runs any more, but letters can still be sent: tells those that listen that it is over. */
void xt_subscriptions_end(struct xt_calls *calls);

/* Frees those that nobody has closed. */
void xt_subscriptions_free(struct xt_calls *calls);

#endif
