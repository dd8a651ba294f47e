/*
 * json_walk.h - the members of a JSON object, in their order, as slices of its text. For text that xt_json_check() found valid; nothing
 * is built, so a value passes through byte for byte.
 */
#ifndef XT_CODEC_JSON_WALK_H
#define XT_CODEC_JSON_WALK_H

#include "base/buf.h"

struct xt_json_member {
	struct xt_str name;  /* with its quotes */
	struct xt_str value; /* as it stands there; a string with its quotes */
};

/* What stands between the braces of `text`; p is NULL when it is no object. To be walked with the next one. */
struct xt_str xt_json_object(struct xt_str text);

/* The next member off the front of `*rest`. False: no more. */
bool xt_json_member_next(struct xt_str *rest, struct xt_json_member *member);

/* The last member called `name`, which needs no escapes; p is NULL: there is none. */
struct xt_str xt_json_member(struct xt_str object, struct xt_str name);

static inline bool
xt_json_is_string(struct xt_str value)
{
	return value.n >= 2 && value.p[0] == '"';
}

/*
 * Appends what a JSON string says, in UTF-8; half of a surrogate pair becomes U+FFFD. Never longer than the string
 * itself. 0 or XT_ENOMEM.
 */
int xt_json_unquote(struct xt_buf *out, struct xt_str string);

#endif
