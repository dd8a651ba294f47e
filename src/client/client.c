/*
 * client.c - the life of a WebSocket client: from an option to `open`, to its end, and around again.
 *
 * Whatever goes wrong is noted once (xt_client_note), then the client ends (xt_client_end): its connection is closed, and when
 * that is gone the program is told, from a task, so that no event comes from within a call of the program.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/panic.h"
#include "base/random.h"
#include "client/client_private.h"
#include "codec/utf8.h"

#define BIT(state) (1u << XT_CLIENT_##state)

/* From where a state can be reached. */
static const unsigned predecessors[] = {
	[XT_CLIENT_BEGIN] = BIT(WAITING),
	[XT_CLIENT_RESOLVE] = BIT(BEGIN) | BIT(HANDSHAKE),
	[XT_CLIENT_CONNECT] = BIT(RESOLVE),
	[XT_CLIENT_PROXY] = BIT(CONNECT),
	[XT_CLIENT_HANDSHAKE] = BIT(CONNECT) | BIT(PROXY),
	[XT_CLIENT_OPEN] = BIT(HANDSHAKE),
	[XT_CLIENT_CLOSING] = BIT(OPEN),
	[XT_CLIENT_ENDING] = BIT(BEGIN) | BIT(RESOLVE) | BIT(CONNECT) | BIT(PROXY) |
			     BIT(HANDSHAKE) | BIT(OPEN) | BIT(CLOSING) | BIT(WAITING),
	[XT_CLIENT_WAITING] = BIT(ENDING),
	[XT_CLIENT_GONE] = BIT(ENDING),
};

void
xt_client_set_state(struct xt_client *client, enum xt_client_state state)
{
	XT_ASSERT(predecessors[state] & (1u << client->state));
	client->state = state;
}

/* ---- what went wrong --------------------------------------------------------------------- */

void
xt_client_note(struct xt_client *client, int error, unsigned code, const char *format, ...)
{
	struct outcome *outcome = &client->outcome;
	va_list arguments;
	size_t n;

	if (outcome->known)
		return;
	outcome->known = true;
	outcome->error = error;
	outcome->code = code;
	va_start(arguments, format);
	vsnprintf(outcome->words, sizeof outcome->words, format, arguments);
	va_end(arguments);
	n = xt_utf8_cut(xt_str_from(outcome->words), XT_WS_REASON_MAX);
	memcpy(outcome->reason, outcome->words, n);
	outcome->reason[n] = '\0';
}

static void
stop_all(struct xt_client *client)
{
	xt_resolve_cancel(&client->resolve);
	xt_connect_cancel(&client->connect);
	xt_timer_stop(xt_loop_timers(client->loop), &client->timer);
	xt_task_cancel(&client->task);
}

void
xt_client_end(struct xt_client *client)
{
	if (client->state == XT_CLIENT_ENDING)
		return;
	stop_all(client);
	xt_client_set_state(client, XT_CLIENT_ENDING);
	if (client->conn)
		xt_conn_close(client->conn, XT_CLOSE_DONE);
	else
		xt_loop_post(client->loop, &client->task);
}

void
xt_client_finish(struct xt_client *client)
{
	stop_all(client);
	xt_client_set_state(client, XT_CLIENT_ENDING);
	xt_conn_finish(client->conn, XT_CLOSE_DONE);
}

void
xt_client_lost(struct xt_client *client)
{
	client->conn = NULL;
	if (client->state == XT_CLIENT_ENDING)
		xt_loop_post(client->loop, &client->task);
	else
		xt_client_end(client);
}

/* ---- on the way -------------------------------------------------------------------------- */

static const struct xt_url *
next_hop(const struct xt_client *client)
{
	return client->settings.proxy.text.n ? &client->settings.proxy : &client->url;
}

void
xt_client_go(struct xt_client *client)
{
	char host[XT_RESOLVE_HOST_SIZE];

	xt_client_set_state(client, XT_CLIENT_RESOLVE);
	if (xt_url_host(next_hop(client), host, sizeof host)) {
		xt_resolve_start(&client->resolve, host, next_hop(client)->port);
		return;
	}
	xt_client_note(client, XT_EINVAL, XT_WS_ABNORMAL, "the host's name is too long");
	client->outcome.final = true;
	xt_client_end(client);
}

