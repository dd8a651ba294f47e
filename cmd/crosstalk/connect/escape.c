/* escape.c - see escape.h. */
#include "connect/escape.h"

#include <stdbool.h>

struct character {
	unsigned code;
	size_t n; /* bytes; 0: not UTF-8 */
};

/* How many bytes follow this one, -1: it begins nothing (RFC 3629 4). */
static int
following(unsigned char c)
{
	if (c < 0x80)
		return 0;
	if (c < 0xc2 || c > 0xf4)
		return -1;
	return c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
}

static struct character
read_character(const unsigned char *p, size_t n)
{
	static const unsigned least[] = { 0, 0x80, 0x800, 0x10000 };
	static const unsigned char bits[] = { 0x7f, 0x1f, 0x0f, 0x07 };
	int more = following(*p);
	unsigned code;

	if (more < 0 || (size_t)more >= n)
		return (struct character){ *p, 0 };
	code = *p & bits[more];
	for (int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return (struct character){ *p, 0 };
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return (struct character){ *p, 0 };
	return (struct character){ code, (size_t)more + 1 };
}

static bool
is_control(unsigned code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/* Unicode: what changes how its neighbours look, and is not seen itself. */
static bool
is_deceptive(unsigned code)
{
	static const struct {
		unsigned first, last;
	} ranges[] = {
		{ 0x00ad, 0x00ad }, /* soft hyphen */
		{ 0x061c, 0x061c }, /* direction marks … */
		{ 0x200b, 0x200b }, /* zero width space */
		{ 0x200e, 0x200f },
		{ 0x2028, 0x202e }, /* line and paragraph separators; embedding and override */
		{ 0x2060, 0x206f }, /* invisible operators, isolates */
		{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, /* interlinear annotation */
		{ 0xe0000, 0xe007f },                   /* tags */
	};

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

void
escape_newline(FILE *to, unsigned indent)
{
	fprintf(to, "\n%*s", (int)indent, "");
}

static void
print_escape(FILE *to, const struct palette *palette, bool byte, unsigned code)
{
	fputs(palette->escape, to);
	if (byte)
		fprintf(to, "\\x%02x", code);
	else
		fprintf(to, "\\u{%x}", code);
	fputs(palette->reset, to);
}

/* One character; returns its bytes. */
static size_t
print_character(FILE *to, const struct palette *palette, const char *p, size_t n)
{
	struct character c = read_character((const unsigned char *)p, n);

	if (c.n == 0 || is_control(c.code))
		print_escape(to, palette, true, c.code);
	else if (is_deceptive(c.code))
		print_escape(to, palette, false, c.code);
	else
		fwrite(p, 1, c.n, to);
	return c.n ? c.n : 1;
}

void
escape_line(FILE *to, const struct palette *palette, const char *p, size_t n)
{
	for (size_t i = 0; i < n;)
		i += print_character(to, palette, p + i, n - i);
}

void
escape_text(FILE *to, const struct palette *palette, const char *p, size_t n, unsigned indent)
{
	for (size_t i = 0; i < n;) {
		if (p[i] == '\n')
			escape_newline(to, indent);
		else if (p[i] == '\t')
			putc('\t', to);
		else
			i += print_character(to, palette, p + i, n - i) - 1;
		i++;
	}
}
