/*
 * plain.c - one subscription per session.
 *
 *   open --subscribe--> opened(more) --drained--> subscribe again … --> opened(live) --> deliver, deliver …
 *   an answer (transport->once): opened(with news), or deliver, or waited --> the one delivery
 */
#include "proto/plain/plain.h"

#include <stddef.h>

#include "base/panic.h"
#include "crosstalk.h"
#include "proto/plain/object.h"
#include "session/session.h"

enum form { FORM_PAYLOAD, FORM_JSON, FORMS };

struct plain {
	struct xt_subscriber subscriber;
	struct xt_receipt
		receipt; /* for what is published while the channel may still be refused */
	struct xt_session *session;
	struct xt_reading
		reading; /* what was asked for, and is asked for next while there is more */
	uint8_t form;
	bool no_echo;
	bool told_open;
	bool waited;        /* the time of an answer was over while its question was on its way */
	bool catching_up;   /* there is more: asked for when what was sent has left */
	bool asking, again; /* within ask() of a stream; it is to ask once more */
	bool holding;       /* the answer waits for the channel's home to know of this reader */
};

static struct plain *
plain_of(struct xt_subscriber *subscriber)
{
	return XT_CONTAINER(subscriber, struct plain, subscriber);
}

static void
subscribe(struct plain *plain)
{
	struct xt_session *session = plain->session;

	xt_hub_subscribe(session->sessions->hub, xt_session_channel(session), &plain->reading,
		&plain->subscriber);
}

/* The answer may come within, and want the next question; an answer's session may be gone then. */
static void
ask(struct plain *plain)
{
	if (plain->session->transport->once) {
		subscribe(plain);
		return;
	}
	plain->again = true;
	if (plain->asking)
		return;
	plain->asking = true;
	while (plain->again) {
		plain->again = false;
		subscribe(plain);
	}
	plain->asking = false;
}

/* Notices ------------------------------------------------------------------------------- */

static void
tell(struct plain *plain, enum xt_notice_kind kind, struct xt_position next)
{
	struct xt_buf json = { 0 };
	int error = kind == XT_NOTICE_OPEN ? xt_object_open(&json, next)
					   : xt_object_lost(&json, plain->reading.since, next);

	if (error < 0)
		xt_session_close(plain->session, XT_CLOSE_FAULT, "out of memory");
	else
		xt_session_notice(plain->session,
			&(struct xt_notice){
				.kind = kind, .next = next, .json = xt_buf_str(&json) });
	xt_buf_fini(&json);
}

/* Payloads alone on a transport without words between them: only a close can tell that some are missing. */
static bool
can_tell(const struct plain *plain)
{
	return plain->form == FORM_JSON || !plain->session->transport->socket;
}

static void
begin_stream(struct plain *plain, const struct xt_opening *opening)
{
	struct xt_position before = opening->next;

	before.offset -= opening->count;
	if (!plain->told_open && can_tell(plain))
		tell(plain, XT_NOTICE_OPEN, before);
	plain->told_open = true;
	if (!opening->lost)
		return;
	if (can_tell(plain))
		tell(plain, XT_NOTICE_LOST, before);
	else
		xt_session_close(plain->session, XT_CLOSE_LOST, XT_LOST_WORDS);
}

/* A poller who was answered is there until its next poll, or for the linger time. */
static void
stay_present(struct xt_session *session)
{
	struct xt_member member;

	xt_session_describe(session, &member);
	if (member.client.n)
		xt_hub_lease(session->sessions->hub, xt_session_channel(session), &member, false);
}

/* The hub's calls ------------------------------------------------------------------------ */

/* The one delivery of an answer, after which the session is gone. */
static void
answer(struct plain *plain, const struct xt_opening *opening)
{
	stay_present(plain->session);
	xt_session_deliver_opening(plain->session, opening, plain->form, plain->no_echo);
}

/* The time is over, and there is no news. */
static void
answer_empty(struct plain *plain)
{
	struct xt_opening nothing = { .next = plain->reading.since };

	xt_hub_unsubscribe(&plain->subscriber);
	answer(plain, &nothing);
}

/* What was sent has left: asks for more if there is. */
static void
go_on(struct plain *plain)
{
	if (!plain->catching_up)
		return;
	plain->catching_up = false;
	ask(plain);
}

static void
release(struct plain *plain)
{
	if (!plain->holding)
		return;
	plain->holding = false;
	xt_session_release(plain->session);
}

