/* hex.c - see hex.h. */
#include "connect/hex.h"

#include <string.h>

#include "connect/escape.h"

#define COLUMNS 16

void
hex_print(FILE *to, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%02x", (unsigned char)p[i]);
}

static void
dump_bytes(FILE *to, const char *p, size_t n)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		const char *gap = i == COLUMNS / 2 ? "  " : " ";
		if (i < n)
			fprintf(to, "%s%02x", gap, (unsigned char)p[i]);
		else
			fprintf(to, "%s  ", gap);
	}
}

static void
dump_ascii(FILE *to, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		putc(p[i] >= ' ' && p[i] <= '~' ? p[i] : '.', to);
}

void
hex_dump(FILE *to, const struct palette *palette, const char *p, size_t n, unsigned indent)
{
	for (size_t i = 0; i < n; i += COLUMNS) {
		size_t row = n - i < COLUMNS ? n - i : COLUMNS;
		escape_newline(to, indent);
		fprintf(to, "%s%08zx%s ", palette->dim, i, palette->reset);
		dump_bytes(to, p + i, row);
		fprintf(to, "  %s", palette->string);
		dump_ascii(to, p + i, row);
		fputs(palette->reset, to);
	}
}

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) % 16 : -1;
}

bool
hex_decode(char *p, size_t *n)
{
	size_t out = 0;

	for (size_t i = 0; i < *n; i++) {
		if (p[i] == ' ' || p[i] == ':')
			continue;
		if (digit(p[i]) < 0 || i + 1 == *n || digit(p[i + 1]) < 0)
			return false;
		p[out++] = (char)(digit(p[i]) << 4 | digit(p[i + 1]));
		i++;
	}
	*n = out;
	return true;
}
