/*
 * json.h - JSON as text (RFC 8259): is it valid, how is a string written, where may it stand.
 *
 * For payloads that pass through untouched. Nothing here builds values: that is jansson's.
 */
#ifndef XT_CODEC_JSON_H
#define XT_CODEC_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

#define XT_JSON_DEPTH_MAX 128 /* arrays and objects within each other */

/*
 * Whether `text` is one JSON value, in UTF-8, with at most `depth_limit` (and XT_JSON_DEPTH_MAX)
 * arrays and objects around anything. If not, `*error_at` is the index of the first byte that can't
 * be (`text.n`: it ends too early) and `*what` a few static words. What the grammar allows passes:
 * lone surrogates as \u escapes, names twice in an object, numbers of any size.
 */
bool xt_json_check(struct xt_str text, size_t depth_limit, size_t *error_at, const char **what);

/* Appends `utf8`, which is valid UTF-8, as a JSON string with its quotes. 0 or XT_ENOMEM. */
int xt_json_quote(struct xt_buf *out, struct xt_str utf8);

/*
 * The same, and safe inside an HTML <script> (and any other HTML): < > & and the line ends of old
 * ECMAScript, U+2028 and U+2029, are escaped. 0 or XT_ENOMEM.
 */
int xt_json_quote_script(struct xt_buf *out, struct xt_str utf8);

/* Appends valid JSON, made safe inside an HTML <script> as above; its value is the same. */
int xt_json_script_safe(struct xt_buf *out, struct xt_str json);

/*
 * Appends valid JSON without its line ends and tabs, which can only be space between tokens: one
 * line, as NDJSON and server-sent events need it. 0 or XT_ENOMEM.
 */
int xt_json_compact_line(struct xt_buf *out, struct xt_str json);

#endif
