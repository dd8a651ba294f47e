/* json.h - JSON for people: indented and coloured, numbers and order as they were written. */
#ifndef CROSSTALK_CONNECT_JSON_H
#define CROSSTALK_CONNECT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "connect/palette.h"

/* Whether the text is a JSON object or array that json_print() should show; a text over 1 MiB is none. */
bool json_is_worth_it(const char *p, size_t n);

/*
 * Writes what json_is_worth_it(). What fits into a line stays on one; else each member has its own, indented by two
 * more than `indent`. The first line begins where the cursor is; nothing ends the last.
 */
void json_print(FILE *to, const struct palette *palette, const char *p, size_t n, unsigned indent);

#endif
