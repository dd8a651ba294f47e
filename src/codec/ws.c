/*
 * ws.c - the reader of WebSocket frames, and the few bytes that are written around a payload.
 *
 *	            header of a data frame             last payload byte, FIN or not
 *	READ_HEAD ------------------------> READ_PAYLOAD ------------------------> READ_HEAD
 *	    |  control frames: header and payload at once, back to READ_HEAD
 *	    `-- a close frame, or a rule is broken (in READ_PAYLOAD too) --> READ_NOTHING
 *
 * A header is judged by the bytes that are there: those that are missing count as zeros, which
 * makes a length the least that it can still become.
 */
#include "crosstalk_ws.h"

#include <openssl/evp.h>

#include "base/panic.h"
#include "codec/base64.h"
#include "codec/utf8.h"
#include "crosstalk.h"

#define OPCODE     0x0F
#define CONTROL    0x08 /* the opcode bit that all control frames have */
#define MASKED     0x80 /* of the second byte */
#define LENGTH     0x7F
#define LENGTH_16  126 /* the length stands in two more bytes */
#define LENGTH_64  127 /* in eight */
#define KEY_SIZE   4
#define KEY_CHARS  24 /* base64 of the 16 bytes of a handshake key */
#define SHA1_BYTES 20

enum reading { READ_HEAD, READ_PAYLOAD, READ_NOTHING };

struct rule {
	uint16_t code;
	const char *why;
};

static const struct rule rule_opcode = { XT_WS_PROTOCOL_ERROR, "unknown opcode" };
static const struct rule rule_rsv = { XT_WS_PROTOCOL_ERROR, "reserved bits are set" };
static const struct rule rule_fragment = { XT_WS_PROTOCOL_ERROR, "control frame is fragmented" };
static const struct rule rule_no_start = { XT_WS_PROTOCOL_ERROR, "continuation of no message" };
static const struct rule rule_no_end = { XT_WS_PROTOCOL_ERROR, "new message inside a message" };
static const struct rule rule_unmasked = { XT_WS_PROTOCOL_ERROR, "frame is not masked" };
static const struct rule rule_masked = { XT_WS_PROTOCOL_ERROR, "frame is masked" };
static const struct rule rule_control = { XT_WS_PROTOCOL_ERROR, "control frame over 125 bytes" };
static const struct rule rule_minimal = { XT_WS_PROTOCOL_ERROR, "length is not minimal" };
static const struct rule rule_sign = { XT_WS_PROTOCOL_ERROR, "length over 63 bits" };
static const struct rule rule_one_byte = { XT_WS_PROTOCOL_ERROR, "close frame of one byte" };
static const struct rule rule_code = { XT_WS_PROTOCOL_ERROR, "close code is not allowed" };
static const struct rule rule_reason = { XT_WS_BAD_DATA, "close reason is not UTF-8" };
static const struct rule rule_text = { XT_WS_BAD_DATA, "text is not UTF-8" };
static const struct rule rule_text_end = { XT_WS_BAD_DATA, "text ends within a character" };
static const struct rule rule_limit = { XT_WS_TOO_BIG, "message is over the limit" };

/* A frame header, as far as it is there. */
struct head {
	uint8_t first, second;
	uint64_t length; /* the least that it can be */
	size_t size;     /* of the whole header */
};

void
xt_ws_reader_init(
	struct xt_ws_reader *reader, enum xt_ws_role role, uint8_t rsv_allowed, uint32_t limit)
{
	*reader = (struct xt_ws_reader){
		.limit = limit, .role = (uint8_t)role, .rsv_allowed = rsv_allowed & XT_WS_RSV
	};
}

static size_t
fail(struct xt_ws_reader *reader, const struct rule *rule, size_t n, struct xt_ws_event *event)
{
	/* RFC 6455 7.1.7: nothing that follows is processed */
	reader->next = READ_NOTHING;
	*event = (struct xt_ws_event){ .kind = XT_WS_FAIL, .code = rule->code, .why = rule->why };
	return n;
}

