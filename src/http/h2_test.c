/* h2_test.c - streams as connections: windows in both directions, ends in every order, no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/budget.h"
#include "base/heap.h"
#include "http/fixture.h"
#include "http/h2_private.h"
#include "http/websocket.h"

/* ---- the server's side ----------------------------------------------------------------- */

static struct xt_exchange *held;
static int gone, opened, closed;
static struct xt_conn *tunnel;

static void
on_gone(void *ctx, enum xt_close why)
{
	(void)ctx, (void)why;
	held = NULL;
	gone++;
}

static const struct xt_holder holder = { .gone = on_gone };

static void
hold(struct xt_exchange *x, void *ctx)
{
	(void)ctx;
	held = x;
	xt_exchange_hold(x, &holder, NULL);
}

static size_t
ignore(struct xt_conn *conn, char *p, size_t n)
{
	(void)conn, (void)p;
	return n;
}

static void
on_closed(struct xt_conn *conn, enum xt_close why)
{
	(void)conn, (void)why;
	closed++;
	tunnel = NULL;
}

static const struct xt_stream sink = { .name = "sink", .recv = ignore, .closed = on_closed };

static void
open_tunnel(struct xt_exchange *x, void *ctx)
{
	(void)ctx;
	if (xt_websocket_check(x) < 0)
		return;
	assert_int_equal(xt_websocket_accept_headers(x), 0);
	tunnel = xt_exchange_conn(x);
	if (xt_exchange_takeover(x, 101, (struct xt_str){ 0 }, false, &sink, NULL) == 0)
		opened++;
	else
		tunnel = NULL;
}

static void
reply(struct xt_exchange *x, void *ctx)
{
	(void)ctx;
	xt_exchange_header(x, XT_STR("X-Mixed-Case"), XT_STR("Yes"));
	xt_exchange_reply(x, 200, XT_STR("text/plain"), xt_exchange_request(x)->body);
}

static const struct xt_route routes[] = {
	{ .path = XT_STR_INIT("/hold"), .methods = XT_POST, .handle = hold },
	{ .path = XT_STR_INIT("/ws"), .methods = XT_GET, .handle = open_tunnel },
	{ .path = XT_STR_INIT("/echo"), .methods = XT_POST, .max_body = 1000, .handle = reply },
	{ .handle = NULL },
};

/* ---- the peer's side ------------------------------------------------------------------- */

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
#define POST \
	"\x83\x86\x01\x01" \
	"a"

static void
put_frame(struct xt_buf *out, unsigned type, unsigned flags, unsigned id, const void *p, size_t n)
{
	const unsigned char head[] = { (unsigned char)(n >> 16), (unsigned char)(n >> 8),
		(unsigned char)n, (unsigned char)type, (unsigned char)flags, 0, 0,
		(unsigned char)(id >> 8), (unsigned char)id };

	assert_int_equal(xt_buf_append(out, head, sizeof head), 0);
	assert_int_equal(xt_buf_append(out, p, n), 0);
}

static void
send_frame(struct fixture *f, unsigned type, unsigned flags, unsigned id, const void *p, size_t n)
{
	struct xt_buf out = { 0 };

	put_frame(&out, type, flags, id, p, n);
	fixture_write(f, out.p, out.n);
	xt_buf_fini(&out);
}

static struct xt_budget unfinished;

