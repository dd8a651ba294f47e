/* progress.h - one line on standard error that says how far it is; on a terminal only. */
#ifndef CROSSTALK_BENCH_PROGRESS_H
#define CROSSTALK_BENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "connect/palette.h"

struct progress {
	bool shown; /* at all */
	const struct palette *palette;
	uint64_t count, time; /* when it was shown last */
};

struct progress_state {
	const char *what, *unit;
	double share; /* 0 to 1 */
	uint64_t now, count;
};

void progress_init(struct progress *progress, bool quiet);
void progress_show(struct progress *progress, const struct progress_state *state);

/* Takes the line away. */
void progress_fini(struct progress *progress);

#endif
