/* columns.c - see columns.h. */
#include "connect/columns.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <wctype.h>

/* editline(7) does not say so; ct_visual_width() of libedit does. */
static unsigned
width_of(wchar_t c, unsigned column)
{
	int width;

	if (c == L'\t')
		return 8 - column % 8;
	if (iswcntrl((wint_t)c))
		return 2;
	width = iswprint((wint_t)c) ? wcwidth(c) : -1;
	if (width >= 0)
		return (unsigned)width;
	return c > 0xffff ? 8 : 7;
}

unsigned
columns_row(const wchar_t *p, size_t n, unsigned prompt, unsigned width)
{
	unsigned row = prompt / width, column = prompt % width;

	for (size_t i = 0; i < n; i++) {
		unsigned wide = width_of(p[i], column);
		if (column + wide > width && p[i] != L'\t') { /* it begins the next row */
			row++;
			column = 0;
		}
		column += wide;
		row += column / width;
		column %= width;
	}
	return row;
}

unsigned
columns_of_output(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}
