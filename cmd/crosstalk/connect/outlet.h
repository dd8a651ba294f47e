/*
 * outlet.h - what waits for the reader of standard output.
 *
 * A reader that is slow must not stop the program: signals, input and the connection go on. So what is printed is
 * kept, and written when poll() says that there is room; and while much is kept, nothing more is taken from the
 * peer.
 */
#ifndef CROSSTALK_CONNECT_OUTLET_H
#define CROSSTALK_CONNECT_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct outlet {
	int fd;
	FILE *stream; /* what is printed to it is kept, after fflush() */
	char *p;
	size_t begin, n, size; /* p[begin … n) waits */
	int error; /* an errno: out of memory, or what writing said; then it keeps nothing */
};

/* 0, or below when out of memory. */
int outlet_init(struct outlet *outlet, int fd);

void outlet_fini(struct outlet *outlet);

size_t outlet_waiting(const struct outlet *outlet);

/* Writes once, as much as is sure not to block after poll() has said POLLOUT. */
void outlet_write(struct outlet *outlet);

#endif
