/* escape.h - a peer's text on a terminal, so that it can be read and cannot do anything. */
#ifndef CROSSTALK_CONNECT_ESCAPE_H
#define CROSSTALK_CONNECT_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

#include "connect/palette.h"

/*
 * Writes `n` bytes. What a terminal would obey is written as what it is: control characters of C0 and C1, DEL and
 * what is no UTF-8 as \x1b, the marks that turn the direction of writing or that cannot be seen as \u{202e}.
 */
void escape_line(FILE *to, const struct palette *palette, const char *p, size_t n);

/*
 * The same for a text of several lines: tabs stay, and a line end is one, with `indent` blanks after it, so that no
 * line of a message looks like a message of its own.
 */
void escape_text(FILE *to, const struct palette *palette, const char *p, size_t n, unsigned indent);

/* Writes line end and blanks. */
void escape_newline(FILE *to, unsigned indent);

#endif