/* ---- the header ------------------------------------------------------------------------- */

static const struct rule *
check_control_first(uint8_t first)
{
	/* RFC 6455 11.8: 0xB to 0xF are reserved for further control frames */
	if ((first & OPCODE) > XT_WS_OP_PONG)
		return &rule_opcode;
	/* RFC 6455 5.2: MUST be 0 unless an extension defines it; RFC 7692 6.1: not on control frames */
	if (first & XT_WS_RSV)
		return &rule_rsv;
	/* RFC 6455 5.5: control frames are never fragmented */
	return first & XT_WS_FIN ? NULL : &rule_fragment;
}

static const struct rule *
check_first(const struct xt_ws_reader *reader, uint8_t first)
{
	uint8_t opcode = first & OPCODE;

	if (opcode & CONTROL)
		return check_control_first(first);
	/* RFC 6455 11.8: 0x3 to 0x7 are reserved for further data frames */
	if (opcode > XT_WS_OP_BINARY)
		return &rule_opcode;
	/* RFC 6455 5.2: MUST be 0 unless an extension defines it; RFC 7692 6.1: only on first frames */
	if (first & XT_WS_RSV & ~(opcode ? reader->rsv_allowed : 0))
		return &rule_rsv;
	/* RFC 6455 5.4: a message is one first frame and continuations, never interleaved */
	if (!opcode && !reader->opcode)
		return &rule_no_start;
	return opcode && reader->opcode ? &rule_no_end : NULL;
}

static const struct rule *
check_second(const struct xt_ws_reader *reader, uint8_t first, uint8_t second)
{
	uint8_t length = second & LENGTH;

	/* RFC 6455 5.1: a client masks all frames, a server none */
	if (reader->role == XT_WS_SERVER && !(second & MASKED))
		return &rule_unmasked;
	if (reader->role == XT_WS_CLIENT && second & MASKED)
		return &rule_masked;
	if (!(first & CONTROL))
		return NULL;
	/* RFC 6455 5.5: a control frame has at most 125 bytes */
	if (length > XT_WS_CONTROL_MAX)
		return &rule_control;
	/* RFC 6455 5.5.1: a close frame's body begins with a code of two bytes */
	return (first & OPCODE) == XT_WS_OP_CLOSE && length == 1 ? &rule_one_byte : NULL;
}

/* Of `n` bytes seen of a header with a longer length. */
static const struct rule *
check_extended(const struct head *head, size_t n)
{
	bool wide = (head->second & LENGTH) == LENGTH_64;

	/* RFC 6455 5.2: the most significant bit MUST be 0 */
	if (head->length >> 63)
		return &rule_sign;
	/* RFC 6455 5.2: the minimal number of bytes MUST be used; for eight, six of them tell */
	if (wide && n >= 8 && head->length >> 16 == 0)
		return &rule_minimal;
	return !wide && n >= 4 && head->length < LENGTH_16 ? &rule_minimal : NULL;
}

/* RFC 1951 3.2.6: a literal has up to 9 bits for 8, and blocks have heads. */
static uint32_t
limit_of(const struct xt_ws_reader *reader, uint8_t first)
{
	uint64_t packed = (uint64_t)reader->limit + reader->limit / 8 + 64;

	if (!(first & XT_WS_RSV))
		return reader->limit;
	return packed < UINT32_MAX ? (uint32_t)packed : UINT32_MAX;
}

static const struct rule *
check_limit(const struct xt_ws_reader *reader, const struct head *head)
{
	uint8_t opcode = head->first & OPCODE;
	uint32_t most = opcode ? limit_of(reader, head->first) : reader->message_left;

	if (opcode & CONTROL)
		return NULL;
	return head->length > most ? &rule_limit : NULL;
}

