/*
 * ws.c - frames in, frames out, and a heartbeat.
 *
 * A message that is whole in the receive buffer is passed on where it lies; only what comes in
 * pieces is gathered in a buffer, which goes with the message. What is compressed is gathered so, and
 * decompressed when it is whole, into a buffer for as long as it is handled (compression.h).
 *
 * Where compression was agreed on, a sibling stands in this transport's place: one for each size of a window
 * for which messages are compressed once for all.
 */
#include "transport/ws/ws.h"

#include "codec/utf8.h"
#include "crosstalk.h"
#include "crosstalk_ws.h"
#include "http/exchange.h"
#include "http/websocket.h"
#include "session/session.h"
#include "transport/ws/close_code.h"
#include "transport/ws/compression.h"
#include "transport/ws/partial.h"

/* How long the peer may take for its part of the closing handshake, before we end the connection. */
#define GOODBYE_MS 5000

struct ws {
	struct xt_ws_reader reader;
	bool pinged;                   /* a ping is out, and no sign of life since */
	bool leaving;                  /* our Close frame is out, the peer's is waited for */
	struct xt_ws_partial *partial; /* a message that has begun and is not complete */
	struct xt_ws_compression compression;
};

static struct ws *
ws_of(struct xt_session *session)
{
	return xt_session_transport_state(session);
}

static uint64_t
now(const struct xt_session *session)
{
	return xt_loop_now(xt_conn_loop(session->conn));
}

/* A message in pieces --------------------------------------------------------------------- */

/* How many ms are left for it, 0: it came too slowly. That we do not read is not the peer's fault. */
static uint32_t
partial_left(struct xt_session *session)
{
	const struct ws *ws = ws_of(session);
	uint32_t timeout = session->sessions->config.message_timeout_ms;

	if (!ws->partial)
		return UINT32_MAX;
	if (!xt_conn_reads(session->conn))
		return timeout;
	return xt_ws_partial_left(ws->partial, now(session), timeout);
}

/* The connection's one deadline: the heartbeat's, `ms` from now, or what is left for a message if that is less. */
static void
look_in(struct xt_session *session, uint32_t ms)
{
	uint32_t left = partial_left(session);

	xt_conn_expire_in(session->conn, left < ms ? left : ms);
}

static void
drop_partial(struct xt_session *session)
{
	struct ws *ws = ws_of(session);

	xt_ws_partial_free(ws->partial);
	ws->partial = NULL;
}

/* From now on a message is incomplete: it is looked at before its time is over. 0 or XT_ENOMEM. */
static int
begin_partial(struct xt_session *session)
{
	const struct xt_sessions_config *config = &session->sessions->config;
	struct ws *ws = ws_of(session);

	if (ws->partial)
		return 0;
	ws->partial = xt_ws_partial_new(config->unfinished, now(session));
	if (!ws->partial)
		return XT_ENOMEM;
	look_in(session, config->heartbeat_interval_ms);
	return 0;
}

/* 0; XT_ELIMIT: on all connections together too much has come in pieces; XT_ENOMEM. */
static int
gather(struct xt_session *session, const struct xt_ws_event *event)
{
	int error = begin_partial(session);

	if (error < 0)
		return error;
	return xt_ws_partial_add(
		ws_of(session)->partial, xt_str_of(event->p, event->n), now(session));
}

/* Frames out ------------------------------------------------------------------------------ */

static void
send_frame(struct xt_conn *conn, uint8_t opcode, struct xt_str payload)
{
	char *room = xt_conn_reserve(conn, XT_WS_HEAD_MAX + payload.n);
	size_t head;

	if (!room)
		return;
	head = xt_ws_head_encode((uint8_t)(XT_WS_FIN | opcode), payload.n, NULL, room);
	if (payload.n)
		memcpy(room + head, payload.p, payload.n);
	xt_conn_commit(conn, head + payload.n);
}

static uint8_t
opcode_of(enum xt_kind kind)
{
	return kind == XT_KIND_BINARY ? XT_WS_OP_BINARY : XT_WS_OP_TEXT;
}

static int
ws_frame(struct xt_session *session, const struct xt_message *message,
	const struct xt_payload *payload, struct xt_buf *out)
{
	(void)session;
	(void)message;
	return xt_ws_frame_plain(payload, out);
}

static void
ws_send(struct xt_session *session, const struct xt_payload *payload)
{
	send_frame(session->conn, opcode_of(payload->kind), payload->bytes);
}

static void
ws_notice(struct xt_session *session, const struct xt_notice *notice)
{
	send_frame(session->conn, XT_WS_OP_TEXT, notice->json);
}

