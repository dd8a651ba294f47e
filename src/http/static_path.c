/* static_path.c - no way out of the root: names are checked, and the kernel checks the rest. */
#include "http/static_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "codec/percent.h"
#include "crosstalk.h"

/* An encoded slash would name another file to us than to a proxy before us. */
static bool
has_encoded_slash(struct xt_str path)
{
	for (size_t i = 0; i + 2 < path.n; i++)
		if (path.p[i] == '%' && path.p[i + 1] == '2' && (path.p[i + 2] | 0x20) == 'f')
			return true;
	return false;
}

/* Segments that begin with a dot are hidden; RFC 8615 makes one exception. */
static bool
is_served(struct xt_str segment, bool last)
{
	if (segment.n == 0)
		return last;
	return segment.p[0] != '.' || xt_str_eq(segment, XT_STR(".well-known"));
}

static bool
segments_served(struct xt_str path)
{
	struct xt_str rest = xt_str_skip(path, 1);

	while (rest.p) {
		struct xt_str segment = xt_str_cut(&rest, '/');
		if (!is_served(segment, !rest.p))
			return false;
	}
	return true;
}

unsigned
xt_static_path(struct xt_str path, char out[XT_STATIC_PATH_MAX], size_t *n)
{
	/* Room for the name of an index behind it. */
	if (path.n > XT_STATIC_PATH_MAX - 32 || path.n == 0 || path.p[0] != '/')
		return 404;
	if (!xt_percent_decode(path, out, n) || memchr(out, '\0', *n) || has_encoded_slash(path))
		return 400;
	out[*n] = '\0';
	return segments_served(xt_str_of(out, *n)) ? 0 : 404;
}

static int
open_beneath(int root, const char *path)
{
	struct open_how how = {
		/* Not blocking: a FIFO is opened before it is known to be one. */
		.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, root, path[1] ? path + 1 : ".", &how, sizeof how);
}

static int
why_not_open(void)
{
	switch (errno) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOSYS:
	case EIO:
		return XT_ESYS;
	default:
		return XT_ENOTFOUND;
	}
}

int
xt_static_open(int root, const char *path, struct stat *info)
{
	int fd = open_beneath(root, path);

	if (fd < 0)
		return why_not_open();
	if (fstat(fd, info) == 0 && (S_ISREG(info->st_mode) || S_ISDIR(info->st_mode)))
		return fd;
	close(fd);
	return XT_ENOTFOUND;
}
