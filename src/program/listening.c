/*
 * listening.c - one subscription of a program's WebSocket.
 *
 *	ask -> opened(more): sent, and asked again when it has left … -> opened(live) -> deliver, deliver …
 */
#include "program/listening.h"

#include "base/heap.h"
#include "crosstalk.h"

struct xt_listening_channel {
	struct xt_subscriber subscriber;
	struct xt_list link;
	struct xt_session *session;
	struct xt_reading reading; /* what is asked for next while there is more */
	bool catching_up;          /* there is more: asked for when what was sent has left */
	bool asking, again;        /* within ask(); it is to ask once more */
	bool holding;              /* the answer to the WebSocket's request waits for this */
	uint8_t size;
	char name[];
};

static struct xt_listening_channel *
listening_of(struct xt_subscriber *subscriber)
{
	return XT_CONTAINER(subscriber, struct xt_listening_channel, subscriber);
}

static struct xt_str
name_of(const struct xt_listening_channel *listening)
{
	return xt_str_of(listening->name, listening->size);
}

/* The answer may come within, and want the next question. */
static void
ask(struct xt_listening_channel *listening)
{
	listening->again = true;
	if (listening->asking)
		return;
	listening->asking = true;
	while (listening->again) {
		listening->again = false;
		xt_hub_subscribe(listening->session->sessions->hub, name_of(listening),
			&listening->reading, &listening->subscriber);
	}
	listening->asking = false;
}

static void
go_on(struct xt_listening_channel *listening)
{
	if (!listening->catching_up)
		return;
	listening->catching_up = false;
	ask(listening);
}

static void
release(struct xt_listening_channel *listening)
{
	if (!listening->holding)
		return;
	listening->holding = false;
	xt_session_release(listening->session);
}

/* As on the channel's own URL: payloads alone can't say that some are missing, so a close does. */
static void
opened(struct xt_subscriber *subscriber, const struct xt_opening *opening)
{
	struct xt_listening_channel *listening = listening_of(subscriber);
	struct xt_session *session = listening->session;

	release(listening);
	if (opening->lost) {
		xt_session_close(session, XT_CLOSE_LOST, XT_LOST_WORDS);
		return;
	}
	listening->catching_up = opening->more;
	listening->reading.start = XT_START_SINCE;
	listening->reading.since = opening->next;
	if (opening->count && !xt_session_deliver_opening(session, opening, 0, false))
		go_on(listening);
}

static void
refused(struct xt_subscriber *subscriber, int error)
{
	xt_session_refuse(listening_of(subscriber)->session, error);
}

static void
deliver(struct xt_subscriber *subscriber, struct xt_batch *batch, size_t from)
{
	xt_session_deliver(listening_of(subscriber)->session, batch, from, 0, false);
}

static void
describe(struct xt_subscriber *subscriber, struct xt_member *member)
{
	xt_session_describe(listening_of(subscriber)->session, member);
}

static const struct xt_subscriber_ops ops = {
	.opened = opened,
	.refused = refused,
	.deliver = deliver,
	.describe = describe,
};

bool
xt_listening_since(const char *since, struct xt_reading *reading)
{
	*reading = (struct xt_reading){ .start = XT_START_NOW, .mode = XT_MODE_JOIN };
	if (!since || !*since)
		return true;
	reading->start = XT_START_SINCE;
	return xt_position_parse(xt_str_from(since), &reading->since);
}

struct xt_listening_channel *
xt_listening_new(struct xt_list *all, struct xt_session *session, struct xt_str channel,
	const struct xt_reading *reading)
{
	struct xt_listening_channel *listening = xt_calloc(1, sizeof *listening + channel.n);

	if (!listening)
		return NULL;
	listening->subscriber.ops = &ops;
	listening->session = session;
	listening->reading = *reading;
	listening->size = (uint8_t)channel.n;
	memcpy(listening->name, channel.p, channel.n);
	xt_list_append(all, &listening->link);
	listening->holding = xt_session_hold(session);
	ask(listening);
	return listening;
}

void
xt_listening_free(struct xt_listening_channel *listening)
{
	xt_hub_unsubscribe(&listening->subscriber);
	release(listening);
	xt_list_remove(&listening->link);
	xt_free(listening);
}

struct xt_listening_channel *
xt_listening_find(struct xt_list *all, struct xt_str channel)
{
	xt_list_each (at, after, all) {
		struct xt_listening_channel *listening =
			XT_LIST_ENTRY(at, struct xt_listening_channel, link);
		if (xt_str_eq(name_of(listening), channel))
			return listening;
	}
	return NULL;
}

void
xt_listening_stop_all(struct xt_list *all)
{
	xt_list_each (at, after, all) {
		struct xt_listening_channel *listening =
			XT_LIST_ENTRY(at, struct xt_listening_channel, link);
		listening->catching_up = listening->again = false;
		xt_hub_unsubscribe(&listening->subscriber);
		release(listening);
	}
}

void
xt_listening_free_all(struct xt_list *all)
{
	while (!xt_list_empty(all))
		xt_listening_free(XT_LIST_ENTRY(all->next, struct xt_listening_channel, link));
}

size_t
xt_listening_count(const struct xt_list *all)
{
	size_t count = 0;

	for (const struct xt_list *at = all->next; at != all; at = at->next)
		count++;
	return count;
}

void
xt_listening_drained(struct xt_list *all)
{
	xt_list_each (at, after, all)
		go_on(XT_LIST_ENTRY(at, struct xt_listening_channel, link));
}
