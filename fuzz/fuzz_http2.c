/*
 * fuzz_http2.c - bytes after the preface of HTTP/2 into a whole server: whatever comes, what it answers is made of
 * whole frames, and when the client has gone nothing is left of it.
 *
 * The first byte of the input chooses how the rest is read: as the bytes of frames, or, so that more of it gets far, as
 * a list of frames without lengths (type, flags, stream, size, payload); and how it is cut on its way.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/budget.h"
#include "base/panic.h"
#include "http/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAME_HEAD  9
#define PAYLOAD_MAX (16384 + 1)

/* ---- a server -------------------------------------------------------------------------- */

static struct xt_exchange *held;

static void
held_gone(void *ctx, enum xt_close why)
{
	(void)ctx, (void)why;
	held = NULL;
}

static void
held_expired(void *ctx)
{
	(void)ctx;
	xt_exchange_reply(held, 200, XT_STR("text/plain"), XT_STR("late"));
	held = NULL;
}

static const struct xt_holder holder = { .gone = held_gone, .expired = held_expired };

/* One at a time waits; those after it are answered with their body. */
static void
on_wait(struct xt_exchange *x, void *ctx)
{
	(void)ctx;
	if (held) {
		xt_exchange_reply(x, 200, XT_STR("text/plain"), xt_exchange_request(x)->body);
		return;
	}
	held = x;
	xt_exchange_hold(x, &holder, NULL);
}

static size_t
echo_recv(struct xt_conn *conn, char *p, size_t n)
{
	if (xt_conn_backlog(conn) > 65536)
		xt_conn_finish(conn, XT_CLOSE_SLOW);
	else
		xt_conn_send(conn, p, n);
	return n;
}

static void
echo_closed(struct xt_conn *conn, enum xt_close why)
{
	(void)conn, (void)why;
}

static const struct xt_stream echo = { .name = "echo", .recv = echo_recv, .closed = echo_closed };

static void
on_tunnel(struct xt_exchange *x, void *ctx)
{
	(void)ctx;
	xt_exchange_takeover(x, 101, (struct xt_str){ 0 }, false, &echo, NULL);
}

static void
on_large(struct xt_exchange *x, void *ctx)
{
	static const char large[200000];

	(void)ctx;
	xt_exchange_reply(x, 200, XT_STR("text/plain"), xt_str_of(large, sizeof large));
}

static const struct xt_route routes[] = {
	{ .path = XT_STR_INIT("/w"),
		.methods = XT_GET | XT_POST,
		.max_body = 1000,
		.handle = on_wait },
	{ .path = XT_STR_INIT("/t"), .methods = XT_GET, .handle = on_tunnel },
	{ .path = XT_STR_INIT("/"), .methods = XT_GET, .handle = on_large },
	{ .handle = NULL },
};

static struct xt_budget unfinished = { .max = 3000 };

static const struct xt_http_config config = {
	.routes = routes,
	.unfinished = &unfinished,
	.max_header = 2000,
	.max_uri = 500,
	.header_timeout_ms = 60000,
	.body_timeout_ms = 60000,
	.idle_timeout_ms = 60000,
	.http2 = true,
};

static struct xt_loop *loop;
static struct xt_http_server *server;

/* ---- a client -------------------------------------------------------------------------- */

struct client {
	int fd;
	char *got; /* what has come and is no whole frame yet */
	size_t n;
	unsigned turns; /* between its writes */
};

static size_t
frame_size(const char *p)
{
	const unsigned char *head = (const unsigned char *)p;

	return FRAME_HEAD + ((size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2]);
}

/* RFC 9113 4.1, 4.2: all that comes is frames of types that a server sends, none longer than we allow. */
static void
check_frames(struct client *client)
{
	size_t at = 0;

	while (client->n - at >= FRAME_HEAD) {
		size_t size = frame_size(client->got + at);
		XT_ASSERT(size <= FRAME_HEAD + 16384);
		XT_ASSERT(client->got[at + 3] <= 9 && client->got[at + 3] != 5);
		if (client->n - at < size)
			break;
		at += size;
	}
	memmove(client->got, client->got + at, client->n - at);
	client->n -= at;
}

static void
turn(struct client *client)
{
	ssize_t n;

	xt_loop_turn(loop, 0);
	do {
		n = recv(client->fd, client->got + client->n, 65536, MSG_DONTWAIT);
		if (n > 0)
			client->n += (size_t)n;
		check_frames(client);
	} while (n > 0);
}

static void
write_all(struct client *client, const void *p, size_t n)
{
	const char *at = p;

	for (int tries = 0; n > 0 && tries < 100; tries++) {
		ssize_t sent = send(client->fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent > 0) {
			at += sent;
			n -= (size_t)sent;
		} else {
			turn(client);
		}
	}
	for (unsigned i = 0; i < client->turns; i++)
		turn(client);
}

/* type, flags, stream, size: one byte each; a size of 255: of all that follows. */
static void
write_frames(struct client *client, const uint8_t *p, size_t n)
{
	static char frame[FRAME_HEAD + PAYLOAD_MAX];

	while (n >= 4) {
		size_t size = p[3] == 255 ? n - 4 : p[3];
		if (size > n - 4)
			size = n - 4;
		if (size > PAYLOAD_MAX)
			size = PAYLOAD_MAX;
		memcpy(frame,
			(char[]){ (char)(size >> 16), (char)(size >> 8), (char)size, (char)p[0],
				(char)p[1], 0, 0, 0, (char)p[2] },
			FRAME_HEAD);
		memcpy(frame + FRAME_HEAD, p + 4, size);
		write_all(client, frame, FRAME_HEAD + size);
		p += 4 + size;
		n -= 4 + size;
	}
}

static void
converse(struct client *client, const uint8_t *data, size_t size)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";

	client->turns = data[0] >> 1 & 3;
	write_all(client, preface, sizeof preface);
	if (data[0] & 1)
		write_frames(client, data + 1, size - 1);
	else
		write_all(client, data + 1, size - 1);
	turn(client);
	if (held && data[0] & 8)
		held_expired(NULL);
	if (data[0] & 16)
		xt_http_server_drain(server);
	turn(client);
	turn(client);
}

static void
check_all_gone(void)
{
	const struct xt_http_stats *stats = xt_http_server_stats(server);

	for (int i = 0; i < 10 && xt_loop_conns(loop) > 0; i++)
		xt_loop_turn(loop, 0);
	XT_ASSERT(xt_loop_conns(loop) == 0 && !held);
	XT_ASSERT(xt_counter_read(&stats->h2_connections) == 0);
	XT_ASSERT(xt_counter_read(&stats->h2_streams) == 0);
	XT_ASSERT(xt_counter_read(&stats->held) == 0 && unfinished.used == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char got[FRAME_HEAD + 16384 + 65536];
	struct client client = { .got = got };
	int pair[2];

	if (size == 0)
		return 0;
	XT_ASSERT(loop || xt_loop_new(&loop) == 0);
	XT_ASSERT(xt_http_server_new(&server, loop, &config) == 0);
	XT_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	client.fd = pair[0];
	XT_ASSERT(xt_http_server_accept(server, pair[1], NULL) == 0);
	converse(&client, data, size);
	close(client.fd);
	check_all_gone();
	xt_http_server_free(server);
	return 0;
}
