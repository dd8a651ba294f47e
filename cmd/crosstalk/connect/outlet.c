/* outlet.c - see outlet.h. */
#include "connect/outlet.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
reserve(struct outlet *outlet, size_t more)
{
	size_t size = outlet->size ? outlet->size : 8192;
	char *grown;

	if (outlet->begin > outlet->n / 2) {
		memmove(outlet->p, outlet->p + outlet->begin, outlet->n - outlet->begin);
		outlet->n -= outlet->begin;
		outlet->begin = 0;
	}
	while (size - outlet->n < more)
		size *= 2;
	if (size == outlet->size)
		return true;
	grown = realloc(outlet->p, size);
	if (!grown)
		return false;
	outlet->p = grown;
	outlet->size = size;
	return true;
}

/* The stream's way out. Always takes all: who prints is told by `error`, not in the middle. */
static ssize_t
keep(void *cookie, const char *p, size_t n)
{
	struct outlet *outlet = cookie;

	if (!outlet->error && !reserve(outlet, n))
		outlet->error = ENOMEM;
	if (!outlet->error) {
		memcpy(outlet->p + outlet->n, p, n);
		outlet->n += n;
	}
	return (ssize_t)n;
}

int
outlet_init(struct outlet *outlet, int fd)
{
	*outlet = (struct outlet){ .fd = fd };
	outlet->stream = fopencookie(outlet, "w", (cookie_io_functions_t){ .write = keep });
	return outlet->stream ? 0 : -1;
}

void
outlet_fini(struct outlet *outlet)
{
	if (outlet->stream)
		fclose(outlet->stream);
	free(outlet->p);
	*outlet = (struct outlet){ .fd = -1 };
}

size_t
outlet_waiting(const struct outlet *outlet)
{
	return outlet->n - outlet->begin;
}

/* pipe(7): POLLOUT promises room for PIPE_BUF bytes. */
void
outlet_write(struct outlet *outlet)
{
	size_t n = outlet_waiting(outlet);
	ssize_t done = write(outlet->fd, outlet->p + outlet->begin, n < PIPE_BUF ? n : PIPE_BUF);

	if (done < 0 && errno != EINTR && errno != EAGAIN) {
		outlet->error = errno;
		outlet->begin = outlet->n = 0;
	}
	if (done > 0)
		outlet->begin += (size_t)done;
	if (outlet->begin == outlet->n)
		outlet->begin = outlet->n = 0;
}
