/*
 * fuzz_ws.c - the same bytes in one piece and in pieces that the input chooses must give the same
 * messages and the same end; what is encoded must be read back.
 *
 * Input: a byte of options, eight bytes of piece sizes, then the stream.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/panic.h"
#include "crosstalk_ws.h"

#define OPTIONS    9
#define LIMIT      300
#define BIG_LIMIT  70000
#define INPUT_MAX  100000
#define AS_CLIENT  0x01
#define COMPRESSED 0x02
#define BIG        0x04

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whole messages and control frames as bytes; what was unfinished is left out. */
struct record {
	struct xt_buf out;
	struct xt_buf message;
	bool over;
};

static void
put(struct xt_buf *buf, const void *p, size_t n)
{
	XT_ASSERT(xt_buf_append(buf, p, n) == 0);
}

static void
note(struct record *record, const struct xt_ws_event *event, const char *p, size_t n)
{
	uint32_t facts[4] = { event->kind, event->code, event->opcode | (uint32_t)event->rsv << 8,
		(uint32_t)n };

	put(&record->out, facts, sizeof facts);
	put(&record->out, p, n);
}

static void
note_event(struct record *record, const struct xt_ws_event *event)
{
	XT_ASSERT(!record->over || event->kind == XT_WS_MORE);
	switch (event->kind) {
	case XT_WS_MORE:
		break;
	case XT_WS_DATA:
		XT_ASSERT(!event->first || record->message.n == 0);
		XT_ASSERT(!event->last || event->frame_left == 0);
		put(&record->message, event->p, event->n);
		if (!event->last)
			break;
		note(record, event, record->message.p, record->message.n);
		if (event->opcode == XT_WS_OP_TEXT && !event->rsv)
			XT_ASSERT(xt_utf8_valid(xt_buf_str(&record->message)));
		record->message.n = 0;
		break;
	case XT_WS_FAIL:
		record->over = true;
		note(record, event, event->why, strlen(event->why));
		break;
	case XT_WS_CLOSE:
	case XT_WS_PING:
	case XT_WS_PONG:
		XT_ASSERT(event->n <= XT_WS_CONTROL_MAX);
		record->over = event->kind == XT_WS_CLOSE;
		note(record, event, event->p, event->n);
		break;
	}
}

/* Reads `in`, a copy of exact size so that a step outside is seen; the tail stays in it. */
static void
read_all(struct xt_ws_reader *reader, struct xt_buf *in, struct record *record)
{
	struct xt_ws_event event = { .kind = XT_WS_DATA };
	char *copy = malloc(in->n ? in->n : 1);
	size_t at = 0;

	XT_ASSERT(copy);
	if (in->n)
		memcpy(copy, in->p, in->n);
	while (event.kind != XT_WS_MORE) {
		size_t used = xt_ws_read(reader, copy + at, in->n - at, &event);
		XT_ASSERT(used <= in->n - at);
		at += used;
		note_event(record, &event);
	}
	free(copy);
	xt_buf_consume(in, at);
	XT_ASSERT(in->n <= XT_WS_TAIL_MAX);
}

/* `sizes` NULL: in one piece; else the pieces have these sizes, in turn. */
static void
read_stream(uint8_t options, const uint8_t *sizes, const char *p, size_t n, struct record *record)
{
	struct xt_ws_reader reader;
	struct xt_buf in = { 0 };

	xt_ws_reader_init(&reader, options & AS_CLIENT ? XT_WS_CLIENT : XT_WS_SERVER,
		options & COMPRESSED ? XT_WS_RSV1 : 0, options & BIG ? BIG_LIMIT : LIMIT);
	for (size_t at = 0, i = 0; at < n; i++) {
		size_t piece = sizes ? (size_t)sizes[i % 8] + (i % 8 == 7) : n;
		if (piece > n - at)
			piece = n - at;
		put(&in, p + at, piece);
		read_all(&reader, &in, record);
		at += piece;
	}
	xt_buf_fini(&in);
}

static void
record_fini(struct record *record)
{
	xt_buf_fini(&record->out);
	xt_buf_fini(&record->message);
}

static void
check_pieces(uint8_t options, const uint8_t *sizes, const char *p, size_t n)
{
	struct record whole = { 0 }, pieces = { 0 };

	read_stream(options, NULL, p, n, &whole);
	read_stream(options, sizes, p, n, &pieces);
	XT_ASSERT(xt_str_eq(xt_buf_str(&whole.out), xt_buf_str(&pieces.out)));
	record_fini(&whole);
	record_fini(&pieces);
}

static void
put_frame(struct xt_buf *out, uint8_t first, const uint8_t *key, const char *p, size_t n)
{
	char head[XT_WS_HEAD_MAX];
	size_t size = xt_ws_head_encode(first, n, key, head);

	XT_ASSERT(size == xt_ws_head_size(n, key != NULL));
	put(out, head, size);
	XT_ASSERT(xt_buf_reserve(out, n) == 0);
	if (n && key)
		xt_mask(out->p + out->n, p, n, key, 0);
	else if (n)
		memcpy(out->p + out->n, p, n);
	out->n += n;
}

/* The stream as the payload of a binary message in two frames, with a ping between them. */
static void
check_roundtrip(uint8_t options, const uint8_t *sizes, const char *p, size_t n)
{
	const uint8_t *key = options & AS_CLIENT ? NULL : sizes;
	size_t half = n * sizes[4] / 255, ping = n < XT_WS_CONTROL_MAX ? n : XT_WS_CONTROL_MAX;
	struct xt_buf stream = { 0 };
	struct record record = { 0 };
	struct xt_ws_event event = { .kind = XT_WS_PING };
	struct record expected = { 0 };

	put_frame(&stream, XT_WS_OP_BINARY, key, p, half);
	put_frame(&stream, XT_WS_FIN | XT_WS_OP_PING, key, p, ping);
	put_frame(&stream, XT_WS_FIN, key, p + half, n - half);
	read_stream(options | BIG, sizes, stream.p, stream.n, &record);
	note(&expected, &event, p, ping);
	event = (struct xt_ws_event){ .kind = XT_WS_DATA, .opcode = XT_WS_OP_BINARY };
	note(&expected, &event, p, n);
	XT_ASSERT(xt_str_eq(xt_buf_str(&record.out), xt_buf_str(&expected.out)));
	xt_buf_fini(&stream);
	record_fini(&record);
	record_fini(&expected);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data + OPTIONS;

	if (size < OPTIONS || size > INPUT_MAX)
		return 0;
	check_pieces(data[0], data + 1, p, size - OPTIONS);
	if (size - OPTIONS <= BIG_LIMIT)
		check_roundtrip(data[0], data + 1, p, size - OPTIONS);
	return 0;
}
