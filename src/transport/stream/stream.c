/*
 * stream.c - what all kinds of streams share: the head, chunks, heartbeats, the end.
 *
 * What the client sends while its answer streams is read and thrown away, so that its end is noticed.
 */
#include "transport/stream/stream.h"

#include "codec/http1.h"
#include "crosstalk.h"
#include "http/exchange.h"
#include "session/session.h"
#include "transport/stream/kind.h"

struct stream {
	const struct xt_stream_kind *kind;
	bool chunked;
	bool stuck; /* something waited to be sent when a heartbeat was due, and has not left since */
};

static struct stream *
stream_of(struct xt_session *session)
{
	return xt_session_transport_state(session);
}

/* Chunks ---------------------------------------------------------------------------------- */

/* Makes a chunk of what `out` holds from `start` on. */
static int
wrap_chunk(struct xt_buf *out, size_t start)
{
	char head[XT_HTTP1_CHUNK_HEAD_MAX];
	struct xt_str tail = XT_HTTP1_CHUNK_TAIL;
	size_t body = out->n - start;
	size_t n = xt_http1_chunk_head(head, body);

	if (xt_buf_reserve(out, n + tail.n) < 0)
		return XT_ENOMEM;
	memmove(out->p + start + n, out->p + start, body);
	memcpy(out->p + start, head, n);
	out->n += n;
	xt_buf_put_str(out, tail);
	return 0;
}

static int
frame_chunked(const struct xt_stream_kind *kind, const struct xt_message *message,
	const struct xt_payload *payload, struct xt_buf *out)
{
	size_t start = out->n;
	int error = kind->message(out, message, payload);

	return error < 0 ? error : wrap_chunk(out, start);
}

/* Sends what `out` holds to this session, and empties it. */
static void
send_piece(struct xt_session *session, struct xt_buf *out, int error)
{
	if (error == 0 && stream_of(session)->chunked)
		error = wrap_chunk(out, 0);
	if (error == 0)
		xt_conn_send(session->conn, out->p, out->n);
	else
		xt_conn_close(session->conn, XT_CLOSE_FAULT);
	xt_buf_fini(out);
}

static void
send_text(struct xt_session *session, struct xt_str text)
{
	struct xt_buf out = { 0 };

	if (text.n)
		send_piece(session, &out, xt_buf_append_str(&out, text));
}

/* Events and the end ---------------------------------------------------------------------- */

static void
stream_notice(struct xt_session *session, const struct xt_notice *notice)
{
	struct xt_buf out = { 0 };
	char id[XT_POSITION_TEXT];
	size_t n = xt_position_format(notice->next, id);

	send_piece(session, &out,
		stream_of(session)->kind->event(&out,
			notice->kind == XT_NOTICE_OPEN ? "open" : "lost", xt_str_of(id, n),
			notice->json));
}

static void
stream_close(struct xt_session *session, enum xt_close why, const char *words)
{
	struct xt_buf out = { 0 }, json = { 0 };
	int error =
		xt_buf_printf(&json, "{\"event\":\"close\",\"reason\":\"%s\",\"notice\":\"%s\"}",
			xt_close_name(why), words);

	if (error == 0)
		error = stream_of(session)->kind->event(
			&out, "close", (struct xt_str){ 0 }, xt_buf_str(&json));
	xt_buf_fini(&json);
	send_piece(session, &out, error);
	if (stream_of(session)->chunked)
		xt_conn_send(session->conn, XT_HTTP1_CHUNK_LAST.p, XT_HTTP1_CHUNK_LAST.n);
	xt_conn_finish(session->conn, why);
}

/* The connection -------------------------------------------------------------------------- */

static size_t
stream_recv(struct xt_conn *conn, char *p, size_t n)
{
	(void)conn;
	(void)p;
	return n;
}

static void
stream_drained(struct xt_conn *conn)
{
	struct xt_session *session = xt_conn_state(conn);

	stream_of(session)->stuck = false;
	xt_session_drained(session);
}

static void
beat(struct xt_session *session)
{
	send_text(session, stream_of(session)->kind->heartbeat);
	xt_conn_expire_in(session->conn, session->sessions->config.heartbeat_interval_ms);
}

