/* conn.c - see conn.h. */
#include "bench/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/clock.h"

#define CONTAINER(p, type, field) ((type *)(void *)((char *)(p)-offsetof(type, field)))

/* ---- sending ---- */

static void
watch(struct conn *conn, bool out)
{
	if (conn->waiting == out)
		return;
	conn->waiting = out;
	loop_change(&conn->bench->loop, &conn->source, EPOLLIN | (out ? EPOLLOUT : 0u));
}

static ssize_t
write_tls(struct conn *conn, const char *p, size_t n)
{
	size_t written = 0;
	int error;

	if (SSL_write_ex(conn->tls, p, n, &written))
		return (ssize_t)written;
	error = SSL_get_error(conn->tls, 0);
	ERR_clear_error();
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

/* How much was taken, 0 for not now, -1: lost. */
static ssize_t
write_some(struct conn *conn, const char *p, size_t n)
{
	ssize_t written;

	if (conn->tls)
		return write_tls(conn, p, n);
	written = send(conn->source.fd, p, n, MSG_NOSIGNAL);
	return written < 0 && errno == EAGAIN ? 0 : written;
}

static bool
keep_out(struct conn *conn, const char *p, size_t n)
{
	if (conn->out_n + n > conn->out_room) {
		size_t room = (conn->out_n + n) * 2;
		char *grown = realloc(conn->out, room);
		if (!grown)
			return false;
		conn->out = grown;
		conn->out_room = room;
	}
	memcpy(conn->out + conn->out_n, p, n);
	conn->out_n += n;
	watch(conn, true);
	return true;
}

bool
conn_send(struct conn *conn, const char *p, size_t n)
{
	ssize_t sent = conn->out_n > 0 ? 0 : write_some(conn, p, n);

	if (sent >= 0 && !conn->uncounted)
		conn->bench->count.sent_bytes += n;
	if (sent >= 0 && ((size_t)sent == n || keep_out(conn, p + sent, n - (size_t)sent)))
		return true;
	conn_end(conn, CONN_LOST, sent < 0 ? strerror(errno) : "out of memory");
	return false;
}

static void
flush(struct conn *conn)
{
	ssize_t sent = write_some(conn, conn->out, conn->out_n);

	if (sent < 0) {
		conn_end(conn, CONN_LOST, strerror(errno));
		return;
	}
	conn->out_n -= (size_t)sent;
	memmove(conn->out, conn->out + sent, conn->out_n);
	if (conn->out_n > 0)
		return;
	free(conn->out);
	conn->out = NULL;
	conn->out_room = 0;
	watch(conn, false);
}

/* ---- receiving ---- */

static ssize_t
read_tls(struct conn *conn, char *p, size_t n)
{
	size_t got = 0;
	int error;

	if (SSL_read_ex(conn->tls, p, n, &got))
		return (ssize_t)got;
	error = SSL_get_error(conn->tls, 0);
	ERR_clear_error();
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		errno = EAGAIN;
		return -1;
	}
	errno = ECONNRESET;
	return error == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static ssize_t
read_some(struct conn *conn, char *p, size_t n)
{
	return conn->tls ? read_tls(conn, p, n) : recv(conn->source.fd, p, n, 0);
}

static bool
keep_rest(struct conn *conn, const char *p, size_t n)
{
	if (n > conn->kept_room) {
		char *grown = realloc(conn->kept, n);
		if (!grown)
			return false;
		conn->kept = grown;
		conn->kept_room = (uint32_t)n;
	}
	if (n > 0)
		memcpy(conn->kept, p, n);
	conn->kept_n = (uint32_t)n;
	return true;
}

/* The state that reads may change with every call. */
static void
read_all(struct conn *conn, char *p, size_t n)
{
	size_t used;

	do {
		conn_read before = conn->read;
		used = conn->read(conn, p, n);
		if (used == CONN_STOP || conn->state != CONN_OPEN)
			return;
		p += used;
		n -= used;
		if (conn->read == before)
			break;
	} while (n > 0);
	if (n == LOOP_BUFFER)
		conn_end(conn, CONN_BROKEN, "an answer or an event is longer than 1 MiB");
	else if (!keep_rest(conn, p, n))
		conn_end(conn, CONN_LOST, "out of memory");
	else if (conn->ops->received)
		conn->ops->received(conn);
}

/* RFC 6455 7.1.1: the server closes the socket first, so that it does not linger on our side, which has few ports. */
static void
end_received(struct conn *conn, const char *why)
{
	char words[64];

	conn->bench->now = clock_now();
	if (conn->code == 0) {
		conn_end(conn, CONN_LOST, why);
		return;
	}
	snprintf(words, sizeof words, "the server closed with %u", conn->code);
	conn_end(conn, CONN_GOODBYE, words);
}

static void
receive(struct conn *conn)
{
	char *buffer = conn->bench->loop.buffer;
	size_t kept = conn->kept_n;
	ssize_t n;

	n = read_some(conn, buffer + kept, LOOP_BUFFER - kept);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		end_received(conn, n < 0 ? strerror(errno) : "the server closed it");
		return;
	}
	if (kept > 0)
		memcpy(buffer, conn->kept, kept);
	conn->kept_n = 0;
	if (!conn->uncounted)
		conn->bench->count.received_bytes += (uint64_t)n;
	conn->bench->now = clock_now();
	read_all(conn, buffer, kept + (size_t)n);
}

