/* worker.c - a worker's life: set up, accept, drain. */
#include "server/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/heap.h"
#include "codec/deflate.h"
#include "crosstalk.h"
#include "program/subscription.h"
#include "server/server_private.h"

/* How often a draining worker looks whether all have gone. */
#define DRAIN_CHECK_MS 16

static void begin_drain(struct xt_watch *watch);
static void check_drain(struct xt_timer *timer);

static int
fail(char *error, size_t size, const char *what)
{
	snprintf(error, size, "%s: %s", what, strerror(errno));
	return XT_ESYS;
}

static int
open_pipe(struct xt_worker *worker)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return XT_ESYS;
	worker->stop = (struct xt_watch){ .fd = ends[0], .ready = begin_drain };
	worker->stop_write = ends[1];
	return xt_loop_watch(worker->loop, &worker->stop);
}

static struct xt_hub_config
hub_config(const struct xt_server *server)
{
	const struct xt_config *config = server->config;

	return (struct xt_hub_config){
		.history = {
			.messages = config->history.messages,
			.bytes = config->history.bytes,
			.age_ms = config->history.age,
		},
		/* Channels spread evenly by their hash. */
		.history_total = config->history.total / server->worker_count,
		.channels = config->limits.channels / server->worker_count + 1,
		.linger_ms = config->presence.poll_linger,
	};
}

/* A few messages of the largest size that is allowed always find room. */
static size_t
max_unfinished(const struct xt_config *config)
{
	size_t largest = config->limits.echo > config->limits.message ? config->limits.echo
								      : config->limits.message;

	for (size_t i = 0; i < config->paths.n; i++)
		if (config->paths.v[i].message > largest)
			largest = config->paths.v[i].message;
	return 4 * largest > XT_WORKER_UNFINISHED ? 4 * largest : XT_WORKER_UNFINISHED;
}

static int
init_parts(struct xt_worker *worker)
{
	struct xt_server *server = worker->server;
	const struct xt_config *config = server->config;
	struct xt_hub_config hub = hub_config(server);
	struct xt_sessions_config sessions = {
		.heartbeat_interval_ms = config->heartbeat.interval,
		.heartbeat_timeout_ms = config->heartbeat.timeout,
		.message_timeout_ms = config->limits.body_timeout,
		.max_backlog = config->limits.backlog,
		.unfinished = &worker->unfinished,
		.compression_threshold = config->compression.threshold,
	};

	worker->unfinished.max = max_unfinished(config);
	if (xt_hub_new(&worker->hub, worker->loop, &hub, &server->key) < 0)
		return XT_ENOMEM;
	worker->deflate = xt_deflate_pool_new(config->compression.memory / server->worker_count);
	if (!worker->deflate)
		return XT_ENOMEM;
	xt_sessions_init(&worker->sessions, worker->hub, worker->index, &sessions);
	worker->sessions.deflate = worker->deflate;
	return xt_http_server_new(&worker->http, worker->loop, &worker->http_config);
}

int
xt_worker_init(struct xt_worker *worker, struct xt_server *server, unsigned index, char *error,
	size_t size)
{
	*worker = (struct xt_worker){ .server = server, .index = index, .stop_write = -1 };
	worker->stop.fd = -1;
	xt_timer_init(&worker->drain, check_drain);
	if (xt_loop_new(&worker->loop) < 0 || open_pipe(worker) < 0)
		return fail(error, size, "can't make an event loop");
	if (xt_calls_init(&worker->calls, worker->loop) < 0)
		return fail(error, size, "can't make an event descriptor");
	if (xt_static_new(&worker->files, server->config->root) < 0)
		return fail(
			error, size, server->config->root ? server->config->root : "static files");
	if (init_parts(worker) < 0) {
		snprintf(error, size, "out of memory");
		return XT_ENOMEM;
	}
	return 0;
}

void
xt_worker_fini(struct xt_worker *worker)
{
	if (!worker->loop)
		return;
	xt_timer_stop(xt_loop_timers(worker->loop), &worker->drain);
	xt_subscriptions_free(&worker->calls);
	xt_calls_fini(&worker->calls);
	xt_hub_free(worker->hub);
	xt_http_server_free(worker->http);
	xt_static_free(worker->files);
	xt_loop_free(worker->loop);
	xt_deflate_pool_free(worker->deflate);
	if (worker->stop.fd >= 0)
		close(worker->stop.fd);
	if (worker->stop_write >= 0)
		close(worker->stop_write);
}

