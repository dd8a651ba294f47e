/* hex.h - bytes in hexadecimal, and back. */
#ifndef CROSSTALK_CONNECT_HEX_H
#define CROSSTALK_CONNECT_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "connect/palette.h"

/* "48656c6c6f" */
void hex_print(FILE *to, const char *p, size_t n);

/* A dump, sixteen bytes a line: position, bytes, ASCII; before each line a line end and `indent` blanks. */
void hex_dump(FILE *to, const struct palette *palette, const char *p, size_t n, unsigned indent);

/*
 * In place: pairs of digits; blanks and colons between pairs are passed over. False for anything else, and then
 * `p` is spoilt.
 */
bool hex_decode(char *p, size_t *n);

#endif