/* Takes the length out of the `n` >= 2 bytes at `p`, and sizes the header. */
static void
parse_length(struct head *head, const uint8_t *p, size_t n)
{
	uint8_t form = head->second & LENGTH;
	size_t width = form == LENGTH_64 ? 8 : form == LENGTH_16 ? 2 : 0;

	head->length = width ? 0 : form;
	for (size_t i = 2; i < 2 + width; i++)
		head->length = head->length << 8 | (i < n ? p[i] : 0);
	head->size = 2 + width + (head->second & MASKED ? KEY_SIZE : 0);
}

/* Reads what is there of a header, and checks it; the result is whole when `n` >= its size. */
static const struct rule *
parse_head(const struct xt_ws_reader *reader, const uint8_t *p, size_t n, struct head *head)
{
	const struct rule *rule;

	*head = (struct head){ .size = 2 };
	if (n < 1)
		return NULL;
	head->first = p[0];
	rule = check_first(reader, p[0]);
	if (rule || n < 2)
		return rule;
	head->second = p[1];
	rule = check_second(reader, p[0], p[1]);
	if (rule)
		return rule;
	parse_length(head, p, n);
	if ((p[1] & LENGTH) >= LENGTH_16) {
		rule = check_extended(head, n);
		if (rule)
			return rule;
	}
	return check_limit(reader, head);
}

/* ---- control frames --------------------------------------------------------------------- */

/* Of the `n` bytes that are there of a close frame's payload; `whole`: there are no more. */
static const struct rule *
check_close(const char *p, size_t n, bool whole)
{
	struct xt_utf8 utf8 = { 0 };

	if (n < 2)
		return NULL;
	/* RFC 6455 7.4: which codes an endpoint may send */
	if (!xt_ws_close_code_valid((uint16_t)((uint8_t)p[0] << 8 | (uint8_t)p[1])))
		return &rule_code;
	/* RFC 6455 5.5.1, 8.1: the reason is UTF-8 */
	if (xt_utf8_feed(&utf8, p + 2, n - 2) < n - 2)
		return &rule_reason;
	return whole && !xt_utf8_complete(&utf8) ? &rule_reason : NULL;
}

/* An incomplete close frame stays masked with the caller: its copy is checked. */
static const struct rule *
check_close_tail(const struct head *head, const char *p, size_t n)
{
	char plain[XT_WS_CONTROL_MAX];
	uint8_t key[KEY_SIZE] = { 0 };

	if (head->second & MASKED)
		memcpy(key, p + head->size - KEY_SIZE, KEY_SIZE);
	xt_mask(plain, p + head->size, n - head->size, key, 0);
	return check_close(plain, n - head->size, false);
}

static void
fill_close(struct xt_ws_reader *reader, char *p, size_t n, struct xt_ws_event *event)
{
	/* RFC 6455 1.4: data after a close frame is discarded */
	reader->next = READ_NOTHING;
	event->kind = XT_WS_CLOSE;
	if (n < 2) {
		event->code = XT_WS_NO_CODE; /* RFC 6455 7.1.5 */
		return;
	}
	event->code = (uint16_t)((uint8_t)p[0] << 8 | (uint8_t)p[1]);
	event->p = p + 2;
	event->n = n - 2;
}

/* A control frame whose header is whole: `p`, `n` begin with it. */
static size_t
read_control(struct xt_ws_reader *reader, const struct head *head, char *p, size_t n,
	struct xt_ws_event *event)
{
	bool close = (head->first & OPCODE) == XT_WS_OP_CLOSE;
	size_t length = (size_t)head->length, size = head->size + length;
	const struct rule *rule = NULL;
	char *payload = p + head->size;

