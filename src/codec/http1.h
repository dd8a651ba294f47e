/*
 * http1.h - HTTP/1.1 messages (RFC 9112, fields of RFC 9110): request heads and chunked bodies are
 * read, status lines and chunk heads are written. Pure: no I/O, no clock, no allocation.
 *
 * Strict on purpose: where two servers could read the same bytes differently, they are refused.
 * All functions may be called with the input cut at any place; the outcome is the same.
 */
#ifndef XT_CODEC_HTTP1_H
#define XT_CODEC_HTTP1_H

#include <sys/types.h>

#include "base/str.h"

#define XT_HTTP1_FIELDS         100          /* in a head; also in a trailer section */
#define XT_HTTP1_METHOD_MAX     32           /* bytes of a method */
#define XT_HTTP1_CHUNK_EXT_MAX  256          /* bytes of a chunk's extensions */
#define XT_HTTP1_CHUNK_EXTS_MAX (16u * 1024) /* bytes of all extensions in one body */
#define XT_HTTP1_TRAILERS_MAX   (8u * 1024)  /* bytes of the trailer section */

/* Why a message was refused: the status to answer with, and a sentence for a human. Both static. */
struct xt_http1_error {
	unsigned status; /* 400, 414, 431, 501 or 505 */
	const char *words;
};

/* ---- the head of a request ------------------------------------------------------------- */

struct xt_http1_limits {
	size_t head;   /* bytes of the request line, the fields and the empty line: 431 */
	size_t target; /* bytes of the request target: 414 */
};

struct xt_http1_field {
	struct xt_str name;  /* a token, in the case it came in */
	struct xt_str value; /* without blanks around it; no control characters but HTAB */
};

enum xt_http1_expect { XT_HTTP1_EXPECT_NONE, XT_HTTP1_EXPECT_CONTINUE, XT_HTTP1_EXPECT_UNKNOWN };

/* A head that was read. Points into the bytes it was read from. */
struct xt_http1_head {
	struct xt_str method; /* a token, case-sensitive */
	struct xt_str target; /* as it came: origin, absolute or asterisk form */
	struct xt_str path;   /* begins with '/', or is "*" (OPTIONS only); still percent-encoded */
	struct xt_str query;  /* what follows '?'; p is NULL when there is no '?' */
	struct xt_str host;   /* from an absolute target, else from Host; may be empty */
	unsigned minor;       /* 0 or 1; HTTP/1.2 and later are treated as 1 (RFC 9110 2.5) */
	size_t size;          /* bytes of all this as received, the empty line included */

	/* What the fields say about the message and the connection. */
	bool has_length, chunked; /* never both; neither: there is no body */
	uint64_t length;
	bool keep_alive;
	bool upgrade; /* HTTP/1.1 with an Upgrade field that Connection names (RFC 9110 7.8) */
	enum xt_http1_expect expect;

	size_t fields_count;
	struct xt_http1_field fields[XT_HTTP1_FIELDS];
};

/* How far a head was looked at, so that no byte is looked at twice. Zeros: at its beginning. */
struct xt_http1_reader {
	uint32_t at;     /* bytes looked at */
	uint32_t target; /* where the target begins */
	uint8_t state;
	uint8_t version;  /* bytes of "HTTP/1.x" matched */
	bool other_major; /* it is not HTTP/1 */
	uint16_t fields;
};

/*
 * Reads a head from the `n` bytes at `p`: always from its first byte on, also when the last call
 * returned 0 (they may have moved, but not changed). Returns the bytes of the head, 0 when it is not complete,
 * or XT_EPROTO with `*error` filled as soon as a byte cannot belong to a head we serve: the
 * connection can't be used any longer then. `*head` is filled only when the head is complete.
 * After a complete head the reader is at the beginning of the next.
 */
ssize_t xt_http1_head_read(struct xt_http1_reader *reader, const char *p, size_t n,
	const struct xt_http1_limits *limits, struct xt_http1_head *head,
	struct xt_http1_error *error);

/* The value of the first field called `name`, whatever the case; p is NULL when there is none. */
struct xt_str xt_http1_field(const struct xt_http1_head *head, struct xt_str name);

/* How many fields are called `name`, whatever the case. */
size_t xt_http1_field_count(const struct xt_http1_head *head, struct xt_str name);

/*
 * The next member of the comma-separated list in `*rest` (RFC 9110 5.6.1), without blanks around
 * it; empty members are skipped, commas in quoted strings do not count. False: no more.
 */
bool xt_http1_list_next(struct xt_str *rest, struct xt_str *member);

/*
 * As xt_str_cut() at ';', but those in quoted strings do not count: what stands before the first parameter of such a
 * member (RFC 9110 5.6.6), then each of them. `rest->p` is NULL after the last.
 */
struct xt_str xt_http1_parameter_cut(struct xt_str *rest);

/* Whether `s` is a token (RFC 9110 5.6.2): not empty, no separators. */
bool xt_http1_is_token(struct xt_str s);

/* ---- a chunked body -------------------------------------------------------------------- */

/* Zeros: at its beginning. `left` and `total` may be read to refuse a body that is too large. */
struct xt_http1_chunks {
	uint64_t left;     /* of this chunk's data, as announced, not read yet */
	uint64_t total;    /* bytes of data read so far */
	uint32_t overhead; /* bytes of extensions so far */
	uint16_t line;     /* bytes of this extension, or of the trailer section so far */
	uint8_t state;
	uint8_t digits; /* of the chunk size */
	uint8_t fields; /* trailer fields; they are checked and dropped */
	bool done;      /* the body is complete */
};

/*
 * Decodes in place: of the `n` bytes at `p` some are used (the number comes back), and the data
 * that was among them now stands at `p`, `*data` bytes of it. All `n` are used unless the
 * body ends among them (`done`). XT_EPROTO with `*error` when it is malformed.
 */
ssize_t xt_http1_chunks_read(struct xt_http1_chunks *chunks, char *p, size_t n, size_t *data,
	struct xt_http1_error *error);

/* ---- writing --------------------------------------------------------------------------- */

/* "Not Found"; "Unknown" for a status without a registered phrase. Static. */
const char *xt_http1_reason(unsigned status);

#define XT_HTTP1_DATE_SIZE 29

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7) for seconds since 1970; no NUL. */
void xt_http1_date(char out[XT_HTTP1_DATE_SIZE], uint64_t seconds);

#define XT_HTTP1_CHUNK_HEAD_MAX 18

/* What stands before a chunk of `n` >= 1 bytes: its size and CRLF. Returns the bytes written. */
size_t xt_http1_chunk_head(char out[XT_HTTP1_CHUNK_HEAD_MAX], uint64_t n);

#define XT_HTTP1_CHUNK_TAIL XT_STR("\r\n")      /* what stands after a chunk */
#define XT_HTTP1_CHUNK_LAST XT_STR("0\r\n\r\n") /* the end of the body, without trailers */

#endif
