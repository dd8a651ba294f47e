/*
 * poll_epoll.c - waiting with Linux' epoll: two sets, one inside the other.
 *
 *   poll_fd: connections (EPOLLIN, EPOLLRDHUP), watches, and writable_fd as one of them
 *   writable_fd: connections that wait for room (EPOLLOUT), and the waker
 *
 * A turn that reads waits on the outer set, one that does not waits on the inner. An event's pointer is
 * a connection or, in the outer set with the lowest bit set, a watch; the waker's is NULL.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/panic.h"
#include "crosstalk.h"
#include "io/loop_private.h"

#define EVENTS 512
#define WATCH  ((uintptr_t)1)
#define OUTER  (XT_POLL_READ | XT_POLL_HANGUP | XT_POLL_BREAK)

static void *
watch_tag(struct xt_watch *watch)
{
	return (void *)((uintptr_t)watch | WATCH);
}

static int
control(int set, int op, int fd, uint32_t events, void *pointer)
{
	struct epoll_event event = { .events = events, .data.ptr = pointer };

	return epoll_ctl(set, op, fd, &event) < 0 ? XT_ESYS : 0;
}

static void
report_room(const struct epoll_event *events, int n)
{
	for (int i = 0; i < n; i++)
		if (events[i].data.ptr)
			xt_conn_writable(events[i].data.ptr);
}

static void
inner_ready(struct xt_watch *inner)
{
	struct epoll_event events[EVENTS];

	report_room(events, epoll_wait(inner->fd, events, EVENTS, 0));
}

int
xt_poll_open(struct xt_loop *loop)
{
	loop->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->writable_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->waker_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->writable = (struct xt_watch){ .fd = loop->writable_fd, .ready = inner_ready };
	if (loop->poll_fd < 0 || loop->writable_fd < 0 || loop->waker_fd < 0)
		return XT_ESYS;
	/* Edge-triggered, so that nobody has to read it: each ring is one event. */
	if (control(loop->writable_fd, EPOLL_CTL_ADD, loop->waker_fd, EPOLLIN | EPOLLET, NULL) < 0)
		return XT_ESYS;
	return control(loop->poll_fd, EPOLL_CTL_ADD, loop->writable_fd, EPOLLIN,
		watch_tag(&loop->writable));
}

static void
close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void
xt_poll_close(struct xt_loop *loop)
{
	close_fd(loop->poll_fd);
	close_fd(loop->writable_fd);
	close_fd(loop->waker_fd);
}

int
xt_poll_watch(struct xt_loop *loop, struct xt_watch *watch)
{
	uint32_t events = EPOLLIN | (watch->room ? EPOLLOUT : 0);

	/* Exclusive: of several loops that wait for one listener, not all wake. */
	return control(
		loop->poll_fd, EPOLL_CTL_ADD, watch->fd, events | EPOLLEXCLUSIVE, watch_tag(watch));
}

void
xt_poll_unwatch(struct xt_loop *loop, struct xt_watch *watch)
{
	epoll_ctl(loop->poll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	/* It may stand among the events of this turn that are still to be reported. */
	for (int i = 0; i < loop->events_count; i++)
		if (loop->events[i].data.ptr == watch_tag(watch))
			loop->events[i].data.ptr = NULL;
}

static uint32_t
outer_events(unsigned interest)
{
	uint32_t events = 0;

	if (interest & XT_POLL_READ)
		events |= EPOLLIN;
	if (interest & XT_POLL_HANGUP)
		events |= EPOLLRDHUP;
	return events;
}

/* Errors and hang-ups can't be masked: who does not want them leaves the set. */
static int
update_outer(struct xt_conn *conn, unsigned was, unsigned interest)
{
	int op = EPOLL_CTL_MOD;

	if ((was & OUTER) == (interest & OUTER))
		return 0;
	if (!(was & OUTER))
		op = EPOLL_CTL_ADD;
	else if (!(interest & OUTER))
		op = EPOLL_CTL_DEL;
	return control(conn->loop->poll_fd, op, conn->fd, outer_events(interest), conn);
}

static int
update_inner(struct xt_conn *conn, unsigned was, unsigned interest)
{
	int op = interest & XT_POLL_WRITE ? EPOLL_CTL_ADD : EPOLL_CTL_DEL;

	if ((was & XT_POLL_WRITE) == (interest & XT_POLL_WRITE))
		return 0;
	return control(conn->loop->writable_fd, op, conn->fd, EPOLLOUT, conn);
}

int
xt_poll_update(struct xt_conn *conn, unsigned interest)
{
	unsigned was = conn->interest;

	if (update_outer(conn, was, interest) < 0)
		return XT_ESYS;
	conn->interest = (uint8_t)((was & XT_POLL_WRITE) | (interest & OUTER));
	if (update_inner(conn, was, interest) < 0)
		return XT_ESYS;
	conn->interest = (uint8_t)interest;
	return 0;
}

int
xt_poll_add(struct xt_conn *conn)
{
	unsigned interest = conn->interest;

	conn->interest = 0;
	return xt_poll_update(conn, interest);
}

/* Closing the descriptor does not suffice: a child that forked just now may hold a copy of it. */
void
xt_poll_remove(struct xt_conn *conn)
{
	xt_poll_update(conn, 0);
}

static void
report_conn(struct xt_conn *conn, uint32_t events)
{
	if (events & EPOLLIN)
		xt_conn_readable(conn);
	else if (events & (EPOLLERR | EPOLLHUP))
		xt_conn_hangup(conn, true);
	else if (events & EPOLLRDHUP)
		xt_conn_hangup(conn, false);
}

static void
report(const struct xt_loop *loop, const struct epoll_event *event)
{
	uintptr_t tagged = (uintptr_t)event->data.ptr;

	if (tagged & WATCH) {
		struct xt_watch *watch = (struct xt_watch *)(tagged & ~WATCH);
		/* A turn may be throttled while it reports: what is level-triggered is told again. */
		if (watch == &loop->writable || xt_loop_is_reading(loop))
			watch->ready(watch);
	} else if (tagged) {
		report_conn(event->data.ptr, event->events);
	}
}

void
xt_poll_wait(struct xt_loop *loop, int ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(loop->poll_fd, events, EVENTS, ms);

	xt_loop_woke(loop);
	for (int i = 0; i < n; i++) {
		loop->events = &events[i + 1];
		loop->events_count = n - i - 1;
		report(loop, &events[i]);
	}
	loop->events_count = 0;
}

void
xt_poll_wait_writable(struct xt_loop *loop, int ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(loop->writable_fd, events, EVENTS, ms);

	xt_loop_woke(loop);
	report_room(events, n);
}

void
xt_poll_wake(struct xt_loop *loop)
{
	uint64_t one = 1;
	int before = errno;
	/* Full can't be: that takes 2^64 rings. */
	ssize_t ignored = write(loop->waker_fd, &one, sizeof one);

	(void)ignored;
	errno = before; /* a signal handler must leave it alone */
}
