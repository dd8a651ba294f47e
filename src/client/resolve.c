/* resolve.c - a lookup: a channel of c-ares, its sockets as watches, its timeouts as a timer. */
#include "client/resolve.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>

#include "base/panic.h"
#include "base/str.h"

/* ---- what was found ---------------------------------------------------------------------- */

static void
add(struct xt_resolve *resolve, const void *address, size_t size)
{
	struct xt_endpoints *found = &resolve->found;

	if (found->count == XT_ENDPOINTS_MAX || size > sizeof found->list[0].address)
		return;
	memcpy(&found->list[found->count].address, address, size);
	found->list[found->count++].size = (socklen_t)size;
}

static void
add_v4(struct xt_resolve *resolve, struct in_addr address)
{
	add(resolve,
		&(struct sockaddr_in){ .sin_family = AF_INET,
			.sin_port = htons(resolve->port),
			.sin_addr = address },
		sizeof(struct sockaddr_in));
}

static void
add_v6(struct xt_resolve *resolve, const struct in6_addr *address)
{
	add(resolve,
		&(struct sockaddr_in6){ .sin6_family = AF_INET6,
			.sin6_port = htons(resolve->port),
			.sin6_addr = *address },
		sizeof(struct sockaddr_in6));
}

static bool
read_address(struct xt_resolve *resolve, const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		add_v4(resolve, v4);
	else if (inet_pton(AF_INET6, host, &v6) == 1)
		add_v6(resolve, &v6);
	else
		return false;
	return true;
}

static bool
is_localhost(struct xt_str host)
{
	static const struct xt_str name = XT_STR_INIT("localhost");

	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n < name.n || !xt_str_ieq(xt_str_skip(host, host.n - name.n), name))
		return xt_str_ieq(host, name);
	return host.n == name.n || host.p[host.n - name.n - 1] == '.';
}

static const struct ares_addrinfo_node *
next_of(const struct ares_addrinfo_node *node, int family)
{
	while (node && node->ai_family != family)
		node = node->ai_next;
	return node;
}

/* c-ares has sorted by RFC 6724; the family that it put first begins. */
static void
take_by_turns(struct xt_resolve *resolve, const struct ares_addrinfo_node *nodes)
{
	int first = nodes ? nodes->ai_family : AF_INET6;
	const struct ares_addrinfo_node *lists[] = {
		next_of(nodes, first),
		next_of(nodes, first == AF_INET6 ? AF_INET : AF_INET6),
	};

	for (int turn = 0; lists[0] || lists[1]; turn ^= 1) {
		const struct ares_addrinfo_node *node = lists[turn];
		if (!node)
			continue;
		add(resolve, node->ai_addr, node->ai_addrlen);
		lists[turn] = next_of(node->ai_next, node->ai_family);
	}
}

/* ---- c-ares on the loop ------------------------------------------------------------------ */

static struct xt_resolve_socket *
socket_of(struct xt_resolve *resolve, int fd)
{
	for (size_t i = 0; i < XT_RESOLVE_SOCKETS; i++)
		if (resolve->sockets[i].watch.fd == fd)
			return &resolve->sockets[i];
	return NULL;
}

static void
unwatch(struct xt_resolve *resolve, struct xt_resolve_socket *socket)
{
	if (socket->watch.fd < 0)
		return;
	xt_loop_unwatch(resolve->loop, &socket->watch);
	socket->watch.fd = -1;
}

static void
await_timeout(struct xt_resolve *resolve)
{
	struct timeval room;
	const struct timeval *left = ares_timeout(resolve->channel, NULL, &room);

	if (left)
		xt_timer_start(xt_loop_timers(resolve->loop), &resolve->timer,
			xt_loop_now(resolve->loop),
			(uint64_t)left->tv_sec * 1000 + (uint64_t)left->tv_usec / 1000 + 1);
	else
		xt_timer_stop(xt_loop_timers(resolve->loop), &resolve->timer);
}

static void
process(struct xt_resolve *resolve, int readable, int writable)
{
	ares_process_fd(resolve->channel, readable, writable);
	await_timeout(resolve);
}

/* Which of both it is ready for the watch does not say: asking for too much finds nothing. */
static void
on_ready(struct xt_watch *watch)
{
	struct xt_resolve_socket *socket = XT_CONTAINER(watch, struct xt_resolve_socket, watch);

	process(socket->resolve, watch->fd, watch->room ? watch->fd : ARES_SOCKET_BAD);
}

