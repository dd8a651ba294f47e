/* server_test.c - whole servers of crosstalk.h in this process, and clients at plain sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "crosstalk.h"

#define PATIENCE 20 /* seconds for an answer; none takes that long */
#define H        " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"

static atomic_uint log_lines;

static void
count_line(void *ctx, enum xt_log_level level, const char *line)
{
	assert_null(ctx);
	assert_true(level <= XT_LOG_DEBUG && *line);
	atomic_fetch_add(&log_lines, 1);
}

static struct xt_config *
config_new(const char *listen, const char *workers)
{
	struct xt_config *config = xt_config_new();
	char error[512];

	assert_non_null(config);
	assert_int_equal(xt_config_set(config, "listen", listen, error, sizeof error), 0);
	assert_int_equal(xt_config_set(config, "workers", workers, error, sizeof error), 0);
	assert_int_equal(xt_config_set(config, "log.level", "debug", error, sizeof error), 0);
	return config;
}

static struct xt_server *
server_new(struct xt_config *config)
{
	const struct xt_log_sink sink = { .write = count_line };
	struct xt_server *server;
	char error[512];

	if (xt_server_new(&server, config, &sink, error, sizeof error) < 0)
		fail_msg("%s", error);
	xt_config_free(config); /* it has a copy */
	return server;
}

static struct xt_server *
server_start(const char *workers)
{
	struct xt_server *server = server_new(config_new("http://127.0.0.1:0", workers));
	char error[512];

	if (xt_server_start(server, error, sizeof error) < 0)
		fail_msg("%s", error);
	return server;
}

static uint16_t
port_of(const struct xt_server *server, size_t index)
{
	const char *url = xt_server_listener_url(server, index);

	assert_non_null(url);
	assert_memory_equal(url, "http://127.0.0.1:", 17);
	return (uint16_t)strtoul(url + 17, NULL, 10);
}

/* A client ------------------------------------------------------------------------------- */

static int
client_connect(uint16_t port)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
	if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
client_send(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* All up to the server's close, NUL-ended; closes. */
static void
client_read(int fd, char *text, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while ((got = recv(fd, text + n, size - 1 - n, 0)) > 0)
		n += (size_t)got;
	assert_int_equal(got, 0);
	text[n] = '\0';
	close(fd);
}

/* Up to and including `end`. */
static void
client_read_until(int fd, const char *end)
{
	char text[4096];
	size_t n = 0;

	do {
		assert_true(n + 1 < sizeof text);
		assert_int_equal(recv(fd, text + n, 1, 0), 1);
		text[++n] = '\0';
	} while (!strstr(text, end));
}

static void
ask(const struct xt_server *server, const char *request, char *answer, size_t size)
{
	int fd = client_connect(port_of(server, 0));

	assert_true(fd >= 0);
	client_send(fd, request);
	client_read(fd, answer, size);
}

static void
check(const struct xt_server *server, const char *request, const char *status, const char *words)
{
	char answer[65536];

	ask(server, request, answer, sizeof answer);
	if (!strstr(answer, status) || !strstr(answer, words))
		fail_msg("%s: %s", request, answer);
}

/* Tests ----------------------------------------------------------------------------------- */

static void
test_two_servers(void **state)
{
	struct xt_server *one = server_start("1"), *two = server_start("2");

	(void)state;
	assert_int_equal(xt_server_listeners(one), 1);
	assert_null(xt_server_listener_url(one, 1));
	assert_int_not_equal(port_of(one, 0), port_of(two, 0));
	for (unsigned i = 0; i < 8; i++) {
		check(one, "POST /c/room" H "Content-Length: 3\r\n\r\none", "201", "{\"id\":\"");
		check(two, "POST /c/room" H "Content-Length: 3\r\n\r\ntwo", "201", "{\"id\":\"");
	}
	check(one, "GET /c/room" H "\r\n", "200 OK", "\"data\":\"one\"");
	check(two, "GET /c/room" H "\r\n", "200 OK", "\"data\":\"two\"");
	check(one, "GET /readyz" H "\r\n", "200 OK", "ready");
	check(two, "GET /metrics" H "\r\n", "200 OK",
		"crosstalk_connections{worker=\"1\",transport=\"websocket\"} 0\n");
	xt_server_stop(one);
	assert_int_equal(xt_server_wait(one), 0);
	assert_int_equal(client_connect(port_of(one, 0)), -1);
	check(two, "GET /c/room?history=1" H "\r\n", "200 OK", "two");
	xt_server_free(one);
	xt_server_free(two);
}

/* Until the requests of `count` long polls have been read. */
static void
await_pollers(const struct xt_server *server, unsigned count)
{
	unsigned n;

	do {
		char metrics[65536];
		const char *at = metrics;
		ask(server, "GET /metrics" H "\r\n", metrics, sizeof metrics);
		n = 0;
		while ((at = strstr(at, "transport=\"longpoll\"} "))) {
			at = strchr(at, ' ');
			n += (unsigned)strtoul(at, NULL, 10);
		}
	} while (n != count);
}

/* A publish reaches whoever waits, whichever worker they are on. */
static void
test_long_poll(void **state)
{
	struct xt_server *server = server_start("3");
	char answer[4096];
	int waiting[6];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		waiting[i] = client_connect(port_of(server, 0));
		client_send(waiting[i], "GET /c/lp?wait=60&client=x" H "\r\n");
	}
	await_pollers(server, 6);
	check(server, "POST /c/lp" H "Content-Length: 2\r\n\r\nhi", "201", "id");
	for (size_t i = 0; i < 6; i++) {
		client_read(waiting[i], answer, sizeof answer);
		assert_non_null(strstr(answer, "\"data\":\"hi\""));
	}
	xt_server_free(server);
}

