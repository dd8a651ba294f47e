/*
 * fuzz_json.c - the JSON check against jansson, and what is written against what is read again.
 *
 * Jansson refuses more than RFC 8259 does (numbers that it can't hold, lone surrogates, a NUL in a
 * name) and says so; it allows deeper nesting than we do, and takes a NUL behind the value for the
 * end of the text.
 */
#include <jansson.h>

#include "base/buf.h"
#include "base/panic.h"
#include "codec/json.h"
#include "codec/utf8.h"

#define FLAGS (JSON_DECODE_ANY | JSON_ALLOW_NUL)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether jansson refused what RFC 8259 allows. */
static bool
beyond_jansson(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_numeric_overflow: /* RFC 8259 6: no limit of range */
	case json_error_null_byte_in_key: /* a name is any string */
		return true;
	case json_error_invalid_syntax: /* RFC 8259 8.2: a lone surrogate as an escape */
		return strstr(error->text, "invalid Unicode") != NULL;
	default:
		return false;
	}
}

static bool
is_valid(struct xt_str text)
{
	size_t at = SIZE_MAX;
	const char *what = NULL;
	bool valid = xt_json_check(text, XT_JSON_DEPTH_MAX, &at, &what);

	XT_ASSERT(valid || (at <= text.n && what));
	return valid;
}

static bool
is_too_deep(struct xt_str text)
{
	size_t at;
	const char *what;

	return !xt_json_check(text, XT_JSON_DEPTH_MAX, &at, &what) &&
	       strcmp(what, "nested too deeply") == 0;
}

static void
check_against_jansson(struct xt_str text, json_t *value, const json_error_t *error)
{
	if (is_valid(text))
		XT_ASSERT(value || beyond_jansson(error));
	else
		XT_ASSERT(!value || is_too_deep(text) || memchr(text.p, '\0', text.n));
}

/* `buf` holds JSON of the same value, without any of `banned`. */
static void
check_rewritten(struct xt_buf *buf, const json_t *value, const char *banned)
{
	json_t *again = json_loadb(buf->p, buf->n, FLAGS, NULL);

	XT_ASSERT(is_valid(xt_buf_str(buf)));
	XT_ASSERT(!value || (again && json_equal(again, value)));
	for (const char *c = banned; *c; c++)
		XT_ASSERT(!memchr(buf->p, *c, buf->n));
	json_decref(again);
	xt_buf_fini(buf);
}

/* Any valid UTF-8 as a string. */
static void
check_quote(struct xt_str text)
{
	json_t *value = json_stringn(text.p, text.n);
	struct xt_buf buf = { 0 };

	XT_ASSERT(value);
	XT_ASSERT(xt_json_quote(&buf, text) == 0);
	XT_ASSERT(buf.cap == buf.n);
	check_rewritten(&buf, value, "\r\n\t");
	XT_ASSERT(xt_json_quote_script(&buf, text) == 0);
	XT_ASSERT(!memmem(buf.p, buf.n, "\xE2\x80\xA8", 3));
	check_rewritten(&buf, value, "\r\n\t<>&");
	json_decref(value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xt_str text = xt_str_of(data, size);
	struct xt_buf buf = { 0 };
	json_error_t error;
	json_t *value = json_loadb((const char *)data, size, FLAGS, &error);

	check_against_jansson(text, value, &error);
	if (is_valid(text)) {
		XT_ASSERT(xt_json_script_safe(&buf, text) == 0);
		check_rewritten(&buf, value, "<>&");
		XT_ASSERT(xt_json_compact_line(&buf, text) == 0);
		check_rewritten(&buf, value, "\r\n\t");
	}
	if (xt_utf8_valid(text))
		check_quote(text);
	json_decref(value);
	return 0;
}
