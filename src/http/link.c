/*
 * link.c - an HTTP connection: reads requests one after the other, and waits while one is answered.
 *
 *	       .--------------------------- answered ---------------------------.
 *	       v                                                                |
 *	     HEAD --(has a body that did not come whole)--> BODY --(complete)-> HANDLE
 *	      ^ `--------------(no body, or it came whole)--------------------^ |
 *	      |                                                                 |
 *	      +-- SKIP <--(answered, the body unread)---------------------------+
 *	      `-- FILE <--(answered with a file)--------------------------------'
 *
 * A stream of HTTP/2 (h2.c) is such a connection with one request: it begins in HANDLE, and after its answer
 * it is in LAST until that has left.
 *
 * The head is read where the loop received it. It is copied only when the body did not come with
 * it. While a handler holds an exchange, or a file is sent, the connection is paused, and what was
 * pipelined behind the request waits; so it does, without our doing, while more than
 * XT_CONN_HIGH_WATER of answers is queued.
 *
 * The peer's FIN comes to us after all that was sent before it. Who waits for news is then taken for gone,
 * as other servers do; any other request that came whole is answered, and the connection ends.
 */
#include <unistd.h>

#include "base/panic.h"
#include "base/heap.h"
#include "crosstalk.h"
#include "http/h2.h"
#include "http/http_private.h"
#include "io/tls.h"
#include "io/tls.h"

static void
set_state(struct xt_http_link *link, enum xt_link_state state)
{
	/* Bit n of a row: state n may come before. */
	static const uint8_t before[] = {
		[XT_LINK_HEAD] = 1 << XT_LINK_HANDLE | 1 << XT_LINK_FILE | 1 << XT_LINK_SKIP,
		[XT_LINK_BODY] = 1 << XT_LINK_HANDLE,
		[XT_LINK_HANDLE] = 1 << XT_LINK_HEAD | 1 << XT_LINK_BODY,
		[XT_LINK_FILE] = 1 << XT_LINK_HANDLE,
		[XT_LINK_SKIP] = 1 << XT_LINK_HANDLE,
		[XT_LINK_LAST] = 1 << XT_LINK_HANDLE | 1 << XT_LINK_FILE,
	};

	XT_ASSERT(before[state] & 1u << link->state);
	link->state = (uint8_t)state;
}

/* ---- freeing --------------------------------------------------------------------------- */

static void
free_file(struct xt_http_file *file)
{
	if (!file)
		return;
	close(file->fd);
	xt_free(file);
}

void
xt_link_free(struct xt_http_link *link)
{
	xt_list_remove(&link->node);
	xt_exchange_free(link->exchange);
	xt_http_body_free(link->body);
	free_file(link->file);
	xt_free(link);
}

/* ---- refusing -------------------------------------------------------------------------- */

static const char *
code_of(unsigned status)
{
	static const struct {
		unsigned status;
		const char *code;
	} codes[] = {
		{ 414, "uri_too_long" },
		{ 431, "header_too_large" },
		{ 501, "not_implemented" },
		{ 505, "http_version_not_supported" },
	};

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (codes[i].status == status)
			return codes[i].code;
	return "bad_request";
}

/* What follows can't be told from this request any more: answers, and ends the connection. */
static void
refuse(struct xt_http_link *link, unsigned status, const char *code, const char *words,
	enum xt_close why)
{
	struct xt_exchange *x = link->exchange ? link->exchange : xt_exchange_new(link, false);

	if (!x) {
		xt_conn_close(link->conn, XT_CLOSE_FAULT);
		return;
	}
	if (link->state != XT_LINK_HANDLE)
		set_state(link, XT_LINK_HANDLE);
	x->keep_alive = false;
	link->why = (uint8_t)why;
	xt_http_body_free(link->body);
	link->body = NULL;
	xt_exchange_error(x, status, code, "%s", words);
}

static void
refuse_framing(struct xt_http_link *link, const struct xt_http1_error *error)
{
	refuse(link, error->status, code_of(error->status), error->words, XT_CLOSE_PROTOCOL);
}