/* Accepting ------------------------------------------------------------------------------- */

uint64_t
xt_server_connections(const struct xt_server *server)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < server->worker_count; i++)
		sum += xt_counter_read(&xt_loop_stats(server->workers[i].loop)->open);
	return sum;
}

/* Over TLS without a word: to say one, a handshake would have to come first. */
static void
refuse(struct xt_worker *worker, const struct xt_listener *listener, int fd)
{
	xt_counter_add(&xt_loop_stats(worker->loop)->closes[XT_CLOSE_LIMIT], 1);
	if (xt_listener_is_tls(listener))
		close(fd);
	else
		xt_http_server_refuse(fd, "too_many_connections",
			"there are as many connections as limits.connections allows");
}

static void
accepted(void *ctx, const struct xt_listener *listener, int fd)
{
	struct xt_worker *worker = ctx;
	struct xt_server *server = worker->server;
	struct xt_tls_server *tls = xt_listener_is_tls(listener) ? server->tls : NULL;

	if (xt_server_connections(server) >= server->config->limits.connections)
		refuse(worker, listener, fd);
	else if (xt_http_server_accept(worker->http, fd, tls) < 0)
		xt_log(&server->log, XT_LOG_ERROR, "out of memory for a connection");
}

static int
start_listening(struct xt_worker *worker)
{
	struct xt_server *server = worker->server;

	for (size_t i = 0; i < server->listener_count; i++)
		if (xt_listener_start(server->listeners[i], worker->index, worker->loop, accepted,
			    worker) < 0)
			return XT_ESYS;
	return 0;
}

void *
xt_worker_run(void *arg)
{
	struct xt_worker *worker = arg;
	struct xt_server *server = worker->server;

	xt_heap_enter(server->allocator);
	/* The program may have added paths since the worker was made. */
	xt_worker_set_routes(worker);
	if (start_listening(worker) < 0) {
		xt_log(&server->log, XT_LOG_ERROR, "worker %u can't watch its listeners: %s",
			worker->index, strerror(errno));
		atomic_store(&server->failed, true);
	}
	if (worker->index == 0)
		xt_server_watch_tls(server);
	sem_post(&server->started);
	xt_loop_run(worker->loop);
	return NULL;
}

/* Drain ----------------------------------------------------------------------------------- */

void
xt_worker_tell_stop(struct xt_worker *worker)
{
	int saved = errno;
	ssize_t ignored = write(worker->stop_write, "", 1);

	(void)ignored; /* full: it has been told already */
	errno = saved;
}

static void
begin_drain(struct xt_watch *watch)
{
	struct xt_worker *worker = XT_CONTAINER(watch, struct xt_worker, stop);
	struct xt_server *server = worker->server;

	xt_loop_unwatch(worker->loop, watch);
	if (worker->index == 0)
		xt_server_unwatch_tls(server);
	for (size_t i = 0; i < server->listener_count; i++)
		xt_listener_stop(server->listeners[i], worker->index);
	xt_http_server_drain(worker->http);
	xt_sessions_drain(&worker->sessions);
	worker->drain_deadline = xt_loop_now(worker->loop) + server->config->drain.timeout;
	check_drain(&worker->drain);
}

/*
 * No worker leaves before all have nothing left: another's connections may wait for a channel whose home is here.
 */
static void
check_drain(struct xt_timer *timer)
{
	struct xt_worker *worker = XT_CONTAINER(timer, struct xt_worker, drain);
	struct xt_server *server = worker->server;
	uint64_t now = xt_loop_now(worker->loop);
	size_t left = xt_loop_conns(worker->loop);

	if (!worker->drained && (left == 0 || now >= worker->drain_deadline)) {
		worker->drained = true;
		if (left)
			xt_log(&server->log, XT_LOG_WARN,
				"worker %u: %zu connections are cut after drain.timeout",
				worker->index, left);
		atomic_fetch_sub(&server->undrained, 1);
	}
	if (atomic_load(&server->undrained) == 0)
		xt_loop_stop(worker->loop);
	else
		xt_timer_start(xt_loop_timers(worker->loop), timer, now, DRAIN_CHECK_MS);
}
