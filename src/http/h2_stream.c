/*
 * h2_stream.c - a stream of HTTP/2 as what carries a connection without descriptor.
 *
 *	peer --DATA--> in (within our window) --receive()--> conn: link, websocket, …
 *	peer <--DATA-- one frame at a time    <---send()---- conn: its queue, which limits.backlog bounds
 *
 * WINDOW_UPDATE follows what the conn has taken, so that a stream that reads nothing stops its peer. What the conn
 * sends waits in its own queue while the peer's windows are full or the socket has XT_H2_OUT_MARK to send.
 *
 * END_STREAM from the peer is the end of a request, which is no news to who answers it; only a body of unknown
 * length and a WebSocket are told. END_STREAM from us leaves with the last byte, if it is known which that is.
 */
#include "base/heap.h"
#include "base/panic.h"
#include "crosstalk.h"
#include "http/h2_private.h"

static const struct xt_carrier_ops carrier_ops;

/* ---- life ------------------------------------------------------------------------------ */

static struct xt_http_link *
link_new(struct xt_http_server *server)
{
	struct xt_http_link *link = xt_calloc(1, sizeof *link);

	if (!link)
		return NULL;
	link->server = server;
	link->ops = &xt_http2_link;
	xt_list_init(&link->node);
	return link;
}

struct xt_h2_stream *
xt_h2_stream_new(struct xt_h2 *h2, int32_t id)
{
	struct xt_h2_stream *stream = xt_calloc(1, sizeof *stream);
	struct xt_http_link *link = link_new(h2->server);

	if (!stream || !link)
		goto failed;
	stream->carrier = (struct xt_carrier){ .ops = &carrier_ops, .below = h2->conn };
	stream->h2 = h2;
	stream->id = id;
	xt_list_init(&stream->node);
	xt_list_init(&stream->waiting);
	stream->conn =
		xt_conn_new_over(h2->server->loop, -1, &stream->carrier, &xt_http_stream, link);
	if (!stream->conn)
		goto failed;
	link->conn = stream->conn;
	xt_list_append(&h2->server->links, &link->node);
	xt_list_append(&h2->streams, &stream->node);
	h2->count++;
	xt_counter_add(&h2->server->stats.h2_streams, 1);
	nghttp2_session_set_stream_user_data(h2->session, id, stream);
	return stream;
failed:
	xt_free(stream);
	xt_free(link);
	return NULL;
}

struct xt_h2_stream *
xt_h2_stream_of(const struct xt_conn *conn)
{
	return (struct xt_h2_stream *)xt_conn_carrier(conn);
}

struct xt_h2_stream *
xt_h2_stream_find(struct xt_h2 *h2, int32_t id)
{
	return nghttp2_session_get_stream_user_data(h2->session, id);
}

struct xt_http_link *
xt_h2_stream_link(const struct xt_h2_stream *stream)
{
	return xt_conn_state(stream->conn);
}

static bool
is_live(const struct xt_h2_stream *stream)
{
	return stream->h2 && !stream->h2->over && !stream->closed;
}

/* What ended, from RST_STREAM's code. */
static enum xt_close
close_of(uint32_t code)
{
	switch (code) {
	case NGHTTP2_NO_ERROR:
		return XT_CLOSE_DONE;
	case NGHTTP2_CANCEL:
		return XT_CLOSE_PEER;
	case NGHTTP2_PROTOCOL_ERROR:
	case NGHTTP2_FLOW_CONTROL_ERROR:
	case NGHTTP2_STREAM_CLOSED:
	case NGHTTP2_FRAME_SIZE_ERROR:
		return XT_CLOSE_PROTOCOL;
	default:
		return XT_CLOSE_RESET;
	}
}

/* RFC 9113 7: why a stream is reset before its end. */
static uint32_t
code_of(const struct xt_h2_stream *stream, enum xt_close why)
{
	/* RFC 9113 8.1: the answer is complete, the rest of the request is not wanted. */
	if (stream->ending)
		return NGHTTP2_NO_ERROR;
	switch (why) {
	case XT_CLOSE_PROTOCOL:
		return NGHTTP2_PROTOCOL_ERROR;
	case XT_CLOSE_LIMIT:
		return NGHTTP2_ENHANCE_YOUR_CALM;
	case XT_CLOSE_FAULT:
		return NGHTTP2_INTERNAL_ERROR;
	default:
		/* RFC 8441 5: what a reset is to TCP. */
		return NGHTTP2_CANCEL;
	}
}

