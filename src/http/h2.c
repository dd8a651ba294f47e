/*
 * h2.c - a connection of HTTP/2: nghttp2's session between the socket and the streams.
 *
 *	recv: bytes -> nghttp2_session_mem_recv() -> callbacks: heads become requests, DATA goes to its stream
 *	work: the waiting streams get their turn, nghttp2_session_send() -> the socket's queue
 *
 *	serving --drain--> told (GOAWAY 2^31-1, PING) --its answer, or the last stream--> left (GOAWAY) --> over
 *	   `------- idle, protocol error (GOAWAY) ------------------------------------------------------------^
 *
 * Nothing calls nghttp2 to send or receive from within its callbacks; what they bring about waits for work(), or is a
 * close, which marks only.
 */
#include "http/h2.h"

#include "base/heap.h"
#include "base/panic.h"
#include "crosstalk.h"
#include "http/h2_private.h"

/* So many bytes are looked at between two looks at how it goes. */
#define PIECE 16384u

/* The time in which cheap frames are counted, ms. */
#define SECOND 1000

static const struct xt_stream h2_stream;

/* ---- ending ---------------------------------------------------------------------------- */

/* The last words are queued. */
static void
end(struct xt_h2 *h2, enum xt_close why)
{
	if (h2->over)
		return;
	h2->over = true;
	xt_list_each (at, after, &h2->streams)
		xt_conn_close(XT_LIST_ENTRY(at, struct xt_h2_stream, node)->conn, why);
	xt_conn_finish(h2->conn, why);
}

/* RFC 9113 5.4.1: GOAWAY with the reason, then the end. */
static void
fail(struct xt_h2 *h2, uint32_t code, enum xt_close why)
{
	if (h2->why == XT_CLOSE_NONE)
		h2->why = (uint8_t)why;
	nghttp2_session_terminate_session(h2->session, code);
}

static enum xt_close
reason(const struct xt_h2 *h2)
{
	if (h2->why != XT_CLOSE_NONE)
		return h2->why;
	return h2->draining ? XT_CLOSE_SHUTDOWN : XT_CLOSE_PEER;
}

int
xt_h2_send(struct xt_h2 *h2)
{
	if (h2->over || nghttp2_session_send(h2->session) == 0)
		return h2->over ? XT_ECLOSED : 0;
	end(h2, XT_CLOSE_FAULT);
	xt_conn_close(h2->conn, XT_CLOSE_FAULT);
	return XT_ECLOSED;
}

void
xt_h2_was_reset(struct xt_h2 *h2, int32_t id)
{
	if (id > h2->last_reset)
		h2->last_reset = id;
}

/* Each that waits tries once; who got something and still waits is behind the others then. */
static void
serve_waiting(struct xt_h2 *h2)
{
	struct xt_list now, served;

	h2->room = false;
	xt_list_init(&now);
	xt_list_init(&served);
	xt_list_splice(&now, &h2->waiting);
	while (!xt_list_empty(&now)) {
		struct xt_h2_stream *stream = XT_LIST_ENTRY(now.next, struct xt_h2_stream, waiting);
		xt_list_remove(&stream->waiting);
		xt_list_append(&h2->waiting, &stream->waiting);
		stream->served = false;
		xt_conn_writable(stream->conn);
		if (!stream->served || xt_list_empty(&stream->waiting))
			continue;
		xt_list_remove(&stream->waiting);
		xt_list_append(&served, &stream->waiting);
	}
	xt_list_splice(&h2->waiting, &served);
}

static void
work(struct xt_h2 *h2)
{
	if (h2->over)
		return;
	if (h2->room)
		serve_waiting(h2);
	if (xt_h2_send(h2) < 0)
		return;
	if (!nghttp2_session_want_read(h2->session) && !nghttp2_session_want_write(h2->session))
		end(h2, reason(h2));
}

static void
run_task(struct xt_task *task)
{
	work(XT_CONTAINER(task, struct xt_h2, task));
}

void
xt_h2_later(struct xt_h2 *h2)
{
	xt_loop_post(h2->server->loop, &h2->task);
}

/* ---- deadlines ------------------------------------------------------------------------- */

static void
rearm(struct xt_h2 *h2)
{
	const struct xt_http_config *config = h2->server->config;

	if (h2->heading)
		xt_conn_expire_in(h2->conn, config->header_timeout_ms);
	else
		xt_conn_expire_in(h2->conn, h2->count == 0 ? config->idle_timeout_ms : 0);
}

static void
h2_expired(struct xt_conn *conn)
{
	struct xt_h2 *h2 = xt_conn_state(conn);

	if (h2->heading)
		fail(h2, NGHTTP2_ENHANCE_YOUR_CALM, XT_CLOSE_HEADER);
	else
		fail(h2, NGHTTP2_NO_ERROR, XT_CLOSE_IDLE);
	work(h2);
}