static void
refuse_large(struct xt_http_link *link)
{
	refuse(link, 413, "body_too_large", "the body is larger than this path takes",
		XT_CLOSE_TOO_BIG);
}

/* Bodies of many peers that have not come whole hold as much as they may. */
static void
refuse_busy(struct xt_http_link *link)
{
	xt_exchange_header(link->exchange, XT_STR("Retry-After"), XT_STR("5"));
	refuse(link, 503, "busy",
		"too many bytes of requests that have not come whole wait here; try again later",
		XT_CLOSE_LIMIT);
}

/* What has come of a body can't be kept. */
static void
refuse_keeping(struct xt_http_link *link, int error)
{
	if (error == XT_ELIMIT)
		refuse_busy(link);
	else
		xt_conn_close(link->conn, XT_CLOSE_FAULT);
}

/* ---- handling -------------------------------------------------------------------------- */

static void
call(struct xt_exchange *x, const struct xt_route *route)
{
	const struct xt_http_config *config = x->link->server->config;

	if (route)
		route->handle(x, route->ctx);
	else
		config->fallback(x, config->fallback_ctx);
}

/* Lets the handler answer. The link may be gone after. */
static void
handle(struct xt_exchange *x, const struct xt_route *route)
{
	struct xt_http_link *link = x->link;

	if (link->state != XT_LINK_HANDLE)
		set_state(link, XT_LINK_HANDLE);
	xt_conn_expire_in(link->conn, 0);
	link->calling = true;
	call(x, route);
	link->calling = false;
	if (link->taken)
		xt_link_free(link);
	else if (link->exchange && !link->exchange->holder)
		xt_exchange_error(x, 500, "internal_error", "nobody answered; this is our fault");
}

/* ---- bodies ---------------------------------------------------------------------------- */

static void
set_request(struct xt_http_server *server)
{
	const struct xt_http1_head *head = &server->head;

	server->request = (struct xt_request){
		.method = xt_method_of(head->method),
		.head = head,
		.path = head->path,
		.query = head->query,
		.rules = xt_rules_find(server->config, head->path),
	};
}

static struct xt_http1_limits
limits_of(const struct xt_http_server *server)
{
	return (struct xt_http1_limits){
		.head = server->config->max_header,
		.target = server->config->max_uri,
	};
}

/* Reads the head again, from its copy: what was borrowed from the loop's buffer is gone. */
static void
restore_request(struct xt_http_server *server, const struct xt_http_body *body)
{
	struct xt_http1_limits limits = limits_of(server);
	struct xt_http1_reader reader = { 0 };
	struct xt_http1_error error;
	ssize_t n = xt_http1_head_read(
		&reader, body->head.p, body->head.n, &limits, &server->head, &error);

	XT_ASSERT(n == (ssize_t)body->head.n);
	set_request(server);
	server->request.body = xt_buf_str(&body->data);
}

static void
complete(struct xt_http_link *link)
{
	struct xt_http_body *body = link->body;

	link->body = NULL;
	link->exchange->unread = false;
	restore_request(link->server, body);
	handle(link->exchange, body->route);
	xt_http_body_free(body);
}

static void
refuse_body(struct xt_http_link *link, int result, const struct xt_http1_error *error)
{
	if (result == XT_ELIMIT)
		refuse_large(link);
	else
		refuse_framing(link, error);
}

/* The memory grows with what has come, whatever Content-Length says. */
static size_t
read_body(struct xt_http_link *link, char *p, size_t n)
{
	struct xt_http_body *body = link->body;
	struct xt_http1_error error;
	size_t used, data;
	int result = xt_http_body_read(body, p, n, &used, &data, &error), kept;

	if (result < 0) {
		refuse_body(link, result, &error);
		return n;
	}
	kept = xt_http_body_keep(body, p, data);
	if (kept < 0) {
		refuse_keeping(link, kept);
		return n;
	}
	if (result == 1)
		complete(link);
	return used;
}

