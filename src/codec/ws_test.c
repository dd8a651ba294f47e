/*
 * ws_test.c - frames in and out, every rule, every cut.
 *
 * A stream is read into a transcript: whole messages and control frames in order, then how it
 * ended. The same bytes must give the same transcript however they are cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "crosstalk_ws.h"

#define LIMIT       (1u << 20)
#define BYTES(b)    .bytes = (b), .n = sizeof(b) - 1
#define COPY_MAX    4096
#define FAILS_NEVER 0
#define X10         "xxxxxxxxxx"
#define X100        X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X125        X100 X10 X10 "xxxxx"
#define SMILE       "\xF0\x9F\x98\x80"

/* What came out of a reader so far. */
struct transcript {
	struct xt_buf text;    /* one line for each event */
	struct xt_buf message; /* in progress */
	bool inside;
	bool over;
};

static void
transcript_fini(struct transcript *t)
{
	xt_buf_fini(&t->text);
	xt_buf_fini(&t->message);
}

static void
note(struct transcript *t, const char *kind, struct xt_str s)
{
	assert_int_equal(xt_buf_append_str(&t->text, xt_str_from(kind)), 0);
	assert_int_equal(xt_buf_append_str(&t->text, s), 0);
	assert_int_equal(xt_buf_append(&t->text, "\n", 1), 0);
}

static void
note_data(struct transcript *t, const struct xt_ws_event *event)
{
	char kind[32];

	assert_int_equal(event->first, !t->inside);
	t->inside = !event->last;
	assert_true(!event->last || event->frame_left == 0);
	assert_int_equal(xt_buf_append(&t->message, event->p, event->n), 0);
	if (!event->last)
		return;
	snprintf(kind, sizeof kind, "%s%s ", event->opcode == XT_WS_OP_TEXT ? "text" : "binary",
		event->rsv ? "+rsv" : "");
	note(t, kind, xt_buf_str(&t->message));
	t->message.n = 0;
}

static void
note_event(struct transcript *t, const struct xt_ws_event *event)
{
	char kind[64];

	assert_false(t->over);
	t->over = event->kind == XT_WS_CLOSE || event->kind == XT_WS_FAIL;
	switch (event->kind) {
	case XT_WS_MORE:
		break;
	case XT_WS_DATA:
		note_data(t, event);
		break;
	case XT_WS_PING:
		note(t, "ping ", xt_str_of(event->p, event->n));
		break;
	case XT_WS_PONG:
		note(t, "pong ", xt_str_of(event->p, event->n));
		break;
	case XT_WS_CLOSE:
		snprintf(kind, sizeof kind, "close %u ", event->code);
		note(t, kind, xt_str_of(event->p, event->n));
		break;
	case XT_WS_FAIL:
		assert_true(strlen(event->why) <= XT_WS_REASON_MAX);
		snprintf(kind, sizeof kind, "fail %u ", event->code);
		note(t, kind, xt_str_from(event->why));
		break;
	}
}

/* Reads all that `in` has, as a connection does; what is left stays in it. */
static void
read_all(struct xt_ws_reader *reader, struct xt_buf *in, struct transcript *t)
{
	struct xt_ws_event event = { .kind = XT_WS_DATA };
	size_t at = 0;

	while (event.kind != XT_WS_MORE) {
		size_t used = xt_ws_read(reader, in->p + at, in->n - at, &event);
		assert_true(used <= in->n - at);
		at += used;
		if (event.kind != XT_WS_MORE)
			note_event(t, &event);
	}
	xt_buf_consume(in, at);
	assert_true(in->n <= XT_WS_TAIL_MAX);
}

/* One more chunk behind what was left. */
static void
feed(struct xt_ws_reader *reader, struct xt_buf *in, const char *p, size_t n, struct transcript *t)
{
	assert_int_equal(xt_buf_reserve(in, n + 1), 0); /* never NULL */
	xt_buf_put(in, p, n);
	read_all(reader, in, t);
}

