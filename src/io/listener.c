/*
 * listener.c - the workers of a listener, and accepting.
 *
 * The listener has a seat for each worker, a seat a door (a listening socket) for each address. Only the
 * worker's thread touches its seat between start and stop. How a socket comes to listen is bind.c.
 */
#include "io/listener.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/panic.h"
#include "crosstalk.h"
#include "io/bind.h"
#include "io/loop.h"

struct door {
	struct xt_watch watch; /* its fd: -1 once closed */
	struct seat *seat;
};

struct seat {
	struct xt_loop *loop; /* NULL: not started */
	const struct xt_listener *listener;
	void (*accepted)(void *ctx, const struct xt_listener *listener, int fd);
	void *ctx;
	struct xt_timer pause; /* runs while no descriptor was left */
	size_t door_count;
	struct door doors[XT_BIND_MAX];
};

struct xt_listener {
	struct xt_bound bound;
	char url[XT_ADDRESS_URL_SIZE];
	unsigned workers;
	struct seat seats[];
};

/* Opening and closing --------------------------------------------------------------------- */

/* The sockets of one worker; those of the first worker gave the listener its port. */
static int
open_seat(struct xt_listener *listener, struct seat *seat, char *error, size_t size)
{
	int fds[XT_BIND_MAX];
	int count = xt_bind_worker(&listener->bound, fds, error, size);

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++)
		seat->doors[i] = (struct door){ .watch.fd = fds[i], .seat = seat };
	seat->door_count = (size_t)count;
	return 0;
}

int
xt_listener_open(const struct xt_address *address, unsigned workers,
	const struct xt_listener_options *options, struct xt_listener **out, char *error,
	size_t size)
{
	struct xt_listener *listener =
		xt_calloc(1, sizeof *listener + workers * sizeof(struct seat));
	int result;

	XT_ASSERT(workers > 0);
	if (!listener)
		return xt_bind_fail(XT_ENOMEM, address, ENOMEM, error, size);
	listener->workers = workers;
	result = xt_bind_open(&listener->bound, address, options, error, size);
	for (unsigned i = 0; i < workers && result == 0; i++)
		result = open_seat(listener, &listener->seats[i], error, size);
	if (result < 0) {
		xt_listener_close(listener);
		return result;
	}
	xt_address_format(address, listener->bound.port, listener->url, sizeof listener->url);
	*out = listener;
	return 0;
}

static void
close_doors(struct seat *seat)
{
	for (size_t i = 0; i < seat->door_count; i++) {
		if (seat->doors[i].watch.fd >= 0)
			close(seat->doors[i].watch.fd);
		seat->doors[i].watch.fd = -1;
	}
}

void
xt_listener_close(struct xt_listener *listener)
{
	if (!listener)
		return;
	for (unsigned i = 0; i < listener->workers; i++) {
		XT_ASSERT(!listener->seats[i].loop);
		close_doors(&listener->seats[i]);
	}
	xt_bind_close(&listener->bound);
	xt_free(listener);
}

const char *
xt_listener_url(const struct xt_listener *listener)
{
	return listener->url;
}

bool
xt_listener_is_tls(const struct xt_listener *listener)
{
	return listener->bound.address.scheme == XT_SCHEME_HTTPS;
}

/* Accepting ------------------------------------------------------------------------------- */

static void
unwatch(struct seat *seat)
{
	for (size_t i = 0; i < seat->door_count; i++)
		xt_loop_unwatch(seat->loop, &seat->doors[i].watch);
}

static int
watch(struct seat *seat)
{
	for (size_t i = 0; i < seat->door_count; i++) {
		if (xt_loop_watch(seat->loop, &seat->doors[i].watch) < 0) {
			unwatch(seat);
			return XT_ESYS;
		}
	}
	return 0;
}

/* Its connections wait in the kernel meanwhile, and connections that close give descriptors back. */
static void
pause_seat(struct seat *seat)
{
	unwatch(seat);
	xt_timer_start(xt_loop_timers(seat->loop), &seat->pause, xt_loop_now(seat->loop),
		XT_LISTENER_PAUSE_MS);
}

static void
go_on(struct xt_timer *timer)
{
	struct seat *seat = XT_CONTAINER(timer, struct seat, pause);

	if (watch(seat) < 0)
		pause_seat(seat);
}

/* accept(2): errors that belong to the one connection, which is gone; the next may be good. */
static bool
is_of_connection(int error)
{
	static const int errors[] = { EINTR, ECONNABORTED, EPERM, EPROTO, ENOPROTOOPT, ENETDOWN,
		ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, ENONET, EOPNOTSUPP };

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (error == errors[i])
			return true;
	return false;
}

/* False: no more for now. */
static bool
accept_one(struct door *door)
{
	struct seat *seat = door->seat;
	int fd = accept4(door->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		seat->accepted(seat->ctx, seat->listener, fd);
		return true;
	}
	if (errno == EAGAIN)
		return false;
	if (errno == EINTR)
		return true;
	if (!is_of_connection(errno))
		pause_seat(seat);
	xt_counter_add(&xt_loop_stats(seat->loop)->accept_errors, 1);
	return xt_list_empty(&seat->pause.link);
}

static void
ready(struct xt_watch *at)
{
	struct door *door = XT_CONTAINER(at, struct door, watch);

	/* It may be stopped by whoever is told of a connection. */
	for (int i = 0; i < XT_LISTENER_ACCEPTS && door->watch.fd >= 0; i++)
		if (!accept_one(door))
			break;
}

int
xt_listener_start(struct xt_listener *listener, unsigned worker, struct xt_loop *loop,
	void (*accepted)(void *ctx, const struct xt_listener *listener, int fd), void *ctx)
{
	struct seat *seat = &listener->seats[worker];

	XT_ASSERT(worker < listener->workers && !seat->loop);
	seat->accepted = accepted;
	seat->ctx = ctx;
	seat->listener = listener;
	seat->loop = loop;
	xt_timer_init(&seat->pause, go_on);
	for (size_t i = 0; i < seat->door_count; i++)
		seat->doors[i].watch.ready = ready;
	if (watch(seat) == 0)
		return 0;
	seat->loop = NULL;
	return XT_ESYS;
}

void
xt_listener_stop(struct xt_listener *listener, unsigned worker)
{
	struct seat *seat = &listener->seats[worker];

	XT_ASSERT(worker < listener->workers);
	if (!seat->loop)
		return;
	if (xt_list_empty(&seat->pause.link))
		unwatch(seat);
	xt_timer_stop(xt_loop_timers(seat->loop), &seat->pause);
	close_doors(seat);
	seat->loop = NULL;
}