/* To this session alone: in its own window, if that is kept. */
static void
deflated_send(struct xt_session *session, const struct xt_payload *payload)
{
	struct xt_buf out = { 0 };

	if (xt_ws_frame_own(&ws_of(session)->compression, session, payload, &out) == 0)
		xt_conn_send(session->conn, out.p, out.n);
	else
		xt_conn_close(session->conn, XT_CLOSE_FAULT);
	xt_buf_fini(&out);
}

static void
deflated_notice(struct xt_session *session, const struct xt_notice *notice)
{
	deflated_send(session, &(struct xt_payload){ notice->json, XT_KIND_JSON });
}

static void
deflated_deliver(struct xt_session *session, const struct xt_delivery *delivery)
{
	ws_of(session)->compression.stale = true;
	if (delivery->to > delivery->from)
		xt_conn_send_bytes(session->conn, delivery->bytes, delivery->from, delivery->to);
}

static void
send_close(struct xt_conn *conn, uint16_t code, struct xt_str reason)
{
	char payload[XT_WS_CONTROL_MAX];
	size_t n = xt_ws_close_encode(code, reason, payload);

	send_frame(conn, XT_WS_OP_CLOSE, xt_str_of(payload, n));
}

/* What has come of a message goes now: the connection may take a while to close. */
static void
end(struct xt_session *session, uint16_t code, struct xt_str reason, enum xt_close why)
{
	drop_partial(session);
	send_close(session->conn, code, reason);
	xt_conn_finish(session->conn, why);
}

static void
ws_close(struct xt_session *session, enum xt_close why, const char *words)
{
	end(session, xt_ws_code_of(why), xt_str_from(words), why);
}

static void
ws_ping(struct xt_session *session, struct xt_str p)
{
	send_frame(session->conn, XT_WS_OP_PING, p);
}

static void
ws_goodbye(struct xt_session *session, uint16_t code, struct xt_str reason)
{
	drop_partial(session);
	ws_of(session)->leaving = true;
	send_close(session->conn, code, reason);
	xt_conn_expire_in(session->conn, GOODBYE_MS);
}

static void
ws_extensions(struct xt_session *session, char text[XT_EXTENSIONS_TEXT])
{
	const struct xt_ws_compression *compression = &ws_of(session)->compression;

	_Static_assert(XT_PERMESSAGE_TEXT <= XT_EXTENSIONS_TEXT, "an extension fits");
	text[0] = '\0';
	if (xt_ws_compression_is_on(compression))
		xt_permessage_text(&compression->agreed, text);
}

static const struct xt_socket_ops ws_socket = {
	.ping = ws_ping,
	.close = ws_goodbye,
	.code = xt_ws_code_of,
	.extensions = ws_extensions,
};

/* Frames in ------------------------------------------------------------------------------- */

static void
pass_on(struct xt_session *session, uint8_t opcode, struct xt_str bytes)
{
	xt_session_received(
		session, &(struct xt_payload){
				 .bytes = bytes,
				 .kind = opcode == XT_WS_OP_TEXT ? XT_KIND_TEXT : XT_KIND_BINARY,
			 });
}

/* RFC 6455 7.1.7: Fail the WebSocket Connection. */
static void
fail(struct xt_session *session, uint16_t code, const char *why)
{
	bool said = ws_of(session)->leaving;

	xt_session_end(session, xt_ws_close_of(code));
	if (said) /* RFC 6455 5.5.1: nothing follows our Close frame */
		xt_conn_finish(session->conn, xt_ws_close_of(code));
	else
		end(session, code, xt_str_from(why), xt_ws_close_of(code));
}

static void
fail_inflated(struct xt_session *session, int error)
{
	if (error == XT_ELIMIT)
		fail(session, XT_WS_TOO_BIG, "message is over the limit");
	else if (error == XT_EPROTO)
		fail(session, XT_WS_BAD_DATA, "compressed data is not valid");
	else
		xt_session_close(session, XT_CLOSE_FAULT, "out of memory");
}

/* RFC 6455 8.1: text is UTF-8, here what the extension makes of it (RFC 7692 6.2). */
static void
pass_on_packed(struct xt_session *session, uint8_t opcode, struct xt_str packed)
{
	struct xt_buf whole = { 0 };
	int error = xt_ws_inflate(&ws_of(session)->compression, session, packed, &whole);

	if (error < 0)
		fail_inflated(session, error);
	else if (opcode == XT_WS_OP_TEXT && !xt_utf8_valid(xt_buf_str(&whole)))
		fail(session, XT_WS_BAD_DATA, "text is not UTF-8");
	else
		pass_on(session, opcode, xt_buf_str(&whole));
	xt_buf_fini(&whole);
}

