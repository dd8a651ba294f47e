/* base64.h - the base64 of RFC 4648 4: written with its padding, read strictly. */
#ifndef XT_CODEC_BASE64_H
#define XT_CODEC_BASE64_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"

/* The bytes that `n` bytes become. */
#define XT_BASE64_SIZE(n) (((n) + 2) / 3 * 4)

/* Room that decoding `n` bytes of base64 needs, at most. */
#define XT_BASE64_ROOM(n) ((n) / 4 * 3)

/* Whether `c` is one of the 64 characters ('=' is not). */
bool xt_base64_char(char c);

/* Writes XT_BASE64_SIZE(in.n) bytes to `out`, no NUL, and returns how many. */
size_t xt_base64_encode(struct xt_str in, char *out);

/* Appends the base64 of `in`. 0 or XT_ENOMEM. */
int xt_base64_append(struct xt_buf *out, struct xt_str in);

/*
 * Decodes to `out`, room for XT_BASE64_ROOM(text.n), which may be `text.p` itself. Returns how many
 * bytes, or XT_EINVAL for whatever xt_base64_encode() would not have written: other characters,
 * line ends, padding that is missing or too much, unused bits that are not 0.
 */
ssize_t xt_base64_decode(struct xt_str text, char *out);

#endif
