/* listener_test.c - opening, accepting and stopping listeners over real sockets, on loops of this thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "crosstalk.h"
#include "io/listener.h"
#include "io/loop.h"

#define WORKERS 3
#define MANY    160 /* more connections than one turn accepts */

struct fixture {
	struct xt_loop *loops[WORKERS];
	struct xt_listener *listener;
	struct worker {
		struct fixture *fixture;
		unsigned index;
		int accepted;
		bool stops; /* with the first connection */
	} workers[WORKERS];
	int last; /* the connection accepted last, -1: none */
	char directory[32], path[64], url[80];
	char error[300];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	if (!f)
		return -1;
	f->last = -1;
	for (unsigned i = 0; i < WORKERS; i++) {
		f->workers[i] = (struct worker){ .fixture = f, .index = i };
		if (xt_loop_new(&f->loops[i]) < 0)
			return -1;
	}
	snprintf(f->directory, sizeof f->directory, "/tmp/xt-listener-XXXXXX");
	if (!mkdtemp(f->directory))
		return -1;
	snprintf(f->path, sizeof f->path, "%s/socket", f->directory);
	snprintf(f->url, sizeof f->url, "unix:%s", f->path);
	*state = f;
	return 0;
}

static void
stop_all(struct fixture *f)
{
	for (unsigned i = 0; i < WORKERS; i++)
		xt_listener_stop(f->listener, i);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	if (f->listener)
		stop_all(f);
	xt_listener_close(f->listener);
	for (unsigned i = 0; i < WORKERS; i++)
		xt_loop_free(f->loops[i]);
	if (f->last >= 0)
		close(f->last);
	unlink(f->path);
	rmdir(f->directory);
	free(f);
	return 0;
}

static int
open_url(struct fixture *f, const char *url, struct xt_listener **listener)
{
	struct xt_listener_options options = { .heartbeat_interval_ms = 25000,
		.heartbeat_timeout_ms = 20500 };
	struct xt_address address;

	assert_int_equal(
		xt_address_parse(xt_str_from(url), &address, f->error, sizeof f->error), 0);
	f->error[0] = '\0';
	return xt_listener_open(&address, WORKERS, &options, listener, f->error, sizeof f->error);
}

static void
accepted(void *ctx, const struct xt_listener *listener, int fd)
{
	assert_false(xt_listener_is_tls(listener));
	struct worker *worker = ctx;
	struct fixture *f = worker->fixture;

	worker->accepted++;
	if (f->last >= 0)
		close(f->last);
	f->last = fd;
	if (worker->stops)
		xt_listener_stop(f->listener, worker->index);
}

static void
start(struct fixture *f, unsigned workers)
{
	for (unsigned i = 0; i < workers; i++)
		assert_int_equal(
			xt_listener_start(f->listener, i, f->loops[i], accepted, &f->workers[i]),
			0);
}

static int
total(const struct fixture *f)
{
	int sum = 0;

	for (int i = 0; i < WORKERS; i++)
		sum += f->workers[i].accepted;
	return sum;
}

/* Until so many are accepted. What should not come, comes not within a few turns more. */
static void
run(struct fixture *f, int count)
{
	uint64_t until = xt_clock_ms() + 10000;
	int turns = 0;

	while (turns++ < 3 || total(f) < count) {
		assert_true(xt_clock_ms() < until);
		for (int i = 0; i < WORKERS; i++)
			xt_loop_turn(f->loops[i], total(f) < count ? 1 : 0);
	}
	assert_int_equal(total(f), count);
}

static unsigned
port_of(const struct fixture *f)
{
	uint64_t port = 0;

	assert_true(xt_str_u64(
		xt_str_from(strrchr(xt_listener_url(f->listener), ':') + 1), UINT16_MAX, &port));
	return (unsigned)port;
}

/* A connected socket, or -1 with errno. */
static int
connect_tcp(int family, unsigned port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
		.sin6_addr = in6addr_loopback };
	bool six = family == AF_INET6;
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd >= 0 && connect(fd, six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
			       six ? sizeof v6 : sizeof v4) < 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	if (connect(fd, (struct sockaddr *)&at, sizeof at) < 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static bool
has_ipv6(void)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool works = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;

	if (fd >= 0)
		close(fd);
	return works;
}

