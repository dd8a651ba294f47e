/*
 * http1_response.h - the head of an HTTP/1.1 response, as a client reads it (RFC 9112). Pure, strict, in any pieces.
 */
#ifndef XT_CODEC_HTTP1_RESPONSE_H
#define XT_CODEC_HTTP1_RESPONSE_H

#include "codec/http1.h"

#define XT_HTTP1_RESPONSE_MAX (32u * 1024) /* bytes of a head */

/* A head that was read. Points into the bytes it was read from. */
struct xt_http1_response {
	unsigned status;      /* 100 to 999 */
	unsigned minor;       /* 0 or 1 */
	struct xt_str reason; /* the phrase; may be empty */
	size_t size;          /* bytes of all this, the empty line included */
	size_t fields_count;
	struct xt_http1_field fields[XT_HTTP1_FIELDS];
};

/* How far a head was looked at. Zeros: at its beginning. */
struct xt_http1_response_reader {
	uint32_t line; /* where the line begins that is not complete … */
	uint32_t at;   /* … and how far it was looked at */
	uint16_t fields;
	bool begun; /* the status line was complete */
};

/*
 * Reads a head from the `n` bytes at `p`: always from its first byte on, also when the last call returned 0 (they may have
 * moved, but not changed). Returns the bytes of the head, 0 when it is not complete, or XT_EPROTO with static words in `*why` once
 * a line can't belong to one, or it is over a limit. After a complete head the reader is at the beginning of the next.
 */
ssize_t xt_http1_response_read(struct xt_http1_response_reader *reader, const char *p, size_t n,
	struct xt_http1_response *response, const char **why);

/* The value of the first field called `name`, whatever the case; p is NULL when there is none. */
struct xt_str xt_http1_response_field(const struct xt_http1_response *response, struct xt_str name);

/* How many fields are called `name`, whatever the case. */
size_t xt_http1_response_field_count(const struct xt_http1_response *response, struct xt_str name);

#endif