static void
assert_transcript(const struct transcript *t, const char *expected, const char *what)
{
	if (!xt_str_eq(xt_buf_str(&t->text), xt_str_from(expected)))
		fail_msg("%s: expected\n%sgot\n%.*s", what, expected, (int)t->text.n, t->text.p);
}

/* A stream as a server would send it: not masked. */
struct row {
	const char *what;
	const char *bytes;
	size_t n;
	const char *transcript;
	size_t fails_after; /* bytes: the first at which the mistake can be seen */
	uint8_t rsv_allowed;
};

static const struct row rows[] = {
	/* data */
	{ "text", BYTES("\x81\x05Hello"), "text Hello\n" },
	{ "binary", BYTES("\x82\x03\x01\xFF\x80"), "binary \x01\xFF\x80\n" },
	{ "empty text", BYTES("\x81\x00"), "text \n" },
	{ "empty binary", BYTES("\x82\x00"), "binary \n" },
	{ "two messages",
		BYTES("\x81\x01"
		      "a\x81\x01"
		      "b"),
		"text a\ntext b\n" },
	{ "fragments", BYTES("\x01\x03Hel\x80\x02lo"), "text Hello\n" },
	{ "empty fragments", BYTES("\x01\x00\x00\x00\x00\x02hi\x80\x00"), "text hi\n" },
	{ "125 bytes", BYTES("\x81\x7D" X125), "text " X125 "\n" },
	{ "126 bytes", BYTES("\x81\x7E\x00\x7E" X125 "y"), "text " X125 "y\n" },
	{ "control inside a message",
		BYTES("\x01\x01"
		      "a\x89\x01p\x00\x01"
		      "b\x8A\x00\x80\x01"
		      "c"),
		"ping p\npong \ntext abc\n" },
	{ "rsv1 when allowed",
		BYTES("\xC1\x02\xFF\xFE\x81\x01"
		      "a"),
		"text+rsv \xFF\xFE\ntext a\n", FAILS_NEVER, XT_WS_RSV1 },
	{ "rsv1 fragments", BYTES("\x41\x01\xFF\x80\x01\xFE"), "text+rsv \xFF\xFE\n", FAILS_NEVER,
		XT_WS_RSV1 },
	/* RFC 6455 5.2: the first byte */
	{ "rsv1", BYTES("\xC1\x00"), "fail 1002 reserved bits are set\n", 1 },
	{ "rsv2", BYTES("\xA2\x00"), "fail 1002 reserved bits are set\n", 1, XT_WS_RSV1 },
	{ "rsv3", BYTES("\x91\x00"), "fail 1002 reserved bits are set\n", 1, XT_WS_RSV1 },
	{ "rsv1 on a ping", BYTES("\xC9\x00"), "fail 1002 reserved bits are set\n", 1, XT_WS_RSV1 },
	{ "rsv1 on a continuation", BYTES("\x41\x00\xC0\x00"), "fail 1002 reserved bits are set\n",
		3, XT_WS_RSV1 },
	{ "opcode 3", BYTES("\x83\x00"), "fail 1002 unknown opcode\n", 1 },
	{ "opcode 7", BYTES("\x87\x00"), "fail 1002 unknown opcode\n", 1 },
	{ "opcode B", BYTES("\x8B\x00"), "fail 1002 unknown opcode\n", 1 },
	{ "opcode F", BYTES("\x8F\x00"), "fail 1002 unknown opcode\n", 1 },
	{ "fragmented ping", BYTES("\x09\x00"), "fail 1002 control frame is fragmented\n", 1 },
	{ "fragmented close", BYTES("\x08\x00"), "fail 1002 control frame is fragmented\n", 1 },
	{ "continuation first", BYTES("\x80\x00"), "fail 1002 continuation of no message\n", 1 },
	{ "continuation after the end",
		BYTES("\x81\x01"
		      "a\x80\x00"),
		"text a\nfail 1002 continuation of no message\n", 4 },
	{ "text inside a text", BYTES("\x01\x00\x81\x00"),
		"fail 1002 new message inside a message\n", 3 },
	{ "binary inside a text", BYTES("\x01\x00\x02\x00"),
		"fail 1002 new message inside a message\n", 3 },
	/* lengths */
	{ "long ping", BYTES("\x89\x7E\x00\x7E"), "fail 1002 control frame over 125 bytes\n", 2 },
	{ "longer pong", BYTES("\x8A\x7F"), "fail 1002 control frame over 125 bytes\n", 2 },
	{ "0 in 16 bits", BYTES("\x81\x7E\x00\x00"), "fail 1002 length is not minimal\n", 4 },
	{ "125 in 16 bits", BYTES("\x82\x7E\x00\x7D" X125), "fail 1002 length is not minimal\n",
		4 },
	{ "65535 in 64 bits", BYTES("\x82\x7F\x00\x00\x00\x00\x00\x00\xFF\xFF"),
		"fail 1002 length is not minimal\n", 8 },
	{ "most significant bit", BYTES("\x82\x7F\x80\x00"), "fail 1002 length over 63 bits\n", 3 },
	{ "huge", BYTES("\x82\x7F\x00\x00\x01"), "fail 1009 message is over the limit\n", 5 },
	{ "63 bits", BYTES("\x82\x7F\x7F\xFF"), "fail 1009 message is over the limit\n", 3 },
	/* UTF-8 */
	{ "smile", BYTES("\x81\x04" SMILE), "text " SMILE "\n" },
	{ "smile in fragments", BYTES("\x01\x01\xF0\x00\x02\x9F\x98\x80\x01\x80"),
		"text " SMILE "\n" },
	{ "smile around a ping", BYTES("\x01\x02\xF0\x9F\x89\x01\xFF\x80\x02\x98\x80"),
		"ping \xFF\ntext " SMILE "\n" },
	{ "wrong text",
		BYTES("\x81\x06"
		      "abc\xFFyz"),
		"fail 1007 text is not UTF-8\n", 6 },
	{ "surrogate", BYTES("\x81\x03\xED\xA0\x80"), "fail 1007 text is not UTF-8\n", 4 },
	{ "wrong across fragments", BYTES("\x01\x01\xE0\x80\x02\x80\x80"),
		"fail 1007 text is not UTF-8\n", 6 },
	{ "ASCII within a character",
		BYTES("\x01\x01\xC3\x80\x09 1234567"
		      "8"),
		"fail 1007 text is not UTF-8\n", 6 },
	{ "incomplete text", BYTES("\x81\x02z\xC3"), "fail 1007 text ends within a character\n",
		4 },
	{ "incomplete text, empty end", BYTES("\x01\x01\xC3\x80\x00"),
		"fail 1007 text ends within a character\n", 5 },
	{ "not carried over", BYTES("\x02\x01\xC3\x80\x01\xC3\x81\x01z"),
		"binary \xC3\xC3\ntext z\n" },
	/* control frames */
	{ "empty ping", BYTES("\x89\x00"), "ping \n" },
	{ "full ping", BYTES("\x89\x7D" X125), "ping " X125 "\n" },
	{ "pong", BYTES("\x8A\x03\xFFpq"), "pong \xFFpq\n" },
	/* RFC 6455 5.5.1, 7.4: close */
	{ "close without a code", BYTES("\x88\x00"), "close 1005 \n" },
	{ "close 1000",
		BYTES("\x88\x05\x03\xE8"
		      "bye"),
		"close 1000 bye\n" },
	{ "close with a smile", BYTES("\x88\x06\x03\xE9" SMILE), "close 1001 " SMILE "\n" },
	{ "close 3000", BYTES("\x88\x02\x0B\xB8"), "close 3000 \n" },
	{ "close 4999", BYTES("\x88\x02\x13\x87"), "close 4999 \n" },
	{ "after close", BYTES("\x88\x00\x81\x01z\xFF\xFF"), "close 1005 \n" },
	{ "close with a full reason", BYTES("\x88\x7D\x03\xE8" X100 X10 X10 "xxx"),
		"close 1000 " X100 X10 X10 "xxx\n" },
	{ "close of one byte", BYTES("\x88\x01\x03"), "fail 1002 close frame of one byte\n", 2 },
	{ "close 999", BYTES("\x88\x02\x03\xE7"), "fail 1002 close code is not allowed\n", 4 },
	{ "close 1005", BYTES("\x88\x02\x03\xED"), "fail 1002 close code is not allowed\n", 4 },
	{ "close 1006 early", BYTES("\x88\x06\x03\xEEwhat"),
		"fail 1002 close code is not allowed\n", 4 },
	{ "close 5000", BYTES("\x88\x02\x13\x88"), "fail 1002 close code is not allowed\n", 4 },
	{ "wrong reason",
		BYTES("\x88\x06\x03\xE8"
		      "a\xFF"
		      "bc"),
		"fail 1007 close reason is not UTF-8\n", 6 },
	{ "incomplete reason", BYTES("\x88\x03\x03\xE8\xC3"),
		"fail 1007 close reason is not UTF-8\n", 5 },
};