static void
start(struct fixture *f, struct xt_http_config *config)
{
	unfinished = (struct xt_budget){ .max = 1u << 20 };
	*config = (struct xt_http_config){
		.routes = routes, .http2 = true, .unfinished = &unfinished
	};
	gone = opened = closed = 0;
	fixture_init(f, config);
	fixture_write(f, PREFACE, sizeof PREFACE - 1);
	send_frame(f, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
	fixture_run(f, 0);
}

static void
stop(struct fixture *f)
{
	struct xt_http_server *server = f->server;

	close(f->fd);
	f->fd = -1;
	for (int i = 0; i < 10 && xt_loop_conns(f->loop) > 0; i++)
		xt_loop_turn(f->loop, 0);
	assert_int_equal(xt_loop_conns(f->loop), 0);
	assert_int_equal(xt_counter_read(&xt_http_server_stats(server)->h2_streams), 0);
	assert_int_equal(xt_counter_read(&xt_http_server_stats(server)->h2_connections), 0);
	assert_int_equal(unfinished.used, 0);
	assert_int_equal(opened, closed);
	fixture_fini(f);
}

static void
send_post(struct fixture *f, unsigned id, const char *path)
{
	struct xt_buf block = { 0 };

	assert_int_equal(xt_buf_append(&block, POST, sizeof POST - 1), 0);
	assert_int_equal(xt_buf_printf(&block, "\x04%c%s", (int)strlen(path), path), 0);
	send_frame(f, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, block.p, block.n);
	xt_buf_fini(&block);
}

static void
send_connect(struct fixture *f, unsigned id)
{
	static const char block[] =
		"\x02\x07"
		"CONNECT\x86\x01\x01"
		"a\x04\x03/ws"
		"\x00\x09:protocol\x09websocket\x00\x15sec-websocket-version\x02"
		"13";

	send_frame(f, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, block, sizeof block - 1);
}

static void
send_window(struct fixture *f, unsigned id, unsigned n)
{
	const unsigned char by[] = { (unsigned char)(n >> 24), (unsigned char)(n >> 16),
		(unsigned char)(n >> 8), (unsigned char)n };

	send_frame(f, NGHTTP2_WINDOW_UPDATE, 0, id, by, sizeof by);
}

/* The bytes of all frames of this type and stream that have come; -1: none has. The last one's payload is at `*p`. */
static long
come(const struct fixture *f, unsigned type, unsigned id, const unsigned char **p)
{
	const unsigned char *at = (const unsigned char *)f->got.p, *end = at + f->got.n;
	long sum = -1;

	while (at < end) {
		size_t n = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];
		if (at[3] == type && (at[7] << 8 | at[8]) == (int)id) {
			sum = (sum < 0 ? 0 : sum) + (long)n;
			if (p)
				*p = at + 9;
		}
		at += 9 + n;
	}
	return sum;
}

