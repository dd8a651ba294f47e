/*
 * talk.c - the WebSocket of `crosstalk connect`.
 *
 *	connecting ── open ── message … ── close ─┬─ done: a status
 *	    ^                                     │
 *	    └────────────── --reconnect ──────────┘
 */
#include "connect/connect.h"

#include <stdlib.h>
#include <string.h>

#include "connect/close_code.h"

#define LAST_PING         "the last" /* the payload of that ping */
#define LAST_PING_TIMEOUT 2000       /* milliseconds; there are peers that do not answer pings */

static struct connect *
of(const struct xt_websocket *ws)
{
	return xt_websocket_context(ws);
}

void
connect_fail(struct connect *connect, int status)
{
	if (connect->status == STATUS_OK)
		connect->status = status;
}

/* ---- events ---- */

static void
send_greetings(struct connect *connect)
{
	const struct texts *sends = &connect->options.sends;
	const char *wrong;

	for (size_t i = 0; i < sends->n; i++) {
		wrong = connect_send_line(connect, connect->options.form, sends->p[i]);
		if (wrong)
			connect_warn(connect, "not sent: %s: %s", wrong, sends->p[i]);
	}
}

static void
on_open(struct xt_websocket *ws)
{
	struct connect *connect = of(ws);
	const char *subprotocol = xt_websocket_subprotocol(ws);
	const char *extensions = xt_websocket_extensions(ws);
	const char *url = xt_websocket_url(ws);

	connect->open = connect->was_open = true;
	connect->error = 0;
	connect_note(connect, "connected to %s%s%s%s%s", url ? url : connect->options.url,
		*subprotocol ? ", subprotocol " : "", subprotocol, *extensions ? ", " : "",
		extensions);
	send_greetings(connect);
}

static void
on_message(struct xt_websocket *ws, const struct xt_data *data)
{
	struct connect *connect = of(ws);
	uint64_t wanted = connect->options.once;

	if (wanted && connect->messages == wanted)
		return;
	if (data->id)
		snprintf(connect->last_id, sizeof connect->last_id, "%s", data->id);
	view_message(&connect->view, connect_stream(connect), data, false);
	if (connect->last_ping)
		connect_last_ping_wait(connect);
	if (++connect->messages == wanted)
		connect_close(connect, 1000, NULL);
}

static void
on_pong(struct xt_websocket *ws, const char *p, size_t n)
{
	struct connect *connect = of(ws);
	uint64_t us;

	if (connect->last_ping && n == strlen(LAST_PING) && memcmp(p, LAST_PING, n) == 0)
		connect_close(connect, 1000, NULL);
	if (connect->ping_sent == 0)
		return;
	us = connect_now_us() - connect->ping_sent;
	connect->ping_sent = 0;
	connect_note(
		connect, "pong after %.2f ms%s%.*s", (double)us / 1000, n ? ": " : "", (int)n, p);
}

/* What the words are is said by `close`, which follows. */
static void
on_error(struct xt_websocket *ws, int error, const char *words)
{
	(void)words;
	of(ws)->error = error;
}

/* Before it was ever open. */
static int
status_of_failure(int error)
{
	switch (error) {
	case XT_EPROTO:
		return STATUS_REFUSED;
	case XT_EAGAIN:
		return STATUS_TIMEOUT;
	default:
		return STATUS_UNREACHABLE;
	}
}

static int
status_of(const struct connect *connect, const struct xt_closing *closing)
{
	uint64_t wanted = connect->options.once;

	if (wanted && connect->messages == wanted)
		return STATUS_OK;
	if (!connect->was_open)
		return status_of_failure(connect->error);
	if (closing->code == 1006)
		return STATUS_LOST;
	return connect->closing || close_code_is_normal(closing->code) ? STATUS_OK : STATUS_CLOSED;
}

static void
say_closed(struct connect *connect, const struct xt_closing *closing)
{
	void (*say)(struct connect *, const char *, ...) =
		close_code_is_normal(closing->code) ? connect_note : connect_warn;

	if (!connect->open) {
		connect_warn(
			connect, "cannot connect to %s: %s", connect->options.url, closing->reason);
		return;
	}
	say(connect, "closed: %u %s%s%s", closing->code, close_code_words(closing->code),
		*closing->reason ? ": " : "", closing->reason);
}

static void
on_close(struct xt_websocket *ws, const struct xt_closing *closing)
{
	struct connect *connect = of(ws);

	if (connect->done) /* by a signal: nobody waits for it */
		return;
	say_closed(connect, closing);
	connect->open = false;
	connect->ping_sent = 0;
	if (closing->retry_ms >= 0) {
		connect_note(connect, "again in %.1f s", closing->retry_ms / 1000.0);
		return;
	}
	connect->ws = NULL;
	connect->done = true;
	connect_fail(connect, status_of(connect, closing));
}