static void
run(const struct row *row, enum xt_ws_role role, const char *p, size_t n, size_t a, size_t b)
{
	struct xt_ws_reader reader;
	struct transcript t = { 0 };
	struct xt_buf in = { 0 };

	xt_ws_reader_init(&reader, role, row->rsv_allowed, LIMIT);
	feed(&reader, &in, p, a, &t);
	feed(&reader, &in, p + a, b - a, &t);
	feed(&reader, &in, p + b, n - b, &t);
	assert_transcript(&t, row->transcript, row->what);
	xt_buf_fini(&in);
	transcript_fini(&t);
}

static void
run_all_cuts(const struct row *row, enum xt_ws_role role, const char *p, size_t n)
{
	for (size_t a = 0; a <= n; a++)
		for (size_t b = a; b <= n; b += n > 40 ? 7 : 1)
			run(row, role, p, n, a, b);
}

/* Byte by byte: fails exactly where the row says. */
static void
run_bytes(const struct row *row)
{
	struct xt_ws_reader reader;
	struct transcript t = { 0 };
	struct xt_buf in = { 0 };
	size_t failed = 0;

	xt_ws_reader_init(&reader, XT_WS_CLIENT, row->rsv_allowed, LIMIT);
	for (size_t i = 0; i < row->n; i++) {
		feed(&reader, &in, row->bytes + i, 1, &t);
		if (t.over && !failed)
			failed = i + 1;
	}
	if (row->fails_after && failed != row->fails_after)
		fail_msg("%s: failed after %zu", row->what, failed);
	assert_transcript(&t, row->transcript, row->what);
	xt_buf_fini(&in);
	transcript_fini(&t);
}

