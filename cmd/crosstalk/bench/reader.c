/* reader.c - see reader.h. */
#include "bench/reader.h"

#include <stdio.h>
#include <string.h>

#include "bench/mark.h"
#include "bench/sse.h"

#define WAIT 60 /* seconds of a long poll */

/*
 * Servers other than Crosstalk that know long polling name a position with Last-Modified and ETag: they are sent back as
 * conditions (RFC 9110 13.1). The position is "ETag\nLast-Modified" then.
 */
static void
write_conditions(const struct conn *conn, char *out, size_t size)
{
	const char *cut = strchr(conn->position, '\n');

	*out = '\0';
	if (cut)
		snprintf(out, size, "If-None-Match: %.*s\r\nIf-Modified-Since: %s\r\n",
			(int)(cut - conn->position), conn->position, cut + 1);
}

void
reader_ask(struct conn *conn, unsigned wait)
{
	char request[HTTP_REQUEST_MAX], query[96], extra[128];
	bool has_id = *conn->position && !strchr(conn->position, '\n');
	size_t n;

	snprintf(query, sizeof query, "wait=%u%s%s", wait, has_id ? "&since=" : "",
		has_id ? conn->position : "");
	write_conditions(conn, extra, sizeof extra);
	n = http_request(conn, request, "GET", query, extra);
	if (n == 0)
		conn_end(conn, CONN_REFUSED, "the request is too long");
	else
		conn_send(conn, request, n);
}

static void
take_id(struct conn *conn, const char *p, size_t n)
{
	const char *end = memchr(p, '"', n);

	if (end && (size_t)(end - p) < sizeof conn->position)
		snprintf(conn->position, sizeof conn->position, "%.*s", (int)(end - p), p);
}

void
reader_take_position(struct conn *conn, const struct http_answer *answer)
{
	static const char name[] = "\"next\":\"";
	const char *p = answer->body.p, *end = p + answer->body.n, *found;
	struct xt_str tag, modified;

	found = answer->body.n ? memmem(p, answer->body.n, name, sizeof name - 1) : NULL;
	if (found) {
		take_id(conn, found + sizeof name - 1, (size_t)(end - found) - sizeof name + 1);
		return;
	}
	tag = http_field(answer, "etag");
	modified = http_field(answer, "last-modified");
	if (tag.n + modified.n + 2 <= sizeof conn->position && modified.n > 0)
		snprintf(conn->position, sizeof conn->position, "%.*s\n%.*s", (int)tag.n, tag.p,
			(int)modified.n, modified.p);
}

static void
tell(struct conn *conn, const char *p)
{
	conn->mark = mark_load(p);
	if (mark_is_one(conn->mark))
		conn->ops->message(conn);
}

/* The objects of docs/channel.md; or a body that is one message. */
static void
tell_messages(struct conn *conn, const struct http_answer *answer)
{
	static const char name[] = "\"data\":\"";
	const char *p = answer->body.p, *end = p + answer->body.n;

	if (answer->body.n >= MARK_SIZE && *p != '{')
		tell(conn, p);
	while ((p = memmem(p, (size_t)(end - p), name, sizeof name - 1))) {
		p += sizeof name - 1;
		if ((size_t)(end - p) < MARK_SIZE)
			return;
		tell(conn, p);
	}
}

/* The first poll asks where the channel is now; only then does it wait. */
void
reader_answer(struct conn *conn, const struct http_answer *answer)
{
	char why[64];

	if (answer->status >= 400) {
		snprintf(why, sizeof why, "a poll was answered with %d", answer->status);
		conn_end(conn, CONN_REFUSED, why);
		return;
	}
	if (conn->ready && answer->body.n > 0)
		tell_messages(conn, answer);
	reader_take_position(conn, answer);
	conn->asked = false;
	if (conn->bench->options.subscribe == SUBSCRIBE_LONGPOLL)
		reader_ask(conn, WAIT);
	if (conn->state == CONN_OPEN && !conn->ready) {
		conn->ready = true;
		conn->ops->opened(conn);
	}
}

void
reader_poll(struct conn *conn)
{
	if (conn->state != CONN_OPEN || !conn->ready || conn->asked)
		return;
	conn->asked = true;
	reader_ask(conn, 0);
}

static void
connect_poll(struct conn *conn)
{
	conn->read = http_read;
	conn->asked = true;
	*conn->position = '\0';
	reader_ask(conn, 0);
}

void
reader_connect(struct conn *conn)
{
	static void (*const readers[])(struct conn * conn) = {
		[SUBSCRIBE_WS] = ws_connect,
		[SUBSCRIBE_SSE] = sse_connect,
		[SUBSCRIBE_LONGPOLL] = connect_poll,
		[SUBSCRIBE_POLL] = connect_poll,
	};

	readers[conn->bench->options.subscribe](conn);
}
