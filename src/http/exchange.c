/*
 * exchange.c - what a handler can do with a request.
 *
 *	new -> (handler) -> answered: freed at once
 *	          `-> held -> answered, or gone: freed
 */
#include "http/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/panic.h"
#include "codec/utf8.h"
#include "crosstalk.h"
#include "http/http_private.h"

/* ---- life ------------------------------------------------------------------------------ */

static struct xt_exchange *
take_spare(struct xt_http_server *server)
{
	struct xt_exchange *x = server->spare;
	struct xt_buf headers;

	if (!x)
		return xt_calloc(1, sizeof *x);
	server->spare = NULL;
	headers = x->headers;
	headers.n = 0;
	*x = (struct xt_exchange){ .headers = headers };
	return x;
}

struct xt_exchange *
xt_exchange_new(struct xt_http_link *link, bool request)
{
	struct xt_http_server *server = link->server;
	const struct xt_http1_head *head = &server->head;
	struct xt_exchange *x = take_spare(server);

	if (!x)
		return NULL;
	x->link = link;
	x->minor = 1;
	if (request) {
		x->cors = xt_cors_match(server->config, &server->request);
		x->minor = (uint8_t)head->minor;
		x->head_only = server->request.method == XT_HEAD;
		x->keep_alive = head->keep_alive;
		x->chunked = head->chunked;
		x->length = head->length;
		x->unread = head->chunked || head->length > 0;
		x->expects = x->unread && head->expect == XT_HTTP1_EXPECT_CONTINUE;
	}
	link->exchange = x;
	return x;
}

void
xt_exchange_free(struct xt_exchange *x)
{
	struct xt_http_server *server;

	if (!x)
		return;
	server = x->link->server;
	if (x->holder)
		xt_counter_sub(&server->stats.held, 1);
	x->link->exchange = NULL;
	if (!server->spare && x->headers.cap <= 4096) {
		server->spare = x;
		return;
	}
	xt_buf_fini(&x->headers);
	xt_free(x);
}

void
xt_exchange_gone(struct xt_exchange *x, enum xt_close why)
{
	const struct xt_holder *holder = x->holder;
	void *ctx = x->ctx;

	xt_exchange_free(x);
	if (holder)
		holder->gone(ctx, why);
}

/* ---- looking --------------------------------------------------------------------------- */

const struct xt_request *
xt_exchange_request(const struct xt_exchange *x)
{
	XT_ASSERT(!x->holder);
	return &x->link->server->request;
}

struct xt_conn *
xt_exchange_conn(const struct xt_exchange *x)
{
	return x->link->conn;
}

struct xt_loop *
xt_exchange_loop(const struct xt_exchange *x)
{
	return x->link->server->loop;
}

bool
xt_exchange_can_chunk(const struct xt_exchange *x)
{
	return x->minor == 1 && !x->link->ops->streams;
}

bool
xt_exchange_is_http2(const struct xt_exchange *x)
{
	return x->link->ops->streams;
}

/* ---- answering ------------------------------------------------------------------------- */

static bool
is_one_line(struct xt_str s)
{
	return s.n == 0 || (!memchr(s.p, '\r', s.n) && !memchr(s.p, '\n', s.n));
}

void
xt_exchange_header(struct xt_exchange *x, struct xt_str name, struct xt_str value)
{
	XT_ASSERT(xt_http1_is_token(name) && is_one_line(value));
	if (xt_buf_reserve(&x->headers, name.n + value.n + 4) < 0) {
		x->no_memory = true;
		return;
	}
	xt_buf_put_str(&x->headers, name);
	xt_buf_put_str(&x->headers, XT_STR(": "));
	xt_buf_put_str(&x->headers, value);
	xt_buf_put_str(&x->headers, XT_STR("\r\n"));
}

static struct xt_http_answer
answer_of(const struct xt_exchange *x, unsigned status, struct xt_str type, uint64_t length)
{
	return (struct xt_http_answer){
		.status = status,
		.type = type,
		/* RFC 9110 8.6, 15.4.5: never with 204; with 304 we leave it out. */
		.has_length = status != 204 && status != 304,
		.length = length,
		.keep = xt_link_can_keep(x),
	};
}

static void
finish(struct xt_exchange *x, bool keep)
{
	xt_link_answered(x, keep);
	xt_exchange_free(x);
}

/* RFC 8441 4: to who asked for a WebSocket a 2xx says that this is one. */
static bool
refuse_tunnel(struct xt_exchange *x, unsigned status)
{
	if (!x->tunnel || status / 100 != 2)
		return false;
	xt_exchange_error(x, 400, "bad_request", "there is no WebSocket at this path");
	return true;
}

