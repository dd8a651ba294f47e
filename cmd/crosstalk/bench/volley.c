/* volley.c - see volley.h. */
#include "bench/volley.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/mark.h"
#include "crosstalk_ws.h"

/* All that is said is ASCII, whatever its type. */
static void
fill_payload(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)('A' + i % 26);
}

/* Copies the first message behind itself, as often as it may leave at once. */
static int
multiply(struct volley *volley, char *first, size_t count)
{
	size_t fits = VOLLEY_BYTES / volley->size;

	volley->count = fits < 1 ? 1 : fits < count ? fits : count;
	volley->bytes = realloc(first, volley->size * volley->count);
	if (!volley->bytes) {
		free(first);
		return -1;
	}
	for (size_t i = 1; i < volley->count; i++)
		memcpy(volley->bytes + i * volley->size, volley->bytes, volley->size);
	return 0;
}

int
volley_init_frames(struct volley *volley, const struct volley_kind *kind, const uint8_t mask[4])
{
	size_t head = xt_ws_head_size(kind->size, true);
	char *first = malloc(head + kind->size);
	uint8_t opcode = kind->binary ? XT_WS_OP_BINARY : XT_WS_OP_TEXT, twice[8];

	if (!first)
		return -1;
	xt_ws_head_encode((uint8_t)(XT_WS_FIN | opcode), kind->size, mask, first);
	fill_payload(first + head, kind->size);
	xt_mask(first + head, first + head, kind->size, mask, 0);
	memcpy(twice, mask, 4);
	memcpy(twice + 4, mask, 4);
	memcpy(&volley->mask, twice, 8);
	volley->mark_at = head;
	volley->size = head + kind->size;
	return multiply(volley, first, kind->count);
}

int
volley_init_requests(struct volley *volley, const struct volley_kind *kind, struct conn *conn)
{
	char extra[128], request[HTTP_REQUEST_MAX];
	size_t head;
	char *first;

	snprintf(extra, sizeof extra, "Content-Type: %s\r\nContent-Length: %zu\r\n",
		kind->binary ? "application/octet-stream" : "text/plain", kind->size);
	head = http_request(conn, request, "POST", NULL, extra);
	first = head ? malloc(head + kind->size) : NULL;
	if (!first)
		return -1;
	memcpy(first, request, head);
	fill_payload(first + head, kind->size);
	volley->mask = 0;
	volley->mark_at = head;
	volley->size = head + kind->size;
	return multiply(volley, first, kind->count);
}

void
volley_fini(struct volley *volley)
{
	free(volley->bytes);
	volley->bytes = NULL;
}

void
volley_mark(struct volley *volley, size_t index, uint32_t number)
{
	uint64_t mark = mark_encode(number) ^ volley->mask;

	memcpy(volley->bytes + index * volley->size + volley->mark_at, &mark, sizeof mark);
}

bool
volley_send(const struct volley *volley, struct conn *conn, uint64_t n)
{
	while (n > 0) {
		size_t now = n < volley->count ? (size_t)n : volley->count;
		if (!conn_send(conn, volley->bytes, now * volley->size))
			return false;
		n -= now;
	}
	return true;
}
