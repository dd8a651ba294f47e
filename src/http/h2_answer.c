/* h2_answer.c - the head of an answer as the fields of HTTP/2 (RFC 9113 8.3.2). */
#include <stdio.h>

#include "base/heap.h"
#include "crosstalk.h"
#include "http/h2_private.h"

struct fields {
	nghttp2_nv *list;
	size_t count;
};

static nghttp2_nv
field_of(struct xt_str name, struct xt_str value)
{
	return (nghttp2_nv){
		/* nghttp2 copies both; its struct knows no const. */
		.name = (uint8_t *)(uintptr_t)name.p,
		.namelen = name.n,
		.value = (uint8_t *)(uintptr_t)value.p,
		.valuelen = value.n,
	};
}

static void
add(struct fields *fields, struct xt_str name, struct xt_str value)
{
	fields->list[fields->count++] = field_of(name, value);
}

static size_t
count_lines(const struct xt_buf *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->n; i++)
		n += text->p[i] == '\n';
	return n;
}

/* RFC 9113 8.2.1: names are in lower case. */
static void
lower(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] | 0x20);
}

/* "Name: value\r\n" … */
static void
add_lines(struct fields *fields, struct xt_buf *text)
{
	char *at = text->p, *end = at + text->n;

	while (at < end) {
		char *colon = memchr(at, ':', (size_t)(end - at));
		char *stop = memchr(at, '\r', (size_t)(end - at));
		lower(at, (size_t)(colon - at));
		add(fields, xt_str_of(at, (size_t)(colon - at)),
			xt_str_of(colon + 2, (size_t)(stop - colon - 2)));
		at = stop + 2;
	}
}

/* What handlers added, and the CORS fields: in the words of HTTP/1.1 as yet. */
static int
gather_lines(const struct xt_exchange *x, struct xt_buf *text)
{
	if (xt_buf_reserve(text, x->headers.n + xt_cors_size(&x->cors)) < 0)
		return XT_ENOMEM;
	xt_buf_put_str(text, xt_buf_str(&x->headers));
	xt_cors_put(&x->cors, text);
	return 0;
}

static bool
has_body(const struct xt_exchange *x, const struct xt_http_answer *answer)
{
	if (answer->has_length)
		return answer->length > 0 && !x->head_only;
	return answer->status != 204 && answer->status != 304;
}

/* What HTTP/1.1 has in other lines, or not at all, and the body's type and length. */
static int
add_own_lines(const struct xt_exchange *x, const struct xt_http_answer *answer, struct xt_buf *text)
{
	struct xt_str date = xt_http_date(x->link->server);

	if (xt_buf_printf(text, "server: crosstalk\r\ndate: %.*s\r\n", (int)date.n, date.p) < 0)
		return XT_ENOMEM;
	if (answer->type.n > 0 && xt_buf_printf(text, "content-type: %.*s\r\n", (int)answer->type.n,
					  answer->type.p) < 0)
		return XT_ENOMEM;
	if (!answer->has_length)
		return 0;
	return xt_buf_printf(text, "content-length: %llu\r\n", (unsigned long long)answer->length);
}

static int
submit(struct xt_h2_stream *stream, const struct fields *fields)
{
	nghttp2_data_provider provider = { .read_callback = xt_h2_stream_read };
	bool body = stream->head.body;
	int error = nghttp2_submit_response(stream->h2->session, stream->id, fields->list,
		fields->count, body ? &provider : NULL);

	if (error < 0)
		return XT_ENOMEM;
	stream->ending = !body;
	xt_h2_later(stream->h2);
	return 0;
}

static int
submit_head(struct xt_h2_stream *stream)
{
	struct xt_buf *lines = &stream->head.lines;
	struct fields fields = { .count = 1 };
	char status[8];
	int n, error;

	fields.list = xt_malloc((count_lines(lines) + 1) * sizeof *fields.list);
	if (!fields.list)
		return XT_ENOMEM;
	n = snprintf(status, sizeof status, "%03u", stream->head.status);
	fields.list[0] = field_of(XT_STR(":status"), xt_str_of(status, (size_t)n));
	add_lines(&fields, lines);
	error = submit(stream, &fields);
	xt_free(fields.list);
	return error;
}

void
xt_h2_submit_head(struct xt_h2_stream *stream)
{
	int error = 0;

	if (!stream->head.lines.p)
		return; /* it has left */
	if (stream->h2 && !stream->closed)
		error = submit_head(stream);
	xt_buf_fini(&stream->head.lines);
	if (error < 0)
		xt_conn_close(stream->conn, XT_CLOSE_FAULT);
}

int
xt_h2_send_head(struct xt_exchange *x, const struct xt_http_answer *answer)
{
	struct xt_h2_stream *stream = xt_h2_stream_of(x->link->conn);
	struct xt_buf *lines = &stream->head.lines;

	if (!stream->h2 || stream->closed || !xt_conn_is_open(stream->conn))
		return XT_ECLOSED;
	if (gather_lines(x, lines) < 0 || add_own_lines(x, answer, lines) < 0) {
		xt_conn_close(stream->conn, XT_CLOSE_FAULT);
		return XT_ENOMEM;
	}
	/* RFC 8441 5: 200 says what 101 says in HTTP/1.1. */
	stream->head.status = answer->status == 101 ? 200 : answer->status;
	stream->head.body = has_body(x, answer);
	stream->has_left = answer->has_length;
	stream->left = answer->length;
	if (!xt_conn_is_corked(stream->conn))
		xt_h2_submit_head(stream);
	return xt_conn_is_open(stream->conn) ? 0 : XT_ENOMEM;
}

void
xt_h2_invite(struct xt_http_link *link)
{
	struct xt_h2_stream *stream = xt_h2_stream_of(link->conn);
	nghttp2_nv status = field_of(XT_STR(":status"), XT_STR("100"));

	if (!stream->h2 || stream->closed)
		return;
	nghttp2_submit_headers(
		stream->h2->session, NGHTTP2_FLAG_NONE, stream->id, NULL, &status, 1, NULL);
	xt_h2_later(stream->h2);
}
