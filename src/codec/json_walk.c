/* json_walk.c - finds its way through valid JSON by looking at quotes and brackets only. */
#include "codec/json_walk.h"

#include "crosstalk.h"

#define REPLACEMENT 0xFFFD

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct xt_str
trim(struct xt_str s)
{
	while (s.n > 0 && is_space(s.p[0]))
		s = xt_str_skip(s, 1);
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Bytes of the string that begins there, with its quotes. */
static size_t
string_size(struct xt_str s)
{
	size_t n = 1;

	while (n < s.n && s.p[n] != '"')
		n += s.p[n] == '\\' ? 2 : 1;
	return n < s.n ? n + 1 : s.n;
}

/* Bytes up to the first `end` that is in no string, array or object; or all. */
static size_t
size_to(struct xt_str s, char end)
{
	size_t depth = 0, n = 0;

	while (n < s.n && (depth > 0 || s.p[n] != end)) {
		char c = s.p[n];
		if (c == '"') {
			n += string_size(xt_str_skip(s, n));
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
		n++;
	}
	return n;
}

struct xt_str
xt_json_object(struct xt_str text)
{
	text = trim(text);
	if (text.n < 2 || text.p[0] != '{')
		return (struct xt_str){ 0 };
	return xt_str_of(text.p + 1, text.n - 2);
}

bool
xt_json_member_next(struct xt_str *rest, struct xt_json_member *member)
{
	struct xt_str all = trim(*rest);
	size_t n = size_to(all, ','), colon;

	if (all.n == 0)
		return false;
	*rest = xt_str_skip(all, n + 1);
	all.n = n;
	colon = size_to(all, ':');
	member->name = trim(xt_str_of(all.p, colon));
	member->value = trim(xt_str_skip(all, colon + 1));
	return true;
}

struct xt_str
xt_json_member(struct xt_str object, struct xt_str name)
{
	struct xt_json_member member;
	struct xt_str found = { 0 };

	while (xt_json_member_next(&object, &member))
		if (member.name.n == name.n + 2 &&
			xt_str_eq(xt_str_of(member.name.p + 1, name.n), name))
			found = member.value;
	return found;
}

/* ---- strings ----------------------------------------------------------------------------- */

static unsigned
hex4(const char *p)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];
		value = value << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

static void
put_utf8(struct xt_buf *out, unsigned c)
{
	if (c < 0x80) {
		xt_buf_put_char(out, (char)c);
		return;
	}
	if (c < 0x800) {
		xt_buf_put_char(out, (char)(0xC0 | c >> 6));
	} else {
		if (c < 0x10000) {
			xt_buf_put_char(out, (char)(0xE0 | c >> 12));
		} else {
			xt_buf_put_char(out, (char)(0xF0 | c >> 18));
			xt_buf_put_char(out, (char)(0x80 | (c >> 12 & 0x3F)));
		}
		xt_buf_put_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
	}
	xt_buf_put_char(out, (char)(0x80 | (c & 0x3F)));
}

/* RFC 8259 7: \uXXXX, or two of them for what lies beyond the first plane. Returns the bytes used. */
static size_t
put_unicode(struct xt_buf *out, struct xt_str s)
{
	unsigned c = hex4(s.p + 2), low;

	if (c >= 0xD800 && c <= 0xDBFF && s.n >= 12 && s.p[6] == '\\' && s.p[7] == 'u') {
		low = hex4(s.p + 8);
		if (low >= 0xDC00 && low <= 0xDFFF) {
			put_utf8(out, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00));
			return 12;
		}
	}
	put_utf8(out, c >= 0xD800 && c <= 0xDFFF ? REPLACEMENT : c);
	return 6;
}

static char
escaped(char c)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *at = strchr(from, c);

	return at ? to[at - from] : c;
}

int
xt_json_unquote(struct xt_buf *out, struct xt_str string)
{
	struct xt_str s = xt_str_of(string.p + 1, string.n - 2);

	if (xt_buf_reserve(out, s.n + 1) < 0)
		return XT_ENOMEM;
	while (s.n > 0) {
		size_t n = 1;
		if (s.p[0] != '\\' || s.n < 2) {
			xt_buf_put_char(out, s.p[0]);
		} else if (s.p[1] == 'u' && s.n >= 6) {
			n = put_unicode(out, s);
		} else {
			xt_buf_put_char(out, escaped(s.p[1]));
			n = 2;
		}
		s = xt_str_skip(s, n);
	}
	return 0;
}
