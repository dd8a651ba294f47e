/*
 * poll.c - a session for the time of one answer. The request is held as an exchange until the protocol
 * delivers; nothing is kept between two requests, which say themselves where they go on.
 */
#include "transport/poll/poll.h"

#include "crosstalk.h"
#include "http/exchange.h"
#include "session/session.h"

struct poll {
	struct xt_exchange *exchange;
};

static struct poll *
poll_of(struct xt_session *session)
{
	return xt_session_transport_state(session);
}

/* Each object with a comma behind it; the last one's is left out of the answer. */
static int
poll_frame(struct xt_session *session, const struct xt_message *message,
	const struct xt_payload *payload, struct xt_buf *out)
{
	(void)session;
	(void)message;
	if (xt_buf_reserve(out, payload->bytes.n + 1) < 0)
		return XT_ENOMEM;
	xt_buf_put_str(out, payload->bytes);
	xt_buf_put_char(out, ',');
	return 0;
}

static int
put_answer(struct xt_buf *out, const struct xt_delivery *delivery)
{
	char next[XT_POSITION_TEXT];
	size_t n = delivery->to - delivery->from;

	xt_position_format(delivery->next, next);
	if (xt_buf_append_str(out, XT_STR("{\"messages\":[")) < 0 ||
		xt_buf_append(out, n ? delivery->bytes->p + delivery->from : "", n ? n - 1 : 0) <
			0 ||
		xt_buf_printf(out, "],\"next\":\"%s\"", next) < 0)
		return XT_ENOMEM;
	if (delivery->more && xt_buf_append_str(out, XT_STR(",\"more\":true")) < 0)
		return XT_ENOMEM;
	if (delivery->lost &&
		xt_buf_append_str(out, XT_STR(",\"lost\":true,\"notice\":\"" XT_LOST_WORDS "\"")) <
			0)
		return XT_ENOMEM;
	return xt_buf_append_str(out, XT_STR("}\n"));
}

static void
poll_deliver(struct xt_session *session, const struct xt_delivery *delivery)
{
	struct xt_exchange *exchange = poll_of(session)->exchange;
	struct xt_buf out = { 0 };
	struct xt_bytes *bytes = NULL;
	char *heap;
	size_t n;

	if (put_answer(&out, delivery) == 0) {
		heap = xt_buf_take(&out, &n);
		bytes = xt_bytes_own(heap, n);
	}
	xt_buf_fini(&out);
	if (bytes)
		xt_exchange_reply_bytes(
			exchange, 200, XT_STR("application/json"), bytes, 0, bytes->n);
	else
		xt_exchange_no_memory(exchange);
	xt_bytes_unref(bytes);
	xt_session_closed(session, XT_CLOSE_DONE);
}

static const char *
error_code(enum xt_close why)
{
	switch (why) {
	case XT_CLOSE_LIMIT:
		return "too_many_channels";
	case XT_CLOSE_SHUTDOWN:
		return "shutting_down";
	default:
		return "out_of_memory";
	}
}

static void
poll_close(struct xt_session *session, enum xt_close why, const char *words)
{
	xt_exchange_error(poll_of(session)->exchange, 503, error_code(why), "%s", words);
	xt_session_closed(session, XT_CLOSE_DONE);
}

static void
gone(void *ctx, enum xt_close why)
{
	xt_session_closed(ctx, why);
}

static void
expired(void *ctx)
{
	xt_session_waited(ctx);
}

static const struct xt_holder for_news = { .gone = gone, .expired = expired };
static const struct xt_holder at_once = { .gone = gone, .soon = true };

static int
poll_begin(struct xt_session *session, struct xt_exchange *exchange)
{
	poll_of(session)->exchange = exchange;
	xt_exchange_hold(exchange, session->wait_ms ? &for_news : &at_once, session);
	if (session->wait_ms)
		xt_exchange_expire_in(exchange, session->wait_ms);
	return 0;
}

const struct xt_transport xt_poll_transport = {
	.name = "poll",
	.index = XT_TRANSPORT_POLL,
	.size = sizeof(struct poll),
	.once = true,
	.begin = poll_begin,
	.frame = poll_frame,
	.deliver = poll_deliver,
	.close = poll_close,
};

const struct xt_transport xt_longpoll_transport = {
	.name = "longpoll",
	.index = XT_TRANSPORT_LONGPOLL,
	.size = sizeof(struct poll),
	.once = true,
	.begin = poll_begin,
	.frame = poll_frame,
	.deliver = poll_deliver,
	.close = poll_close,
};
