/* columns.h - how many columns of a terminal a line that is being edited takes. */
#ifndef CROSSTALK_CONNECT_COLUMNS_H
#define CROSSTALK_CONNECT_COLUMNS_H

#include <stddef.h>
#include <wchar.h>

/*
 * The row, counted from the first, where the terminal's cursor stands after a prompt of `prompt` columns and these
 * `n` characters, on a terminal of `width` columns; as libedit writes them: wide ones are never cut, tabs
 * go to the next eighth column, control characters are ^X and what cannot be printed is \U+XXXX.
 */
unsigned columns_row(const wchar_t *p, size_t n, unsigned prompt, unsigned width);

/* Of the terminal that is standard output; 80 when it is none. */
unsigned columns_of_output(void);

#endif
