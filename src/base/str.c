/* str.c - comparing, trimming, cutting and reading borrowed runs of bytes. */
#include "base/str.h"

static unsigned char
lower(char c)
{
	unsigned char u = (unsigned char)c;
	return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

bool
xt_str_ieq(struct xt_str a, struct xt_str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct xt_str
xt_str_trim(struct xt_str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
xt_str_u64(struct xt_str s, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (s.n == 0 || s.n > 20)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';
		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value > max)
		return false;
	*out = value;
	return true;
}

struct xt_str
xt_str_cut(struct xt_str *rest, char separator)
{
	const char *at = rest->n ? memchr(rest->p, separator, rest->n) : NULL;
	struct xt_str head = *rest;

	if (!at) {
		*rest = (struct xt_str){ 0 };
		return head;
	}
	head.n = (size_t)(at - rest->p);
	rest->n -= head.n + 1;
	rest->p = at + 1;
	return head;
}
