/* url_host.c - the host of a URL: a domain (by IDNA when it is not ASCII), an IPv4 address in any of its forms, IPv6. */
#include <arpa/inet.h>
#include <idn2.h>
#include <stdio.h>

#include "codec/url.h"
#include "codec/utf8.h"
#include "crosstalk.h"

#define DOMAIN_MAX 1024 /* bytes after decoding; DNS ends at 253 */
#define PARTS_MAX  4    /* of an IPv4 address */
#define PIECES     8    /* of an IPv6 address */

/* ---- IPv6 ------------------------------------------------------------------------------- */

/* The first longest run of two zeros or more (3.6, find the IPv6 address compressed piece index). */
static int
longest_zeros(const unsigned pieces[PIECES], int *length)
{
	int best = -1;

	*length = 1;
	for (int i = 0; i < PIECES; i++) {
		int n = 0;
		while (i + n < PIECES && pieces[i + n] == 0)
			n++;
		if (n > *length) {
			best = i;
			*length = n;
		}
		i += n;
	}
	return best;
}

/* 3.6, the IPv6 serializer: always in pieces, also what holds an IPv4 address. */
static int
put_ipv6(struct xt_buf *out, const struct in6_addr *address)
{
	unsigned pieces[PIECES];
	char text[INET6_ADDRSTRLEN + 2];
	int skipped, n = 0, zeros;

	for (int i = 0; i < PIECES; i++)
		pieces[i] = (unsigned)address->s6_addr[2 * i] << 8 | address->s6_addr[2 * i + 1];
	zeros = longest_zeros(pieces, &skipped);
	for (int i = 0; i < PIECES; i++) {
		size_t room = sizeof text - (size_t)n;
		if (i == zeros) {
			n += snprintf(text + n, room, i == 0 ? "::" : ":");
			i += skipped - 1;
		} else {
			n += snprintf(text + n, room, i < PIECES - 1 ? "%x:" : "%x", pieces[i]);
		}
	}
	return xt_buf_printf(out, "[%.*s]", n, text);
}

/* 3.5, the IPv6 parser: the grammar of RFC 4291 2.2, which inet_pton() reads; without a zone. */
static int
parse_ipv6(struct xt_buf *out, struct xt_str in, const char **why)
{
	struct in6_addr address;
	char text[INET6_ADDRSTRLEN];

	*why = "what stands in brackets is not an IPv6 address";
	if (in.n < 3 || in.n - 2 >= sizeof text || in.p[in.n - 1] != ']')
		return XT_EINVAL;
	memcpy(text, in.p + 1, in.n - 2);
	text[in.n - 2] = '\0';
	if (strlen(text) != in.n - 2 || inet_pton(AF_INET6, text, &address) != 1)
		return XT_EINVAL;
	return put_ipv6(out, &address);
}

/* ---- IPv4 ------------------------------------------------------------------------------- */

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return 36;
}

/* 3.5, the IPv4 number parser; what is larger than any address stays so. */
static bool
parse_number(struct xt_str s, uint64_t *value)
{
	int base = 10;

	*value = 0;
	if (s.n == 0)
		return false;
	if (s.n >= 2 && s.p[0] == '0') {
		base = s.p[1] == 'x' ? 16 : 8;
		s = xt_str_skip(s, base == 16 ? 2 : 1);
	}
	for (size_t i = 0; i < s.n; i++) {
		int digit = digit_value(s.p[i]);
		if (digit >= base)
			return false;
		if (*value <= UINT32_MAX)
			*value = *value * (uint64_t)base + (uint64_t)digit;
	}
	return true;
}

