/* poll_epoll.c - waiting with Linux' epoll. What it reports is a connection or, with the lowest bit set, a watch. */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "crosstalk.h"
#include "io/loop_private.h"

#define EVENTS 512
#define WATCH  ((uintptr_t)1)

int
xt_poll_open(struct xt_loop *loop)
{
	loop->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->poll_fd < 0 ? XT_ESYS : 0;
}

void
xt_poll_close(struct xt_loop *loop)
{
	if (loop->poll_fd >= 0)
		close(loop->poll_fd);
}

int
xt_poll_watch(struct xt_loop *loop, struct xt_watch *watch)
{
	struct epoll_event event = {
		/* Exclusive: of several loops that wait for one listener, not all wake. */
		.events = EPOLLIN | EPOLLEXCLUSIVE,
		.data.ptr = (void *)((uintptr_t)watch | WATCH),
	};

	return epoll_ctl(loop->poll_fd, EPOLL_CTL_ADD, watch->fd, &event) < 0 ? XT_ESYS : 0;
}

void
xt_poll_unwatch(struct xt_loop *loop, struct xt_watch *watch)
{
	epoll_ctl(loop->poll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
}

static struct epoll_event
event_of(struct xt_conn *conn)
{
	uint32_t events = 0;

	if (conn->interest & XT_POLL_READ)
		events |= EPOLLIN;
	if (conn->interest & XT_POLL_WRITE)
		events |= EPOLLOUT;
	if (conn->interest & XT_POLL_HANGUP)
		events |= EPOLLRDHUP;
	return (struct epoll_event){ .events = events, .data.ptr = conn };
}

int
xt_poll_add(struct xt_conn *conn)
{
	struct epoll_event event = event_of(conn);

	return epoll_ctl(conn->loop->poll_fd, EPOLL_CTL_ADD, conn->fd, &event) < 0 ? XT_ESYS : 0;
}

void
xt_poll_update(struct xt_conn *conn)
{
	struct epoll_event event = event_of(conn);

	epoll_ctl(conn->loop->poll_fd, EPOLL_CTL_MOD, conn->fd, &event);
}

static void
report_conn(struct xt_conn *conn, uint32_t events)
{
	if (events & EPOLLOUT)
		xt_conn_writable(conn);
	if (events & EPOLLIN)
		xt_conn_readable(conn);
	else if (events & (EPOLLERR | EPOLLHUP))
		xt_conn_broken(conn);
	else if (events & EPOLLRDHUP)
		xt_conn_hangup(conn);
}

static void
report(const struct epoll_event *event)
{
	uintptr_t tagged = (uintptr_t)event->data.ptr;

	if (tagged & WATCH) {
		struct xt_watch *watch = (struct xt_watch *)(tagged & ~WATCH);
		watch->ready(watch);
	} else {
		report_conn(event->data.ptr, event->events);
	}
}

void
xt_poll_wait(struct xt_loop *loop, int ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(loop->poll_fd, events, EVENTS, ms);

	xt_mailbox_awake(loop->mailbox);
	loop->now = xt_clock_ms();
	loop->tick = (uint32_t)((loop->now - loop->began) >> XT_TICK_SHIFT) + 1;
	for (int i = 0; i < n; i++)
		report(&events[i]);
}

void
xt_poll_wait_letter(struct xt_loop *loop, int ms)
{
	struct pollfd waker = { .fd = loop->waker.fd, .events = POLLIN };

	if (poll(&waker, 1, ms) == 1)
		loop->waker.ready(&loop->waker);
	xt_mailbox_awake(loop->mailbox);
}

int
xt_poll_waker_open(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void
xt_poll_waker_ring(int fd)
{
	uint64_t one = 1;
	/* Full can't be: it would already be readable. */
	ssize_t ignored = write(fd, &one, sizeof one);
	(void)ignored;
}

void
xt_poll_waker_clear(int fd)
{
	uint64_t count;
	ssize_t ignored = read(fd, &count, sizeof count);
	(void)ignored;
}