/* The rest of the body is still to come. Below 0: it can't be kept, and `x` may be gone. */
static int
wait_for_body(struct xt_exchange *x, const struct xt_http_body *body, struct xt_str head,
	struct xt_str data)
{
	struct xt_http_link *link = x->link;
	int error = xt_http_body_new(&link->body, body, head);

	if (error == 0)
		error = xt_http_body_keep(link->body, data.p, data.n);
	if (error < 0) {
		refuse_keeping(link, error);
		return error;
	}
	link->body->began = xt_loop_now(link->server->loop);
	set_state(link, XT_LINK_BODY);
	xt_conn_expire_in(link->conn, link->server->config->body_timeout_ms);
	return 0;
}

/* RFC 9110 10.1.1: who has begun to send needs no invitation. */
static void
invite(struct xt_exchange *x, size_t come)
{
	if (x->expects && come == 0)
		x->link->ops->invite(x->link);
	x->expects = false;
}

/* The head is `head`, and `n` bytes behind it have come. Returns how many of those it used. */
static size_t
begin_body(
	struct xt_exchange *x, const struct xt_route *route, struct xt_str head, char *p, size_t n)
{
	struct xt_http_link *link = x->link;
	struct xt_http_body body = {
		.chunked = x->chunked && !link->ops->streams,
		.until_end = x->chunked && link->ops->streams,
		.left = x->length,
		.max = xt_rules_max_body(&link->server->request, route),
		.route = route,
		.budget = link->server->config->unfinished,
	};
	struct xt_http1_error error;
	size_t used, data;
	int result = xt_http_body_read(&body, p, n, &used, &data, &error);

	if (result < 0) {
		refuse_body(link, result, &error);
		return n;
	}
	if (result == 0) {
		if (wait_for_body(x, &body, head, xt_str_of(p, data)) == 0)
			invite(x, n);
		return n;
	}
	x->unread = false;
	link->server->request.body = xt_str_of(p, data);
	handle(x, route);
	return used;
}

static size_t
skip_body(struct xt_http_link *link, char *p, size_t n)
{
	struct xt_http1_error error;
	size_t used, data;
	int result = xt_http_body_read(link->body, p, n, &used, &data, &error);

	if (result == 0)
		return used;
	xt_http_body_free(link->body);
	link->body = NULL;
	if (result < 0) {
		xt_conn_finish(link->conn, XT_CLOSE_DONE);
		return n;
	}
	set_state(link, XT_LINK_HEAD);
	xt_conn_expire_in(link->conn, link->server->config->idle_timeout_ms);
	return used;
}

/* ---- heads ----------------------------------------------------------------------------- */

static size_t
begin_request(struct xt_http_link *link, char *p, size_t head_size, size_t n, bool tunnel)
{
	struct xt_http_server *server = link->server;
	const struct xt_route *route;
	struct xt_exchange *x;

	xt_counter_add(&server->stats.requests, 1);
	link->timed = false;
	link->used = true;
	set_request(server);
	set_state(link, XT_LINK_HANDLE);
	x = xt_exchange_new(link, true);
	if (!x) {
		xt_conn_close(link->conn, XT_CLOSE_FAULT);
		return head_size;
	}
	x->tunnel = tunnel;
	route = xt_route_find(server->config, server->request.path);
	if (xt_route_refuse(x, route))
		return head_size;
	if (x->unread && route && route->max_body > 0)
		return head_size +
		       begin_body(x, route, xt_str_of(p, head_size), p + head_size, n - head_size);
	handle(x, route);
	return head_size;
}

static size_t
wait_for_head(struct xt_http_link *link)
{
	if (!link->timed) {
		link->timed = true;
		xt_conn_expire_in(link->conn, link->server->config->header_timeout_ms);
	}
	return 0;
}

/*
 * RFC 9113 3.2, 3.3: over TLS the client has asked for it by ALPN; else it begins with the preface, by prior knowledge.
 * XT_EAGAIN: so far it does.
 */
