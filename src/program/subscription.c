/*
 * subscription.c - hands each message of a channel to a function of the program.
 *
 * Freed by whoever comes last: the program, which closes it, or the server, which ends.
 */
#include "program/subscription.h"

#include "base/heap.h"
#include "crosstalk.h"

struct xt_subscription {
	struct xt_subscriber subscriber;
	struct xt_list link; /* of calls->all */
	struct xt_calls *calls;
	struct xt_hub *hub;
	struct xt_call begin, end;
	struct xt_reading reading; /* what is asked for next while there is more */
	struct xt_listening listening;
	bool asking, again;
	bool ended; /* `ended` was told */
	size_t size;
	char name[]; /* NUL-ended */
};

static struct xt_subscription *
subscription_of(struct xt_subscriber *subscriber)
{
	return XT_CONTAINER(subscriber, struct xt_subscription, subscriber);
}

/* The answer may come within, and want the next question. */
static void
ask(struct xt_subscription *subscription)
{
	subscription->again = true;
	if (subscription->asking)
		return;
	subscription->asking = true;
	while (subscription->again) {
		subscription->again = false;
		xt_hub_subscribe(subscription->hub,
			xt_str_of(subscription->name, subscription->size), &subscription->reading,
			&subscription->subscriber);
	}
	subscription->asking = false;
}

static void
tell(const struct xt_subscription *subscription, const struct xt_message *message)
{
	char id[XT_POSITION_TEXT + 1];
	struct xt_data data = {
		.kind = message->kind,
		.p = message->bytes,
		.n = message->size,
		.channel = subscription->name,
		.id = id,
	};

	id[xt_position_format(message->id, id)] = '\0';
	subscription->listening.message(subscription->listening.context, &data);
}

static void
opened(struct xt_subscriber *subscriber, const struct xt_opening *opening)
{
	struct xt_subscription *subscription = subscription_of(subscriber);

	if (opening->lost && subscription->listening.lost)
		subscription->listening.lost(subscription->listening.context);
	for (size_t i = 0; i < opening->count; i++)
		tell(subscription, opening->messages[i]);
	subscription->reading.start = XT_START_SINCE;
	subscription->reading.since = opening->next;
	if (opening->more)
		ask(subscription);
}

static void
end(struct xt_subscription *subscription)
{
	if (subscription->ended)
		return;
	subscription->ended = true;
	xt_hub_unsubscribe(&subscription->subscriber);
	if (subscription->listening.ended)
		subscription->listening.ended(subscription->listening.context);
}

static void
refused(struct xt_subscriber *subscriber, int error)
{
	(void)error;
	end(subscription_of(subscriber));
}

static void
deliver(struct xt_subscriber *subscriber, struct xt_batch *batch, size_t from)
{
	const struct xt_subscription *subscription = subscription_of(subscriber);

	for (size_t i = from; i < batch->count; i++)
		tell(subscription, batch->messages[i]);
}

/* The program itself is nobody's guest. */
static void
describe(struct xt_subscriber *subscriber, struct xt_member *member)
{
	(void)subscriber;
	*member = (struct xt_member){ .transport = "program" };
}

static const struct xt_subscriber_ops ops = {
	.opened = opened,
	.refused = refused,
	.deliver = deliver,
	.describe = describe,
};

static void
begin(struct xt_call *call)
{
	struct xt_subscription *subscription = XT_CONTAINER(call, struct xt_subscription, begin);

	if (!subscription->ended)
		ask(subscription);
}

static void
forget(struct xt_subscription *subscription)
{
	pthread_mutex_lock(&subscription->calls->lock);
	xt_list_remove(&subscription->link);
	pthread_mutex_unlock(&subscription->calls->lock);
	xt_free(subscription);
}

static void
close_it(struct xt_call *call)
{
	struct xt_subscription *subscription = XT_CONTAINER(call, struct xt_subscription, end);

	end(subscription);
	forget(subscription);
}

struct xt_subscription *
xt_subscription_new(struct xt_calls *calls, struct xt_hub *hub,
	const struct xt_listening *listening, const struct xt_reading *reading)
{
	size_t n = strlen(listening->channel);
	struct xt_subscription *subscription = xt_calloc(1, sizeof *subscription + n + 1);

	if (!subscription)
		return NULL;
	subscription->subscriber.ops = &ops;
	subscription->calls = calls;
	subscription->hub = hub;
	subscription->begin.run = begin;
	subscription->end.run = close_it;
	subscription->reading = *reading;
	subscription->listening = *listening;
	subscription->listening.channel = subscription->listening.since = NULL;
	subscription->size = n;
	memcpy(subscription->name, listening->channel, n);
	pthread_mutex_lock(&calls->lock);
	xt_list_append(&calls->all, &subscription->link);
	pthread_mutex_unlock(&calls->lock);
	xt_calls_leave(calls, &subscription->begin);
	return subscription;
}

void
xt_subscription_close(struct xt_subscription *subscription)
{
	if (subscription)
		xt_calls_leave(subscription->calls, &subscription->end);
}

void
xt_subscriptions_end(struct xt_calls *calls)
{
	xt_calls_run(calls);
	xt_list_each (at, after, &calls->all)
		end(XT_LIST_ENTRY(at, struct xt_subscription, link));
}

void
xt_subscriptions_free(struct xt_calls *calls)
{
	if (!calls->loop)
		return; /* never begun */
	xt_calls_run(calls);
	while (!xt_list_empty(&calls->all))
		forget(XT_LIST_ENTRY(calls->all.next, struct xt_subscription, link));
}
