/*
 * bind.c - listening sockets from an address.
 *
 * Every worker binds the same TCP port with SO_REUSEPORT, which would as well let another server of this
 * user share it unseen. So before the first of them a probe binds without: it fails when anybody listens.
 * The probe also finds the port where 0 was asked for, and holds it until the first worker listens.
 */
#include "io/bind.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/panic.h"
#include "crosstalk.h"

#define BACKLOG 4096

/* How often another port is tried when the one that the system chose is taken in the other family. */
#define PORT_TRIES 16

/* Keep-alive probes before the peer counts as gone. */
#define PROBES 3

static int
fail(int result, const struct xt_address *address, const char *why, char *error, size_t size)
{
	char url[XT_ADDRESS_URL_SIZE];

	xt_address_format(address, address->port, url, sizeof url);
	snprintf(error, size, "%s: %s", url, why);
	return result;
}

int
xt_bind_fail(int result, const struct xt_address *address, int number, char *error, size_t size)
{
	char text[128];

	return fail(result, address, strerror_r(number, text, sizeof text), error, size);
}

static void
close_quietly(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

/* TCP ------------------------------------------------------------------------------------- */

static int
set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value);
}

static uint32_t
seconds(uint32_t ms, uint32_t least, uint32_t most)
{
	uint32_t s = ms / 1000 + (ms % 1000 > 0);

	return s < least ? least : s > most ? most : s;
}

/*
 * On Linux accepted sockets inherit these. The kernel counts in seconds, up to 32767 of them; what has begun
 * to be probed is given up by the user timeout, which also is for bytes that were never acknowledged.
 */
static int
set_heartbeat(int fd, const struct xt_listener_options *options)
{
	uint32_t idle = seconds(options->heartbeat_interval_ms, 1, 32767);
	uint32_t every = seconds(options->heartbeat_timeout_ms / PROBES, 1, 32767);
	uint64_t gone = (uint64_t)options->heartbeat_interval_ms + options->heartbeat_timeout_ms;

	if (gone == 0)
		return 0;
	if (gone < (uint64_t)(idle + every) * 1000)
		gone = (uint64_t)(idle + every) * 1000;
	if (gone > INT32_MAX)
		gone = INT32_MAX;
	return set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)idle) |
	       set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)every) |
	       set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES) |
	       set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)gone);
}

/* A socket bound to `place`, not listening yet, or -1 with errno. */
static int
bind_place(const struct xt_bind_place *place, bool shared)
{
	int family = place->at.ss_family;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0 ||
		(shared && set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0) ||
		(family == AF_INET6 && set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0) ||
		bind(fd, (const struct sockaddr *)&place->at, place->length) < 0) {
		close_quietly(fd);
		return -1;
	}
	return fd;
}

static int
listen_place(const struct xt_bind_place *place, const struct xt_listener_options *options)
{
	int fd = bind_place(place, true);

	if (fd < 0)
		return -1;
	if (set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1) < 0 ||
		set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1) < 0 || set_heartbeat(fd, options) != 0 ||
		listen(fd, BACKLOG) < 0) {
		close_quietly(fd);
		return -1;
	}
	return fd;
}

static in_port_t *
port_of(struct xt_bind_place *place)
{
	if (place->at.ss_family == AF_INET)
		return &((struct sockaddr_in *)&place->at)->sin_port;
	return &((struct sockaddr_in6 *)&place->at)->sin6_port;
}

/* 0 or an errno; the place gets the port that it was bound to. */
static int
probe(struct xt_bind_place *place, uint16_t port)
{
	*port_of(place) = htons(port);
	place->probe = bind_place(place, false);
	if (place->probe < 0)
		return errno;
	if (getsockname(place->probe, (struct sockaddr *)&place->at, &place->length) < 0)
		return errno;
	return 0;
}

static void
close_probes(struct xt_bound *bound)
{
	for (size_t i = 0; i < bound->place_count; i++) {
		if (bound->places[i].probe >= 0)
			close(bound->places[i].probe);
		bound->places[i].probe = -1;
	}
}

/* The machine does not have this family, or not this address: no matter if it has another. */
static bool
is_absent(int number)
{
	return number == EAFNOSUPPORT || number == EADDRNOTAVAIL;
}

static void
drop_place(struct xt_bound *bound, size_t at)
{
	bound->place_count--;
	memmove(&bound->places[at], &bound->places[at + 1],
		(bound->place_count - at) * sizeof bound->places[0]);
}

/* One port for all places; 0 or an errno. */
static int
probe_places(struct xt_bound *bound)
{
	size_t at = 0;
	int absent = EADDRNOTAVAIL;

	close_probes(bound);
	bound->port = bound->address.port;
	while (at < bound->place_count) {
		int number = probe(&bound->places[at], bound->port);
		if (is_absent(number)) {
			absent = number;
			drop_place(bound, at);
		} else if (number != 0) {
			return number;
		} else {
			bound->port = ntohs(*port_of(&bound->places[at++]));
		}
	}
	return bound->place_count > 0 ? 0 : absent;
}

