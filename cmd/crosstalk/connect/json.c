/*
 * json.c - see json.h.
 *
 * The text is known to be valid (jansson has read it); what is printed is its own tokens with other blanks
 * between, so that 1.10 stays 1.10 and a number of 30 digits has all of them.
 */
#include "connect/json.h"

#include <jansson.h>
#include <string.h>

#include "connect/escape.h"

#define SIZE_MAX_SHOWN (1 << 20)
#define DEPTH_MAX      16u /* levels that are indented; what is deeper stays on a line */

struct printer {
	FILE *to;
	const struct palette *palette;
	const char *p, *end;
	unsigned width;  /* of a line */
	unsigned indent; /* of the members that are being written */
	size_t used;     /* columns of this line before the value, about */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool
json_is_worth_it(const char *p, size_t n)
{
	size_t i = 0;
	json_t *value;

	while (i < n && is_blank(p[i]))
		i++;
	if (n > SIZE_MAX_SHOWN || i == n || (p[i] != '{' && p[i] != '['))
		return false;
	if (memchr(p, '\0', n)) /* jansson takes some for the end */
		return false;
	value = json_loadb(p, n, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
	json_decref(value);
	return value;
}

/* ---- tokens ---- */

static void
skip_blanks(struct printer *printer)
{
	while (printer->p < printer->end && is_blank(*printer->p))
		printer->p++;
}

static bool
at(struct printer *printer, char c)
{
	skip_blanks(printer);
	return printer->p < printer->end && *printer->p == c;
}

/* Where the token that begins at `p` ends. */
static const char *
token_end(const char *p, const char *end)
{
	const char *from = p++;

	if (*from == '"') {
		while (p < end && *p != '"')
			p += *p == '\\' && p + 1 < end ? 2 : 1;
		return p < end ? p + 1 : end;
	}
	if (!strchr("{}[],:", *from))
		while (p < end && !is_blank(*p) && !strchr("{}[],:\"", *p))
			p++;
	return p;
}

static void
print_coloured(struct printer *printer, const char *colour, const char *end)
{
	fputs(colour, printer->to);
	escape_line(printer->to, printer->palette, printer->p, (size_t)(end - printer->p));
	fputs(printer->palette->reset, printer->to);
	printer->p = end;
}

/* A string (which is a name when a colon follows), number, or word. */
static void
print_scalar(struct printer *printer)
{
	const struct palette *palette = printer->palette;
	const char *end = token_end(printer->p, printer->end), *next = end;

	while (next < printer->end && is_blank(*next))
		next++;
	if (*printer->p != '"')
		print_coloured(printer, palette->literal, end);
	else if (next < printer->end && *next == ':')
		print_coloured(printer, palette->key, end);
	else
		print_coloured(printer, palette->string, end);
}

static void
print_mark(struct printer *printer)
{
	char c = *printer->p++;

	putc(c, printer->to);
	if (c == ',' || c == ':')
		putc(' ', printer->to);
}

/* ---- values ---- */

/* Whether the value that begins here takes no more than what is left of a line. */
static bool
fits(const struct printer *printer)
{
	size_t columns = printer->used, depth = 0;
	const char *p = printer->p, *next;

	for (; p < printer->end; p = next) {
		next = is_blank(*p) ? p + 1 : token_end(p, printer->end);
		if (is_blank(*p))
			continue;
		columns += (size_t)(next - p) + (*p == ',' || *p == ':');
		depth += *p == '{' || *p == '[';
		depth -= *p == '}' || *p == ']';
		if (depth == 0 || columns > printer->width)
			break;
	}
	return columns <= printer->width;
}

static void
print_flat(struct printer *printer)
{
	size_t depth = 0;

	do {
		skip_blanks(printer);
		depth += *printer->p == '{' || *printer->p == '[';
		depth -= *printer->p == '}' || *printer->p == ']';
		if (strchr("{}[],:", *printer->p))
			print_mark(printer);
		else
			print_scalar(printer);
	} while (depth > 0 && printer->p < printer->end);
}

static void print_value(struct printer *printer, unsigned depth);

static void
print_member(struct printer *printer, unsigned depth)
{
	const char *name = printer->p;

	escape_newline(printer->to, printer->indent);
	printer->used = printer->indent;
	print_value(printer, depth);
	if (at(printer, ':')) {
		printer->used += (size_t)(printer->p - name);
		print_mark(printer);
		print_value(printer, depth);
	}
	if (at(printer, ',')) {
		putc(',', printer->to);
		printer->p++;
	}
}

static void
print_members(struct printer *printer, unsigned depth)
{
	print_mark(printer);
	printer->indent += 2;
	while (!at(printer, '}') && !at(printer, ']'))
		print_member(printer, depth + 1);
	printer->indent -= 2;
	escape_newline(printer->to, printer->indent);
	print_mark(printer);
}

static void
print_value(struct printer *printer, unsigned depth)
{
	skip_blanks(printer);
	if (*printer->p != '{' && *printer->p != '[')
		print_scalar(printer);
	else if (depth >= DEPTH_MAX || fits(printer))
		print_flat(printer);
	else
		print_members(printer, depth);
}

void
json_print(FILE *to, const struct palette *palette, const char *p, size_t n,
	const struct json_place *place)
{
	struct printer printer = { to, palette, p, p + n, place->width, place->indent,
		place->used };

	print_value(&printer, 0);
}