/* ---- drain ----------------------------------------------------------------------------- */

/* From here on what the client begins is not served; it may begin it again elsewhere. */
static void
leave(struct xt_h2 *h2)
{
	if (h2->leaving)
		return;
	h2->leaving = true;
	nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
		nghttp2_session_get_last_proc_stream_id(h2->session), NGHTTP2_NO_ERROR, NULL, 0);
	xt_h2_later(h2);
}

/* RFC 9113 6.8: requests that are on their way when this leaves are still served. */
static void
drain(struct xt_h2 *h2)
{
	h2->draining = true;
	if (h2->count == 0) {
		leave(h2);
		return;
	}
	nghttp2_submit_shutdown_notice(h2->session);
	nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, NULL);
	xt_h2_later(h2);
}

void
xt_h2_drain_all(struct xt_http_server *server)
{
	xt_list_each (at, after, &server->h2s)
		drain(XT_LIST_ENTRY(at, struct xt_h2, node));
}

void
xt_h2_stream_left(struct xt_h2 *h2)
{
	h2->count--;
	if (h2->over)
		return;
	if (h2->count == 0 && h2->draining)
		leave(h2);
	rearm(h2);
	xt_h2_later(h2);
}

/* ---- floods ---------------------------------------------------------------------------- */

static void
count_cheap(struct xt_h2 *h2)
{
	uint64_t now = xt_loop_now(h2->server->loop);

	if (now - h2->cheap_since >= SECOND) {
		h2->cheap_since = now;
		h2->cheap = 0;
	}
	if (++h2->cheap > XT_H2_CHEAP_MAX)
		fail(h2, NGHTTP2_ENHANCE_YOUR_CALM, XT_CLOSE_LIMIT);
}

static bool
is_cheap(const nghttp2_frame_hd *hd)
{
	switch (hd->type) {
	case NGHTTP2_DATA:
		return hd->length == 0 && !(hd->flags & NGHTTP2_FLAG_END_STREAM);
	case NGHTTP2_CONTINUATION:
		return hd->length == 0;
	case NGHTTP2_PING:
	case NGHTTP2_SETTINGS:
		return !(hd->flags & NGHTTP2_FLAG_ACK);
	case NGHTTP2_HEADERS:
	case NGHTTP2_WINDOW_UPDATE:
	case NGHTTP2_GOAWAY:
		return false;
	default:
		return true;
	}
}

/* ---- what nghttp2 tells ---------------------------------------------------------------- */

/*
 * RFC 9113 5.1.1: no stream begins under the number of one that has ended. nghttp2 ignores such HEADERS, since those of
 * a stream that was reset from here may be on their way: but which those are is known.
 */
static bool
is_too_late(struct xt_h2 *h2, const nghttp2_frame_hd *hd)
{
	return hd->type == NGHTTP2_HEADERS && hd->stream_id % 2 == 1 &&
	       hd->stream_id <= h2->last_begun && hd->stream_id > h2->last_reset &&
	       !xt_h2_stream_find(h2, hd->stream_id);
}

static int
on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *ctx)
{
	struct xt_h2 *h2 = ctx;

	(void)session;
	if (is_cheap(hd))
		count_cheap(h2);
	if (is_too_late(h2, hd))
		fail(h2, NGHTTP2_PROTOCOL_ERROR, XT_CLOSE_PROTOCOL);
	return 0;
}

static bool
is_request(const nghttp2_frame *frame)
{
	return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct xt_h2 *h2 = ctx;

	(void)session;
	if (!is_request(frame))
		return 0;
	xt_h2_head_fini(&h2->head);
	h2->heading = h2->last_begun = frame->hd.stream_id;
	rearm(h2);
	return 0;
}

/* Trailers are checked by nghttp2 and dropped. */
static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *ctx)
{
	struct xt_h2 *h2 = ctx;

	(void)session, (void)flags;
	if (!is_request(frame))
		return 0;
	if (xt_h2_head_add(&h2->head, xt_str_of(name, name_size), xt_str_of(value, value_size),
		    h2->server->config->max_header) < 0)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	return 0;
}

