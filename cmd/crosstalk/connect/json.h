/* json.h - JSON for people: indented and coloured, numbers and order as they were written. */
#ifndef CROSSTALK_CONNECT_JSON_H
#define CROSSTALK_CONNECT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "connect/palette.h"

/* Whether the text is a JSON object or array that json_print() should show; a text over 1 MiB is none. */
bool json_is_worth_it(const char *p, size_t n);

/* Where it is written, in columns. */
struct json_place {
	unsigned width;  /* of a line */
	unsigned used;   /* of the first, which begins where the cursor is */
	unsigned indent; /* of those that follow */
};

/*
 * Writes what json_is_worth_it(). What fits into a line stays on one; else each member has its own, indented by two
 * more. Nothing ends the last line.
 */
void json_print(FILE *to, const struct palette *palette, const char *p, size_t n,
	const struct json_place *place);

#endif