static int
is_http2(const struct xt_http_link *link, const char *p, size_t n)
{
	struct xt_str preface = XT_H2_PREFACE;

	if (link->used || !link->server->config->http2)
		return 0;
	if (xt_tls_is_on(link->conn))
		return xt_str_eq(xt_tls_alpn(link->conn), XT_STR("h2"));
	if (memcmp(p, preface.p, n < preface.n ? n : preface.n) != 0)
		return 0;
	return n < preface.n ? XT_EAGAIN : 1;
}

static size_t
begin_http2(struct xt_http_link *link)
{
	if (xt_h2_adopt(link->server, link->conn) < 0)
		xt_conn_close(link->conn, XT_CLOSE_FAULT);
	else
		xt_link_free(link);
	return 0;
}

static size_t
read_head(struct xt_http_link *link, char *p, size_t n)
{
	struct xt_http1_limits limits = limits_of(link->server);
	struct xt_http1_error error;
	int http2 = is_http2(link, p, n);
	ssize_t used;

	if (http2 > 0)
		return begin_http2(link);
	if (http2 == XT_EAGAIN)
		return wait_for_head(link);
	used = xt_http1_head_read(&link->reader, p, n, &limits, &link->server->head, &error);
	if (used == 0)
		return wait_for_head(link);
	if (used < 0) {
		refuse_framing(link, &error);
		return n;
	}
	return begin_request(link, p, (size_t)used, n, false);
}

void
xt_link_refuse(struct xt_http_link *link, const struct xt_http1_error *error)
{
	refuse_framing(link, error);
}

void
xt_link_begin(struct xt_http_link *link, char *head, size_t n, bool tunnel)
{
	struct xt_http1_limits limits = limits_of(link->server);
	struct xt_http1_error error = { .status = 400, .words = "the request is not whole" };
	ssize_t used =
		xt_http1_head_read(&link->reader, head, n, &limits, &link->server->head, &error);

	if (used == (ssize_t)n)
		begin_request(link, head, n, n, tunnel);
	else
		refuse_framing(link, &error);
}

/* ---- after the answer ------------------------------------------------------------------ */

static bool
can_keep(const struct xt_exchange *x)
{
	if (!x->keep_alive || x->link->server->draining)
		return false;
	if (!x->unread)
		return true;
	/* RFC 9110 10.1.1: whether the body still comes can't be known now. */
	if (x->expects)
		return false;
	return x->chunked || x->length <= XT_HTTP_SKIP_MAX;
}

static void
begin_skip(struct xt_http_link *link, const struct xt_exchange *x)
{
	struct xt_http_body body = {
		.chunked = x->chunked,
		.left = x->length,
		.max = XT_HTTP_SKIP_MAX,
		.budget = link->server->config->unfinished,
	};

	if (xt_http_body_new(&link->body, &body, (struct xt_str){ 0 }) < 0) {
		xt_conn_close(link->conn, XT_CLOSE_FAULT);
		return;
	}
	link->body->began = xt_loop_now(link->server->loop);
	set_state(link, XT_LINK_SKIP);
	xt_conn_expire_in(link->conn, link->server->config->body_timeout_ms);
	xt_conn_resume(link->conn);
}

static void
begin_next(struct xt_http_link *link)
{
	set_state(link, XT_LINK_HEAD);
	if (link->ended) {
		xt_conn_finish(link->conn, XT_CLOSE_PEER);
		return;
	}
	xt_conn_expire_in(link->conn, link->server->config->idle_timeout_ms);
	xt_conn_resume(link->conn);
}

static void
go_on(struct xt_http_link *link, const struct xt_exchange *x)
{
	if (x->unread)
		begin_skip(link, x);
	else
		begin_next(link);
}

bool
xt_link_can_keep(const struct xt_exchange *x)
{
	return x->link->ops->can_keep(x);
}

void
xt_link_answered(const struct xt_exchange *x, bool keep)
{
	struct xt_http_link *link = x->link;

	if (keep)
		link->ops->go_on(link, x);
	else
		xt_conn_finish(link->conn, link->why ? link->why : XT_CLOSE_DONE);
}

/* ---- files ----------------------------------------------------------------------------- */

