/*
 * client_test.c - the public words from inside a program: several clients on one loop, handlers that do what they should not expect to be
 * harmless, other event loops, other threads, memory. What goes over the wire is tested from outside
 * (tests/conformance/client_*.test.js).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "crosstalk.h"
#include "crosstalk_ws.h"
#include "io/loop_private.h"

#define PATIENCE_MS 20000

/* A server in the same thread: echoes what comes, answers a Close, does nothing else ----------- */

struct server {
	struct xt_watch watch;
	struct xt_loop *loop;
	int accepted;
};

struct visitor {
	struct xt_ws_reader reader;
	bool open;
};

static void
write_frame(struct xt_conn *conn, uint8_t first, const char *p, size_t n)
{
	char head[XT_WS_HEAD_MAX];

	xt_conn_send(conn, head, xt_ws_head_encode(first, n, NULL, head));
	xt_conn_send(conn, p, n);
}

static void
answer(struct xt_conn *conn, const char *p, size_t n)
{
	static const char name[] = "Sec-WebSocket-Key: ";
	const char *key = memmem(p, n, name, sizeof name - 1);
	char accept[XT_WS_ACCEPT_SIZE], text[256];

	assert_non_null(key);
	assert_int_equal(xt_ws_accept(xt_str_of(key + sizeof name - 1, 24), accept), 0);
	snprintf(text, sizeof text,
		"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
		"Sec-WebSocket-Accept: %s\r\n\r\n",
		accept);
	xt_conn_send(conn, text, strlen(text));
}

static size_t
read_frames(struct xt_conn *conn, struct visitor *visitor, char *p, size_t n)
{
	struct xt_ws_event event;
	size_t used = 0;

	do {
		used += xt_ws_read(&visitor->reader, p + used, n - used, &event);
		if (event.kind == XT_WS_DATA)
			write_frame(conn,
				(uint8_t)((event.first ? event.opcode : 0) |
					  (event.last ? XT_WS_FIN : 0)),
				event.p, event.n);
		if (event.kind == XT_WS_CLOSE) {
			write_frame(conn, XT_WS_FIN | XT_WS_OP_CLOSE, "\x03\xe8", 2);
			xt_conn_finish(conn, XT_CLOSE_DONE);
		}
	} while (event.kind != XT_WS_MORE);
	return used;
}

static size_t
on_recv(struct xt_conn *conn, char *p, size_t n)
{
	struct visitor *visitor = xt_conn_state(conn);

	if (visitor->open)
		return read_frames(conn, visitor, p, n);
	if (!memmem(p, n, "\r\n\r\n", 4))
		return 0;
	visitor->open = true;
	answer(conn, p, n);
	return n;
}

static void
on_closed(struct xt_conn *conn, enum xt_close why)
{
	(void)why;
	free(xt_conn_state(conn));
}

static const struct xt_stream visitor_stream = {
	.name = "visitor",
	.recv = on_recv,
	.closed = on_closed,
};

static void
on_visit(struct xt_watch *watch)
{
	struct server *server = XT_CONTAINER(watch, struct server, watch);
	struct visitor *visitor = calloc(1, sizeof *visitor);
	int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	assert_true(fd >= 0);
	assert_non_null(visitor);
	server->accepted++;
	xt_ws_reader_init(&visitor->reader, XT_WS_SERVER, 0, 1u << 30);
	assert_non_null(xt_conn_new(server->loop, fd, &visitor_stream, visitor));
}

