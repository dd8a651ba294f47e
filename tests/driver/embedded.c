/*
 * embedded.c - a program with two servers in it, for tests/conformance/embedding.test.js: says over a WebSocket what the
 * library told it, and does with the library what it is told. All memory comes from its own allocator, and what
 * is left of it at the end is an error.
 *
 *	embedded --listen URL …		serves /program/… on each, in a server of its own, until SIGTERM
 */
#include <crosstalk.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVERS 2

static _Atomic long blocks; /* that the library holds */
static struct xt_server *servers[SERVERS];

struct visit {
	struct xt_server *server;
	char path[256], color[64], address[64], agent[256];
	char subscribe[256], then[64]; /* what to do within open; "-": nothing */
	char drained;                  /* tell when all has left */
};

/* Memory ---------------------------------------------------------------------------------- */

static void *
resize(void *ctx, void *p, size_t size)
{
	void *now;

	(void)ctx;
	if (size == 0) {
		free(p);
		atomic_fetch_sub(&blocks, 1);
		return NULL;
	}
	now = realloc(p, size);
	if (now && !p)
		atomic_fetch_add(&blocks, 1);
	return now;
}

/* The request ----------------------------------------------------------------------------- */

static void
copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "-");
}

static int
request(struct xt_handshake *handshake, void *context)
{
	const char *status = xt_handshake_query(handshake, "status");
	struct visit *visit;

	if (status)
		return atoi(status);
	visit = calloc(1, sizeof *visit);
	if (!visit)
		return 503;
	visit->server = context;
	copy(visit->path, sizeof visit->path, xt_handshake_path(handshake));
	copy(visit->color, sizeof visit->color, xt_handshake_query(handshake, "color"));
	copy(visit->subscribe, sizeof visit->subscribe, xt_handshake_query(handshake, "subscribe"));
	copy(visit->then, sizeof visit->then, xt_handshake_query(handshake, "then"));
	copy(visit->address, sizeof visit->address, xt_handshake_address(handshake));
	copy(visit->agent, sizeof visit->agent, xt_handshake_field(handshake, "x-agent"));
	if (!xt_handshake_choose(handshake, "test.v2"))
		xt_handshake_choose(handshake, "test.v1");
	xt_handshake_set_context(handshake, visit);
	return 0;
}

/* Words ----------------------------------------------------------------------------------- */

/* A word of the command, up to a blank; the rest stays in `*rest`. */
static char *
word(char **rest)
{
	char *start = *rest, *end = strchr(start, ' ');

	*rest = end ? end + 1 : start + strlen(start);
	if (end)
		*end = '\0';
	return start;
}

static void
answer(struct xt_websocket *ws, const char *what, int error)
{
	char text[128];

	snprintf(text, sizeof text, "%s: %s", what, error < 0 ? xt_strerror(error) : "ok");
	xt_websocket_send_text(ws, text);
}

static void
do_info(struct xt_websocket *ws, char *rest)
{
	const struct visit *visit = xt_websocket_context(ws);
	char text[1024];

	(void)rest;
	snprintf(text, sizeof text, "%s %s %s [%s] [%s] %s", visit->path, visit->color,
		visit->agent, xt_websocket_subprotocol(ws), xt_websocket_extensions(ws),
		visit->address);
	xt_websocket_send_text(ws, text);
}

static void
do_close(struct xt_websocket *ws, char *rest)
{
	unsigned code = (unsigned)atoi(word(&rest));
	int error = xt_websocket_close(ws, code, *rest ? rest : NULL);

	if (error < 0)
		answer(ws, "close", error);
	else if (xt_websocket_send_text(ws, "too late") != XT_ECLOSED ||
		 xt_websocket_close(ws, 1000, NULL) != XT_ECLOSED)
		abort();
}

static void
do_subscribe(struct xt_websocket *ws, char *rest)
{
	char *channel = word(&rest);

	answer(ws, "subscribe", xt_websocket_subscribe(ws, channel, rest));
}

static void
do_unsubscribe(struct xt_websocket *ws, char *rest)
{
	answer(ws, "unsubscribe", xt_websocket_unsubscribe(ws, rest));
}

static void
do_publish(struct xt_websocket *ws, char *rest)
{
	struct visit *visit = xt_websocket_context(ws);
	enum xt_kind kind = (enum xt_kind)atoi(word(&rest));
	char *channel = word(&rest);

	answer(ws, "publish", xt_server_publish(visit->server, channel, kind, rest, strlen(rest)));
}

static void
do_ping(struct xt_websocket *ws, char *rest)
{
	int error = xt_websocket_ping(ws, rest, strlen(rest));

	if (error < 0)
		answer(ws, "ping", error);
}

