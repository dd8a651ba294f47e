/* response.c - writes the head of an answer, in place at the end of the out queue. */
#include <stdio.h>

#include "base/clock.h"
#include "base/panic.h"
#include "codec/json.h"
#include "crosstalk.h"
#include "http/http_private.h"

/* Everything but the parts of variable size. */
#define FIXED_MAX 320

struct xt_str
xt_http_date(struct xt_http_server *server)
{
	uint64_t now = xt_loop_now(server->loop);

	if (now >= server->date_until) {
		uint64_t wall = xt_clock_wall_ms();
		xt_http1_date(server->date, wall / 1000);
		server->date_until = now + 1000 - wall % 1000;
	}
	return xt_str_of(server->date, sizeof server->date);
}

static void
put_status(struct xt_buf *out, unsigned status)
{
	xt_buf_put_str(out, XT_STR("HTTP/1.1 "));
	xt_buf_put_u64(out, status);
	xt_buf_put_char(out, ' ');
	xt_buf_put_str(out, xt_str_from(xt_http1_reason(status)));
	xt_buf_put_str(out, XT_STR("\r\nServer: crosstalk\r\n"));
}

static void
put_field(struct xt_buf *out, struct xt_str name, struct xt_str value)
{
	xt_buf_put_str(out, name);
	xt_buf_put_str(out, XT_STR(": "));
	xt_buf_put_str(out, value);
	xt_buf_put_str(out, XT_STR("\r\n"));
}

/* RFC 9112 6.3: how the client finds the end of the body. */
static void
put_framing(struct xt_buf *out, const struct xt_http_answer *answer)
{
	if (answer->has_length) {
		xt_buf_put_str(out, XT_STR("Content-Length: "));
		xt_buf_put_u64(out, answer->length);
		xt_buf_put_str(out, XT_STR("\r\n"));
	} else if (answer->chunked) {
		put_field(out, XT_STR("Transfer-Encoding"), XT_STR("chunked"));
	}
}

/* RFC 9112 9.3: what is not the default of the request's version is said. */
static void
put_connection(struct xt_buf *out, const struct xt_exchange *x, const struct xt_http_answer *answer)
{
	if (answer->status == 101)
		put_field(out, XT_STR("Connection"), XT_STR("Upgrade"));
	else if (!answer->keep)
		put_field(out, XT_STR("Connection"), XT_STR("close"));
	else if (x->minor == 0)
		put_field(out, XT_STR("Connection"), XT_STR("keep-alive"));
}

int
xt_http_send_head(struct xt_exchange *x, const struct xt_http_answer *answer)
{
	struct xt_http_link *link = x->link;
	int error;

	if (x->no_memory) {
		xt_conn_close(link->conn, XT_CLOSE_FAULT);
		return XT_ENOMEM;
	}
	error = link->ops->send_head(x, answer);
	if (error == 0)
		xt_counter_add(&link->server->stats.responses[answer->status / 100 % 6], 1);
	return error;
}

int
xt_http1_send_head(struct xt_exchange *x, const struct xt_http_answer *answer)
{
	struct xt_conn *conn = x->link->conn;
	size_t size = FIXED_MAX + answer->type.n + x->headers.n + xt_cors_size(&x->cors);
	struct xt_buf out = { .cap = size };

	out.p = xt_conn_reserve(conn, size);
	if (!out.p)
		return XT_ECLOSED;
	put_status(&out, answer->status);
	put_field(&out, XT_STR("Date"), xt_http_date(x->link->server));
	put_connection(&out, x, answer);
	if (answer->type.n > 0)
		put_field(&out, XT_STR("Content-Type"), answer->type);
	put_framing(&out, answer);
	xt_buf_put_str(&out, xt_buf_str(&x->headers));
	xt_cors_put(&x->cors, &out);
	xt_buf_put_str(&out, XT_STR("\r\n"));
	XT_ASSERT(out.n <= size);
	xt_conn_commit(conn, out.n);
	return 0;
}

int
xt_http_error_body(struct xt_buf *out, const char *code, struct xt_str message)
{
	if (xt_buf_printf(out, "{\"error\":{\"code\":\"%s\",\"message\":", code) < 0 ||
		xt_json_quote(out, message) < 0 || xt_buf_append_str(out, XT_STR("}}\n")) < 0)
		return XT_ENOMEM;
	return 0;
}