static int
option(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof value;

	assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

/* TCP ------------------------------------------------------------------------------------- */

static void
test_inherits(void **state)
{
	struct fixture *f = *state;
	int fd;

	assert_int_equal(open_url(f, "http://127.0.0.1:0", &f->listener), 0);
	assert_true(port_of(f) > 0);
	start(f, WORKERS);
	fd = connect_tcp(AF_INET, port_of(f));
	assert_true(fd >= 0);
	run(f, 1);
	assert_true(fcntl(f->last, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(f->last, F_GETFD) & FD_CLOEXEC);
	assert_true(option(f->last, IPPROTO_TCP, TCP_NODELAY));
	assert_true(option(f->last, SOL_SOCKET, SO_KEEPALIVE));
	assert_int_equal(option(f->last, IPPROTO_TCP, TCP_KEEPIDLE), 25);
	assert_int_equal(option(f->last, IPPROTO_TCP, TCP_KEEPINTVL), 7);
	assert_int_equal(option(f->last, IPPROTO_TCP, TCP_KEEPCNT), 3);
	assert_int_equal(option(f->last, IPPROTO_TCP, TCP_USER_TIMEOUT), 45500);
	close(fd);
}

/* Every worker has its socket, so each gets its share; who isn't started leaves his waiting. */
static void
test_spreads(void **state)
{
	struct fixture *f = *state;
	int fds[MANY], waiting;

	assert_int_equal(open_url(f, "http://127.0.0.1:0", &f->listener), 0);
	start(f, WORKERS);
	for (int i = 0; i < MANY; i++) {
		fds[i] = connect_tcp(AF_INET, port_of(f));
		assert_true(fds[i] >= 0);
	}
	run(f, MANY);
	waiting = 0;
	for (int i = 0; i < WORKERS; i++)
		waiting += f->workers[i].accepted == 0;
	assert_int_equal(waiting, 0);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
}

static void
test_turn_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct xt_address address;
	int fds[MANY];

	assert_int_equal(
		xt_address_parse(XT_STR("http://127.0.0.1:0"), &address, f->error, sizeof f->error),
		0);
	assert_int_equal(
		xt_listener_open(&address, 1, NULL, &f->listener, f->error, sizeof f->error), 0);
	for (int i = 0; i < MANY; i++) {
		fds[i] = connect_tcp(AF_INET, port_of(f));
		assert_true(fds[i] >= 0);
	}
	start(f, 1);
	xt_loop_turn(f->loops[0], 1000);
	assert_int_equal(total(f), XT_LISTENER_ACCEPTS);
	xt_loop_turn(f->loops[0], 1000);
	assert_int_equal(total(f), 2 * XT_LISTENER_ACCEPTS);
	xt_loop_turn(f->loops[0], 1000);
	assert_int_equal(total(f), MANY);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	xt_listener_stop(f->listener, 0);
	xt_listener_close(f->listener);
	f->listener = NULL;
}

static void
test_localhost(void **state)
{
	struct fixture *f = *state;
	int v4, v6 = -1;

	for (int i = 0; i < 20; i++) {
		assert_int_equal(open_url(f, "http://localhost:0", &f->listener), 0);
		xt_listener_close(f->listener);
		f->listener = NULL;
	}
	assert_int_equal(open_url(f, "http://localhost:0", &f->listener), 0);
	assert_memory_equal(xt_listener_url(f->listener), "http://localhost:", 17);
	start(f, WORKERS);
	v4 = connect_tcp(AF_INET, port_of(f));
	v6 = connect_tcp(AF_INET6, port_of(f));
	/* Which of them the name stands for is the machine's affair. */
	assert_true(v4 >= 0 || v6 >= 0);
	run(f, (v4 >= 0) + (v6 >= 0));
	if (v4 >= 0)
		close(v4);
	if (v6 >= 0)
		close(v6);
}

static void
test_ipv6(void **state)
{
	struct fixture *f = *state;
	int fd;

	if (!has_ipv6())
		skip();
	assert_int_equal(open_url(f, "http://[::1]:0", &f->listener), 0);
	assert_memory_equal(xt_listener_url(f->listener), "http://[::1]:", 13);
	start(f, WORKERS);
	fd = connect_tcp(AF_INET6, port_of(f));
	assert_true(fd >= 0);
	run(f, 1);
	close(fd);
}

/* SO_REUSEPORT among our own sockets must not let a second server in. */
static void
test_in_use(void **state)
{
	struct fixture *f = *state;
	struct xt_listener *second = NULL;
	char url[80];

	assert_int_equal(open_url(f, "http://127.0.0.1:0", &f->listener), 0);
	assert_int_equal(open_url(f, xt_listener_url(f->listener), &second), XT_ESYS);
	assert_null(second);
	snprintf(url, sizeof url, "%s: %s", xt_listener_url(f->listener), strerror(EADDRINUSE));
	assert_string_equal(f->error, url);
	snprintf(url, sizeof url, "http://0.0.0.0:%u", port_of(f));
	assert_int_equal(open_url(f, url, &second), XT_ESYS);
	/* It is free as soon as the first is closed, though a connection was there. */
	start(f, WORKERS);
	close(connect_tcp(AF_INET, port_of(f)));
	run(f, 1);
	snprintf(url, sizeof url, "%s", xt_listener_url(f->listener));
	stop_all(f);
	xt_listener_close(f->listener);
	f->listener = NULL;
	assert_int_equal(open_url(f, url, &f->listener), 0);
	assert_string_equal(xt_listener_url(f->listener), url);
}

static void
test_not_ours(void **state)
{
	struct fixture *f = *state;
	char text[100];

	/* RFC 5737: an address for documentation, nobody has it. */
	assert_int_equal(open_url(f, "http://192.0.2.1:0", &f->listener), XT_ESYS);
	snprintf(text, sizeof text, "http://192.0.2.1:0: %s", strerror(EADDRNOTAVAIL));
	assert_string_equal(f->error, text);
	assert_null(f->listener);
}

/* Stopping ---------------------------------------------------------------------------------- */

static void
test_stop(void **state)
{
	struct fixture *f = *state;
	unsigned port;
	int fd;

	assert_int_equal(open_url(f, "http://127.0.0.1:0", &f->listener), 0);
	port = port_of(f);
	start(f, 2); /* the third worker never does */
	xt_listener_stop(f->listener, 0);
	xt_listener_stop(f->listener, 0);
	fd = connect_tcp(AF_INET, port); /* to the second or the third */
	assert_true(fd >= 0);
	close(fd);
	stop_all(f);
	xt_listener_close(f->listener);
	f->listener = NULL;
	assert_int_equal(connect_tcp(AF_INET, port), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

static void
test_stop_within_accepted(void **state)
{
	struct fixture *f = *state;
	int fds[3];

	assert_int_equal(open_url(f, f->url, &f->listener), 0);
	for (int i = 0; i < 3; i++) {
		fds[i] = connect_unix(f->path);
		assert_true(fds[i] >= 0);
	}
	f->workers[0].stops = f->workers[1].stops = true;
	start(f, WORKERS);
	xt_loop_turn(f->loops[0], 1000);
	assert_int_equal(f->workers[0].accepted, 1);
	xt_loop_turn(f->loops[1], 1000);
	assert_int_equal(f->workers[1].accepted, 1);
	run(f, 3);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

/* Without descriptors ----------------------------------------------------------------------- */

/* No descriptor beyond those that are open now; returns what it was. */
static struct rlimit
forbid_descriptors(void)
{
	struct rlimit was, now;
	int next = dup(0);

	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	now = was;
	now.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	return was;
}

static void
test_no_descriptors(void **state)
{
	struct fixture *f = *state;
	const xt_counter *errors = &xt_loop_stats(f->loops[0])->accept_errors;
	struct rlimit was;
	uint64_t began;
	int fd, turns = 0;

	assert_int_equal(open_url(f, f->url, &f->listener), 0);
	start(f, 1);
	fd = connect_unix(f->path);
	assert_true(fd >= 0);
	was = forbid_descriptors();
	began = xt_clock_ms();
	xt_loop_turn(f->loops[0], 1000);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(total(f), 0);
	assert_int_equal(xt_counter_read(errors), 1);
	/* It waits with it, and does not spin meanwhile. */
	while (total(f) == 0 && turns++ < 20)
		xt_loop_turn(f->loops[0], 1000);
	assert_int_equal(total(f), 1);
	assert_true(turns < 10);
	assert_true(xt_clock_ms() - began >= XT_LISTENER_PAUSE_MS - 1);
	assert_int_equal(xt_counter_read(errors), 1);
	close(fd);
}

static void
test_stop_while_paused(void **state)
{
	struct fixture *f = *state;
	struct rlimit was;
	int fd;

	assert_int_equal(open_url(f, f->url, &f->listener), 0);
	start(f, 1);
	fd = connect_unix(f->path);
	was = forbid_descriptors();
	xt_loop_turn(f->loops[0], 1000);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	stop_all(f);
	xt_loop_turn(f->loops[0], 2 * XT_LISTENER_PAUSE_MS);
	assert_int_equal(total(f), 0);
	close(fd);
}

/* unix ------------------------------------------------------------------------------------ */

static bool
exists(const char *path)
{
	struct stat file;

	return lstat(path, &file) == 0;
}

static void
test_unix(void **state)
{
	struct fixture *f = *state;
	struct xt_listener *second = NULL;
	int fds[MANY];

	assert_int_equal(open_url(f, f->url, &f->listener), 0);
	assert_string_equal(xt_listener_url(f->listener), f->url);
	start(f, WORKERS);
	for (int i = 0; i < MANY; i++) {
		fds[i] = connect_unix(f->path);
		assert_true(fds[i] >= 0);
	}
	run(f, MANY);
	assert_true(fcntl(f->last, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(f->last, F_GETFD) & FD_CLOEXEC);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	/* It lives: nobody takes its place. */
	assert_int_equal(open_url(f, f->url, &second), XT_ESYS);
	assert_non_null(strstr(f->error, strerror(EADDRINUSE)));
	assert_true(exists(f->path));
	stop_all(f);
	xt_listener_close(f->listener);
	f->listener = NULL;
	assert_false(exists(f->path));
}

static void
leave_stale(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd);
}

static void
test_unix_stale(void **state)
{
	struct fixture *f = *state;
	int fd;

	leave_stale(f->path);
	assert_int_equal(open_url(f, f->url, &f->listener), 0);
	start(f, WORKERS);
	fd = connect_unix(f->path);
	assert_true(fd >= 0);
	run(f, 1);
	close(fd);
}

/* Not a socket, so not ours to remove; the same for a file that was put in our place. */
static void
test_unix_other_file(void **state)
{
	struct fixture *f = *state;
	int fd = open(f->path, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(open_url(f, f->url, &f->listener), XT_ESYS);
	assert_true(exists(f->path));
	unlink(f->path);
	assert_int_equal(open_url(f, f->url, &f->listener), 0);
	unlink(f->path);
	leave_stale(f->path);
	xt_listener_close(f->listener);
	f->listener = NULL;
	assert_true(exists(f->path));
}

static void
test_unix_no_directory(void **state)
{
	struct fixture *f = *state;
	char url[100];

	snprintf(url, sizeof url, "%s/none/socket", f->url);
	assert_int_equal(open_url(f, url, &f->listener), XT_ESYS);
	assert_non_null(strstr(f->error, strerror(ENOENT)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_inherits),
		TEST(test_spreads),
		TEST(test_turn_is_bounded),
		TEST(test_localhost),
		TEST(test_ipv6),
		TEST(test_in_use),
		TEST(test_not_ours),
		TEST(test_stop),
		TEST(test_stop_within_accepted),
		TEST(test_no_descriptors),
		TEST(test_stop_while_paused),
		TEST(test_unix),
		TEST(test_unix_stale),
		TEST(test_unix_other_file),
		TEST(test_unix_no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
