/* report.h - a result for people, and for programs. */
#ifndef CROSSTALK_BENCH_REPORT_H
#define CROSSTALK_BENCH_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "bench/result.h"
#include "connect/palette.h"

/* How it is shown: `bars` draws the histogram. */
struct report_style {
	const struct palette *palette;
	bool bars;
};

void report_print(FILE *to, const struct result *result, const struct report_style *style);

/* One object on one line; crosstalk-bench(1) says what is in it. */
void report_print_json(FILE *to, const struct result *result);

/* "1,234,567" */
const char *report_number(char out[32], double value);

/* "12.3 ms", of nanoseconds */
const char *report_time(char out[32], double ns);

/* "1.50 MiB" */
const char *report_bytes(char out[32], double bytes);

#endif
