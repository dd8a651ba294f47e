/* http.c - see http.h. */
#include "bench/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

size_t
http_request(const struct conn *conn, char out[HTTP_REQUEST_MAX], const char *method,
	const char *query, const char *extra)
{
	const struct target *target = conn->target;
	const struct texts *headers = &conn->bench->options.headers;
	const char *joint = !query ? "" : strchr(target->path, '?') ? "&" : "?";
	int n = snprintf(out, HTTP_REQUEST_MAX, "%s %s%s%s HTTP/1.1\r\nHost: %s\r\n%s", method,
		target->path, joint, query ? query : "", target->authority, extra);

	for (size_t i = 0; i < headers->n && n < HTTP_REQUEST_MAX; i++)
		n += snprintf(out + n, (size_t)(HTTP_REQUEST_MAX - n), "%s\r\n", headers->p[i]);
	if (n + 2 >= HTTP_REQUEST_MAX)
		return 0;
	memcpy(out + n, "\r\n", 2);
	return (size_t)n + 2;
}

/* "HTTP/1.1 200 …" (RFC 9112 4) */
static int
read_status(const char *p, size_t n)
{
	int status = 0;

	if (n < 12 || memcmp(p, "HTTP/1.", 7) != 0 || p[8] != ' ')
		return 0;
	for (size_t i = 9; i < 12; i++) {
		if (p[i] < '0' || p[i] > '9')
			return 0;
		status = status * 10 + (p[i] - '0');
	}
	return status;
}

size_t
http_read_head(const char *p, size_t n, struct http_answer *answer)
{
	const char *end = memmem(p, n, "\r\n\r\n", 4), *fields;

	*answer = (struct http_answer){ 0 };
	if (!end)
		return 0;
	fields = (const char *)memchr(p, '\n', (size_t)(end - p) + 2) + 1;
	answer->status = read_status(p, (size_t)(end - p));
	answer->head.p = fields;
	answer->head.n = (size_t)(end + 2 - fields);
	return (size_t)(end - p) + 4;
}

static struct xt_str
trim(const char *p, size_t n)
{
	while (n > 0 && (*p == ' ' || *p == '\t'))
		p++, n--;
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\r'))
		n--;
	return (struct xt_str){ p, n };
}

struct xt_str
http_field(const struct http_answer *answer, const char *name)
{
	const char *p = answer->head.p, *end = p + answer->head.n, *line_end;
	size_t n = strlen(name);

	for (; p < end; p = line_end + 1) {
		line_end = memchr(p, '\n', (size_t)(end - p));
		if ((size_t)(line_end - p) > n && p[n] == ':' && strncasecmp(p, name, n) == 0)
			return trim(p + n + 1, (size_t)(line_end - p) - n - 1);
	}
	return (struct xt_str){ NULL, 0 };
}

/* Of chunks only the end is looked for (RFC 9112 7.1): a body that has it within is none that we measure. */
static bool
find_chunked_end(const char *p, size_t n, size_t *size)
{
	const char *end = memmem(p, n, "0\r\n\r\n", 5);

	while (end && end > p && end[-1] != '\n')
		end = memmem(end + 1, n - (size_t)(end + 1 - p), "0\r\n\r\n", 5);
	*size = end ? (size_t)(end - p) + 5 : 0;
	return end != NULL;
}

/* Whether the body is all there. RFC 9112 6.3. */
static bool
find_body(struct http_answer *answer, const char *p, size_t n)
{
	struct xt_str length = http_field(answer, "content-length");
	size_t size = 0;

	if (length.n > 0) {
		size = strtoul(length.p, NULL, 10);
		if (size > n)
			return false;
	} else if (answer->status != 204 && answer->status != 304 &&
		   http_field(answer, "transfer-encoding").n > 0 &&
		   !find_chunked_end(p, n, &size)) {
		return false;
	}
	answer->body = (struct xt_str){ p, size };
	return true;
}

size_t
http_read(struct conn *conn, char *p, size_t n)
{
	struct http_answer answer;
	size_t used = 0, head;

	while (used < n) {
		head = http_read_head(p + used, n - used, &answer);
		if (head > 0 && answer.status == 0) {
			conn_end(conn, CONN_BROKEN, "what came is no answer of HTTP/1.1");
			return CONN_STOP;
		}
		if (head == 0 || !find_body(&answer, p + used + head, n - used - head))
			break;
		used += head + answer.body.n;
		conn->ops->answer(conn, &answer);
		if (conn->state != CONN_OPEN)
			return CONN_STOP;
	}
	return used;
}
