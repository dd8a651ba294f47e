/*
 * percent.h - percent-encoding (RFC 3986 2.1). Pure; strict when decoding.
 */
#ifndef XT_CODEC_PERCENT_H
#define XT_CODEC_PERCENT_H

#include "base/str.h"

/*
 * Decodes `in` to `out`, which has room for in.n bytes and may be in.p itself. True, with the
 * bytes written in `*n`; false when a '%' is not followed by two hexadecimal digits, with that
 * '%'s place in `*n`. Any byte may come out, NUL too: checking is the caller's.
 */
bool xt_percent_decode(struct xt_str in, char *out, size_t *n);

/* The same for application/x-www-form-urlencoded, where '+' is a space. */
bool xt_percent_decode_form(struct xt_str in, char *out, size_t *n);

/*
 * How many bytes of `in`, as it is sent, stand for `text`; 0: it does not begin with it. A '%' without two digits
 * stands for itself.
 */
size_t xt_percent_match(struct xt_str in, struct xt_str text);

/*
 * Encodes `in` as part of a path: all but A-Z a-z 0-9 - . _ ~ / become %XX. `out` has room for
 * 3 * in.n bytes; the bytes written come back.
 */
size_t xt_percent_encode_path(struct xt_str in, char *out);

/* The same with '/' encoded too: for one segment, or a value in a query. */
size_t xt_percent_encode_segment(struct xt_str in, char *out);

#endif
