/* connect.c - attempts to connect, each a watch for room on a socket. */
#include "client/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/panic.h"

static void
format(const struct xt_endpoint *endpoint, char *text, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (endpoint->address.ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)&endpoint->address;
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
		snprintf(text, size, "%s:%u", host, ntohs(v4->sin_port));
	} else {
		const struct sockaddr_in6 *v6 = (const void *)&endpoint->address;
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
		snprintf(text, size, "[%s]:%u", host, ntohs(v6->sin6_port));
	}
}

static void
note_failure(struct xt_connect *connect, const struct xt_endpoint *endpoint, int error)
{
	char where[INET6_ADDRSTRLEN + 8];
	const char *what = strerrordesc_np(error);

	format(endpoint, where, sizeof where);
	snprintf(connect->words, sizeof connect->words, "could not connect to %s: %s", where,
		what ? what : "unknown error");
}

/* Small messages must not wait for the acknowledgement of those before. */
static int
open_socket(const struct xt_endpoint *endpoint)
{
	int one = 1;
	int fd = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(fd, (const struct sockaddr *)&endpoint->address, endpoint->size) == 0 ||
		errno == EINPROGRESS)
		return fd;
	one = errno;
	close(fd);
	errno = one;
	return -1;
}

/* False: it failed at once. */
static bool
begin_attempt(struct xt_connect *connect)
{
	const struct xt_endpoint *endpoint = &connect->endpoints->list[connect->next];
	struct xt_connect_attempt *attempt = &connect->attempts[connect->next++];

	attempt->watch.fd = open_socket(endpoint);
	if (attempt->watch.fd < 0) {
		note_failure(connect, endpoint, errno);
		return false;
	}
	if (xt_loop_watch(connect->loop, &attempt->watch) == 0) {
		connect->running++;
		return true;
	}
	note_failure(connect, endpoint, errno);
	close(attempt->watch.fd);
	attempt->watch.fd = -1;
	return false;
}

static void
begin_next(struct xt_connect *connect)
{
	while (connect->next < connect->endpoints->count) {
		if (!begin_attempt(connect))
			continue;
		if (connect->next < connect->endpoints->count)
			xt_timer_start(xt_loop_timers(connect->loop), &connect->timer,
				xt_loop_now(connect->loop), XT_CONNECT_HEAD_START_MS);
		return;
	}
	if (connect->running == 0)
		connect->done(connect, -1);
}

/* Takes the descriptor out of its attempt. */
static int
end_attempt(struct xt_connect_attempt *attempt)
{
	int fd = attempt->watch.fd;

	xt_loop_unwatch(attempt->connect->loop, &attempt->watch);
	attempt->watch.fd = -1;
	attempt->connect->running--;
	return fd;
}

/* What came of it: 0, or an errno. */
static int
result_of(int fd)
{
	int error = 0;
	socklen_t size = sizeof error;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

static void
on_ready(struct xt_watch *watch)
{
	struct xt_connect_attempt *attempt = XT_CONTAINER(watch, struct xt_connect_attempt, watch);
	struct xt_connect *connect = attempt->connect;
	int error = result_of(watch->fd);
	int fd = end_attempt(attempt);

	if (error == 0) {
		xt_connect_cancel(connect);
		connect->done(connect, fd);
		return;
	}
	close(fd);
	note_failure(connect, &connect->endpoints->list[attempt - connect->attempts], error);
	begin_next(connect);
}

static void
on_head_start_over(struct xt_timer *timer)
{
	begin_next(XT_CONTAINER(timer, struct xt_connect, timer));
}

void
xt_connect_init(struct xt_connect *connect, struct xt_loop *loop,
	void (*done)(struct xt_connect *connect, int fd))
{
	*connect = (struct xt_connect){ .loop = loop, .done = done };
	xt_timer_init(&connect->timer, on_head_start_over);
	for (size_t i = 0; i < XT_ENDPOINTS_MAX; i++)
		connect->attempts[i] = (struct xt_connect_attempt){
			.watch = { .fd = -1, .room = true, .ready = on_ready },
			.connect = connect,
		};
}

void
xt_connect_start(struct xt_connect *connect, const struct xt_endpoints *endpoints)
{
	connect->endpoints = endpoints;
	connect->next = 0;
	begin_next(connect);
}

void
xt_connect_cancel(struct xt_connect *connect)
{
	xt_timer_stop(xt_loop_timers(connect->loop), &connect->timer);
	for (size_t i = 0; i < XT_ENDPOINTS_MAX; i++)
		if (connect->attempts[i].watch.fd >= 0)
			close(end_attempt(&connect->attempts[i]));
}