static uint32_t
code_at(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- tests ----------------------------------------------------------------------------- */

/* What nobody reads stops at the window: no more is kept, no more is allowed, and nobody else suffers. */
static void
test_unread(void **state)
{
	static const char zeros[16384];
	const unsigned char *code = NULL;
	struct xt_http_config config;
	struct fixture f;

	(void)state;
	start(&f, &config);
	send_post(&f, 1, "/hold");
	fixture_run(&f, 0);
	assert_non_null(held);
	f.got.n = 0;
	for (int i = 0; i < 8; i++)
		send_frame(&f, NGHTTP2_DATA, 0, 1, zeros, sizeof zeros);
	fixture_run(&f, 0);
	assert_int_equal(come(&f, NGHTTP2_WINDOW_UPDATE, 1, NULL), -1);
	assert_int_equal(come(&f, NGHTTP2_WINDOW_UPDATE, 0, NULL), -1);
	send_post(&f, 3, "/echo");
	send_frame(&f, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 3, "hello", 5);
	fixture_run(&f, 0);
	assert_int_equal(come(&f, NGHTTP2_DATA, 3, NULL), 5);
	send_frame(&f, NGHTTP2_DATA, 0, 1, "x", 1);
	fixture_run(&f, 0);
	assert_int_equal(come(&f, NGHTTP2_RST_STREAM, 1, &code), 4);
	assert_int_equal(code_at(code), NGHTTP2_FLOW_CONTROL_ERROR);
	assert_int_equal(gone, 1);
	stop(&f);
}

/* The answer to a request whose body is unread gives the connection its window back. */
static void
test_unread_is_given_back(void **state)
{
	static const char zeros[16384];
	const unsigned char *code = NULL;
	struct xt_http_config config;
	struct fixture f;

	(void)state;
	start(&f, &config);
	for (unsigned id = 1; id < 41; id += 2) {
		send_post(&f, id, "/hold");
		for (int i = 0; i < 8; i++)
			send_frame(&f, NGHTTP2_DATA, 0, id, zeros, sizeof zeros);
		fixture_run(&f, 0);
		assert_non_null(held);
		f.got.n = 0;
		xt_exchange_reply(held, 200, (struct xt_str){ 0 }, XT_STR("enough"));
		held = NULL;
		fixture_run(&f, 0);
		assert_int_equal(come(&f, NGHTTP2_DATA, id, NULL), 6);
		assert_int_equal(come(&f, NGHTTP2_RST_STREAM, id, &code), 4);
		assert_int_equal(code_at(code), NGHTTP2_NO_ERROR);
		assert_int_equal(come(&f, NGHTTP2_GOAWAY, 0, NULL), -1);
	}
	assert_int_equal(gone, 0);
	stop(&f);
}

/* What is sent stays within the peer's windows and, while the socket takes nothing, below the mark. */
static void
test_send(void **state)
{
	static char text[1u << 20];
	struct xt_http_config config;
	struct fixture f;
	struct xt_h2 *h2;

	(void)state;
	start(&f, &config);
	send_connect(&f, 1);
	fixture_run(&f, 0);
	assert_non_null(tunnel);
	f.got.n = 0;
	assert_int_equal(xt_conn_send(tunnel, text, sizeof text), 0);
	fixture_run(&f, 0);
	assert_int_equal(come(&f, NGHTTP2_DATA, 1, NULL), 65535);
	assert_int_equal(xt_conn_backlog(tunnel), sizeof text - 65535);
	send_window(&f, 1, 10);
	fixture_run(&f, 0);
	assert_int_equal(come(&f, NGHTTP2_DATA, 1, NULL), 65535);
	send_window(&f, 0, 7);
	fixture_run(&f, 0);
	assert_int_equal(come(&f, NGHTTP2_DATA, 1, NULL), 65542);
	h2 = xt_h2_stream_of(tunnel)->h2;
	send_window(&f, 0, 1u << 30);
	send_window(&f, 1, 1u << 30);
	for (int i = 0; i < 20; i++) {
		xt_loop_turn(f.loop, 0);
		assert_true(xt_conn_backlog(h2->conn) < XT_H2_OUT_MARK + 16384 + 9);
	}
	assert_true(xt_conn_backlog(tunnel) > 0);
	fixture_run(&f, 0);
	assert_int_equal(come(&f, NGHTTP2_DATA, 1, NULL), sizeof text);
	assert_int_equal(xt_conn_backlog(tunnel), 0);
	stop(&f);
}

/* Streams that share what little window there is all get some. */
static void
test_fair(void **state)
{
	static char text[100000];
	struct xt_conn *conns[5];
	struct xt_http_config config;
	struct fixture f;

	(void)state;
	start(&f, &config);
	for (unsigned i = 0; i < 5; i++) {
		send_connect(&f, 2 * i + 1);
		fixture_run(&f, 0);
		conns[i] = tunnel;
		send_window(&f, 2 * i + 1, 1u << 20);
	}
	fixture_run(&f, 0);
	f.got.n = 0;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(xt_conn_send(conns[i], text, sizeof text), 0);
	for (int i = 0; i < 30; i++) {
		fixture_run(&f, 0);
		send_window(&f, 0, 4096);
	}
	fixture_run(&f, 0);
	for (unsigned i = 0; i < 5; i++)
		assert_true(come(&f, NGHTTP2_DATA, 2 * i + 1, NULL) > 16384);
	stop(&f);
}

/* Of very many small slices a conn sends only some in a turn: the rest follows without further news of the peer. */
static void
test_small_slices(void **state)
{
	static char text[65535];
	struct xt_bytes *bytes = xt_bytes_copy(xt_str_of(text, 10));
	struct xt_http_config config;
	struct fixture f;

	(void)state;
	assert_non_null(bytes);
	start(&f, &config);
	send_connect(&f, 1);
	fixture_run(&f, 0);
	f.got.n = 0;
	assert_int_equal(xt_conn_send(tunnel, text, sizeof text), 0);
	fixture_run(&f, 0);
	for (int i = 0; i < 4000; i++)
		assert_int_equal(xt_conn_send_bytes(tunnel, bytes, 0, 10), 0);
	fixture_run(&f, 0);
	assert_int_equal(come(&f, NGHTTP2_DATA, 1, NULL), sizeof text);
	send_window(&f, 1, 1u << 20);
	send_window(&f, 0, 1u << 20);
	fixture_run(&f, 0);
	assert_int_equal(come(&f, NGHTTP2_DATA, 1, NULL), sizeof text + 40000);
	xt_bytes_unref(bytes);
	stop(&f);
}

/* All that is open when the loop closes everything, in whatever order, is told. */
static void
test_close_all(void **state)
{
	struct xt_http_config config;
	struct fixture f;

	(void)state;
	start(&f, &config);
	send_post(&f, 1, "/hold");
	send_connect(&f, 3);
	send_post(&f, 5, "/echo");
	fixture_run(&f, 0);
	assert_non_null(held);
	xt_loop_close_all(f.loop);
	assert_int_equal(gone, 1);
	assert_int_equal(closed, 1);
	stop(&f);
}

/* A stream that closes in the same turn as its connection, before or after it. */
static void
test_close_both(void **state)
{
	struct xt_http_config config;
	struct fixture f;

	(void)state;
	for (int order = 0; order < 2; order++) {
		struct xt_conn *below;
		start(&f, &config);
		send_connect(&f, 1);
		fixture_run(&f, 0);
		below = xt_h2_stream_of(tunnel)->h2->conn;
		xt_conn_close(order ? tunnel : below, XT_CLOSE_FAULT);
		if (tunnel)
			xt_conn_close(order ? below : tunnel, XT_CLOSE_FAULT);
		fixture_run(&f, 0);
		assert_int_equal(closed, 1);
		stop(&f);
	}
}

/* ---- no memory ------------------------------------------------------------------------- */

static long countdown;

static void *
scarce_resize(void *ctx, void *p, size_t n)
{
	(void)ctx;
	if (n == 0) {
		free(p);
		return NULL;
	}
	return countdown-- > 0 ? realloc(p, n) : NULL;
}

/* Each allocation of a conversation fails once, and all after it. */
static void
test_no_memory(void **state)
{
	const struct xt_allocator scarce = { .resize = scarce_resize };
	struct xt_http_config config;
	struct fixture f;

	(void)state;
	for (long n = 0; n < 120; n++) {
		start(&f, &config);
		fixture_connect(&f);
		fixture_run(&f, 0);
		fixture_write(&f, PREFACE, sizeof PREFACE - 1);
		send_post(&f, 1, "/echo");
		send_frame(&f, NGHTTP2_DATA, 0, 1, "he", 2);
		send_connect(&f, 3);
		send_post(&f, 5, "/hold");
		send_frame(&f, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "llo", 3);
		countdown = n;
		xt_heap_enter(&scarce);
		for (int i = 0; i < 6; i++)
			xt_loop_turn(f.loop, 0);
		xt_heap_enter(NULL);
		stop(&f);
		held = NULL;
	}
	assert_true(countdown > 0); /* the last ones did not fail any more */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_unread_is_given_back),
		cmocka_unit_test(test_send),
		cmocka_unit_test(test_fair),
		cmocka_unit_test(test_small_slices),
		cmocka_unit_test(test_close_all),
		cmocka_unit_test(test_close_both),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
