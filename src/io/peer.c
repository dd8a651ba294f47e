/* peer.c - pairs of connected sockets, one end a connection of the loop, the other the test's. */
#include "io/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

/* Of TCP, whose own buffers grow to megabytes. */
#define KERNEL_BUFFER (64 * 1024)

/* What takes longer than this has hung. */
#define PATIENCE_MS 20000

static struct peer *
of(const struct xt_conn *conn)
{
	return xt_conn_state(conn);
}

static void
call(struct peer *peer, void (*hook)(struct peer *))
{
	if (hook)
		hook(peer);
}

static size_t
on_recv(struct xt_conn *conn, char *p, size_t n)
{
	struct peer *peer = of(conn);

	assert_true(n > 0 && peer->closed == 0);
	peer->recvs++;
	if (peer->limit && n > peer->limit)
		n = peer->limit;
	if (peer->stuck)
		n = 0;
	assert_int_equal(xt_buf_append(&peer->got, p, n), 0);
	if (peer->echo)
		assert_int_equal(xt_conn_send(conn, p, n), 0);
	memset(p, '!', n); /* it is ours to change */
	call(peer, peer->on_recv);
	return n;
}

static void
on_drained(struct xt_conn *conn)
{
	of(conn)->drained++;
	call(of(conn), of(conn)->on_drained);
}

static void
on_expired(struct xt_conn *conn)
{
	of(conn)->expired++;
	call(of(conn), of(conn)->on_expired);
}

static void
on_ended(struct xt_conn *conn)
{
	of(conn)->ended++;
	call(of(conn), of(conn)->on_ended);
}

static void
on_closed(struct xt_conn *conn, enum xt_close why)
{
	struct peer *peer = of(conn);

	assert_int_equal(peer->closed, 0);
	peer->closed++;
	peer->why = why;
	call(peer, peer->on_closed);
	peer->conn = NULL;
}

const struct xt_stream peer_stream = {
	.name = "peer",
	.recv = on_recv,
	.drained = on_drained,
	.expired = on_expired,
	.ended = on_ended,
	.closed = on_closed,
};

const struct xt_stream peer_closing_stream = {
	.name = "closing peer",
	.recv = on_recv,
	.expired = on_expired,
	.closed = on_closed,
};

static void
tcp_pair(int pair[2])
{
	const int room = KERNEL_BUFFER;
	struct sockaddr_in name = { .sin_family = AF_INET };
	socklen_t size = sizeof name;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (const struct sockaddr *)&name, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&name, &size), 0);
	pair[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(pair[1], SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	assert_int_equal(connect(pair[1], (const struct sockaddr *)&name, size), 0);
	pair[0] = accept(listener, NULL, NULL);
	assert_true(pair[0] >= 0);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	close(listener);
}

void
peer_open_with(struct peer *peer, struct xt_loop *loop, enum peer_kind kind,
	const struct xt_stream *stream)
{
	int pair[2];

	*peer = (struct peer){ .loop = loop };
	if (kind == PEER_TCP)
		tcp_pair(pair);
	else
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(fcntl(pair[i], F_SETFL, O_NONBLOCK), 0);
	peer->fd = pair[1];
	peer->conn = xt_conn_new(loop, pair[0], stream, peer);
	assert_non_null(peer->conn);
}

void
peer_open(struct peer *peer, struct xt_loop *loop, enum peer_kind kind)
{
	peer_open_with(peer, loop, kind, &peer_stream);
}

void
peer_close(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
}

void
peer_fini(struct peer *peer)
{
	peer_close(peer);
	if (peer->conn)
		xt_conn_close(peer->conn, XT_CLOSE_DONE);
	for (int i = 0; i < 3 && !peer->closed; i++)
		xt_loop_turn(peer->loop, 0);
	assert_int_equal(peer->closed, 1);
	xt_buf_fini(&peer->got);
}

void
peer_write(struct peer *peer, const void *p, size_t n)
{
	assert_int_equal(send(peer->fd, p, n, MSG_NOSIGNAL), n);
}

void
peer_write_text(struct peer *peer, const char *text)
{
	peer_write(peer, text, strlen(text));
}

void
peer_half_close(struct peer *peer)
{
	assert_int_equal(shutdown(peer->fd, SHUT_WR), 0);
}

void
peer_reset(struct peer *peer)
{
	const struct linger now = { .l_onoff = 1 };

	setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	peer_close(peer);
}

static void
turn(struct peer *peer, uint64_t since)
{
	assert_true(xt_clock_ms() - since < PATIENCE_MS);
	xt_loop_turn(peer->loop, 100);
}

size_t
peer_read(struct peer *peer, char *p, size_t n)
{
	uint64_t since = xt_clock_ms();
	size_t got = 0;

	while (got < n) {
		ssize_t m = recv(peer->fd, p + got, n - got, 0);
		if (m > 0)
			got += (size_t)m;
		else if (m < 0 && errno == EAGAIN)
			turn(peer, since);
		else
			break;
	}
	return got;
}

bool
peer_at_end(struct peer *peer)
{
	char byte;

	return peer_read(peer, &byte, 1) == 0;
}

void
peer_turn_until(struct peer *peer, const int *what, int least)
{
	uint64_t since = xt_clock_ms();

	while (*what < least)
		turn(peer, since);
}

void
peer_turn_until_got(struct peer *peer, size_t n)
{
	uint64_t since = xt_clock_ms();

	while (peer->got.n < n)
		turn(peer, since);
}

void
peer_turns(struct peer *peer, int turns)
{
	for (int i = 0; i < turns; i++)
		xt_loop_turn(peer->loop, 0);
}

bool
peer_got(const struct peer *peer, const char *text)
{
	return xt_str_eq(xt_buf_str(&peer->got), xt_str_from(text));
}

void
peer_pass(struct peer *peer, uint32_t ms)
{
	peer->loop->began -= ms;
}