static void
on_resolved(struct xt_resolve *resolve)
{
	struct xt_client *client = XT_CONTAINER(resolve, struct xt_client, resolve);
	struct xt_str host = next_hop(client)->host;

	if (resolve->found.count > 0) {
		xt_client_set_state(client, XT_CLIENT_CONNECT);
		xt_connect_start(&client->connect, &resolve->found);
		return;
	}
	xt_client_note(client, XT_ENOTFOUND, XT_WS_ABNORMAL, "could not find %.*s: %s", (int)host.n,
		host.p, resolve->words);
	xt_client_end(client);
}

static void
on_connected(struct xt_connect *connect, int fd)
{
	struct xt_client *client = XT_CONTAINER(connect, struct xt_client, connect);

	if (fd < 0) {
		xt_client_note(client, XT_ESYS, XT_WS_ABNORMAL, "%s", connect->words);
		xt_client_end(client);
		return;
	}
	xt_client_handshake_begin(client, fd);
}

static void
begin(struct xt_client *client)
{
	xt_timer_start(xt_loop_timers(client->loop), &client->timer, xt_loop_now(client->loop),
		client->settings.open_ms);
	xt_client_go(client);
}

static const char *
slow_step(const struct xt_client *client)
{
	switch (client->state) {
	case XT_CLIENT_RESOLVE:
		return "finding the host's address";
	case XT_CLIENT_CONNECT:
		return "connecting";
	case XT_CLIENT_PROXY:
		return "the proxy's answer";
	default:
		return "the server's answer";
	}
}

static void restart(struct xt_client *client);

static void
on_timer(struct xt_timer *timer)
{
	struct xt_client *client = XT_CONTAINER(timer, struct xt_client, timer);

	if (client->state == XT_CLIENT_WAITING) {
		restart(client);
		return;
	}
	xt_client_note(client, XT_EAGAIN, XT_WS_ABNORMAL, "timed out after %u ms: %s took too long",
		client->settings.open_ms, slow_step(client));
	xt_client_end(client);
}

/* ---- the end ----------------------------------------------------------------------------- */

/* What belongs to one connection. */
static void
fini_connection(struct xt_client *client)
{
	const struct xt_allocator *before = xt_client_enter(client);

	xt_client_handshake_fini(client);
	xt_client_frames_fini(client);
	xt_url_fini(&client->url);
	xt_client_leave(before);
}

static void
client_free(struct xt_client *client)
{
	const struct xt_allocator *before;

	xt_guest_remove(&client->guest);
	fini_connection(client);
	before = xt_client_enter(client);
	xt_channel_fini(&client->place);
	xt_settings_fini(&client->settings);
	xt_free(client);
	xt_client_leave(before);
}

/* RFC 6455 7.4: after these the same would happen again; 44xx as HTTP's 4xx, but "timeout" and "too many". */
static bool
is_final_code(unsigned code)
{
	switch (code) {
	case XT_WS_NORMAL:
	case XT_WS_PROTOCOL_ERROR:
	case XT_WS_UNSUPPORTED:
	case XT_WS_BAD_DATA:
	case 1010:
		return true;
	default:
		return code >= 4400 && code <= 4499 && code != 4408 && code != 4429;
	}
}

/* min, 2 min, 4 min … up to max, less a random part of up to a half: no herd comes back at once. */
static uint32_t
retry_ms(const struct xt_client *client)
{
	const struct xt_settings *settings = &client->settings;
	uint64_t ms = settings->retry_min_ms;

	for (unsigned i = 0; i < client->attempts && ms < settings->retry_max_ms; i++)
		ms *= 2;
	if (ms > settings->retry_max_ms)
		ms = settings->retry_max_ms;
	return (uint32_t)(ms - xt_random_u64() % (ms / 2 + 1));
}

