/* base64.c - RFC 4648 4, for people and pipes. */
#include "base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
print_group(FILE *to, const unsigned char *p, size_t n)
{
	unsigned bits = (unsigned)p[0] << 16;

	if (n > 1)
		bits |= (unsigned)p[1] << 8;
	if (n > 2)
		bits |= p[2];
	putc(alphabet[bits >> 18], to);
	putc(alphabet[bits >> 12 & 63], to);
	putc(n > 1 ? alphabet[bits >> 6 & 63] : '=', to);
	putc(n > 2 ? alphabet[bits & 63] : '=', to);
}

void
base64_print(FILE *to, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i += 3)
		print_group(to, (const unsigned char *)p + i, n - i);
}

static int
sextet(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

bool
base64_decode(char *p, size_t *n)
{
	size_t out = 0;
	unsigned bits = 0, have = 0;

	while (*n > 0 && p[*n - 1] == '=')
		--*n;
	for (size_t i = 0; i < *n; i++) {
		int value = sextet(p[i]);
		if (value < 0)
			return false;
		bits = bits << 6 | (unsigned)value;
		have += 6;
		if (have >= 8) {
			have -= 8;
			p[out++] = (char)(bits >> have & 0xff);
		}
	}
	*n = out;
	return have < 6; /* a single character at the end says nothing */
}
