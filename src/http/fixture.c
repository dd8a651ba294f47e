/* fixture.c - a server and its peer in one thread. */
#include "http/fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

void
fixture_init(struct fixture *f, struct xt_http_config *config)
{
	*f = (struct fixture){ .fd = -1 };
	if (!config->max_header)
		config->max_header = 16384;
	if (!config->max_uri)
		config->max_uri = 8192;
	if (!config->header_timeout_ms)
		config->header_timeout_ms = 10000;
	if (!config->body_timeout_ms)
		config->body_timeout_ms = 10000;
	if (!config->idle_timeout_ms)
		config->idle_timeout_ms = 10000;
	f->unfinished.max = SIZE_MAX;
	if (!config->unfinished)
		config->unfinished = &f->unfinished;
	assert_int_equal(xt_loop_new(&f->loop), 0);
	assert_int_equal(xt_http_server_new(&f->server, f->loop, config), 0);
	fixture_connect(f);
}

static void
disconnect(struct fixture *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->got.n = 0;
	f->eof = false;
}

void
fixture_fini(struct fixture *f)
{
	disconnect(f);
	xt_loop_turn(f->loop, 0);
	xt_loop_free(f->loop);
	xt_http_server_free(f->server);
	xt_buf_fini(&f->got);
}

void
fixture_connect(struct fixture *f)
{
	int pair[2];

	disconnect(f);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	f->fd = pair[0];
	assert_int_equal(xt_http_server_accept(f->server, pair[1], NULL), 0);
}

/* True when something came. */
static bool
receive(struct fixture *f)
{
	ssize_t n;

	if (f->fd < 0 || f->eof)
		return false;
	assert_int_equal(xt_buf_reserve(&f->got, 65536), 0);
	n = recv(f->fd, f->got.p + f->got.n, 65536, 0);
	if (n > 0)
		f->got.n += (size_t)n;
	f->eof = n == 0;
	return n >= 0;
}

void
fixture_run(struct fixture *f, int ms)
{
	uint64_t until = xt_clock_ms() + (uint64_t)ms;
	int quiet = 0;

	while (quiet < 4 || xt_clock_ms() < until) {
		xt_loop_turn(f->loop, ms > 0 ? 5 : 0);
		quiet = receive(f) ? 0 : quiet + 1;
	}
}

void
fixture_write(struct fixture *f, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t sent = send(f->fd, at, n, MSG_NOSIGNAL);
		if (sent < 0)
			fixture_run(f, 0);
		else
			n -= (size_t)sent, at += sent;
	}
}

void
fixture_send(struct fixture *f, const char *text)
{
	fixture_write(f, text, strlen(text));
	fixture_run(f, 0);
}

const char *
answer_field(const struct answer *answer, const char *name)
{
	static char value[1024];
	struct xt_str rest = answer->head;

	while (rest.n > 0) {
		struct xt_str line = xt_str_cut(&rest, '\n'), field;
		field = xt_str_cut(&line, ':');
		line = xt_str_trim(line);
		if (!line.p || !xt_str_ieq(field, xt_str_from(name)))
			continue;
		snprintf(value, sizeof value, "%.*s",
			(int)line.n - (int)(line.p[line.n - 1] == '\r'), line.p);
		return value;
	}
	return NULL;
}

struct answer
fixture_answer(struct fixture *f, bool body)
{
	struct answer answer = { 0 };
	const char *end = f->got.n ? memmem(f->got.p, f->got.n, "\r\n\r\n", 4) : NULL;
	const char *length;
	size_t head, n;

	if (!end)
		fail_msg("no answer in %zu bytes: %.*s", f->got.n, (int)f->got.n, f->got.p);
	head = (size_t)(end - f->got.p) + 4;
	assert_int_equal(sscanf(f->got.p, "HTTP/1.1 %3u ", &answer.status), 1);
	answer.head = xt_str_of(f->got.p, head - 2);
	length = answer_field(&answer, "content-length");
	n = length ? strtoul(length, NULL, 10) : f->got.n - head;
	if (!body || (!length && (answer.status == 204 || answer.status / 100 == 1 ||
					 answer.status == 304)))
		n = 0;
	if (f->got.n < head + n)
		fail_msg("%zu bytes of %zu came", f->got.n - head, n);
	answer.bytes = malloc(head + n + 1);
	assert_non_null(answer.bytes);
	memcpy(answer.bytes, f->got.p, head + n);
	answer.bytes[head + n] = '\0';
	answer.head = xt_str_of(answer.bytes, head - 2);
	answer.body = xt_str_of(answer.bytes + head, n);
	xt_buf_consume(&f->got, head + n);
	return answer;
}

void
answer_fini(struct answer *answer)
{
	free(answer->bytes);
}

void
fixture_ask(struct fixture *f, const char *text, unsigned status, const char *body)
{
	struct answer answer;

	fixture_send(f, text);
	answer = fixture_answer(f, strncmp(text, "HEAD ", 5) != 0);
	if (answer.status != status)
		fail_msg("%s: %s", text, answer.bytes);
	if (body && !memmem(answer.body.p, answer.body.n, body, strlen(body)))
		fail_msg("%s: body %s", text, answer.body.p);
	if (body && !*body)
		assert_int_equal(answer.body.n, 0);
	assert_int_equal(f->got.n, 0);
	answer_fini(&answer);
}