/* RFC 9113 8.2.1: a field with bytes that no field has makes the request malformed; nghttp2 would drop it. */
static int
on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *ctx)
{
	(void)session, (void)frame, (void)name, (void)name_size, (void)value, (void)value_size;
	(void)flags, (void)ctx;
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static struct xt_http1_limits
limits_of(const struct xt_http_server *server)
{
	return (struct xt_http1_limits){
		.head = server->config->max_header,
		.target = server->config->max_uri,
	};
}

static void
handle(struct xt_h2 *h2, struct xt_h2_stream *stream)
{
	struct xt_http1_limits limits = limits_of(h2->server);
	struct xt_http_link *link = xt_h2_stream_link(stream);
	struct xt_http1_error refusal;
	struct xt_buf text = { 0 };
	int error = xt_h2_head_write(&h2->head, &limits, stream->remote_ended, &text, &refusal);

	stream->tunnel = xt_h2_head_is_tunnel(&h2->head);
	stream->tells_end = stream->tunnel || !stream->remote_ended;
	if (error == XT_EPROTO)
		xt_link_refuse(link, &refusal);
	else if (error < 0)
		xt_conn_close(stream->conn, XT_CLOSE_FAULT);
	else
		xt_link_begin(
			link, text.p, text.n, stream->tunnel); /* the link may be gone after */
	if (stream->tunnel && stream->remote_ended)
		xt_h2_stream_ended(stream);
	xt_buf_fini(&text);
}

static void
begin_request(struct xt_h2 *h2, const nghttp2_frame *frame)
{
	struct xt_h2_stream *stream = xt_h2_stream_new(h2, frame->hd.stream_id);

	h2->heading = 0;
	rearm(h2);
	if (stream) {
		stream->remote_ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
		handle(h2, stream);
	} else {
		nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
			NGHTTP2_INTERNAL_ERROR);
	}
	xt_h2_head_fini(&h2->head);
}

static void
end_stream(struct xt_h2 *h2, const nghttp2_frame *frame)
{
	struct xt_h2_stream *stream = xt_h2_stream_find(h2, frame->hd.stream_id);

	if (stream && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		xt_h2_stream_ended(stream);
}

static int
on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct xt_h2 *h2 = ctx;

	(void)session;
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		if (is_request(frame))
			begin_request(h2, frame);
		else
			end_stream(h2, frame);
		break;
	case NGHTTP2_DATA:
		end_stream(h2, frame);
		break;
	case NGHTTP2_SETTINGS: /* RFC 9113 6.9.2: it may make all windows larger */
	case NGHTTP2_WINDOW_UPDATE:
		h2->room = true;
		break;
	case NGHTTP2_PING:
		if (h2->draining && (frame->hd.flags & NGHTTP2_FLAG_ACK))
			leave(h2);
		break;
	default:
		break;
	}
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *p, size_t n, void *ctx)
{
	struct xt_h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
	struct xt_h2 *h2 = ctx;

	(void)flags;
	if (stream) {
		xt_h2_stream_receive(stream, p, n);
	} else {
		nghttp2_session_consume(session, id, n);
		xt_h2_later(h2);
	}
	return 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *ctx)
{
	struct xt_h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
	struct xt_h2 *h2 = ctx;

	if (h2->heading == id) {
		h2->heading = 0;
		rearm(h2);
	}
	if (stream)
		xt_h2_stream_closed(stream, code);
	return 0;
}

/* What a peer makes us reset costs as much as what it resets itself. */
static bool
is_provoked(uint32_t code)
{
	return code != NGHTTP2_NO_ERROR && code != NGHTTP2_CANCEL && code != NGHTTP2_INTERNAL_ERROR;
}

static int
on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct xt_h2 *h2 = ctx;

	(void)session;
	if (frame->hd.type == NGHTTP2_RST_STREAM) {
		xt_h2_was_reset(h2, frame->hd.stream_id);
		if (is_provoked(frame->rst_stream.error_code))
			count_cheap(h2);
	}
	if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR &&
		h2->why == XT_CLOSE_NONE)
		h2->why = XT_CLOSE_PROTOCOL;
	return 0;
}

/* To a peer that is gone nothing is sent, and what it sent before is still read. */
static ssize_t
on_send(nghttp2_session *session, const uint8_t *p, size_t n, int flags, void *ctx)
{
	struct xt_h2 *h2 = ctx;

	(void)session, (void)flags;
	return xt_conn_send(h2->conn, p, n) == XT_ENOMEM ? NGHTTP2_ERR_CALLBACK_FAILURE
							 : (ssize_t)n;
}

/* ---- the stream of the socket ---------------------------------------------------------- */