/* ---- life ---- */

static void
tell_connected(struct conn *conn)
{
	conn->state = CONN_OPEN;
	conn->ops->connected(conn);
}

static void
secure(struct conn *conn)
{
	int done = SSL_connect(conn->tls), error;

	if (done == 1) {
		tell_connected(conn);
		return;
	}
	error = SSL_get_error(conn->tls, done);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		watch(conn, error == SSL_ERROR_WANT_WRITE);
		return;
	}
	ERR_clear_error();
	conn_end(conn, CONN_UNREACHABLE, "TLS failed");
}

/* RFC 6066 3: a name is said, an address is not. Names end with a letter. */
static bool
say_name(struct conn *conn)
{
	char name[sizeof conn->target->host];
	size_t n = strlen(conn->target->host);

	memcpy(name, conn->target->host, n + 1);
	if (strchr(name, ':') || (name[n - 1] >= '0' && name[n - 1] <= '9'))
		return true;
	return SSL_set_tlsext_host_name(conn->tls, name);
}

static bool
begin_tls(struct conn *conn)
{
	conn->state = CONN_SECURING;
	conn->tls = SSL_new(conn->bench->tls);
	if (!conn->tls || !SSL_set_fd(conn->tls, conn->source.fd) || !say_name(conn)) {
		conn_end(conn, CONN_LOST, "out of memory");
		return false;
	}
	return true;
}

static void
connected(struct conn *conn)
{
	int error = 0;
	socklen_t size = sizeof error;

	getsockopt(conn->source.fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		conn_end(conn, CONN_UNREACHABLE, strerror(error));
		return;
	}
	watch(conn, false);
	if (!conn->target->tls)
		tell_connected(conn);
	else if (begin_tls(conn))
		secure(conn);
}

/* What OpenSSL has read ahead will not be told by epoll. */
static void
receive_all(struct conn *conn)
{
	do
		receive(conn);
	while (conn->tls && SSL_pending(conn->tls) > 0);
}

static void
ready(struct source *source, uint32_t events)
{
	struct conn *conn = CONTAINER(source, struct conn, source);

	if (conn->state == CONN_CONNECTING)
		connected(conn);
	else if (conn->state == CONN_SECURING)
		secure(conn);
	if (conn->state == CONN_OPEN && (events & EPOLLOUT) && conn->out_n > 0)
		flush(conn);
	if (conn->state == CONN_OPEN && (events & ~(uint32_t)EPOLLOUT))
		receive_all(conn);
}

static int
begin_connect(struct conn *conn, const struct sockaddr *source, socklen_t size)
{
	int fd = conn->source.fd, one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	/* The port is chosen when the other end is known: as many per address as there are ports, and for each server anew. */
	if (source && (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) < 0 ||
			      bind(fd, source, size) < 0))
		return -1;
	if (connect(fd, (const struct sockaddr *)&conn->target->address,
		    conn->target->address_size) < 0 &&
		errno != EINPROGRESS)
		return -1;
	return loop_add(&conn->bench->loop, &conn->source, EPOLLIN | EPOLLOUT);
}

int
conn_open(struct conn *conn, const struct sockaddr *source, socklen_t size)
{
	conn->source.ready = ready;
	conn->source.fd = socket(
		conn->target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->source.fd < 0)
		return -1;
	conn->state = CONN_CONNECTING;
	conn->waiting = true;
	conn->skip = 0;
	conn->began = clock_now();
	if (begin_connect(conn, source, size) == 0)
		return 0;
	conn_close(conn);
	return -1;
}

void
conn_close(struct conn *conn)
{
	int error = errno;

	if (conn->state == CONN_CLOSED)
		return;
	SSL_free(conn->tls);
	close(conn->source.fd);
	free(conn->kept);
	free(conn->out);
	conn->tls = NULL;
	conn->kept = conn->out = NULL;
	conn->kept_n = conn->kept_room = 0;
	conn->out_n = conn->out_room = 0;
	conn->skip = 0;
	conn->got = 0;
	conn->code = 0;
	conn->ready = conn->closing = false;
	conn->state = CONN_CLOSED;
	errno = error;
}

void
conn_end(struct conn *conn, enum conn_end end, const char *why)
{
	conn_close(conn);
	conn->ops->ended(conn, end, why);
}