static bool
all_digits(struct xt_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/* 3.5, the ends in a number checker: then it is an IPv4 address or nothing. */
static bool
ends_in_number(struct xt_str domain)
{
	uint64_t value;
	const char *dot;

	if (domain.n > 1 && domain.p[domain.n - 1] == '.')
		domain.n--;
	dot = memrchr(domain.p, '.', domain.n);
	if (dot)
		domain = xt_str_skip(domain, (size_t)(dot - domain.p) + 1);
	return all_digits(domain) || parse_number(domain, &value);
}

/* 3.5, the IPv4 parser: one to four numbers, the last of which fills what is left. */
static int
parse_ipv4(struct xt_buf *out, struct xt_str domain, const char **why)
{
	uint64_t numbers[PARTS_MAX], address = 0;
	struct xt_str rest = domain;
	int parts = 0;

	*why = "the host ends in a number and is not an IPv4 address";
	if (domain.p[domain.n - 1] == '.')
		rest.n--;
	while (rest.p) {
		struct xt_str part = xt_str_cut(&rest, '.');
		if (parts == PARTS_MAX || !parse_number(part, &numbers[parts++]))
			return XT_EINVAL;
	}
	for (int i = 0; i < parts - 1; i++) {
		if (numbers[i] > 255)
			return XT_EINVAL;
		address |= numbers[i] << (8 * (3 - i));
	}
	if (numbers[parts - 1] >= (uint64_t)1 << (8 * (5 - parts)))
		return XT_EINVAL;
	address |= numbers[parts - 1];
	return xt_buf_printf(out, "%u.%u.%u.%u", (unsigned)(address >> 24),
		(unsigned)(address >> 16 & 255), (unsigned)(address >> 8 & 255),
		(unsigned)(address & 255));
}

/* ---- domains ---------------------------------------------------------------------------- */

/* What is not a triplet stays as it is (1.3). */
static size_t
percent_decode(struct xt_str in, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		int high = 36, low = 36;
		if (in.p[i] == '%' && in.n - i > 2) {
			high = digit_value((char)(in.p[i + 1] | (in.p[i + 1] >= 'A' ? 0x20 : 0)));
			low = digit_value((char)(in.p[i + 2] | (in.p[i + 2] >= 'A' ? 0x20 : 0)));
		}
		if (high < 16 && low < 16) {
			out[n++] = (char)(high << 4 | low);
			i += 2;
		} else {
			out[n++] = in.p[i];
		}
	}
	return n;
}

/* 3.2: forbidden domain code points. */
static bool
is_forbidden(char c)
{
	return (unsigned char)c <= ' ' || (unsigned char)c >= 0x7F || strchr("#/:<>?@[\\]^|%", c);
}

/* Neither Unicode nor a label that stands for Unicode. */
static bool
is_plain(struct xt_str domain)
{
	for (size_t i = 0; i < domain.n; i++) {
		bool begins = i == 0 || domain.p[i - 1] == '.';
		if ((unsigned char)domain.p[i] >= 0x80)
			return false;
		if (begins && domain.n - i >= 4 &&
			xt_str_ieq(xt_str_of(domain.p + i, 4), XT_STR("xn--")))
			return false;
	}
	return true;
}

static void
lower(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] | 0x20);
}

/*
 * 3.3, domain to ASCII: UTS #46, not transitional. libidn2 also asks for IDNA2008, so symbols (U+2603) that the standard
 * lets pass are refused. It allocates for itself.
 */
static int
to_ascii(char *domain, size_t *n, const char **why)
{
	char *ascii = NULL;
	size_t length;
	int status = idn2_to_ascii_8z(domain, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

	*why = "the host is not a valid internationalized domain name";
	if (status != IDN2_OK)
		return status == IDN2_MALLOC ? XT_ENOMEM : XT_EINVAL;
	length = strlen(ascii);
	if (length < DOMAIN_MAX) {
		memcpy(domain, ascii, length + 1);
		*n = length;
	}
	idn2_free(ascii);
	return length < DOMAIN_MAX && length > 0 ? 0 : XT_EINVAL;
}

static int
put_domain(struct xt_buf *out, struct xt_str domain, const char **why)
{
	for (size_t i = 0; i < domain.n; i++) {
		if (is_forbidden(domain.p[i])) {
			*why = "the host holds a character that no host may hold";
			return XT_EINVAL;
		}
	}
	if (ends_in_number(domain))
		return parse_ipv4(out, domain, why);
	return xt_buf_append_str(out, domain);
}

int
xt_url_host_parse(struct xt_buf *out, struct xt_str input, const char **why)
{
	char domain[DOMAIN_MAX];
	size_t n;
	int error = 0;

	if (input.n > 0 && input.p[0] == '[')
		return parse_ipv6(out, input, why);
	*why = "the host is longer than any domain name";
	if (input.n >= sizeof domain)
		return XT_EINVAL;
	n = percent_decode(input, domain);
	domain[n] = '\0';
	*why = "the host is not UTF-8";
	if (!xt_utf8_valid(xt_str_of(domain, n)) || strlen(domain) != n)
		return XT_EINVAL;
	if (is_plain(xt_str_of(domain, n)))
		lower(domain, n);
	else
		error = to_ascii(domain, &n, why);
	return error < 0 ? error : put_domain(out, xt_str_of(domain, n), why);
}