void
xt_h2_stream_closed(struct xt_h2_stream *stream, uint32_t code)
{
	stream->closed = true;
	xt_conn_close(stream->conn, close_of(code));
}

void
xt_h2_stream_orphan(struct xt_h2_stream *stream, enum xt_close why)
{
	xt_list_remove(&stream->node);
	xt_list_remove(&stream->waiting);
	xt_counter_sub(&stream->h2->server->stats.h2_streams, 1);
	stream->h2 = NULL;
	stream->carrier.below = NULL;
	xt_conn_close(stream->conn, why);
}

/* RFC 9113 6.9.1: what nobody reads any more counts against the connection's window all the same. */
static void
leave(struct xt_h2_stream *stream, enum xt_close why)
{
	struct xt_h2 *h2 = stream->h2;

	nghttp2_session_consume_connection(h2->session, stream->in.n - stream->in_at);
	if (!stream->closed) {
		xt_h2_was_reset(h2, stream->id);
		nghttp2_session_set_stream_user_data(h2->session, stream->id, NULL);
		nghttp2_submit_rst_stream(
			h2->session, NGHTTP2_FLAG_NONE, stream->id, code_of(stream, why));
	}
	xt_list_remove(&stream->node);
	xt_list_remove(&stream->waiting);
	xt_counter_sub(&h2->server->stats.h2_streams, 1);
	xt_h2_stream_left(h2);
}

static void
carrier_closed(struct xt_conn *conn, enum xt_close why)
{
	struct xt_h2_stream *stream = xt_h2_stream_of(conn);

	if (stream->h2)
		leave(stream, why);
	xt_buf_fini(&stream->in);
	xt_buf_fini(&stream->head.lines);
	xt_free(stream);
}

/* ---- receiving ------------------------------------------------------------------------- */

static void
consume(struct xt_h2_stream *stream, size_t n)
{
	nghttp2_session_consume(stream->h2->session, stream->id, n);
	xt_h2_later(stream->h2);
}

void
xt_h2_stream_receive(struct xt_h2_stream *stream, const void *p, size_t n)
{
	if (!xt_conn_is_open(stream->conn)) {
		consume(stream, n);
		return;
	}
	if (xt_buf_append(&stream->in, p, n) < 0) {
		consume(stream, n);
		xt_conn_close(stream->conn, XT_CLOSE_FAULT);
		return;
	}
	xt_conn_receivable(stream->conn);
}

void
xt_h2_stream_ended(struct xt_h2_stream *stream)
{
	stream->remote_ended = true;
	if (stream->tells_end)
		xt_conn_receivable(stream->conn);
}

static size_t
unread(const struct xt_h2_stream *stream)
{
	return stream->in.n - stream->in_at;
}

static ssize_t
carrier_receive(struct xt_conn *conn, char *p, size_t n)
{
	struct xt_h2_stream *stream = xt_h2_stream_of(conn);

	if (!stream->h2 || stream->h2->over)
		return XT_ECLOSED;
	if (n > unread(stream))
		n = unread(stream);
	if (n == 0)
		return stream->remote_ended && stream->tells_end ? 0 : XT_EAGAIN;
	memcpy(p, stream->in.p + stream->in_at, n);
	stream->in_at += n;
	if (unread(stream) == 0) {
		xt_buf_fini(&stream->in); /* an idle stream has none */
		stream->in_at = 0;
	}
	consume(stream, n);
	return (ssize_t)n;
}

static bool
carrier_pending(const struct xt_conn *conn)
{
	const struct xt_h2_stream *stream = xt_h2_stream_of(conn);

	return unread(stream) > 0 || (stream->remote_ended && stream->tells_end);
}

/* ---- sending --------------------------------------------------------------------------- */