static bool
has_body(const struct xt_exchange *x, const struct xt_http_answer *answer)
{
	return answer->has_length && answer->length > 0 && !x->head_only;
}

void
xt_exchange_reply(struct xt_exchange *x, unsigned status, struct xt_str type, struct xt_str body)
{
	struct xt_http_answer answer = answer_of(x, status, type, body.n);

	if (refuse_tunnel(x, status))
		return;
	if (xt_http_send_head(x, &answer) == 0 && has_body(x, &answer))
		xt_conn_send(x->link->conn, body.p, body.n);
	finish(x, answer.keep);
}

void
xt_exchange_reply_bytes(struct xt_exchange *x, unsigned status, struct xt_str type,
	struct xt_bytes *bytes, size_t from, size_t to)
{
	struct xt_http_answer answer = answer_of(x, status, type, to - from);

	if (refuse_tunnel(x, status))
		return;
	if (xt_http_send_head(x, &answer) == 0 && has_body(x, &answer))
		xt_conn_send_bytes(x->link->conn, bytes, from, to);
	finish(x, answer.keep);
}

void
xt_exchange_reply_file(struct xt_exchange *x, unsigned status, struct xt_str type, int fd,
	uint64_t from, uint64_t to)
{
	struct xt_http_answer answer = answer_of(x, status, type, to - from);
	struct xt_http_link *link = x->link;
	struct xt_http_file *file;
	int error;

	if (refuse_tunnel(x, status)) {
		close(fd);
		return;
	}
	answer.keep = answer.keep && !x->unread;
	error = xt_http_send_head(x, &answer);

	if (error < 0 || !has_body(x, &answer)) {
		close(fd);
		finish(x, answer.keep);
		return;
	}
	file = xt_malloc(sizeof *file);
	if (!file) {
		close(fd);
		xt_conn_close(link->conn, XT_CLOSE_FAULT);
		finish(x, false);
		return;
	}
	*file = (struct xt_http_file){ .fd = fd, .at = from, .to = to };
	xt_exchange_free(x);
	xt_link_send_file(link, file, answer.keep);
}

/* A message may quote what a peer sent: what is no text must not spoil the JSON. */
static struct xt_str
clean(char *text, size_t n)
{
	if (!xt_utf8_valid(xt_str_of(text, n)))
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)text[i] >= 0x80)
				text[i] = '?';
	return xt_str_of(text, n);
}

void
xt_exchange_error(struct xt_exchange *x, unsigned status, const char *code, const char *format, ...)
{
	struct xt_buf body = { 0 };
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	XT_ASSERT(n >= 0);
	if ((size_t)n >= sizeof text)
		n = sizeof text - 1;
	if (xt_http_error_body(&body, code, clean(text, (size_t)n)) < 0)
		x->no_memory = true;
	xt_exchange_reply(x, status, XT_STR("application/json"), xt_buf_str(&body));
	xt_buf_fini(&body);
}

void
xt_exchange_no_memory(struct xt_exchange *x)
{
	xt_exchange_error(x, 503, "out_of_memory", "out of memory");
}

/* ---- holding and taking over ----------------------------------------------------------- */

void
xt_exchange_hold(struct xt_exchange *x, const struct xt_holder *holder, void *ctx)
{
	XT_ASSERT(x->link->calling && !x->holder);
	x->holder = holder;
	x->ctx = ctx;
	xt_counter_add(&x->link->server->stats.held, 1);
	xt_conn_pause(x->link->conn);
}

void
xt_exchange_expire_in(struct xt_exchange *x, uint32_t ms)
{
	xt_conn_expire_in(x->link->conn, ms);
}

/* The link goes, the connection stays. */
static void
hand_over(struct xt_exchange *x, const struct xt_stream *stream, void *state)
{
	struct xt_http_link *link = x->link;
	struct xt_conn *conn = link->conn;

	xt_exchange_free(x);
	xt_conn_adopt(conn, stream, state);
	xt_conn_resume(conn);
	if (link->calling)
		link->taken = true;
	else
		xt_link_free(link);
}

int
xt_exchange_takeover(struct xt_exchange *x, unsigned status, struct xt_str type, bool chunked,
	const struct xt_stream *stream, void *state)
{
	struct xt_http_answer answer = { .status = status, .type = type, .chunked = chunked };
	int error;

	/* What follows would be the rest of this request, not what the stream expects. */
	if (x->unread) {
		xt_exchange_error(x, 400, "bad_request", "this request must not have a body");
		return XT_ECLOSED;
	}
	if (refuse_tunnel(x, status))
		return XT_ECLOSED;
	error = xt_http_send_head(x, &answer);
	if (error < 0) {
		finish(x, false);
		return error;
	}
	hand_over(x, stream, state);
	return 0;
}
