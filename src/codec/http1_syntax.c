/* http1_syntax.c - character classes, tokens, lists, and the words for what is wrong. */
#include "codec/http1_syntax.h"

#include "crosstalk.h"

/*
 * A target may hold what RFC 3986 allows and, beyond it, \ ^ ` { | } [ ], which browsers leave as they
 * are in a query. Not '#': a fragment is never sent (RFC 9112 3.2.1).
 */
const uint8_t xt_http1_classes[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0,                /* 00 */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,                /* 10 */
	2, 15, 2, 3, 15, 15, 15, 15, 14, 14, 15, 15, 14, 15, 15, 6,    /* 20 */
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 6, 14, 2, 14, 2, 6,    /* 30 */
	6, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* 40 */
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 6, 6, 6, 7, 15,    /* 50 */
	7, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* 60 */
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 6, 7, 6, 15, 0,    /* 70 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,                /* 80 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,                /* 90 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,                /* A0 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,                /* B0 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,                /* C0 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,                /* D0 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,                /* E0 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,                /* F0 */
};

int
xt_http1_refuse(struct xt_http1_error *error, unsigned status, const char *words)
{
	*error = (struct xt_http1_error){ .status = status, .words = words };
	return XT_EPROTO;
}

const char *
xt_http1_wrong_byte(char c)
{
	if (c == '\n')
		return "a line ends with LF alone; it must end with CR LF";
	if (c == '\r')
		return "a CR is not followed by LF";
	if (c == '\0')
		return "there is a NUL in the header";
	if ((unsigned char)c >= 0x80)
		return "there is a byte that is not ASCII where only ASCII is allowed; "
		       "percent-encode it";
	return "there is a character in the header that is not allowed there";
}

bool
xt_http1_is_token(struct xt_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!xt_http1_is(s.p[i], XT_HTTP1_TCHAR))
			return false;
	return s.n > 0;
}

/* Bytes up to the next separator that is not in a quoted string (RFC 9110 5.6.4), or to the end. */
static size_t
size_until(struct xt_str s, char separator)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.n && (quoted || s.p[i] != separator); i++) {
		if (s.p[i] == '"')
			quoted = !quoted;
		else if (quoted && s.p[i] == '\\')
			i++;
	}
	return i < s.n ? i : s.n;
}

bool
xt_http1_list_next(struct xt_str *rest, struct xt_str *member)
{
	while (rest->n > 0) {
		size_t n = size_until(*rest, ',');
		*member = xt_str_trim(xt_str_of(rest->p, n));
		*rest = xt_str_skip(*rest, n + 1);
		if (member->n > 0)
			return true;
	}
	return false;
}

struct xt_str
xt_http1_parameter_cut(struct xt_str *rest)
{
	struct xt_str all = *rest;
	size_t n = size_until(all, ';');

	/* An empty one at the end is one, too. */
	*rest = n < all.n ? xt_str_of(all.p + n + 1, all.n - n - 1) : (struct xt_str){ 0 };
	return xt_str_of(all.p, n);
}

struct xt_str
xt_http1_field(const struct xt_http1_head *head, struct xt_str name)
{
	for (size_t i = 0; i < head->fields_count; i++)
		if (xt_str_ieq(head->fields[i].name, name))
			return head->fields[i].value;
	return (struct xt_str){ 0 };
}

size_t
xt_http1_field_count(const struct xt_http1_head *head, struct xt_str name)
{
	size_t count = 0;

	for (size_t i = 0; i < head->fields_count; i++)
		count += xt_str_ieq(head->fields[i].name, name);
	return count;
}