static void
pass_on_whole(struct xt_session *session, const struct xt_ws_event *event, struct xt_str bytes)
{
	if (event->rsv)
		pass_on_packed(session, event->opcode, bytes);
	else
		pass_on(session, event->opcode, bytes);
}

/* The session may end while its message is handled: the bytes stay until that is done. */
static void
pass_on_partial(struct xt_session *session, const struct xt_ws_event *event)
{
	struct xt_ws_partial *whole = ws_of(session)->partial;

	ws_of(session)->partial = NULL;
	pass_on_whole(session, event, xt_buf_str(&whole->data));
	xt_ws_partial_free(whole);
}

/* What has come of a message can't be kept. */
static void
refuse_keeping(struct xt_session *session, int error)
{
	if (error == XT_ELIMIT)
		xt_session_close(session, XT_CLOSE_LIMIT,
			"too many bytes of messages that are not complete wait here; try again "
			"later");
	else
		xt_session_close(session, XT_CLOSE_FAULT, "out of memory");
}

/* The first piece of a frame tells how long all of it is. */
static bool
is_long_frame(const struct xt_session *session, const struct xt_ws_event *event)
{
	uint32_t limit = session->rules->frame;

	return limit && event->n + event->frame_left > limit;
}

static void
on_data(struct xt_session *session, const struct xt_ws_event *event)
{
	int error;

	if (session->closing)
		return;
	if (is_long_frame(session, event)) {
		xt_session_close(session, XT_CLOSE_TOO_BIG, "frame is over the limit of this path");
		return;
	}
	if (event->first && event->last) {
		drop_partial(session);
		pass_on_whole(session, event, xt_str_of(event->p, event->n));
		return;
	}
	error = gather(session, event);
	if (error < 0)
		refuse_keeping(session, error);
	else if (event->last)
		pass_on_partial(session, event);
}

/* RFC 6455 5.5.1: answered with a Close frame of the same code; then the server ends the connection. */
static void
on_close(struct xt_session *session, const struct xt_ws_event *event)
{
	bool answered = ws_of(session)->leaving;

	xt_session_goodbye(session, event->code, xt_str_of(event->p, event->n));
	xt_session_end(session, XT_CLOSE_PEER);
	if (answered)
		xt_conn_finish(session->conn, XT_CLOSE_DONE);
	else
		end(session, event->code, (struct xt_str){ 0 }, XT_CLOSE_PEER);
}

static void
on_event(struct xt_session *session, const struct xt_ws_event *event)
{
	switch (event->kind) {
	case XT_WS_DATA:
		on_data(session, event);
		break;
	case XT_WS_PING: /* RFC 6455 5.5.3: a pong with the same payload, unless a Close frame was sent */
		if (!ws_of(session)->leaving)
			send_frame(session->conn, XT_WS_OP_PONG, xt_str_of(event->p, event->n));
		break;
	case XT_WS_CLOSE:
		on_close(session, event);
		break;
	case XT_WS_FAIL:
		fail(session, event->code, event->why);
		break;
	case XT_WS_PONG: /* any byte is a sign of life already */
		xt_session_ponged(session, xt_str_of(event->p, event->n));
		break;
	case XT_WS_MORE:
		break;
	}
}

/* Also of a message of which there is but a header, time is running. */
static void
mind_begun(struct xt_session *session)
{
	int error = begin_partial(session);

	if (error < 0)
		refuse_keeping(session, error);
}

static size_t
ws_recv(struct xt_conn *conn, char *p, size_t n)
{
	struct xt_session *session = xt_conn_state(conn);
	struct ws *ws = ws_of(session);
	struct xt_ws_event event;
	size_t used = 0;

	ws->pinged = false;
	do {
		used += xt_ws_read(&ws->reader, p + used, n - used, &event);
		on_event(session, &event);
	} while (event.kind != XT_WS_MORE && xt_conn_is_open(conn) && !xt_conn_is_paused(conn));
	if (ws->reader.opcode && !session->closing)
		mind_begun(session);
	return used;
}

/* Heartbeat ------------------------------------------------------------------------------- */

static void
ping(struct xt_session *session)
{
	const struct xt_sessions_config *config = &session->sessions->config;
	uint32_t interval = config->heartbeat_interval_ms, timeout = config->heartbeat_timeout_ms;

	ws_of(session)->pinged = true;
	send_frame(session->conn, XT_WS_OP_PING, (struct xt_str){ 0 });
	/* Once it has answered, the next ping is due after the interval, though the timeout be longer. */
	look_in(session, interval < timeout ? interval : timeout);
}