static size_t
plain_head(const uint8_t *p, size_t n, size_t *length)
{
	size_t width = (p[1] & 127) == 127 ? 8 : (p[1] & 127) == 126 ? 2 : 0;

	*length = width ? 0 : p[1] & 127;
	for (size_t i = 0; i < width && 2 + i < n; i++)
		*length = *length << 8 | p[2 + i];
	return 2 + width < n ? 2 + width : n;
}

/* The same stream as a client would send it; a header that is cut off stays as it is. */
static void
mask_stream(struct xt_buf *out, const char *p, size_t n)
{
	static const uint8_t key[4] = { 0x9A, 0x37, 0x00, 0xC5 };
	size_t head, length;

	while (n >= 2) {
		head = plain_head((const uint8_t *)p, n, &length);
		if (length > n - head)
			length = n - head;
		assert_int_equal(xt_buf_reserve(out, n + 4), 0);
		xt_buf_put(out, p, head);
		out->p[out->n - head + 1] = (char)(p[1] | (char)0x80);
		xt_buf_put(out, key, 4);
		xt_mask(out->p + out->n, p + head, length, key, 0);
		out->n += length;
		p += head + length;
		n -= head + length;
	}
	assert_int_equal(xt_buf_append(out, p, n), 0);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *row = &rows[i];
		struct xt_buf masked = { 0 };
		mask_stream(&masked, row->bytes, row->n);
		run_all_cuts(row, XT_WS_CLIENT, row->bytes, row->n);
		run_all_cuts(row, XT_WS_SERVER, masked.p, masked.n);
		run_bytes(row);
		xt_buf_fini(&masked);
	}
}