static bool
has_place(const struct xt_bound *bound, const struct addrinfo *info)
{
	for (size_t i = 0; i < bound->place_count; i++)
		if (bound->places[i].length == info->ai_addrlen &&
			memcmp(&bound->places[i].at, info->ai_addr, info->ai_addrlen) == 0)
			return true;
	return false;
}

/* /etc/hosts likes to name an address twice. */
static void
add_places(struct xt_bound *bound, const struct addrinfo *list)
{
	for (const struct addrinfo *at = list; at && bound->place_count < XT_BIND_MAX;
		at = at->ai_next) {
		struct xt_bind_place *place = &bound->places[bound->place_count];
		if ((at->ai_family != AF_INET && at->ai_family != AF_INET6) || has_place(bound, at))
			continue;
		memcpy(&place->at, at->ai_addr, at->ai_addrlen);
		place->length = at->ai_addrlen;
		place->probe = -1;
		bound->place_count++;
	}
}

static int
open_tcp(struct xt_bound *bound, char *error, size_t size)
{
	const struct xt_address *address = &bound->address;
	struct addrinfo *list;
	int number = EADDRINUSE;
	int unknown = xt_address_resolve(address, &list);

	if (unknown == EAI_SYSTEM)
		return xt_bind_fail(XT_ESYS, address, errno, error, size);
	if (unknown)
		return fail(XT_ESYS, address, gai_strerror(unknown), error, size);
	add_places(bound, list);
	freeaddrinfo(list);
	for (int i = 0; i < PORT_TRIES && number == EADDRINUSE; i++) {
		number = probe_places(bound);
		if (address->port != 0)
			break;
	}
	return number == 0 ? 0 : xt_bind_fail(XT_ESYS, address, number, error, size);
}

/* unix ------------------------------------------------------------------------------------ */

static struct sockaddr_un
unix_place(const struct xt_address *address)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	memcpy(at.sun_path, address->path, strlen(address->path));
	return at;
}

/*
 * A file that is there may be what a dead server left: nobody answers then, and it is removed. 0 or an
 * errno. Two servers that start in the same instant could both think so; a supervisor starts one.
 */
static int
clear_path(const struct xt_address *address)
{
	struct sockaddr_un at = unix_place(address);
	struct stat file;
	int fd, number;

	if (lstat(address->path, &file) < 0)
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(file.st_mode))
		return EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	number = connect(fd, (const struct sockaddr *)&at, sizeof at) < 0 ? errno : 0;
	close(fd);
	/* EAGAIN: its queue is full, so it lives. */
	if (number == 0 || number == EAGAIN)
		return EADDRINUSE;
	if (number != ECONNREFUSED)
		return number;
	return unlink(address->path) < 0 && errno != ENOENT ? errno : 0;
}

/* Of the file that is there now: to know it again. */
static int
remember_file(struct xt_bound *bound)
{
	struct stat file;

	if (lstat(bound->address.path, &file) < 0)
		return -1;
	bound->device = file.st_dev;
	bound->inode = file.st_ino;
	return 0;
}

static int
open_unix(struct xt_bound *bound, char *error, size_t size)
{
	struct sockaddr_un at = unix_place(&bound->address);
	int number = clear_path(&bound->address);

	if (number)
		return xt_bind_fail(XT_ESYS, &bound->address, number, error, size);
	bound->unix_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bound->unix_fd < 0 ||
		bind(bound->unix_fd, (const struct sockaddr *)&at, sizeof at) < 0 ||
		remember_file(bound) < 0 || listen(bound->unix_fd, BACKLOG) < 0)
		return xt_bind_fail(XT_ESYS, &bound->address, errno, error, size);
	return 0;
}

static void
remove_file(const struct xt_bound *bound)
{
	struct stat file;

	if (bound->inode && lstat(bound->address.path, &file) == 0 &&
		file.st_dev == bound->device && file.st_ino == bound->inode)
		unlink(bound->address.path);
}

/* Both ------------------------------------------------------------------------------------ */

int
xt_bind_open(struct xt_bound *bound, const struct xt_address *address,
	const struct xt_listener_options *options, char *error, size_t size)
{
	*bound = (struct xt_bound){ .address = *address, .unix_fd = -1 };
	if (options)
		bound->options = *options;
	if (address->scheme == XT_SCHEME_UNIX)
		return open_unix(bound, error, size);
	return open_tcp(bound, error, size);
}

int
xt_bind_worker(struct xt_bound *bound, int fds[XT_BIND_MAX], char *error, size_t size)
{
	size_t count = bound->unix_fd >= 0 ? 1 : bound->place_count;
	size_t i;

	for (i = 0; i < count; i++) {
		fds[i] = bound->unix_fd >= 0 ? fcntl(bound->unix_fd, F_DUPFD_CLOEXEC, 0)
					     : listen_place(&bound->places[i], &bound->options);
		if (fds[i] < 0)
			break;
	}
	if (i == count) {
		close_probes(bound);
		return (int)count;
	}
	xt_bind_fail(XT_ESYS, &bound->address, errno, error, size);
	while (i > 0)
		close(fds[--i]);
	return XT_ESYS;
}

void
xt_bind_close(struct xt_bound *bound)
{
	close_probes(bound);
	remove_file(bound);
	if (bound->unix_fd >= 0)
		close(bound->unix_fd);
	bound->unix_fd = -1;
}
