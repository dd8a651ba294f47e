/*
 * utf8.h - is this UTF-8, as far as it has come? (RFC 3629)
 *
 * A validator of one byte (struct xt_utf8) that takes text in any pieces. Zeros are a valid start. Of a text that
 * is whole, xt_utf8_valid() of crosstalk_ws.h tells.
 */
#ifndef XT_CODEC_UTF8_H
#define XT_CODEC_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "crosstalk_ws.h"

/*
 * Reads the next `n` bytes. Returns `n` when all is well so far, else the index of the first byte
 * that no valid text can have there: E0 80 fails at the 80, F5 at itself, ED A0 at the A0. After a
 * failure the state is that before the wrong byte.
 */
size_t xt_utf8_feed(struct xt_utf8 *utf8, const char *p, size_t n);

/* Whether what was fed ends with a whole character, so that the text may end here. */
static inline bool
xt_utf8_complete(const struct xt_utf8 *utf8)
{
	return utf8->state == 0;
}

/* The longest `m` <= `n` at which `s`, valid UTF-8, can be cut without cutting a character. */
size_t xt_utf8_cut(struct xt_str s, size_t n);

#endif
