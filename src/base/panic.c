/* panic.c - the one place that ends the process, for bugs of our own only. */
#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void
xt_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "crosstalk: bug at %s:%d: %s does not hold\n", file, line, what);
	abort();
}
