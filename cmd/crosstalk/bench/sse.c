/* sse.c - see sse.h. */
#include "bench/sse.h"

#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/mark.h"

/* "data: " and the mark; the blank may be left out (HTML, 9.2.6) */
static void
take_line(struct conn *conn, const char *p, size_t n)
{
	size_t at = n > 5 && p[5] == ' ' ? 6 : 5;

	if (n < at + MARK_SIZE || memcmp(p, "data:", 5) != 0)
		return;
	conn->mark = mark_load(p + at);
	if (mark_is_one(conn->mark))
		conn->ops->message(conn);
}

/*
 * Chunks (RFC 9112 7.1) are not taken apart: their sizes are lines of their own, which say nothing here, as long as no server
 * cuts a chunk within the first bytes of a line.
 */
static size_t
read_lines(struct conn *conn, char *p, size_t n)
{
	char *at = p, *end = p + n, *line_end;

	for (; (line_end = memchr(at, '\n', (size_t)(end - at))); at = line_end + 1)
		take_line(conn, at, (size_t)(line_end - at));
	return (size_t)(at - p);
}

static size_t
read_answer(struct conn *conn, char *p, size_t n)
{
	struct http_answer answer;
	size_t used = http_read_head(p, n, &answer);
	struct xt_str type;
	char why[80];

	if (used == 0)
		return 0;
	type = http_field(&answer, "content-type");
	if (answer.status != 200 || type.n < 17 ||
		strncasecmp(type.p, "text/event-stream", 17) != 0) {
		snprintf(why, sizeof why, "the answer is %d, and no stream of events",
			answer.status);
		conn_end(conn, CONN_REFUSED, why);
		return CONN_STOP;
	}
	conn->read = read_lines;
	conn->ready = true;
	conn->ops->opened(conn);
	return conn->state == CONN_OPEN ? used : CONN_STOP;
}

void
sse_connect(struct conn *conn)
{
	char request[HTTP_REQUEST_MAX];
	size_t n = http_request(conn, request, "GET", NULL, "Accept: text/event-stream\r\n");

	conn->read = read_answer;
	if (n == 0)
		conn_end(conn, CONN_REFUSED, "the request is too long");
	else
		conn_send(conn, request, n);
}