static void
do_many(struct xt_websocket *ws, char *rest)
{
	int count = atoi(word(&rest));
	size_t size = (size_t)atoi(rest);
	char *bytes = calloc(1, size + 1);
	struct visit *visit = xt_websocket_context(ws);
	int sent = 0;

	while (bytes && sent < count && xt_websocket_send(ws, XT_KIND_BINARY, bytes, size) == 0)
		sent++;
	free(bytes);
	visit->drained = 1;
	if (sent < count)
		fprintf(stderr, "sent %d, then %zu wait\n", sent, xt_websocket_buffered(ws));
}

static void
do_bad_text(struct xt_websocket *ws, char *rest)
{
	(void)rest;
	answer(ws, "text", xt_websocket_send(ws, XT_KIND_TEXT, "\xff", 1));
}

static void
do_json(struct xt_websocket *ws, char *rest)
{
	answer(ws, "json", xt_websocket_send(ws, XT_KIND_JSON, rest, strlen(rest)));
}

static void
do_pause(struct xt_websocket *ws, char *rest)
{
	(void)rest;
	xt_websocket_pause(ws);
	/* Nothing is read, so only a publish on this channel, which the ear hears, lets it go on. */
	answer(ws, "pause", 0);
}

/* Threads --------------------------------------------------------------------------------- */

struct order {
	struct xt_server *server;
	char channel[256];
	int count;
};

static void *
publish_many(void *context)
{
	struct order *order = context;

	for (int i = 0; i < order->count; i++) {
		char text[32];
		int n = snprintf(text, sizeof text, "%d", i), error;
		do
			error = xt_server_publish(
				order->server, order->channel, XT_KIND_TEXT, text, (size_t)n);
		while (error == XT_EAGAIN);
		if (error < 0)
			abort();
	}
	free(order);
	return NULL;
}

static void
do_thread(struct xt_websocket *ws, char *rest)
{
	struct visit *visit = xt_websocket_context(ws);
	struct order *order = calloc(1, sizeof *order);
	pthread_t thread;

	if (!order)
		abort();
	order->server = visit->server;
	order->count = atoi(word(&rest));
	copy(order->channel, sizeof order->channel, rest);
	if (pthread_create(&thread, NULL, publish_many, order) == 0)
		pthread_detach(thread);
}

/* Ears ------------------------------------------------------------------------------------ */

struct ear {
	struct xt_server *server;
	struct xt_subscription *subscription;
	char to[256];
};

static void
heard(void *context, const struct xt_data *data)
{
	struct ear *ear = context;
	char text[512];
	int n = snprintf(text, sizeof text, "%s %s %d %.*s", data->channel, data->id,
		(int)data->kind, (int)(data->n < 200 ? data->n : 200), data->p);

	xt_server_publish(ear->server, ear->to, XT_KIND_TEXT, text, (size_t)n);
	if (data->n == 4 && memcmp(data->p, "stop", 4) == 0)
		xt_subscription_close(ear->subscription);
}

static void
missed(void *context)
{
	struct ear *ear = context;

	xt_server_publish(ear->server, ear->to, XT_KIND_TEXT, "lost", 4);
}

static void
went_deaf(void *context)
{
	struct ear *ear = context;

	/* While the server stops this says so; it must do no harm. */
	xt_server_publish(ear->server, ear->to, XT_KIND_TEXT, "ended", 5);
	free(ear);
}

static void
do_ear(struct xt_websocket *ws, char *rest)
{
	struct visit *visit = xt_websocket_context(ws);
	struct ear *ear = calloc(1, sizeof *ear);
	struct xt_listening listening = { .message = heard, .lost = missed, .ended = went_deaf };
	int error;

	if (!ear)
		abort();
	ear->server = visit->server;
	listening.context = ear;
	listening.channel = word(&rest);
	copy(ear->to, sizeof ear->to, word(&rest));
	listening.since = rest;
	error = xt_server_subscribe(visit->server, &listening, &ear->subscription);
	if (error < 0)
		free(ear);
	answer(ws, "ear", error);
}

