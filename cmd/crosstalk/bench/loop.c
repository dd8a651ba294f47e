/* loop.c - see loop.h. */
#include "bench/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/clock.h"

#define EVENTS 512

int
loop_init(struct loop *loop)
{
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->buffer = malloc(LOOP_BUFFER);
	return loop->epoll >= 0 && loop->buffer ? 0 : -1;
}

void
loop_fini(struct loop *loop)
{
	if (loop->epoll > 0)
		close(loop->epoll);
	free(loop->buffer);
	*loop = (struct loop){ .epoll = -1 };
}

static int
control(struct loop *loop, int what, struct source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(loop->epoll, what, source->fd, &event);
}

int
loop_add(struct loop *loop, struct source *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, source, events);
}

int
loop_change(struct loop *loop, struct source *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, source, events);
}

/* Kernels before 5.11 wait in milliseconds only. */
static int
wait_for(struct loop *loop, struct epoll_event *events, uint64_t ns)
{
	struct timespec timeout = { .tv_sec = (time_t)(ns / CLOCK_SECOND),
		.tv_nsec = (long)(ns % CLOCK_SECOND) };
	int n = epoll_pwait2(loop->epoll, events, EVENTS, &timeout, NULL);

	if (n < 0 && errno == ENOSYS)
		n = epoll_wait(loop->epoll, events, EVENTS, (int)(ns / 1000000));
	return n;
}

void
loop_turn(struct loop *loop, uint64_t ns)
{
	struct epoll_event events[EVENTS];
	int n = wait_for(loop, events, ns);

	for (int i = 0; i < n; i++) {
		struct source *source = events[i].data.ptr;
		source->ready(source, events[i].events);
	}
}