/*
 * A peer that vanished is found by the kernel, which gets no acknowledgement of the heartbeat; one that lives
 * but reads nothing, here: what was sent to it does not leave. How long it has been silent says nothing before
 * something waits: what fits into the kernel's buffer leaves without a sign of the peer.
 */
static void
stream_expired(struct xt_conn *conn)
{
	struct xt_session *session = xt_conn_state(conn);
	struct stream *stream = stream_of(session);
	uint32_t patience = session->sessions->config.heartbeat_timeout_ms;
	uint64_t silent = xt_loop_now(xt_conn_loop(conn)) - xt_conn_alive_at(conn);

	if (!xt_conn_backlog(conn)) {
		beat(session);
	} else if (!stream->stuck || silent < patience) {
		xt_conn_expire_in(conn, stream->stuck ? patience - (uint32_t)silent : patience);
		stream->stuck = true;
	} else {
		xt_session_end(session, XT_CLOSE_HEARTBEAT);
		xt_conn_close(conn, XT_CLOSE_HEARTBEAT);
	}
}

static void
stream_closed(struct xt_conn *conn, enum xt_close why)
{
	xt_session_closed(xt_conn_state(conn), why);
}

static const struct xt_stream answer_stream = {
	.name = "stream",
	.recv = stream_recv,
	.drained = stream_drained,
	.expired = stream_expired,
	.closed = stream_closed,
};

static int
begin(struct xt_session *session, struct xt_exchange *exchange, const struct xt_stream_kind *kind,
	bool chunked)
{
	struct xt_conn *conn = xt_exchange_conn(exchange);

	*stream_of(session) = (struct stream){ .kind = kind, .chunked = chunked };
	if (kind->policy.n)
		xt_exchange_header(exchange, XT_STR("Content-Security-Policy"), kind->policy);
	/* For a proxy in between that gathers what it passes on (nginx). */
	xt_exchange_header(exchange, XT_STR("X-Accel-Buffering"), XT_STR("no"));
	xt_conn_cork(conn);
	if (xt_exchange_takeover(exchange, 200, kind->type, chunked, &answer_stream, session) < 0) {
		xt_conn_uncork(conn);
		return XT_ECLOSED;
	}
	session->conn = conn;
	send_text(session, kind->preamble);
	xt_conn_expire_in(conn, session->sessions->config.heartbeat_interval_ms);
	return 0;
}

/* The table of kinds, each with its twin without chunks. */
#define TRANSPORT(kind_, index_) \
	static int kind_##_begin(struct xt_session *session, struct xt_exchange *exchange) \
	{ \
		return begin(session, exchange, &xt_##kind_##_kind, true); \
	} \
	static int kind_##_plain_begin(struct xt_session *session, struct xt_exchange *exchange) \
	{ \
		return begin(session, exchange, &xt_##kind_##_kind, false); \
	} \
	static int kind_##_frame(struct xt_session *session, const struct xt_message *message, \
		const struct xt_payload *payload, struct xt_buf *out) \
	{ \
		(void)session; \
		return frame_chunked(&xt_##kind_##_kind, message, payload, out); \
	} \
	static int kind_##_plain_frame(struct xt_session *session, \
		const struct xt_message *message, const struct xt_payload *payload, \
		struct xt_buf *out) \
	{ \
		(void)session; \
		return xt_##kind_##_kind.message(out, message, payload); \
	} \
	const struct xt_transport xt_##kind_##_transport = { \
		.name = #kind_, \
		.index = index_, \
		.size = sizeof(struct stream), \
		.begin = kind_##_begin, \
		.frame = kind_##_frame, \
		.notice = stream_notice, \
		.close = stream_close, \
	}; \
	const struct xt_transport xt_##kind_##_plain_transport = { \
		.name = #kind_, \
		.index = index_##_PLAIN, \
		.size = sizeof(struct stream), \
		.begin = kind_##_plain_begin, \
		.frame = kind_##_plain_frame, \
		.notice = stream_notice, \
		.close = stream_close, \
	};

TRANSPORT(sse, XT_TRANSPORT_SSE)
TRANSPORT(ndjson, XT_TRANSPORT_NDJSON)
TRANSPORT(iframe, XT_TRANSPORT_IFRAME)