static void
file_sent(struct xt_http_link *link)
{
	if (link->keep && !link->server->draining)
		begin_next(link);
	else
		xt_conn_finish(link->conn, XT_CLOSE_DONE);
}

static void
end_file(struct xt_http_link *link)
{
	free_file(link->file);
	link->file = NULL;
	link->ops->file_sent(link);
}

static void
send_piece(struct xt_http_link *link)
{
	struct xt_http_file *file = link->file;
	uint64_t left = file->to - file->at;
	size_t n = left < XT_HTTP_PIECE ? (size_t)left : XT_HTTP_PIECE;
	char *room = xt_conn_reserve(link->conn, n);
	ssize_t got;

	if (!room)
		return;
	got = pread(file->fd, room, n, (off_t)file->at);
	xt_conn_commit(link->conn, got > 0 ? (size_t)got : 0);
	if (got <= 0) {
		/* Shorter than it was: what Content-Length promised can't be kept. */
		xt_conn_close(link->conn, XT_CLOSE_FAULT);
		return;
	}
	file->at += (uint64_t)got;
	if (file->at == file->to)
		end_file(link);
}

void
xt_link_send_file(struct xt_http_link *link, struct xt_http_file *file, bool keep)
{
	link->file = file;
	link->keep = keep;
	set_state(link, XT_LINK_FILE);
	xt_conn_pause(link->conn);
	xt_conn_expire_in(link->conn, link->server->config->idle_timeout_ms);
	send_piece(link);
}

/* ---- the stream ------------------------------------------------------------------------ */

static size_t
link_recv(struct xt_conn *conn, char *p, size_t n)
{
	static size_t (*const readers[])(struct xt_http_link *, char *, size_t) = {
		[XT_LINK_HEAD] = read_head,
		[XT_LINK_BODY] = read_body,
		[XT_LINK_SKIP] = skip_body,
	};
	struct xt_http_link *link = xt_conn_state(conn);

	/* While a handler or a file answers, the connection is paused. */
	XT_ASSERT(link->state != XT_LINK_HANDLE && link->state != XT_LINK_FILE &&
		  link->state != XT_LINK_LAST);
	return readers[link->state](link, p, n);
}

static void
link_drained(struct xt_conn *conn)
{
	struct xt_http_link *link = xt_conn_state(conn);

	if (link->state == XT_LINK_FILE)
		send_piece(link);
	else if (link->state == XT_LINK_LAST)
		xt_conn_finish(conn, link->why ? link->why : XT_CLOSE_DONE);
}

/* Since the peer last gave a sign of life, `limit` has not passed yet. */
static bool
lives(struct xt_http_link *link, uint32_t limit)
{
	uint64_t quiet = xt_loop_now(link->server->loop) - xt_conn_alive_at(link->conn);

	if (quiet >= limit)
		return false;
	xt_conn_expire_in(link->conn, limit - (uint32_t)quiet);
	return true;
}

/* An answer may still be on its way, to a peer that takes nothing of it. */
static void
end_quiet(struct xt_http_link *link)
{
	if (lives(link, link->server->config->idle_timeout_ms))
		return;
	if (xt_conn_backlog(link->conn) > 0)
		xt_conn_close(link->conn, XT_CLOSE_SLOW);
	else
		xt_conn_finish(link->conn, XT_CLOSE_IDLE);
}

static void
expired_head(struct xt_http_link *link)
{
	if (link->timed)
		refuse(link, 408, "request_timeout", "the request header came too slowly",
			XT_CLOSE_HEADER);
	else if (xt_tls_is_on(link->conn) && !xt_tls_is_ready(link->conn))
		xt_conn_close(link->conn, XT_CLOSE_HEADER);
	else
		end_quiet(link);
}

/* A body may be slow, but it may not stand still, nor go on for ever a byte at a time. */
static bool
body_moves(struct xt_http_link *link)
{
	uint32_t limit = link->server->config->body_timeout_ms;
	uint64_t taken = xt_loop_now(link->server->loop) - link->body->began;

	return taken < (uint64_t)limit * XT_HTTP_BODY_TIMEOUTS && lives(link, limit);
}