static void
on_timeout(struct xt_timer *timer)
{
	process(XT_CONTAINER(timer, struct xt_resolve, timer), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* A socket for which there is no watch is not heard: its question times out, and the next one is asked. */
static void
on_socket(void *context, ares_socket_t fd, int readable, int writable)
{
	struct xt_resolve *resolve = context;
	struct xt_resolve_socket *socket = socket_of(resolve, fd);

	if (socket)
		unwatch(resolve, socket);
	if (!readable && !writable)
		return;
	socket = socket_of(resolve, -1);
	if (!socket)
		return;
	socket->watch.fd = fd;
	socket->watch.room = writable;
	if (xt_loop_watch(resolve->loop, &socket->watch) < 0)
		socket->watch.fd = -1;
}

/* Called within c-ares, which must not be destroyed now: the task does that. */
static void
on_answer(void *context, int status, int timeouts, struct ares_addrinfo *info)
{
	struct xt_resolve *resolve = context;

	(void)timeouts;
	if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
		return;
	if (status == ARES_SUCCESS && info)
		take_by_turns(resolve, info->nodes);
	else
		resolve->words = ares_strerror(status);
	if (info)
		ares_freeaddrinfo(info);
	xt_loop_post(resolve->loop, &resolve->task);
}

static void
ask(struct xt_resolve *resolve, const char *host)
{
	struct ares_options options = { .sock_state_cb = on_socket, .sock_state_cb_data = resolve };
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	int status = ares_init_options(&resolve->channel, &options, ARES_OPT_SOCK_STATE_CB);

	if (status != ARES_SUCCESS) {
		resolve->channel = NULL;
		resolve->words = ares_strerror(status);
		xt_loop_post(resolve->loop, &resolve->task);
		return;
	}
	ares_getaddrinfo(resolve->channel, host, NULL, &hints, on_answer, resolve);
	await_timeout(resolve);
}

/* ---- life -------------------------------------------------------------------------------- */

static void
put_port(struct xt_resolve *resolve)
{
	for (size_t i = 0; i < resolve->found.count; i++) {
		struct sockaddr_storage *address = &resolve->found.list[i].address;
		if (address->ss_family == AF_INET)
			((struct sockaddr_in *)(void *)address)->sin_port = htons(resolve->port);
		else
			((struct sockaddr_in6 *)(void *)address)->sin6_port = htons(resolve->port);
	}
}

static void
on_done(struct xt_task *task)
{
	struct xt_resolve *resolve = XT_CONTAINER(task, struct xt_resolve, task);

	xt_resolve_cancel(resolve);
	put_port(resolve);
	if (resolve->found.count == 0 && !resolve->words)
		resolve->words = "it has no addresses";
	resolve->done(resolve);
}

void
xt_resolve_init(
	struct xt_resolve *resolve, struct xt_loop *loop, void (*done)(struct xt_resolve *resolve))
{
	*resolve = (struct xt_resolve){ .loop = loop, .done = done };
	xt_list_init(&resolve->task.link);
	resolve->task.run = on_done;
	xt_timer_init(&resolve->timer, on_timeout);
	for (size_t i = 0; i < XT_RESOLVE_SOCKETS; i++)
		resolve->sockets[i] = (struct xt_resolve_socket){
			.watch = { .fd = -1, .ready = on_ready },
			.resolve = resolve,
		};
}

void
xt_resolve_start(struct xt_resolve *resolve, const char *host, uint16_t port)
{
	XT_ASSERT(!resolve->channel);
	resolve->found.count = 0;
	resolve->words = NULL;
	resolve->port = port;
	if (read_address(resolve, host)) {
		xt_loop_post(resolve->loop, &resolve->task);
	} else if (is_localhost(xt_str_from(host))) {
		add_v4(resolve, (struct in_addr){ .s_addr = htonl(INADDR_LOOPBACK) });
		add_v6(resolve, &in6addr_loopback);
		xt_loop_post(resolve->loop, &resolve->task);
	} else {
		ask(resolve, host);
	}
}

void
xt_resolve_cancel(struct xt_resolve *resolve)
{
	xt_task_cancel(&resolve->task);
	xt_timer_stop(xt_loop_timers(resolve->loop), &resolve->timer);
	if (resolve->channel)
		ares_destroy(resolve->channel);
	resolve->channel = NULL;
	for (size_t i = 0; i < XT_RESOLVE_SOCKETS; i++)
		unwatch(resolve, &resolve->sockets[i]);
}