static void
on_frame(struct xt_websocket *ws, const struct xt_frame *frame)
{
	connect_show_frame(of(ws), frame);
}

static const struct xt_websocket_handlers handlers = {
	.open = on_open,
	.message = on_message,
	.error = on_error,
	.close = on_close,
	.pong = on_pong,
};

/* ---- what is done with it ---- */

/* "a=1", "b=2" as one field (RFC 6265 5.4), new; NULL when there is none or no memory. */
static char *
join_cookies(const struct texts *cookies)
{
	char *all = NULL;
	size_t size;
	FILE *to = cookies->n > 0 ? open_memstream(&all, &size) : NULL;

	if (!to)
		return NULL;
	for (size_t i = 0; i < cookies->n; i++)
		fprintf(to, "%s%s", i > 0 ? "; " : "", cookies->p[i]);
	fclose(to);
	return all;
}

int
connect_open(struct connect *connect)
{
	const struct connect_options *options = &connect->options;
	char error[512], *cookies = join_cookies(&options->cookies);
	struct xt_websocket_options all = {
		.url = options->url,
		.subprotocols = options->subprotocols.p,
		.headers = options->headers.p,
		.cookies = cookies,
		.origin = options->origin,
		.proxy = options->proxy,
		.max_redirects = (unsigned)options->redirects,
		.max_message = (size_t)options->max_message,
		.no_compression = options->no_compression,
		.open_timeout_ms = (unsigned)options->timeout_ms,
		.ca_file = options->ca,
		.certificate_file = options->certificate,
		.key_file = options->key,
		.server_name = options->server_name,
		.insecure = options->insecure,
		.reconnect = options->reconnect,
		.channel = options->channel,
		.since = options->since,
		.context = connect,
	};
	int code = xt_websocket_open(
		connect->loop, &all, &handlers, &connect->ws, error, sizeof error);

	free(cookies);
	if (code == XT_EINVAL)
		return command_usage(connect->command, "%s", error);
	if (code < 0)
		return command_fail(connect->command, STATUS_REFUSED, "%s", xt_strerror(code));
	connect_watch_frames(connect, options->frames);
	return STATUS_OK;
}

static const char *
words_of(int code)
{
	switch (code) {
	case XT_OK:
		return NULL;
	case XT_EINVAL:
		return "it is not UTF-8";
	case XT_ELIMIT:
		return "too much waits to be sent";
	case XT_ECLOSED:
		return "there is no connection";
	default:
		return xt_strerror(code);
	}
}

const char *
connect_send(struct connect *connect, enum xt_kind kind, const char *p, size_t n)
{
	struct xt_data data = { .kind = kind, .p = p, .n = n };
	int code = connect->open ? xt_websocket_send(connect->ws, kind, p, n) : XT_ECLOSED;

	if (code == 0 && connect->interactive)
		view_message(&connect->view, connect_stream(connect), &data, true);
	return words_of(code);
}

const char *
connect_send_line(struct connect *connect, enum form form, const char *line)
{
	size_t n = strlen(line);
	char *copy = strdup(line);
	const char *wrong = copy ? view_decode(form, copy, &n) : xt_strerror(XT_ENOMEM);

	if (!wrong)
		wrong = connect_send(connect, view_kind(form), copy, n);
	free(copy);
	return wrong;
}

const char *
connect_ping(struct connect *connect, const char *text)
{
	int code = connect->open ? xt_websocket_ping(connect->ws, text, strlen(text)) : XT_ECLOSED;

	if (code == 0)
		connect->ping_sent = connect_now_us();
	return words_of(code);
}

void
connect_last_ping(struct connect *connect)
{
	connect->last_ping = xt_websocket_ping(connect->ws, LAST_PING, strlen(LAST_PING)) == 0;
	connect_last_ping_wait(connect);
}

void
connect_last_ping_wait(struct connect *connect)
{
	connect->wait_end = connect_now_us() / 1000 + LAST_PING_TIMEOUT;
}

void
connect_close(struct connect *connect, unsigned code, const char *reason)
{
	if (connect->closing)
		return;
	connect->closing = true;
	if (!connect->open || xt_websocket_close(connect->ws, code, reason) < 0)
		connect->done = true;
}

void
connect_watch_frames(struct connect *connect, bool on)
{
	connect->options.frames = on;
	if (connect->ws)
		xt_websocket_watch_frames(connect->ws, on ? on_frame : NULL);
}
