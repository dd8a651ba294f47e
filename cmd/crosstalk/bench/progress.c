/* progress.c - see progress.h. */
#include "bench/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WIDTH 30

void
progress_init(struct progress *progress, bool quiet)
{
	progress->shown = !quiet && isatty(STDERR_FILENO);
	progress->palette = palette_for(STDERR_FILENO, PALETTE_AUTO);
}

static void
print_bar(const struct palette *palette, double share)
{
	static const char full[] = "##############################";
	int n = (int)(share < 0 ? 0 : share > 1 ? WIDTH : share * WIDTH);

	fprintf(stderr, "[%s%.*s%s%*s]", palette->in, n, full, palette->reset, WIDTH - n, "");
}

void
progress_show(struct progress *progress, const struct progress_state *state)
{
	uint64_t count = state->count;
	double rate = 0;

	if (!progress->shown)
		return;
	/* What is counted begins anew with the measurement. */
	if (progress->time && count >= progress->count && state->now > progress->time)
		rate = (double)(count - progress->count) * 1e9 /
		       (double)(state->now - progress->time);
	progress->count = count;
	progress->time = state->now;
	fputs("\r\033[K", stderr);
	print_bar(progress->palette, state->share);
	fprintf(stderr, " %3.0f %% %-10s %12.0f %s/s", state->share > 1 ? 100 : state->share * 100,
		state->what, rate, state->unit);
	fflush(stderr);
}

void
progress_fini(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