/* ---- what rows do not say --------------------------------------------------------------- */

static struct xt_ws_event
read_once(enum xt_ws_role role, uint32_t limit, const char *bytes, size_t n, size_t *used)
{
	static char copy[COPY_MAX];
	struct xt_ws_reader reader;
	struct xt_ws_event event;

	memcpy(copy, bytes, n);
	xt_ws_reader_init(&reader, role, 0, limit);
	*used = xt_ws_read(&reader, copy, n, &event);
	return event;
}

static void
test_mask_is_for_clients(void **state)
{
	struct xt_ws_event event;
	size_t used;

	(void)state;
	event = read_once(XT_WS_SERVER, LIMIT, "\x81\x01", 2, &used);
	assert_int_equal(event.kind, XT_WS_FAIL);
	assert_string_equal(event.why, "frame is not masked");
	event = read_once(XT_WS_CLIENT, LIMIT, "\x81\x81", 2, &used);
	assert_int_equal(event.kind, XT_WS_FAIL);
	assert_string_equal(event.why, "frame is masked");
	event = read_once(XT_WS_SERVER, LIMIT, "\x81", 1, &used);
	assert_int_equal(event.kind, XT_WS_MORE);
	assert_int_equal(used, 0);
}

/* RFC 6455 5.7: a single-frame masked text message. */
static void
test_example_whole(void **state)
{
	static const char bytes[] = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
	struct xt_ws_event event;
	size_t used;

	(void)state;
	event = read_once(XT_WS_SERVER, LIMIT, bytes, sizeof bytes - 1, &used);
	assert_int_equal(used, sizeof bytes - 1);
	assert_int_equal(event.kind, XT_WS_DATA);
	assert_int_equal(event.opcode, XT_WS_OP_TEXT);
	assert_true(event.first && event.last);
	assert_int_equal(event.frame_left, 0);
	assert_int_equal(event.n, 5);
	assert_memory_equal(event.p, "Hello", 5);
}

static void
test_frame_left(void **state)
{
	struct xt_ws_event event;
	size_t used;

	(void)state;
	event = read_once(XT_WS_CLIENT, LIMIT, "\x81\x05He", 4, &used);
	assert_int_equal(used, 4);
	assert_int_equal(event.kind, XT_WS_DATA);
	assert_int_equal(event.n, 2);
	assert_int_equal(event.frame_left, 3);
	assert_true(event.first && !event.last);
	/* a header alone says nothing, but is used */
	event = read_once(XT_WS_CLIENT, LIMIT, "\x81\x05", 2, &used);
	assert_int_equal(event.kind, XT_WS_MORE);
	assert_int_equal(used, 2);
}

/* The header alone is judged: at the limit it passes, one past it fails. */
static void
test_limit(void **state)
{
	static const uint32_t limits[] = { 0, 1, 125, 126, 1000, 65535, 65536, LIMIT, UINT32_MAX };
	struct xt_ws_event event;
	char head[XT_WS_HEAD_MAX];
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		size_t n = xt_ws_head_encode(XT_WS_FIN | XT_WS_OP_BINARY, limits[i], NULL, head);
		event = read_once(XT_WS_CLIENT, limits[i], head, n, &used);
		assert_int_equal(event.kind, limits[i] ? XT_WS_MORE : XT_WS_DATA);
		assert_int_equal(used, n);
		n = xt_ws_head_encode(
			XT_WS_FIN | XT_WS_OP_BINARY, (uint64_t)limits[i] + 1, NULL, head);
		event = read_once(XT_WS_CLIENT, limits[i], head, n, &used);
		assert_int_equal(event.kind, XT_WS_FAIL);
		assert_int_equal(event.code, XT_WS_TOO_BIG);
	}
}