/* Events ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*run)(struct xt_websocket *ws, char *rest);
} commands[] = {
	{ "info", do_info },
	{ "close", do_close },
	{ "subscribe", do_subscribe },
	{ "unsubscribe", do_unsubscribe },
	{ "publish", do_publish },
	{ "ping", do_ping },
	{ "many", do_many },
	{ "bad-text", do_bad_text },
	{ "json", do_json },
	{ "pause", do_pause },
	{ "thread", do_thread },
	{ "ear", do_ear },
};

static void
opened(struct xt_websocket *ws)
{
	const struct visit *visit = xt_websocket_context(ws);

	xt_websocket_send_text(ws, "hello");
	if (strcmp(visit->subscribe, "-") != 0 &&
		xt_websocket_subscribe(ws, visit->subscribe, NULL) < 0)
		abort();
	if (strcmp(visit->then, "close") == 0)
		xt_websocket_close(ws, 3001, NULL);
}

static void
received(struct xt_websocket *ws, const struct xt_data *data)
{
	char command[1024], *rest = command, *name;

	if (data->kind == XT_KIND_BINARY || data->n >= sizeof command) {
		xt_websocket_send(ws, data->kind, data->p, data->n);
		return;
	}
	memcpy(command, data->p, data->n);
	command[data->n] = '\0';
	name = word(&rest);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(commands[i].name, name) == 0) {
			commands[i].run(ws, rest);
			return;
		}
	}
	xt_websocket_send_text(ws, "unknown command");
}

static void
drained(struct xt_websocket *ws)
{
	struct visit *visit = xt_websocket_context(ws);

	if (visit->drained)
		xt_websocket_send_text(ws, "drained");
	visit->drained = 0;
}

static void
ponged(struct xt_websocket *ws, const char *p, size_t n)
{
	char text[160];

	snprintf(text, sizeof text, "pong %.*s", (int)n, p);
	xt_websocket_send_text(ws, text);
}

static void
closed(struct xt_websocket *ws, const struct xt_closing *closing)
{
	struct visit *visit = xt_websocket_context(ws);
	char text[256];
	int n = snprintf(text, sizeof text, "%s %u %s%s", visit->path, closing->code,
		closing->clean ? "clean " : "", closing->reason);

	if (closing->retry_ms != -1 || xt_websocket_send_text(ws, "late") != XT_ECLOSED)
		abort();
	xt_server_publish(visit->server, "closings", XT_KIND_TEXT, text, (size_t)n);
	free(visit);
}

static const struct xt_websocket_handlers handlers = {
	.request = request,
	.open = opened,
	.message = received,
	.drained = drained,
	.pong = ponged,
	.close = closed,
};

/* The program ----------------------------------------------------------------------------- */

static void
stop(int number)
{
	(void)number;
	for (int i = 0; i < SERVERS; i++)
		if (servers[i])
			xt_server_stop(servers[i]);
}

static int
fail(const char *error)
{
	fprintf(stderr, "%s\n", error);
	return 1;
}

static int
begin(struct xt_server **server, const char *url)
{
	static const struct xt_allocator allocator = { .resize = resize };
	struct xt_config *config = xt_config_new();
	char error[512] = "out of memory";
	int failed = !config || xt_config_set(config, "listen", url, error, sizeof error) < 0 ||
		     xt_config_set(config, "workers", "2", error, sizeof error) < 0 ||
		     xt_config_set(config, "limits.message", "64KiB", error, sizeof error) < 0 ||
		     xt_config_set(config, "limits.backlog", "1MiB", error, sizeof error) < 0 ||
		     xt_server_new_with(server, config, NULL, &allocator, error, sizeof error) < 0;

	xt_config_free(config);
	if (failed)
		return fail(error);
	if (xt_server_websocket(*server, "/program/", &handlers, *server) < 0 ||
		xt_server_websocket(*server, "/program/", &handlers, NULL) != XT_EINVAL ||
		xt_server_websocket(*server, "no path", &handlers, NULL) != XT_EINVAL ||
		xt_server_publish(*server, "early", XT_KIND_TEXT, "", 0) != XT_ECLOSED)
		return fail("the paths are not as they should be");
	if (xt_server_start(*server, error, sizeof error) < 0)
		return fail(error);
	printf("listening on %s\n", xt_server_listener_url(*server, 0));
	fflush(stdout);
	return 0;
}

static void
catch_signals(void)
{
	struct sigaction action = { .sa_handler = stop };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

int
main(int argc, char **argv)
{
	int count = 0, failed = 0;

	for (int i = 1; i + 1 < argc && count < SERVERS; i++)
		if (strcmp(argv[i], "--listen") == 0 && !failed)
			failed = begin(&servers[count++], argv[i + 1]);
	if (!failed)
		catch_signals();
	for (int i = 0; i < count && !failed; i++)
		failed = xt_server_wait(servers[i]) < 0;
	for (int i = 0; i < count; i++)
		xt_server_free(servers[i]);
	if (atomic_load(&blocks) != 0)
		failed = fail("memory of the library's is left");
	return failed;
}