/* No name is in the tables of two layers. */
static void
test_metrics(void **state)
{
	struct xt_server *server = server_start("1");
	char answer[65536], line[256], *end;
	unsigned types = 0;

	(void)state;
	ask(server, "GET /metrics" H "\r\n", answer, sizeof answer);
	for (char *at = answer; (at = strstr(at, "\n# TYPE ")); at = end) {
		end = strchr(at + 1, ' ');
		end = strchr(end + 1, ' ');
		end = strchr(end + 1, ' ');
		snprintf(line, sizeof line, "%.*s", (int)(end + 1 - at), at);
		assert_null(strstr(end, line));
		types++;
	}
	assert_true(types > 20);
	xt_server_free(server);
}

static void *
stop_it(void *server)
{
	xt_server_stop(server);
	xt_server_stop(server);
	return NULL;
}

/* Streams are told, polls return, and the server's thread comes back. */
static void
test_stop(void **state)
{
	struct xt_server *server = server_start("2");
	int stream = client_connect(port_of(server, 0)), poll = client_connect(port_of(server, 0));
	unsigned lines = atomic_load(&log_lines);
	char answer[4096];
	pthread_t thread;

	(void)state;
	client_send(stream, "GET /c/s HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n");
	client_read_until(stream, "event: open");
	client_send(poll, "GET /c/s?wait=300 HTTP/1.1\r\nHost: a\r\n\r\n");
	await_pollers(server, 1);
	assert_int_equal(pthread_create(&thread, NULL, stop_it, server), 0);
	client_read(stream, answer, sizeof answer);
	assert_non_null(strstr(answer, "event: close\ndata: {\"event\":\"close\","
				       "\"reason\":\"shutdown\""));
	assert_memory_equal(answer + strlen(answer) - 5, "0\r\n\r\n", 5);
	client_read(poll, answer, sizeof answer);
	assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
	assert_non_null(strstr(answer, "{\"messages\":[],\"next\":\""));
	pthread_join(thread, NULL);
	assert_int_equal(xt_server_wait(server), 0);
	assert_true(atomic_load(&log_lines) > lines);
	xt_server_free(server);
}

/* What is still open is cut and freed. */
static void
test_free_while_running(void **state)
{
	struct xt_server *server = server_start("2");
	int stream = client_connect(port_of(server, 0));

	(void)state;
	client_send(stream, "GET /c/s?stream=ndjson HTTP/1.1\r\nHost: a\r\n\r\n");
	client_read_until(stream, "\"open\"");
	close(stream);
	xt_server_free(server);
}

static void
test_free_without_start(void **state)
{
	struct xt_server *server;
	char error[512];

	(void)state;
	xt_server_free(NULL);
	xt_server_free(server_new(config_new("http://127.0.0.1:0", "3")));
	assert_int_equal(xt_server_new(&server, NULL, NULL, error, sizeof error), 0);
	assert_int_equal(xt_server_listeners(server), 0);
	assert_null(xt_server_listener_url(server, 0));
	xt_server_free(server);
}

static void
test_bad_config(void **state)
{
	struct xt_config *config = config_new("http://0.0.0.0:0", "1");
	struct xt_server *server = (void *)config;
	char error[512] = "";

	(void)state;
	assert_int_equal(xt_server_new(&server, config, NULL, error, sizeof error), XT_EINVAL);
	assert_null(server);
	assert_non_null(strstr(error, "open"));
	assert_int_equal(xt_server_new(&server, config, NULL, NULL, 0), XT_EINVAL);
	xt_config_free(config);
}

/* A port that another has: nothing of the server is left, and its other address is free at once. */
static void
test_port_taken(void **state)
{
	struct xt_server *other = server_start("1"), *server;
	struct xt_config *config;
	char error[512] = "", directory[] = "/tmp/xt-server-XXXXXX", path[64], url[80];
	struct stat status;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/socket", directory);
	snprintf(url, sizeof url, "unix:%s", path);
	config = config_new(url, "2");
	assert_int_equal(xt_config_set(config, "listen", xt_server_listener_url(other, 0), error,
				 sizeof error),
		0);
	server = server_new(config);
	assert_int_equal(xt_server_start(server, error, sizeof error), XT_ESYS);
	assert_non_null(strstr(error, xt_server_listener_url(other, 0)));
	/* "On failure nothing listens": the listener before it is gone, and so is its file. */
	assert_int_equal(stat(path, &status), -1);
	assert_int_equal(xt_server_listeners(server), 0);
	assert_int_equal(xt_server_wait(server), 0);
	check(other, "GET /healthz" H "\r\n", "200 OK", "ok");
	xt_server_free(server);
	xt_server_free(other);
	rmdir(directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_servers),
		cmocka_unit_test(test_long_poll),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_free_while_running),
		cmocka_unit_test(test_free_without_start),
		cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_port_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