/* One with an RSV bit may have an eighth and 64 bytes more. */
static void
test_limit_of_extended(void **state)
{
	static const struct {
		uint32_t limit, most;
	} limits[] = {
		{ 0, 64 },
		{ 7, 71 },
		{ 8, 73 },
		{ 1u << 20, (1u << 20) + (1u << 17) + 64 },
		{ UINT32_MAX - 1, UINT32_MAX },
	};
	char head[XT_WS_HEAD_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
		for (uint64_t past = 0; past < 2; past++) {
			struct xt_ws_reader reader;
			struct xt_ws_event event;
			size_t n = xt_ws_head_encode(XT_WS_FIN | XT_WS_RSV1 | XT_WS_OP_BINARY,
				limits[i].most + past, NULL, head);
			xt_ws_reader_init(&reader, XT_WS_CLIENT, XT_WS_RSV1, limits[i].limit);
			xt_ws_read(&reader, head, n, &event);
			assert_int_equal(event.kind, past ? XT_WS_FAIL : XT_WS_MORE);
		}
}

static void
test_limit_over_fragments(void **state)
{
	static const struct row at = { "limit",
		BYTES("\x01\x02"
		      "ab\x89\x05"
		      "12345\x00\x01"
		      "c\x80\x00"),
		"ping 12345\ntext abc\n" };
	static const struct row past = { "past",
		BYTES("\x01\x02"
		      "ab\x80\x02"),
		"fail 1009 message is over the limit\n" };
	const struct row *both[] = { &at, &past };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct xt_ws_reader reader;
		struct transcript t = { 0 };
		struct xt_buf in = { 0 };
		xt_ws_reader_init(&reader, XT_WS_CLIENT, 0, 3);
		feed(&reader, &in, both[i]->bytes, both[i]->n, &t);
		assert_transcript(&t, both[i]->transcript, both[i]->what);
		xt_buf_fini(&in);
		transcript_fini(&t);
	}
}

/* Big frames in chunks of odd sizes: the phase of the key, the 64-bit length. */
static void
test_large_masked(void **state)
{
	enum { SIZE = 70001 };
	static const uint8_t key[4] = { 1, 0xFE, 0x80, 0x7F };
	char *text = malloc(SIZE), *stream = malloc(SIZE + XT_WS_HEAD_MAX);
	size_t head, n;

	(void)state;
	assert_non_null(text);
	assert_non_null(stream);
	for (size_t i = 0; i < SIZE; i++)
		text[i] = "\xE2\x82\xACx"[i % 4];
	text[SIZE - 1] = 'z';
	head = xt_ws_head_encode(XT_WS_FIN | XT_WS_OP_TEXT, SIZE, key, stream);
	assert_int_equal(head, xt_ws_head_size(SIZE, true));
	xt_mask(stream + head, text, SIZE, key, 0);
	n = head + SIZE;
	for (size_t step = 1; step <= n; step = step * 3 + 1) {
		struct xt_ws_reader reader;
		struct transcript t = { 0 };
		struct xt_buf in = { 0 };
		xt_ws_reader_init(&reader, XT_WS_SERVER, 0, SIZE);
		for (size_t i = 0; i < n; i += step)
			feed(&reader, &in, stream + i, n - i < step ? n - i : step, &t);
		assert_int_equal(t.text.n, SIZE + 6);
		assert_memory_equal(t.text.p + 5, text, SIZE);
		xt_buf_fini(&in);
		transcript_fini(&t);
	}
	free(text);
	free(stream);
}

