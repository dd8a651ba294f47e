/* lines.h - lines from a descriptor, read when there is something to read. */
#ifndef CROSSTALK_CONNECT_LINES_H
#define CROSSTALK_CONNECT_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct lines {
	int fd;
	char *p;
	size_t begin, n, size; /* p[begin … n) was read and is not taken */
	size_t seen;           /* of that, bytes that hold no line end */
	bool ended;            /* there is nothing more to read … */
	int error;             /* … because of this errno, 0: it is the end */
};

void lines_init(struct lines *lines, int fd);
void lines_fini(struct lines *lines);

/* Reads once; may block unless poll() has said POLLIN. A line longer than `max` ends it with EMSGSIZE. */
void lines_read(struct lines *lines, size_t max);

/*
 * The next line, without its end; the last may have none. NULL: none is complete. The caller may write in it;
 * it lives until the next call of lines_read().
 */
char *lines_take(struct lines *lines, size_t *n);

#endif
