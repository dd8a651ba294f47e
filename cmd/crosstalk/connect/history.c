/*
 * history.c - see history.h.
 *
 * Plain lines, appended with one write each, so that two programs at a time mix lines and lose none.
 */
#include "connect/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes the folders above the last '/'. */
static void
make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
}

/* The XDG Base Directory Specification: a path that is not absolute is to be ignored. */
char *
history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int n = -1;

	if (state && *state == '/')
		n = asprintf(&path, "%s/crosstalk/history", state);
	else if (home && *home == '/')
		n = asprintf(&path, "%s/.local/state/crosstalk/history", home);
	if (n < 0)
		return NULL;
	make_folders(path);
	return path;
}

/* The lines of a file; the last HISTORY_LINES of them, at `first % HISTORY_LINES` the oldest. */
struct ring {
	char *lines[HISTORY_LINES];
	size_t n; /* read so far */
};

static void
ring_read(struct ring *ring, FILE *from)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&line, &size, from)) >= 0) {
		char **slot = &ring->lines[ring->n % HISTORY_LINES];
		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		free(*slot);
		*slot = line;
		line = NULL;
		ring->n++;
	}
	free(line);
}

static void
ring_each(const struct ring *ring, void (*each)(void *ctx, const char *line), void *ctx)
{
	size_t first = ring->n > HISTORY_LINES ? ring->n - HISTORY_LINES : 0;

	for (size_t i = first; i < ring->n; i++)
		each(ctx, ring->lines[i % HISTORY_LINES]);
}

static void
write_line(void *file, const char *line)
{
	fprintf(file, "%s\n", line);
}

/* Beside it first, so that nobody ever sees half of it. */
static void
rewrite(const char *path, const struct ring *ring)
{
	char *beside = NULL;
	FILE *file;
	int fd;

	if (asprintf(&beside, "%s.XXXXXX", path) < 0)
		return;
	fd = mkstemp(beside);
	file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (file) {
		ring_each(ring, write_line, file);
		if (fclose(file) != 0 || rename(beside, path) < 0)
			unlink(beside);
	}
	free(beside);
}

void
history_load(const char *path, void (*each)(void *ctx, const char *line), void *ctx)
{
	FILE *file = fopen(path, "re");
	struct ring *ring = calloc(1, sizeof *ring);

	if (file && ring) {
		ring_read(ring, file);
		ring_each(ring, each, ctx);
		if (ring->n > 2 * (size_t)HISTORY_LINES)
			rewrite(path, ring);
		for (size_t i = 0; i < HISTORY_LINES; i++)
			free(ring->lines[i]);
	}
	free(ring);
	if (file)
		fclose(file);
}

void
history_append(const char *path, const char *line)
{
	char *whole = NULL;
	int fd, n;

	if (*line == ' ')
		return;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	n = asprintf(&whole, "%s\n", line);
	if (n > 0 && fchmod(fd, 0600) == 0 && write(fd, whole, (size_t)n) < n)
		errno = 0; /* half a line of history is no harm */
	if (n > 0)
		free(whole);
	close(fd);
}