	if (n < size) {
		rule = close ? check_close_tail(head, p, n) : NULL;
		return rule ? fail(reader, rule, n, event) : 0;
	}
	if (head->second & MASKED)
		xt_mask(payload, payload, length, (const uint8_t *)payload - KEY_SIZE, 0);
	if (close) {
		rule = check_close(payload, length, true);
		if (rule)
			return fail(reader, rule, n, event);
		fill_close(reader, payload, length, event);
		return size;
	}
	event->kind = (head->first & OPCODE) == XT_WS_OP_PING ? XT_WS_PING : XT_WS_PONG;
	event->p = payload;
	event->n = length;
	return size;
}

/* ---- data frames ------------------------------------------------------------------------ */

/* Unmasks the next `n` bytes of the payload; whether they are known to be ASCII. */
static bool
unmask(struct xt_ws_reader *reader, char *p, size_t n)
{
	bool ascii;

	if (reader->role != XT_WS_SERVER)
		return false;
	ascii = xt_mask(p, p, n, reader->key, reader->phase);
	reader->phase = (uint8_t)((reader->phase + n) & 3);
	return ascii;
}

static const struct rule *
check_text(struct xt_ws_reader *reader, const char *p, size_t n, bool ascii, bool last)
{
	if (reader->opcode != XT_WS_OP_TEXT || reader->rsv)
		return NULL;
	/* RFC 6455 8.1: text is UTF-8, over all frames of the message */
	if (!(ascii && xt_utf8_complete(&reader->utf8)) && xt_utf8_feed(&reader->utf8, p, n) < n)
		return &rule_text;
	return last && !xt_utf8_complete(&reader->utf8) ? &rule_text_end : NULL;
}

/* After a piece: what comes next. */
static void
advance(struct xt_ws_reader *reader, bool last)
{
	reader->first = false;
	if (reader->frame_left == 0)
		reader->next = READ_HEAD;
	if (last)
		reader->opcode = 0;
}

/* `frame_left` is 0 here only for an empty frame. */
static size_t
read_payload(struct xt_ws_reader *reader, char *p, size_t n, struct xt_ws_event *event)
{
	size_t piece = n < reader->frame_left ? n : reader->frame_left;
	const struct rule *rule;
	bool ascii, last;

	if (piece == 0 && reader->frame_left > 0)
		return 0;
	ascii = unmask(reader, p, piece);
	reader->frame_left -= (uint32_t)piece;
	last = reader->fin && reader->frame_left == 0;
	rule = check_text(reader, p, piece, ascii, last);
	if (rule)
		return fail(reader, rule, n, event);
	event->kind = XT_WS_DATA;
	event->opcode = reader->opcode;
	event->rsv = reader->rsv;
	event->first = reader->first;
	event->last = last;
	event->p = p;
	event->n = piece;
	event->frame_left = reader->frame_left;
	advance(reader, last);
	return piece;
}

static void
begin_frame(struct xt_ws_reader *reader, const struct head *head, const char *p)
{
	uint8_t opcode = head->first & OPCODE;

	if (opcode) {
		reader->opcode = opcode;
		reader->rsv = head->first & XT_WS_RSV;
		reader->first = true;
		reader->message_left = limit_of(reader, head->first);
	}
	reader->fin = head->first & XT_WS_FIN;
	reader->message_left -= (uint32_t)head->length;
	reader->frame_left = (uint32_t)head->length;
	if (head->second & MASKED)
		memcpy(reader->key, p + head->size - KEY_SIZE, KEY_SIZE);
	reader->phase = 0;
	reader->next = READ_PAYLOAD;
}

static size_t
read_head(struct xt_ws_reader *reader, char *p, size_t n, struct xt_ws_event *event)
{
	struct head head;
	const struct rule *rule = parse_head(reader, (const uint8_t *)p, n, &head);

	if (rule)
		return fail(reader, rule, n, event);
	if (n < head.size)
		return 0;
	if (head.first & CONTROL)
		return read_control(reader, &head, p, n, event);
	begin_frame(reader, &head, p);
	return head.size + read_payload(reader, p + head.size, n - head.size, event);
}

