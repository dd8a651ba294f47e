/*
 * crosstalk_ws.h - WebSocket frames (RFC 6455), read and written, by a server or a client, without any I/O: for
 * programs that have their own.
 *
 *	char *at = bytes;                          struct xt_ws_event event;
 *	do {
 *		used = xt_ws_read(&reader, at, end - at, &event);
 *		at += used;
 *		act(&event);
 *	} while (event.kind != XT_WS_MORE);        keep what is left from `at` on (a tail of a header
 *	                                           or control frame) and put new bytes behind it
 *
 * The reader is a pure function with a state of 28 bytes: it takes the stream in any pieces,
 * removes the mask in place, checks every byte as early as it can be judged, and says one thing at
 * a time. Whatever the pieces, the messages and the failure are the same.
 */
#ifndef CROSSTALK_WS_H
#define CROSSTALK_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crosstalk.h"

#ifdef __cplusplus
extern "C" {
#endif

/* RFC 6455 5.2: the bits of a frame's first byte. FIN and RSV are or-ed to an opcode. */
enum xt_ws_opcode {
	XT_WS_OP_CONTINUATION = 0x0,
	XT_WS_OP_TEXT = 0x1,
	XT_WS_OP_BINARY = 0x2,
	XT_WS_OP_CLOSE = 0x8,
	XT_WS_OP_PING = 0x9,
	XT_WS_OP_PONG = 0xA
};
#define XT_WS_FIN  0x80
#define XT_WS_RSV1 0x40 /* RFC 7692 6: the message is compressed */
#define XT_WS_RSV2 0x20
#define XT_WS_RSV3 0x10
#define XT_WS_RSV  0x70

#define XT_WS_HEAD_MAX    14  /* bytes of the longest frame header, with a masking key */
#define XT_WS_CONTROL_MAX 125 /* RFC 6455 5.5: payload bytes of a control frame */
#define XT_WS_REASON_MAX  123 /* and so, after the code, of the reason in a close frame */
#define XT_WS_TAIL_MAX    130 /* bytes that xt_ws_read() may leave unused, at most */

/* RFC 6455 7.4.1 and the IANA registry of close codes. */
enum xt_ws_code {
	XT_WS_NORMAL = 1000,
	XT_WS_GOING_AWAY = 1001,
	XT_WS_PROTOCOL_ERROR = 1002,
	XT_WS_UNSUPPORTED = 1003,
	XT_WS_NO_CODE = 1005,  /* never sent: the close frame had none */
	XT_WS_ABNORMAL = 1006, /* never sent: the connection ended without a close frame */
	XT_WS_BAD_DATA = 1007,
	XT_WS_POLICY = 1008,
	XT_WS_TOO_BIG = 1009,
	XT_WS_INTERNAL_ERROR = 1011,
	XT_WS_SERVICE_RESTART = 1012,
	XT_WS_TRY_LATER = 1013
};

enum xt_ws_role {
	XT_WS_SERVER, /* reads masked frames, writes them plain */
	XT_WS_CLIENT  /* reads plain frames, writes them masked */
};

enum xt_ws_kind {
	XT_WS_MORE, /* nothing to say until more bytes come */
	XT_WS_DATA, /* a piece of a text or binary message */
	XT_WS_PING, /* a whole control frame, also in the middle of a message */
	XT_WS_PONG,
	XT_WS_CLOSE, /* the peer closes; the reader ignores whatever follows */
	XT_WS_FAIL   /* the peer broke a rule; the reader ignores whatever follows */
};

/*
 * What xt_ws_read() found. `p` points into the caller's bytes and lives as long as they do; the
 * fields that do not belong to `kind` are 0.
 */
struct xt_ws_event {
	enum xt_ws_kind kind;
	uint16_t code;     /* CLOSE: the peer's, or XT_WS_NO_CODE; FAIL: the one to close with */
	uint8_t opcode;    /* DATA: XT_WS_OP_TEXT or XT_WS_OP_BINARY, of the message */
	uint8_t rsv;       /* DATA: the RSV bits of the message's first frame */
	bool first;        /* DATA: begins a message */
	bool last;         /* DATA: ends it; with `first` the message is whole in p, n */
	char *p;           /* DATA, PING, PONG: payload, unmasked; CLOSE: the reason, UTF-8 */
	size_t n;          /* may be 0: an empty message, or an empty frame of one */
	size_t frame_left; /* DATA: payload bytes of this frame that have not come yet */
	const char *why;   /* FAIL: which rule, in a few words; static, fits a close frame */
};

/* How much of a UTF-8 text was seen; zeros are its beginning. Only the library writes it. */
struct xt_utf8 {
	uint8_t state; /* 0: between two characters; else what may follow */
};

/* The state of one direction of a connection. 28 bytes; only the library writes the fields. */
struct xt_ws_reader {
	uint32_t limit;        /* payload bytes of a message, at most */
	uint32_t message_left; /* how much longer the message in progress may become */
	uint32_t frame_left;   /* payload of the frame in progress that has not come */
	uint8_t key[4];        /* of the frame in progress */
	uint8_t phase;         /* which byte of the key is next: 0 to 3 */
	uint8_t next;          /* what is read next */
	uint8_t role;
	uint8_t rsv_allowed;
	uint8_t opcode;      /* of the message in progress, 0: none */
	uint8_t rsv;         /* of the message in progress */
	bool fin;            /* the frame in progress ends the message */
	bool first;          /* of the message in progress nothing was given out yet */
	struct xt_utf8 utf8; /* of the text in progress; complete between messages */
};

/*
 * `rsv_allowed`: the RSV bits that a negotiated extension may set on the first frame of a message
 * (0: none). `limit`: the longest message in bytes as sent, over all its frames; one with an RSV bit may have an
 * eighth and 64 bytes more, which an extension may add to what does not get smaller: its output is the caller's to limit.
 */
XT_API void xt_ws_reader_init(
	struct xt_ws_reader *reader, enum xt_ws_role role, uint8_t rsv_allowed, uint32_t limit);

/*
 * Reads from `p`, `n` and says in `*event` what it found; returns how many bytes it used. Call it
 * again behind them until it says XT_WS_MORE. With MORE up to XT_WS_TAIL_MAX bytes may be left
 * unused, the begin of a header or control frame: call again when more bytes stand behind them.
 *
 * A failure is told at the first byte that shows it (an unused tail is checked too), a message over
 * the limit before its payload. Text is checked to be UTF-8 unless its first frame has an RSV bit:
 * then the extension's output is the text, and checking it is up to the caller.
 * After CLOSE or FAIL all bytes are used and MORE is said.
 */
XT_API size_t xt_ws_read(struct xt_ws_reader *reader, char *p, size_t n, struct xt_ws_event *event);

/* The size of the header that xt_ws_head_encode() writes: for making room before a payload. */
static inline size_t
xt_ws_head_size(uint64_t length, bool masked)
{
	return (length < 126 ? 2u : length <= 0xFFFF ? 4u : 10u) + (masked ? 4u : 0u);
}

/*
 * Writes a frame header and returns its size. `first`: the first byte, XT_WS_FIN | an opcode |
 * RSV bits. `key`: a client's masking key, unpredictable and new for each frame (RFC 6455 5.3), to
 * be used with xt_mask() on the payload; NULL for a server. `length` < 2^63.
 */
XT_API size_t xt_ws_head_encode(
	uint8_t first, uint64_t length, const uint8_t *key, char out[XT_WS_HEAD_MAX]);

/*
 * Writes the payload of a close frame and returns its size. `code` XT_WS_NO_CODE: an empty payload.
 * `reason`, valid UTF-8, is cut at a character to XT_WS_REASON_MAX bytes.
 */
XT_API size_t xt_ws_close_encode(uint16_t code, struct xt_str reason, char out[XT_WS_CONTROL_MAX]);

/* Whether a close frame may carry `code`: registered between 1000 and 2999, or 3000 to 4999. */
XT_API bool xt_ws_close_code_valid(uint16_t code);

#define XT_WS_ACCEPT_SIZE 29 /* of a Sec-WebSocket-Accept value with its NUL */

/* RFC 6455 4.2.1: whether a Sec-WebSocket-Key is base64 of 16 bytes. */
XT_API bool xt_ws_key_valid(struct xt_str key);

/*
 * The Sec-WebSocket-Accept value for `key` (RFC 6455 4.2.2), NUL-ended; `key` has been found valid.
 * 0, or XT_ENOMEM when the hash could not be had.
 */
XT_API int xt_ws_accept(struct xt_str key, char out[XT_WS_ACCEPT_SIZE]);

/*
 * Writes `n` bytes of `src` to `dst`, each with its byte of `key`; `phase` 0 to 3 is the byte of
 * the key for the first one. `dst` is `src` or does not overlap it; no alignment is asked for.
 * Returns whether all that was written is ASCII: in one pass, a text needs no second look then.
 */
XT_API bool xt_mask(char *dst, const char *src, size_t n, const uint8_t key[4], unsigned phase);

/* Whether `s` as a whole is UTF-8: what a text must be before it is sent. */
XT_API bool xt_utf8_valid(struct xt_str s);

#ifdef __cplusplus
}
#endif

#endif