static void
test_head_encode(void **state)
{
	static const struct {
		uint64_t length;
		const char *head;
		size_t n;
	} cases[] = {
		{ 0, "\x81\x00", 2 },
		{ 125, "\x81\x7D", 2 },
		{ 126, "\x81\x7E\x00\x7E", 4 },
		{ 65535, "\x81\x7E\xFF\xFF", 4 },
		{ 65536, "\x81\x7F\x00\x00\x00\x00\x00\x01\x00\x00", 10 },
		{ INT64_MAX, "\x81\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 10 },
	};
	static const uint8_t key[4] = { 1, 2, 3, 4 };
	char out[XT_WS_HEAD_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t n = xt_ws_head_encode(XT_WS_FIN | XT_WS_OP_TEXT, cases[i].length, NULL, out);
		assert_int_equal(n, cases[i].n);
		assert_int_equal(n, xt_ws_head_size(cases[i].length, false));
		assert_memory_equal(out, cases[i].head, n);
		n = xt_ws_head_encode(XT_WS_FIN | XT_WS_OP_TEXT, cases[i].length, key, out);
		assert_int_equal(n, cases[i].n + 4);
		assert_int_equal((uint8_t)out[1], (uint8_t)cases[i].head[1] | 0x80);
		assert_memory_equal(out + n - 4, key, 4);
	}
}

static void
test_close_codes(void **state)
{
	static const uint16_t valid[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011,
		1012, 1013, 1014, 3000, 3999, 4000, 4410, 4999 };
	static const uint16_t wrong[] = { 0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999,
		5000, 65535 };

	(void)state;
	for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
		assert_true(xt_ws_close_code_valid(valid[i]));
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_false(xt_ws_close_code_valid(wrong[i]));
}

static void
test_close_encode(void **state)
{
	char out[XT_WS_CONTROL_MAX];

	(void)state;
	assert_int_equal(xt_ws_close_encode(1000, XT_STR("bye"), out), 5);
	assert_memory_equal(out,
		"\x03\xE8"
		"bye",
		5);
	assert_int_equal(xt_ws_close_encode(4410, (struct xt_str){ 0 }, out), 2);
	assert_int_equal(xt_ws_close_encode(XT_WS_NO_CODE, XT_STR("none"), out), 0);
	/* 123 bytes fit, the 124th does not, and a character is not cut */
	assert_int_equal(xt_ws_close_encode(1000, XT_STR(X100 X10 X10 "123"), out), 125);
	assert_int_equal(xt_ws_close_encode(1000, XT_STR(X100 X10 X10 "1234"), out), 125);
	assert_int_equal(xt_ws_close_encode(1000, XT_STR(X100 X10 X10 SMILE), out), 122);
	assert_int_equal(xt_ws_close_encode(1000, XT_STR(X100 X10 "xxxxxxxxx" SMILE), out), 125);
}

static void
test_handshake(void **state)
{
	char out[XT_WS_ACCEPT_SIZE];

	(void)state;
	/* RFC 6455 1.3 */
	assert_int_equal(xt_ws_accept(XT_STR("dGhlIHNhbXBsZSBub25jZQ=="), out), 0);
	assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_true(xt_ws_key_valid(XT_STR("dGhlIHNhbXBsZSBub25jZQ==")));
	assert_true(xt_ws_key_valid(XT_STR("AAAAAAAAAAAAAAAAAAAAAB==")));
	assert_false(xt_ws_key_valid(XT_STR("")));
	assert_false(xt_ws_key_valid(XT_STR("dGhlIHNhbXBsZSBub25jZQ=")));
	assert_false(xt_ws_key_valid(XT_STR("dGhlIHNhbXBsZSBub25jZQ===")));
	assert_false(xt_ws_key_valid(XT_STR("dGhlIHNhbXBsZSBub25jZQAA")));
	assert_false(xt_ws_key_valid(XT_STR("dGhlIHNhbXBsZSBub25jZQA=")));
	assert_false(xt_ws_key_valid(XT_STR("dGhlIHNhbXBsZSBub25j=Q==")));
	assert_false(xt_ws_key_valid(XT_STR("dGhlIHNhbXBsZ_Bub25jZQ==")));
}

static void
test_size(void **state)
{
	(void)state;
	assert_true(sizeof(struct xt_ws_reader) <= 32);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_mask_is_for_clients),
		cmocka_unit_test(test_example_whole),
		cmocka_unit_test(test_frame_left),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limit_of_extended),
		cmocka_unit_test(test_limit_over_fragments),
		cmocka_unit_test(test_large_masked),
		cmocka_unit_test(test_head_encode),
		cmocka_unit_test(test_close_codes),
		cmocka_unit_test(test_close_encode),
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