static void
opened(struct xt_subscriber *subscriber, const struct xt_opening *opening)
{
	struct plain *plain = plain_of(subscriber);
	struct xt_session *session = plain->session;

	if (session->transport->once) {
		plain->reading.since = opening->next;
		if (!opening->live)
			answer(plain, opening);
		else if (plain->waited)
			answer_empty(plain);
		return;
	}
	release(plain);
	begin_stream(plain, opening);
	if (session->closing)
		return;
	plain->catching_up = opening->more;
	plain->reading.start = XT_START_SINCE;
	plain->reading.since = opening->next;
	if (opening->count &&
		!xt_session_deliver_opening(session, opening, plain->form, plain->no_echo))
		go_on(plain);
}

static void
refused(struct xt_subscriber *subscriber, int error)
{
	xt_session_refuse(plain_of(subscriber)->session, error);
}

static void
published(struct xt_receipt *receipt, int error, struct xt_position id)
{
	(void)id;
	if (error < 0)
		xt_session_refuse(XT_CONTAINER(receipt, struct plain, receipt)->session, error);
}

static void
deliver(struct xt_subscriber *subscriber, struct xt_batch *batch, size_t from)
{
	struct plain *plain = plain_of(subscriber);

	if (plain->session->transport->once)
		stay_present(plain->session);
	xt_session_deliver(plain->session, batch, from, plain->form, plain->no_echo);
}

static void
describe(struct xt_subscriber *subscriber, struct xt_member *member)
{
	xt_session_describe(plain_of(subscriber)->session, member);
}

static const struct xt_subscriber_ops subscriber_ops = {
	.opened = opened,
	.refused = refused,
	.deliver = deliver,
	.describe = describe,
};

/* The session's calls -------------------------------------------------------------------- */

static enum xt_mode
mode_of(const struct xt_session *session)
{
	if (!session->transport->once)
		return XT_MODE_JOIN;
	return session->wait_ms ? XT_MODE_WAIT : XT_MODE_READ;
}

/*
 * A stream that catches up must not look like a slow reader: its answers, also when they grow as JSON, stay
 * well below what may wait for it.
 */
static size_t
answer_bytes(const struct xt_session *session)
{
	size_t some = session->sessions->config.max_backlog / 8;

	return session->transport->once || some > XT_OPENING_BYTES ? XT_OPENING_BYTES : some + 1;
}

static void
plain_open(struct xt_session *session, const struct xt_entry *entry)
{
	struct plain *plain = xt_session_protocol_state(session);

	plain->subscriber.ops = &subscriber_ops;
	plain->receipt.done = published;
	plain->session = session;
	plain->reading = entry->reading;
	plain->reading.mode = mode_of(session);
	plain->reading.bytes = answer_bytes(session);
	plain->form = entry->json ? FORM_JSON : FORM_PAYLOAD;
	plain->no_echo = entry->no_echo;
	plain->holding = !session->transport->once && xt_session_hold(session);
	ask(plain);
}

/* A live one keeps its channel: nothing can be refused. Before, a refusal must not go by without a word. */
static void
plain_received(struct xt_session *session, const struct xt_payload *payload)
{
	struct plain *plain = xt_session_protocol_state(session);
	struct xt_message *message =
		xt_message_new(payload->kind, payload->bytes, (struct xt_str){ 0 }, session->id);

	if (!message)
		xt_session_refuse(session, XT_ENOMEM);
	else if (plain->subscriber.state == XT_SUBSCRIBER_LIVE)
		xt_hub_publish_on(&plain->subscriber, message);
	else
		xt_hub_publish(session->sessions->hub, xt_session_channel(session), message,
			&plain->receipt);
}

static int
plain_encode(unsigned form, const struct xt_message *message, struct xt_buf *scratch,
	struct xt_payload *payload)
{
	if (form == FORM_PAYLOAD) {
		*payload = (struct xt_payload){ xt_message_payload(message), message->kind };
		return 0;
	}
	if (xt_object_message(scratch, message) < 0)
		return XT_ENOMEM;
	*payload = (struct xt_payload){ xt_buf_str(scratch), XT_KIND_JSON };
	return 0;
}

static void
plain_drained(struct xt_session *session)
{
	go_on(xt_session_protocol_state(session));
}

static void
plain_waited(struct xt_session *session)
{
	struct plain *plain = xt_session_protocol_state(session);

	/* Still asking: the answer, which is on its way, ends the session, with news or without. */
	plain->waited = true;
	if (plain->subscriber.state == XT_SUBSCRIBER_LIVE)
		answer_empty(plain);
}

static void
plain_closed(struct xt_session *session)
{
	struct plain *plain = xt_session_protocol_state(session);

	xt_hub_unsubscribe(&plain->subscriber);
	xt_receipt_cancel(&plain->receipt);
}

const struct xt_protocol xt_plain_protocol = {
	.name = "plain",
	.size = sizeof(struct plain),
	.forms = FORMS,
	.open = plain_open,
	.received = plain_received,
	.encode = plain_encode,
	.drained = plain_drained,
	.waited = plain_waited,
	.closed = plain_closed,
};
