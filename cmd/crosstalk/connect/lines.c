/* lines.c - see lines.h. */
#include "connect/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE 65536u

void
lines_init(struct lines *lines, int fd)
{
	*lines = (struct lines){ .fd = fd };
}

void
lines_fini(struct lines *lines)
{
	free(lines->p);
	*lines = (struct lines){ .fd = -1 };
}

static void
end(struct lines *lines, int error)
{
	lines->ended = true;
	lines->error = error;
}

static bool
reserve(struct lines *lines)
{
	size_t size = lines->size ? lines->size : READ_SIZE;
	char *grown;

	if (lines->begin > 0) {
		memmove(lines->p, lines->p + lines->begin, lines->n - lines->begin);
		lines->n -= lines->begin;
		lines->begin = 0;
	}
	if (size - lines->n < READ_SIZE)
		size *= 2;
	grown = size == lines->size ? lines->p : realloc(lines->p, size);
	if (!grown)
		return false;
	lines->p = grown;
	lines->size = size;
	return true;
}

void
lines_read(struct lines *lines, size_t max)
{
	ssize_t n;

	if (lines->n - lines->begin > max) {
		end(lines, EMSGSIZE);
		return;
	}
	if (!reserve(lines)) {
		end(lines, ENOMEM);
		return;
	}
	n = read(lines->fd, lines->p + lines->n, lines->size - lines->n);
	if (n > 0)
		lines->n += (size_t)n;
	else if (n == 0)
		end(lines, 0);
	else if (errno != EINTR && errno != EAGAIN)
		end(lines, errno);
}

char *
lines_take(struct lines *lines, size_t *n)
{
	size_t have = lines->n - lines->begin;
	char *line, *stop;

	if (have == 0)
		return NULL;
	line = lines->p + lines->begin;
	stop = memchr(line + lines->seen, '\n', have - lines->seen);
	if (!stop && (!lines->ended || lines->error)) {
		lines->seen = have;
		return NULL;
	}
	*n = stop ? (size_t)(stop - line) : have;
	lines->begin += *n + (stop ? 1 : 0);
	lines->seen = 0;
	return line;
}