static void
failed(struct xt_h2 *h2, ssize_t error)
{
	if (error == NGHTTP2_ERR_FLOODED)
		fail(h2, NGHTTP2_ENHANCE_YOUR_CALM, XT_CLOSE_LIMIT);
	else if (error == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
		fail(h2, NGHTTP2_PROTOCOL_ERROR, XT_CLOSE_PROTOCOL);
	else
		fail(h2, NGHTTP2_INTERNAL_ERROR, XT_CLOSE_FAULT);
	work(h2);
	end(h2, reason(h2));
}

static size_t
h2_recv(struct xt_conn *conn, char *p, size_t n)
{
	struct xt_h2 *h2 = xt_conn_state(conn);
	size_t piece = n < PIECE ? n : PIECE;
	ssize_t used = nghttp2_session_mem_recv(h2->session, (const uint8_t *)p, piece);

	if (used < 0)
		failed(h2, used);
	else
		work(h2);
	return h2->over ? n : piece;
}

static void
h2_drained(struct xt_conn *conn)
{
	struct xt_h2 *h2 = xt_conn_state(conn);

	h2->room = true;
	work(h2);
}

static void
h2_closed(struct xt_conn *conn, enum xt_close why)
{
	struct xt_h2 *h2 = xt_conn_state(conn);

	xt_list_each (at, after, &h2->streams)
		xt_h2_stream_orphan(XT_LIST_ENTRY(at, struct xt_h2_stream, node), why);
	xt_task_cancel(&h2->task);
	xt_list_remove(&h2->node);
	xt_counter_sub(&h2->server->stats.h2_connections, 1);
	xt_h2_head_fini(&h2->head);
	nghttp2_session_del(h2->session);
	xt_free(h2);
}

static const struct xt_stream h2_stream = {
	.name = "http2",
	.recv = h2_recv,
	.drained = h2_drained,
	.expired = h2_expired,
	.closed = h2_closed,
};

/* ---- beginning ------------------------------------------------------------------------- */

static void *
mem_malloc(size_t n, void *ctx)
{
	(void)ctx;
	return xt_malloc(n);
}

static void
mem_free(void *p, void *ctx)
{
	(void)ctx;
	xt_free(p);
}

static void *
mem_calloc(size_t count, size_t size, void *ctx)
{
	(void)ctx;
	return xt_calloc(count, size);
}

static void *
mem_realloc(void *p, size_t n, void *ctx)
{
	(void)ctx;
	return xt_realloc(p, n);
}

static void
set_callbacks(nghttp2_session_callbacks *to)
{
	nghttp2_session_callbacks_set_on_begin_frame_callback(to, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(to, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(to, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(to, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(to, on_frame_recv);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(to, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(to, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(to, on_frame_send);
	nghttp2_session_callbacks_set_send_callback(to, on_send);
	nghttp2_session_callbacks_set_send_data_callback(to, xt_h2_stream_write);
}

static int
new_session(struct xt_h2 *h2)
{
	nghttp2_mem mem = { NULL, mem_malloc, mem_free, mem_calloc, mem_realloc };
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_option *option = NULL;
	int error = XT_ENOMEM;

	if (nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0) {
		set_callbacks(callbacks);
		nghttp2_option_set_no_auto_window_update(option, 1);
		/* Kept for the priorities of RFC 7540 only, which mean nothing here: streams take turns. */
		nghttp2_option_set_no_closed_streams(option, 1);
		if (nghttp2_session_server_new3(&h2->session, callbacks, h2, option, &mem) == 0)
			error = 0;
	}
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(option);
	return error;
}

/* RFC 9113 3.4: SETTINGS are the server's preface. */
static int
greet(struct xt_h2 *h2)
{
	uint32_t max_header = (uint32_t)h2->server->config->max_header;
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, XT_H2_STREAMS },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, XT_H2_STREAM_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, max_header },
		/* RFC 8441 3: WebSockets are welcome. */
		{ NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 },
	};

	if (nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
		    sizeof settings / sizeof settings[0]) < 0 ||
		nghttp2_session_set_local_window_size(
			h2->session, NGHTTP2_FLAG_NONE, 0, XT_H2_WINDOW) < 0)
		return XT_ENOMEM;
	return 0;
}

int
xt_h2_adopt(struct xt_http_server *server, struct xt_conn *conn)
{
	struct xt_h2 *h2 = xt_calloc(1, sizeof *h2);

	if (!h2)
		return XT_ENOMEM;
	h2->server = server;
	h2->conn = conn;
	h2->task.run = run_task;
	xt_list_init(&h2->task.link);
	xt_list_init(&h2->streams);
	xt_list_init(&h2->waiting);
	if (new_session(h2) < 0 || greet(h2) < 0) {
		nghttp2_session_del(h2->session);
		xt_free(h2);
		return XT_ENOMEM;
	}
	xt_list_append(&server->h2s, &h2->node);
	xt_counter_add(&server->stats.h2_connections, 1);
	xt_conn_adopt(conn, &h2_stream, h2);
	rearm(h2);
	xt_h2_later(h2);
	return 0;
}