static int
when_again(const struct xt_client *client)
{
	const struct xt_settings *settings = &client->settings;
	const struct outcome *outcome = &client->outcome;

	if (!settings->reconnect || outcome->final || is_final_code(outcome->code))
		return -1;
	if (settings->attempts && client->attempts >= settings->attempts)
		return -1;
	return (int)retry_ms(client);
}

static void
wait(struct xt_client *client, uint32_t ms)
{
	client->attempts++;
	xt_client_set_state(client, XT_CLIENT_WAITING);
	xt_timer_start(xt_loop_timers(client->loop), &client->timer, xt_loop_now(client->loop), ms);
}

static int
copy_url(struct xt_client *client)
{
	const struct xt_allocator *before = xt_client_enter(client);
	const char *why;
	int error = xt_url_parse(&client->url, xt_buf_str(&client->settings.url.text), NULL, &why);

	xt_client_leave(before);
	return error;
}

static void
restart(struct xt_client *client)
{
	xt_client_set_state(client, XT_CLIENT_BEGIN);
	fini_connection(client);
	client->outcome = (struct outcome){ 0 };
	if (copy_url(client) == 0) {
		begin(client);
		return;
	}
	xt_client_note(client, XT_ENOMEM, XT_WS_ABNORMAL, "out of memory");
	xt_client_end(client);
}

/* The program may call whatever it likes meanwhile, but the client stays until `close` has returned. */
static void
tell_end(struct xt_client *client, int retry)
{
	struct outcome outcome = client->outcome;
	struct xt_closing closing = {
		.code = outcome.code,
		.reason = outcome.reason,
		.clean = outcome.clean,
		.retry_ms = retry,
	};

	if (outcome.error && client->handlers.error)
		client->handlers.error(&client->ws, outcome.error, outcome.words);
	if (retry >= 0)
		wait(client, (uint32_t)retry);
	else
		xt_client_set_state(client, XT_CLIENT_GONE);
	if (client->handlers.close)
		client->handlers.close(&client->ws, &closing);
	if (client->state == XT_CLIENT_GONE)
		client_free(client);
}

static void
on_task(struct xt_task *task)
{
	struct xt_client *client = XT_CONTAINER(task, struct xt_client, task);

	if (client->state == XT_CLIENT_BEGIN)
		begin(client);
	else
		tell_end(client, when_again(client));
}

/* A connection that is left to itself. */
static size_t
ignore(struct xt_conn *conn, char *p, size_t n)
{
	(void)conn;
	(void)p;
	return n;
}

static void
forget(struct xt_conn *conn, enum xt_close why)
{
	(void)conn;
	(void)why;
}

static const struct xt_stream left_alone = {
	.name = "left alone",
	.recv = ignore,
	.closed = forget,
};

void
xt_client_abandon(struct xt_client *client)
{
	if (!client->conn)
		return;
	xt_conn_adopt(client->conn, &left_alone, NULL);
	xt_conn_close(client->conn, XT_CLOSE_DONE);
	client->conn = NULL;
}

/* Its loop is being freed. */
static void
leave(struct xt_guest *guest)
{
	struct xt_client *client = XT_CONTAINER(guest, struct xt_client, guest);

	xt_client_abandon(client);
	if (client->state == XT_CLIENT_WAITING)
		client->outcome = (struct outcome){ 0 };
	xt_client_note(client, 0, XT_WS_ABNORMAL, "its loop was freed");
	xt_client_end(client);
	xt_task_cancel(&client->task);
	tell_end(client, -1);
}

/* ---- what the program asks for ------------------------------------------------------------ */

static int
op_send(struct xt_websocket *ws, enum xt_kind kind, const void *p, size_t n)
{
	return xt_client_frames_send(xt_client_of(ws), kind, p, n);
}

static int
op_ping(struct xt_websocket *ws, const void *p, size_t n)
{
	return xt_client_frames_ping(xt_client_of(ws), p, n);
}

