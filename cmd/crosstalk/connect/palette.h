/* palette.h - the colours of `crosstalk connect`, or none. */
#ifndef CROSSTALK_CONNECT_PALETTE_H
#define CROSSTALK_CONNECT_PALETTE_H

#include <stdbool.h>

/* What is written before something of its kind; `reset` after it. Without colours all are empty. */
struct palette {
	const char *in, *out; /* the arrows */
	const char *dim;      /* what is not a message: times, ids, words of our own */
	const char *bad;      /* what went wrong */
	const char *escape;   /* stands for what must not reach the terminal */
	const char *key, *string, *literal; /* JSON */
	const char *reset;
};

enum palette_when { PALETTE_AUTO, PALETTE_ALWAYS, PALETTE_NEVER };

/*
 * The palette for what is written to the descriptor `fd`. Automatic: a terminal has colours, unless NO_COLOR
 * is set and not empty (no-color.org) or TERM says that it has none.
 */
const struct palette *palette_for(int fd, enum palette_when when);

extern const struct palette palette_plain, palette_ansi;

#endif