static void
server_begin(struct server *server, struct xt_loop *loop, char url[64])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof address;

	*server = (struct server){ .loop = loop };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->watch.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	server->watch.ready = on_visit;
	assert_int_equal(bind(server->watch.fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(server->watch.fd, 64), 0);
	assert_int_equal(getsockname(server->watch.fd, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(xt_loop_watch(loop, &server->watch), 0);
	snprintf(url, 64, "ws://127.0.0.1:%u/", ntohs(address.sin_port));
}

static void
server_end(struct server *server)
{
	xt_loop_unwatch(server->loop, &server->watch);
	close(server->watch.fd);
}

/* What a program notes ------------------------------------------------------------------------ */

struct note {
	struct xt_loop *loop;
	const char *url;
	int opens, messages, errors, closes, last_closes;
	unsigned code;
	char text[64];
	const struct xt_allocator *allocator;
	void (*on_open)(struct xt_websocket *ws, struct note *note);
	void (*on_message)(struct xt_websocket *ws, struct note *note);
	void (*on_close)(struct xt_websocket *ws, struct note *note);
};

static struct note *
note_of(struct xt_websocket *ws)
{
	return xt_websocket_context(ws);
}

static void
note_open(struct xt_websocket *ws)
{
	note_of(ws)->opens++;
	if (note_of(ws)->on_open)
		note_of(ws)->on_open(ws, note_of(ws));
}

static void
note_message(struct xt_websocket *ws, const struct xt_data *data)
{
	struct note *note = note_of(ws);

	note->messages++;
	snprintf(note->text, sizeof note->text, "%.*s", (int)data->n, data->p);
	if (note->on_message)
		note->on_message(ws, note);
}

static void
note_error(struct xt_websocket *ws, int error, const char *words)
{
	assert_true(error < 0 && words[0]);
	note_of(ws)->errors++;
}

static void
note_close(struct xt_websocket *ws, const struct xt_closing *closing)
{
	struct note *note = note_of(ws);

	note->closes++;
	note->last_closes += closing->retry_ms < 0;
	note->code = closing->code;
	if (note->on_close)
		note->on_close(ws, note);
}

static const struct xt_websocket_handlers handlers = {
	.open = note_open,
	.message = note_message,
	.error = note_error,
	.close = note_close,
};

static struct xt_websocket *
begin(struct note *note, struct xt_loop *loop, const char *url)
{
	struct xt_websocket_options options = {
		.url = url,
		.context = note,
		.allocator = note->allocator,
	};
	struct xt_websocket *ws;
	char error[200];

	note->loop = loop;
	note->url = url;
	assert_int_equal(xt_websocket_open(loop, &options, &handlers, &ws, error, sizeof error), 0);
	assert_int_equal(note->opens + note->closes, 0); /* never from within this call */
	return ws;
}

static void
turn_until(struct xt_loop *loop, const int *what, int least)
{
	uint64_t end = xt_clock_ms() + PATIENCE_MS;

	while (*what < least) {
		assert_true(xt_clock_ms() < end);
		xt_loop_turn(loop, 100);
	}
}

struct scene {
	struct xt_loop *loop;
	struct server server;
	char url[64];
};

static void
scene_begin(struct scene *scene)
{
	assert_int_equal(xt_loop_new(&scene->loop), 0);
	server_begin(&scene->server, scene->loop, scene->url);
}

static void
scene_end(struct scene *scene)
{
	server_end(&scene->server);
	xt_loop_free(scene->loop);
}

/* One client, and many ------------------------------------------------------------------------ */

static void
say_hello(struct xt_websocket *ws, struct note *note)
{
	(void)note;
	assert_int_equal(xt_websocket_send_text(ws, "hello"), 0);
}

static void
say_bye(struct xt_websocket *ws, struct note *note)
{
	(void)note;
	assert_int_equal(xt_websocket_close(ws, 1000, "bye"), 0);
	assert_int_equal(xt_websocket_close(ws, 1000, "bye"), XT_ECLOSED);
}

static void
test_echo(void **state)
{
	struct note note = { .on_open = say_hello, .on_message = say_bye };
	struct scene scene;

	(void)state;
	scene_begin(&scene);
	begin(&note, scene.loop, scene.url);
	xt_loop_run_clients(scene.loop);
	assert_int_equal(note.opens, 1);
	assert_string_equal(note.text, "hello");
	assert_int_equal(note.errors, 0);
	assert_int_equal(note.last_closes, 1);
	assert_int_equal(note.code, 1000);
	scene_end(&scene);
}

static void
test_many(void **state)
{
	struct note notes[50];
	struct scene scene;

	(void)state;
	scene_begin(&scene);
	for (int i = 0; i < 50; i++) {
		notes[i] = (struct note){ .on_open = say_hello, .on_message = say_bye };
		begin(&notes[i], scene.loop, scene.url);
	}
	xt_loop_run_clients(scene.loop);
	for (int i = 0; i < 50; i++)
		assert_int_equal(notes[i].last_closes, 1);
	assert_int_equal(scene.server.accepted, 50);
	scene_end(&scene);
}

/* Handlers that act --------------------------------------------------------------------------- */

static void
close_at_once(struct xt_websocket *ws, struct note *note)
{
	(void)note;
	assert_int_equal(xt_websocket_close(ws, 4000, NULL), 0);
	assert_int_equal(xt_websocket_send_text(ws, "late"), XT_ECLOSED);
}

static void
open_another(struct xt_websocket *ws, struct note *note)
{
	static const int most = 3;

	(void)ws;
	if (note->closes < most) {
		struct xt_websocket_options options = { .url = note->url, .context = note };
		char error[200];
		assert_int_equal(xt_websocket_open(note->loop, &options, &handlers, NULL, error,
					 sizeof error),
			0);
	}
}

static void
test_close_in_open(void **state)
{
	struct note note = { .on_open = close_at_once, .on_close = open_another };
	struct scene scene;

	(void)state;
	scene_begin(&scene);
	begin(&note, scene.loop, scene.url);
	xt_loop_run_clients(scene.loop);
	assert_int_equal(note.opens, 3);
	assert_int_equal(note.last_closes, 3);
	scene_end(&scene);
}

static void
send_three(struct xt_websocket *ws, struct note *note)
{
	(void)note;
	for (int i = 0; i < 3; i++)
		assert_int_equal(xt_websocket_send_text(ws, "x"), 0);
}

static void
pause_now(struct xt_websocket *ws, struct note *note)
{
	(void)note;
	xt_websocket_pause(ws);
}

/* Messages that came together are handed out one by one. */
static void
test_pause_in_message(void **state)
{
	struct note note = { .on_open = send_three, .on_message = pause_now };
	struct xt_websocket *ws;
	struct scene scene;

	(void)state;
	scene_begin(&scene);
	ws = begin(&note, scene.loop, scene.url);
	for (int i = 1; i <= 3; i++) {
		turn_until(scene.loop, &note.messages, i);
		for (int turn = 0; turn < 20; turn++)
			xt_loop_turn(scene.loop, 0);
		assert_int_equal(note.messages, i);
		xt_websocket_resume(ws);
	}
	assert_int_equal(xt_websocket_close(ws, 1000, NULL), 0);
	xt_loop_run_clients(scene.loop);
	scene_end(&scene);
}

/* After each retry_ms the program may say that it is enough. */
static void
close_for_good(struct xt_websocket *ws, struct note *note)
{
	if (note->closes == 1)
		assert_int_equal(xt_websocket_close(ws, 1000, NULL), 0);
}

static void
test_close_in_close(void **state)
{
	struct note note = { .on_close = close_for_good };
	struct xt_websocket_options options = {
		.url = "ws://127.0.0.1:1/",
		.context = &note,
		.reconnect = 1,
	};
	struct xt_loop *loop;
	char error[200];

	(void)state;
	assert_int_equal(xt_loop_new(&loop), 0);
	assert_int_equal(
		xt_websocket_open(loop, &options, &handlers, NULL, error, sizeof error), 0);
	xt_loop_run_clients(loop);
	assert_int_equal(note.closes, 2);
	assert_int_equal(note.last_closes, 1);
	assert_int_equal(note.errors, 1);
	xt_loop_free(loop);
}

/* The loop's end ------------------------------------------------------------------------------ */

static void
refused_while_freeing(struct xt_websocket *ws, struct note *note)
{
	struct xt_websocket_options options = { .url = note->url, .context = note };
	char error[200] = "";

	(void)ws;
	assert_int_equal(
		xt_websocket_open(note->loop, &options, &handlers, NULL, error, sizeof error),
		XT_EINVAL);
	assert_true(error[0]);
}

static void
test_free_while_open(void **state)
{
	struct note open = { .on_close = refused_while_freeing }, fresh = { 0 };
	struct scene scene;

	(void)state;
	scene_begin(&scene);
	begin(&open, scene.loop, scene.url);
	turn_until(scene.loop, &open.opens, 1);
	begin(&fresh, scene.loop, scene.url);
	scene_end(&scene);
	assert_int_equal(open.last_closes, 1);
	assert_int_equal(open.code, 1006);
	assert_int_equal(fresh.last_closes, 1);
}

/* Other loops and other threads --------------------------------------------------------------- */

static void
test_foreign_loop(void **state)
{
	struct note note = { .on_open = say_hello, .on_message = say_bye };
	uint64_t end = xt_clock_ms() + PATIENCE_MS;
	struct scene scene;

	(void)state;
	scene_begin(&scene);
	begin(&note, scene.loop, scene.url);
	while (!note.last_closes) {
		struct pollfd fd = { .fd = xt_loop_fd(scene.loop), .events = POLLIN };
		poll(&fd, 1, xt_loop_wait_ms(scene.loop));
		xt_loop_turn(scene.loop, 0);
		assert_true(xt_clock_ms() < end);
	}
	assert_int_equal(note.messages, 1);
	scene_end(&scene);
}

struct calls {
	struct xt_loop *loop;
	int count;
	pthread_t thread;
};

static void
count_call(void *context)
{
	struct calls *calls = context;

	assert_true(pthread_equal(calls->thread, pthread_self()));
	calls->count++;
}

static void *
call_often(void *context)
{
	struct calls *calls = context;

	for (int i = 0; i < 10000; i++)
		while (xt_loop_call(calls->loop, count_call, calls) == XT_EAGAIN)
			sched_yield();
	return NULL;
}

/* Both ways of waiting: its own, and another's, which a call must wake. */
static void
test_calls(void **state)
{
	struct calls calls = { .thread = pthread_self() };
	pthread_t threads[2];

	(void)state;
	assert_int_equal(xt_loop_new(&calls.loop), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, &calls), 0);
	turn_until(calls.loop, &calls.count, 10000);
	while (calls.count < 20000) {
		struct pollfd fd = { .fd = xt_loop_fd(calls.loop), .events = POLLIN };
		int ms = xt_loop_wait_ms(calls.loop);
		int ready = poll(&fd, 1, ms < 0 ? PATIENCE_MS : ms);
		assert_true(ready > 0 || ms >= 0); /* a call wakes who waits without end */
		xt_loop_turn(calls.loop, 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(calls.count, 20000);
	xt_loop_free(calls.loop);
}

/* Memory -------------------------------------------------------------------------------------- */

struct heap {
	long blocks, calls, fail_at; /* the n-th allocation fails; 0: none */
};

static void *
resize(void *ctx, void *p, size_t size)
{
	struct heap *heap = ctx;
	void *now;

	if (size == 0) {
		heap->blocks--;
		free(p);
		return NULL;
	}
	if (++heap->calls == heap->fail_at)
		return NULL;
	now = realloc(p, size);
	heap->blocks += now && !p;
	return now;
}

static void
send_large(struct xt_websocket *ws, struct note *note)
{
	static char large[400000];

	(void)note;
	xt_websocket_send(ws, XT_KIND_BINARY, large, sizeof large);
}

/* 1: it went to its end; 0: it could not be opened. */
static int
run_once(struct scene *scene, struct heap *heap)
{
	struct xt_allocator allocator = { .resize = resize, .ctx = heap };
	static const char *const subprotocols[] = { NULL };
	static const char *const headers[] = { "X-A: b", "Cookie: c", NULL };
	struct note note = { .on_open = send_large, .on_message = say_bye };
	struct xt_websocket_options options = {
		.url = scene->url,
		.context = &note,
		.allocator = &allocator,
		.subprotocols = subprotocols,
		.headers = headers,
		.server_name = "a",
	};
	char error[200];
	int status = xt_websocket_open(scene->loop, &options, &handlers, NULL, error, sizeof error);

	if (status < 0) {
		assert_int_equal(status, XT_ENOMEM);
		return 0;
	}
	xt_loop_run_clients(scene->loop);
	assert_int_equal(note.last_closes, 1);
	return note.code == 1000;
}

/* Each allocation of a client's life fails once: nothing is left, nothing breaks, and one day it gets through. */
static void
test_memory(void **state)
{
	struct heap heap = { 0 };
	struct scene scene;
	long failures = 0;

	(void)state;
	scene_begin(&scene);
	assert_int_equal(run_once(&scene, &heap), 1);
	assert_int_equal(heap.blocks, 0);
	assert_true(heap.calls > 5);
	for (bool through = false; !through; failures++) {
		heap = (struct heap){ .fail_at = failures + 1 };
		through = run_once(&scene, &heap) && heap.calls < heap.fail_at;
		assert_int_equal(heap.blocks, 0);
		assert_true(failures < 1000);
	}
	assert_true(failures > 5);
	scene_end(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_close_in_open),
		cmocka_unit_test(test_pause_in_message),
		cmocka_unit_test(test_close_in_close),
		cmocka_unit_test(test_free_while_open),
		cmocka_unit_test(test_foreign_loop),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
