/* percent.c - percent-encoding, by tables. */
#include "codec/percent.h"

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that "%XX" at `at` stands for, or -1. */
static int
triplet(struct xt_str in, size_t at)
{
	int high, low;

	if (in.n - at < 3)
		return -1;
	high = hex_value(in.p[at + 1]);
	low = hex_value(in.p[at + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

size_t
xt_percent_match(struct xt_str in, struct xt_str text)
{
	size_t at = 0;

	for (size_t i = 0; i < text.n; i++) {
		int byte = at < in.n && in.p[at] == '%' ? triplet(in, at) : -1;
		char c = byte < 0 && at < in.n ? in.p[at] : (char)byte;
		if (at >= in.n || c != text.p[i])
			return 0;
		at += byte < 0 ? 1 : 3;
	}
	return at;
}

static bool
decode(struct xt_str in, char *out, size_t *n, char plus)
{
	size_t at = 0, to = 0;

	while (at < in.n) {
		char c = in.p[at];
		if (c == '%') {
			int byte = triplet(in, at);
			if (byte < 0) {
				*n = at;
				return false;
			}
			out[to++] = (char)byte;
			at += 3;
			continue;
		}
		out[to++] = c == '+' ? plus : c;
		at++;
	}
	*n = to;
	return true;
}

bool
xt_percent_decode(struct xt_str in, char *out, size_t *n)
{
	return decode(in, out, n, '+');
}

bool
xt_percent_decode_form(struct xt_str in, char *out, size_t *n)
{
	return decode(in, out, n, ' ');
}

/* RFC 3986 2.3. */
static bool
is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

static size_t
encode(struct xt_str in, char *out, bool slash)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t to = 0;

	for (size_t i = 0; i < in.n; i++) {
		unsigned char byte = (unsigned char)in.p[i];
		if (is_unreserved(in.p[i]) || (slash && byte == '/')) {
			out[to++] = in.p[i];
			continue;
		}
		out[to++] = '%';
		out[to++] = digits[byte >> 4];
		out[to++] = digits[byte & 15];
	}
	return to;
}

size_t
xt_percent_encode_path(struct xt_str in, char *out)
{
	return encode(in, out, true);
}

size_t
xt_percent_encode_segment(struct xt_str in, char *out)
{
	return encode(in, out, false);
}