/* Called while the conn offers something, or when its end is to be told. */
ssize_t
xt_h2_stream_read(nghttp2_session *session, int32_t id, uint8_t *p, size_t n, uint32_t *flags,
	nghttp2_data_source *source, void *ctx)
{
	struct xt_h2 *h2 = ctx;
	struct xt_h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);

	(void)p, (void)source;
	if (!stream)
		return NGHTTP2_ERR_DEFERRED;
	if (n > stream->offered - stream->taken)
		n = stream->offered - stream->taken;
	if (n == 0 ? !stream->ending : xt_conn_backlog(h2->conn) >= XT_H2_OUT_MARK)
		return NGHTTP2_ERR_DEFERRED;
	if (stream->has_left) {
		XT_ASSERT(n <= stream->left);
		stream->left -= n;
		stream->ending |= stream->left == 0;
	}
	if (stream->ending)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (n > 0)
		*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	return (ssize_t)n;
}

/* The next `n` bytes of what is offered. */
static void
take(struct xt_h2_stream *stream, char *to, size_t n)
{
	stream->taken += n;
	while (n > 0) {
		const struct iovec *slice = stream->slices;
		size_t here = slice->iov_len - stream->slice_at;
		if (here > n)
			here = n;
		memcpy(to, (const char *)slice->iov_base + stream->slice_at, here);
		to += here;
		n -= here;
		stream->slice_at += here;
		if (stream->slice_at == slice->iov_len) {
			stream->slices++;
			stream->slice_at = 0;
		}
	}
}

/* The frame's head and its bytes go straight to the end of the socket's queue. */
int
xt_h2_stream_write(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t n,
	nghttp2_data_source *source, void *ctx)
{
	enum { HEAD = 9 };
	struct xt_h2 *h2 = ctx;
	struct xt_h2_stream *stream =
		nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	char *room;

	(void)source;
	XT_ASSERT(stream && frame->data.padlen == 0);
	room = xt_conn_reserve(h2->conn, HEAD + n);
	if (!room)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	memcpy(room, head, HEAD);
	take(stream, room + HEAD, n);
	xt_conn_commit(h2->conn, HEAD + n);
	return 0;
}

static size_t
sum(const struct iovec *slices, int count)
{
	size_t n = 0;

	for (int i = 0; i < count; i++)
		n += slices[i].iov_len;
	return n;
}

static ssize_t
carrier_send(struct xt_conn *conn, const struct iovec *slices, int count)
{
	struct xt_h2_stream *stream = xt_h2_stream_of(conn);
	size_t taken;
	int error;

	if (!is_live(stream))
		return XT_ECLOSED;
	stream->slices = slices;
	stream->slice_at = 0;
	stream->offered = sum(slices, count);
	nghttp2_session_resume_data(stream->h2->session, stream->id);
	error = xt_h2_send(stream->h2);
	taken = stream->taken;
	stream->served |= taken > 0;
	stream->slices = NULL;
	stream->offered = stream->taken = 0;
	if (error < 0)
		return XT_ECLOSED;
	return taken > 0 ? (ssize_t)taken : XT_EAGAIN;
}

/*
 * RFC 9113 8.1: an answer may be complete before its request is; the client is asked then not to send the rest. The
 * peer of a WebSocket has a moment to end its side.
 */
static void
carrier_shut(struct xt_conn *conn)
{
	struct xt_h2_stream *stream = xt_h2_stream_of(conn);

	if (!is_live(stream))
		return;
	stream->ending = true;
	nghttp2_session_resume_data(stream->h2->session, stream->id);
	if (xt_h2_send(stream->h2) == 0 && !stream->tunnel && !stream->remote_ended)
		xt_conn_close(conn, XT_CLOSE_DONE);
}

/* Who had to let others go first has made the socket send something: its being drained is news enough. */
static void
carrier_update(struct xt_conn *conn, unsigned interest)
{
	struct xt_h2_stream *stream = xt_h2_stream_of(conn);
	bool waits = (interest & XT_POLL_WRITE) != 0;

	if (!stream->h2 || waits == !xt_list_empty(&stream->waiting))
		return;
	if (waits)
		xt_list_append(&stream->h2->waiting, &stream->waiting);
	else
		xt_list_remove(&stream->waiting);
}

static void
carrier_uncorked(struct xt_conn *conn)
{
	xt_h2_submit_head(xt_h2_stream_of(conn));
}

static const struct xt_carrier_ops carrier_ops = {
	.name = "http2",
	.receive = carrier_receive,
	.pending = carrier_pending,
	.send = carrier_send,
	.uncorked = carrier_uncorked,
	.shut = carrier_shut,
	.update = carrier_update,
	.closed = carrier_closed,
};
