/* printed.h - for unit tests: what is printed to a stream, as a string. */
#ifndef CROSSTALK_CONNECT_PRINTED_H
#define CROSSTALK_CONNECT_PRINTED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct printed {
	FILE *to;
	char *text;
	size_t n;
};

static inline FILE *
printed_begin(struct printed *printed)
{
	printed->text = NULL;
	printed->to = open_memstream(&printed->text, &printed->n);
	assert_non_null(printed->to);
	return printed->to;
}

/* Fails unless it is exactly this. */
static inline void
printed_is(struct printed *printed, const char *expected)
{
	fclose(printed->to);
	assert_string_equal(printed->text, expected);
	assert_int_equal(printed->n, strlen(expected));
	free(printed->text);
}

#endif