static void
expired_body(struct xt_http_link *link)
{
	if (body_moves(link))
		return;
	refuse(link, 408, "request_timeout", "the request body came too slowly", XT_CLOSE_BODY);
}

static void
expired_handle(struct xt_http_link *link)
{
	struct xt_exchange *x = link->exchange;

	if (x && x->holder)
		x->holder->expired(x->ctx);
}

static void
expired_skip(struct xt_http_link *link)
{
	if (!body_moves(link))
		xt_conn_finish(link->conn, XT_CLOSE_BODY);
}

static void
link_expired(struct xt_conn *conn)
{
	static void (*const expired[])(struct xt_http_link *) = {
		[XT_LINK_HEAD] = expired_head,
		[XT_LINK_BODY] = expired_body,
		[XT_LINK_HANDLE] = expired_handle,
		[XT_LINK_FILE] = end_quiet,
		[XT_LINK_SKIP] = expired_skip,
		[XT_LINK_LAST] = end_quiet,
	};
	struct xt_http_link *link = xt_conn_state(conn);

	expired[link->state](link);
}

/* A whole request is answered before its connection ends; begin_next() and end_file() see to that. */
static bool
answers_soon(const struct xt_http_link *link)
{
	const struct xt_exchange *x = link->exchange;

	return link->state == XT_LINK_FILE || (x && x->holder && x->holder->soon);
}

static void
gone(struct xt_http_link *link)
{
	link->ended = true;
	if (answers_soon(link))
		return;
	if (link->exchange)
		xt_exchange_gone(link->exchange, XT_CLOSE_PEER);
	xt_conn_finish(link->conn, XT_CLOSE_PEER);
}

static void
link_ended(struct xt_conn *conn)
{
	struct xt_http_link *link = xt_conn_state(conn);

	link->ops->ended(link);
}

static void
link_closed(struct xt_conn *conn, enum xt_close why)
{
	struct xt_http_link *link = xt_conn_state(conn);

	if (link->exchange)
		xt_exchange_gone(link->exchange, why);
	xt_link_free(link);
}

const struct xt_stream xt_http_stream = {
	.name = "http",
	.recv = link_recv,
	.drained = link_drained,
	.expired = link_expired,
	.ended = link_ended,
	.closed = link_closed,
};

/* ---- HTTP/1 ---------------------------------------------------------------------------- */

static void
send_continue(struct xt_http_link *link)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	xt_conn_send(link->conn, text, sizeof text - 1);
}

const struct xt_link_ops xt_http1_link = {
	.send_head = xt_http1_send_head,
	.invite = send_continue,
	.can_keep = can_keep,
	.go_on = go_on,
	.file_sent = file_sent,
	.ended = gone,
};

/* ---- a stream of HTTP/2 ---------------------------------------------------------------- */

static bool
keeps_always(const struct xt_exchange *x)
{
	(void)x;
	return true;
}

/*
 * Its answer may take as long as it moves. What still comes of a body is not read: the client has no room to send
 * more, and is told that nobody waits for it when the answer has left.
 */
static void
await_last(struct xt_http_link *link)
{
	set_state(link, XT_LINK_LAST);
	xt_conn_pause(link->conn);
	if (xt_conn_backlog(link->conn) == 0)
		xt_conn_finish(link->conn, link->why ? link->why : XT_CLOSE_DONE);
	else
		xt_conn_expire_in(link->conn, link->server->config->idle_timeout_ms);
}

static void
answer_is_last(struct xt_http_link *link, const struct xt_exchange *x)
{
	(void)x;
	await_last(link);
}

/* RFC 9113 8.1: the end of a request, not of who waits for its answer. */
static void
request_ended(struct xt_http_link *link)
{
	if (link->state == XT_LINK_BODY && link->body->until_end)
		complete(link);
}

const struct xt_link_ops xt_http2_link = {
	.send_head = xt_h2_send_head,
	.invite = xt_h2_invite,
	.can_keep = keeps_always,
	.go_on = answer_is_last,
	.file_sent = await_last,
	.ended = request_ended,
	.streams = true,
};