static size_t
read_nothing(struct xt_ws_reader *reader, char *p, size_t n, struct xt_ws_event *event)
{
	(void)reader, (void)p, (void)event;
	return n;
}

size_t
xt_ws_read(struct xt_ws_reader *reader, char *p, size_t n, struct xt_ws_event *event)
{
	static size_t (*const reads[])(
		struct xt_ws_reader *, char *, size_t, struct xt_ws_event *) = {
		[READ_HEAD] = read_head,
		[READ_PAYLOAD] = read_payload,
		[READ_NOTHING] = read_nothing,
	};

	*event = (struct xt_ws_event){ .kind = XT_WS_MORE };
	return reads[reader->next](reader, p, n, event);
}

/* ---- writing ---------------------------------------------------------------------------- */

/* Big-endian: RFC 6455 5.2, network byte order. */
static char *
put_big_endian(char *out, uint64_t value, unsigned bytes)
{
	while (bytes-- > 0)
		*out++ = (char)(uint8_t)(value >> 8 * bytes);
	return out;
}

size_t
xt_ws_head_encode(uint8_t first, uint64_t length, const uint8_t *key, char out[XT_WS_HEAD_MAX])
{
	unsigned width = length < LENGTH_16 ? 0 : length <= UINT16_MAX ? 2 : 8;
	uint64_t form = width == 0 ? length : width == 2 ? LENGTH_16 : LENGTH_64;
	char *at = out;

	XT_ASSERT(length >> 63 == 0);
	*at++ = (char)first;
	*at++ = (char)(uint8_t)(form | (key ? MASKED : 0));
	at = put_big_endian(at, length, width);
	if (key) {
		memcpy(at, key, KEY_SIZE);
		at += KEY_SIZE;
	}
	return (size_t)(at - out);
}

bool
xt_ws_close_code_valid(uint16_t code)
{
	/* RFC 6455 7.4.1 and IANA: 1004, 1005, 1006, 1015 and what is not registered are reserved */
	if (code < 3000)
		return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
	/* RFC 6455 7.4.2: 3000 to 3999 by registration, 4000 to 4999 private */
	return code <= 4999;
}

size_t
xt_ws_close_encode(uint16_t code, struct xt_str reason, char out[XT_WS_CONTROL_MAX])
{
	size_t n = xt_utf8_cut(reason, XT_WS_REASON_MAX);

	if (code == XT_WS_NO_CODE)
		return 0;
	XT_ASSERT(xt_ws_close_code_valid(code));
	put_big_endian(out, code, 2);
	if (n)
		memcpy(out + 2, reason.p, n);
	return 2 + n;
}

/* ---- the handshake ---------------------------------------------------------------------- */

bool
xt_ws_key_valid(struct xt_str key)
{
	/* RFC 6455 4.2.1: decoded, 16 bytes; RFC 4648 3.5 lets a decoder ignore the unused bits */
	if (key.n != KEY_CHARS || key.p[22] != '=' || key.p[23] != '=')
		return false;
	for (size_t i = 0; i < 22; i++)
		if (!xt_base64_char(key.p[i]))
			return false;
	return true;
}

int
xt_ws_accept(struct xt_str key, char out[XT_WS_ACCEPT_SIZE])
{
	/* RFC 6455 1.3: the key and this, hashed */
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[KEY_CHARS + sizeof guid - 1];
	unsigned char hash[SHA1_BYTES];
	size_t n;

	XT_ASSERT(key.n == KEY_CHARS);
	memcpy(text, key.p, KEY_CHARS);
	memcpy(text + KEY_CHARS, guid, sizeof guid - 1);
	if (!EVP_Digest(text, sizeof text, hash, NULL, EVP_sha1(), NULL))
		return XT_ENOMEM;
	n = xt_base64_encode(xt_str_of(hash, sizeof hash), out);
	out[n] = '\0';
	return 0;
}
