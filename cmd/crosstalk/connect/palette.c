/* palette.c - colours as ECMA-48 has them, from the sixteen that each terminal's theme chooses. */
#include "connect/palette.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct palette palette_plain = { "", "", "", "", "", "", "", "", "" };

const struct palette palette_ansi = {
	.in = "\033[1;32m",
	.out = "\033[1;34m",
	.dim = "\033[2m",
	.bad = "\033[31m",
	.escape = "\033[35m",
	.key = "\033[36m",
	.string = "\033[32m",
	.literal = "\033[33m",
	.reset = "\033[0m",
};

static bool
terminal_has_colours(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && !(no_color && *no_color) && term && *term && strcmp(term, "dumb") != 0;
}

const struct palette *
palette_for(int fd, enum palette_when when)
{
	if (when == PALETTE_AUTO)
		when = terminal_has_colours(fd) ? PALETTE_ALWAYS : PALETTE_NEVER;
	return when == PALETTE_ALWAYS ? &palette_ansi : &palette_plain;
}
