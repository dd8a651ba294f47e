/* random.c - getrandom(2), whole. */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/panic.h"

void
xt_random_fill(void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		XT_ASSERT(got > 0);
		at += got;
		n -= (size_t)got;
	}
}

uint64_t
xt_random_u64(void)
{
	uint64_t value;

	xt_random_fill(&value, sizeof value);
	return value;
}