/* Bytes of the peer are a sign of life; so is it that the kernel could send on of what had waited. */
static void
ws_expired(struct xt_conn *conn)
{
	struct xt_session *session = xt_conn_state(conn);
	const struct xt_sessions_config *config = &session->sessions->config;
	uint64_t silent = now(session) - xt_conn_alive_at(conn);
	bool pinged = ws_of(session)->pinged;
	uint64_t patience = (uint64_t)config->heartbeat_interval_ms +
			    (pinged ? config->heartbeat_timeout_ms : 0);

	if (ws_of(session)->leaving)
		xt_conn_finish(conn, XT_CLOSE_DONE);
	else if (partial_left(session) == 0)
		xt_session_close(
			session, XT_CLOSE_BODY, "a message that was begun came too slowly");
	else if (silent < patience)
		look_in(session, (uint32_t)(patience - silent));
	else if (pinged)
		xt_session_close(session, XT_CLOSE_HEARTBEAT, "no pong within heartbeat.timeout");
	else
		ping(session);
}

/* Life ------------------------------------------------------------------------------------ */

static void
ws_drained(struct xt_conn *conn)
{
	xt_session_drained(xt_conn_state(conn));
}

static void
ws_closed(struct xt_conn *conn, enum xt_close why)
{
	struct xt_session *session = xt_conn_state(conn);

	drop_partial(session);
	xt_ws_compression_end(&ws_of(session)->compression, session);
	xt_session_closed(session, why);
}

static const struct xt_stream ws_stream = {
	.name = "websocket",
	.recv = ws_recv,
	.drained = ws_drained,
	.expired = ws_expired,
	.closed = ws_closed,
};

/* The siblings: windows from small to large. */
#define DEFLATED(bits) \
	static int deflated_frame_##bits(struct xt_session *session, \
		const struct xt_message *message, const struct xt_payload *payload, \
		struct xt_buf *out) \
	{ \
		(void)message; \
		return xt_ws_frame_shared(session, bits, payload, out); \
	}

#define DEFLATED_ROW(bits) \
	{ \
		.name = "websocket", .index = XT_TRANSPORT_WEBSOCKET_##bits, \
		.size = sizeof(struct ws), .socket = &ws_socket, .frame = deflated_frame_##bits, \
		.deliver = deflated_deliver, .send = deflated_send, .notice = deflated_notice, \
		.close = ws_close \
	}

DEFLATED(8)
DEFLATED(9)
DEFLATED(12)
DEFLATED(15)

static const struct {
	struct xt_transport transport;
	unsigned bits;
} deflated[] = {
	{ DEFLATED_ROW(8), 8 },
	{ DEFLATED_ROW(9), 9 },
	{ DEFLATED_ROW(12), 12 },
	{ DEFLATED_ROW(15), 15 },
};

/* The one with the largest window that the peer has room for. */
static const struct xt_transport *
sibling_for(unsigned bits)
{
	size_t i = sizeof deflated / sizeof deflated[0] - 1;

	while (i > 0 && deflated[i].bits > bits)
		i--;
	return &deflated[i].transport;
}

/* Of the answer; returns the RSV bits that the peer may set. */
static uint8_t
agree_on_compression(struct xt_session *session, struct xt_exchange *exchange)
{
	struct xt_ws_compression *compression = &ws_of(session)->compression;

	if (!xt_ws_compression_agree(compression, session, exchange))
		return 0;
	session->transport = sibling_for(compression->agreed.server_bits);
	return XT_WS_RSV1;
}

static int
ws_begin(struct xt_session *session, struct xt_exchange *exchange)
{
	struct xt_conn *conn = xt_exchange_conn(exchange);
	uint8_t rsv;

	if (xt_websocket_check(exchange) < 0)
		return XT_EPROTO;
	if (xt_websocket_accept_headers(exchange) < 0) {
		xt_exchange_no_memory(exchange);
		return XT_ENOMEM;
	}
	rsv = agree_on_compression(session, exchange);
	xt_ws_reader_init(&ws_of(session)->reader, XT_WS_SERVER, rsv, session->max_message);
	xt_conn_cork(conn);
	if (xt_exchange_takeover(exchange, 101, (struct xt_str){ 0 }, false, &ws_stream, session) <
		0) {
		xt_conn_uncork(conn);
		xt_ws_compression_end(&ws_of(session)->compression, session);
		return XT_ECLOSED;
	}
	session->conn = conn;
	xt_conn_expire_in(conn, session->sessions->config.heartbeat_interval_ms);
	return 0;
}

const struct xt_transport xt_ws_transport = {
	.name = "websocket",
	.index = XT_TRANSPORT_WEBSOCKET,
	.size = sizeof(struct ws),
	.socket = &ws_socket,
	.begin = ws_begin,
	.frame = ws_frame,
	.send = ws_send,
	.notice = ws_notice,
	.close = ws_close,
};