/* RFC 6455 7.4 and the WebSockets Standard 3.1: the other codes are not a program's on this side. */
static int
op_close(struct xt_websocket *ws, unsigned code, const char *reason, size_t n)
{
	struct xt_client *client = xt_client_of(ws);

	if ((code != XT_WS_NORMAL && code < 3000) || !xt_utf8_valid(xt_str_of(reason, n)))
		return XT_EINVAL;
	if (client->state == XT_CLIENT_OPEN)
		return xt_client_frames_close(client, code, reason, n);
	if (client->state >= XT_CLIENT_CLOSING && client->state != XT_CLIENT_WAITING)
		return XT_ECLOSED;
	client->outcome = (struct outcome){ 0 };
	xt_client_note(client, 0, XT_WS_ABNORMAL, "closed before it was open");
	client->outcome.final = true;
	xt_client_end(client);
	return 0;
}

static size_t
op_buffered(const struct xt_websocket *ws)
{
	const struct xt_client *client = (const struct xt_client *)(const void *)ws;

	return client->conn ? xt_conn_backlog(client->conn) : 0;
}

static void
op_pause(struct xt_websocket *ws, bool paused)
{
	xt_client_frames_pause(xt_client_of(ws), paused);
}

static const char *
or_empty(const char *text)
{
	return text ? text : "";
}

static const char *
op_subprotocol(const struct xt_websocket *ws)
{
	return or_empty(((const struct xt_client *)(const void *)ws)->handshake.subprotocol);
}

static const char *
op_extensions(const struct xt_websocket *ws)
{
	return or_empty(((const struct xt_client *)(const void *)ws)->handshake.extensions);
}

static const struct xt_websocket_ops client_ops = {
	.send = op_send,
	.ping = op_ping,
	.close = op_close,
	.buffered = op_buffered,
	.pause = op_pause,
	.subprotocol = op_subprotocol,
	.extensions = op_extensions,
};

static bool
is_client(const struct xt_websocket *ws)
{
	return ws->ops == &client_ops;
}

const char *
xt_websocket_url(const struct xt_websocket *ws)
{
	const struct xt_client *client = (const struct xt_client *)(const void *)ws;

	return is_client(ws) ? client->url.text.p : NULL;
}

const char *
xt_websocket_field(struct xt_websocket *ws, const char *name)
{
	return is_client(ws) ? xt_client_handshake_field(xt_client_of(ws), name) : NULL;
}

static void
init(struct xt_client *client, struct xt_loop *loop, const struct xt_websocket_handlers *handlers)
{
	client->loop = loop;
	client->handlers = *handlers;
	client->ws.ops = &client_ops;
	client->ws.handlers = &client->handlers;
	client->guest.leave = leave;
	xt_list_init(&client->task.link);
	client->task.run = on_task;
	xt_timer_init(&client->timer, on_timer);
	xt_resolve_init(&client->resolve, loop, on_resolved);
	xt_connect_init(&client->connect, loop, on_connected);
}

/* With the client's allocator. */
static int
make(struct xt_client **out, const struct xt_websocket_options *options, char *error, size_t size)
{
	struct xt_client *client = xt_calloc(1, sizeof *client);
	int status;

	*out = client;
	if (!client)
		return XT_ENOMEM;
	client->allocator = options->allocator;
	client->ws.context = options->context;
	status = xt_settings_init(&client->settings, options, error, size);
	if (status == 0)
		status = copy_url(client);
	if (status == 0 && options->channel)
		status = xt_channel_init(&client->place, &client->url, options->since);
	if (status < 0) {
		xt_url_fini(&client->url);
		xt_settings_fini(&client->settings);
		xt_free(client);
	}
	return status;
}

int
xt_websocket_open(struct xt_loop *loop, const struct xt_websocket_options *options,
	const struct xt_websocket_handlers *handlers, struct xt_websocket **ws, char *error,
	size_t size)
{
	const struct xt_allocator *before = xt_heap_enter(options->allocator);
	struct xt_client *client;
	int status = make(&client, options, error, size);

	xt_heap_enter(before);
	if (status < 0)
		return status;
	init(client, loop, handlers);
	if (xt_loop_lodge(loop, &client->guest) < 0) {
		xt_list_init(&client->guest.link);
		client_free(client);
		snprintf(error, size, "the loop is being freed");
		return XT_EINVAL;
	}
	xt_loop_post(loop, &client->task);
	if (ws)
		*ws = &client->ws;
	return 0;
}
