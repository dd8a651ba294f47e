/* server.c - the public server: its workers, listeners and metrics. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/random.h"
#include "crosstalk.h"
#include "io/mailbox.h"
#include "program/subscription.h"
#include "server/server_private.h"

static unsigned
count_workers(const struct xt_config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (config->workers)
		return config->workers;
	if (cores < 1)
		return 1;
	return cores > XT_WORKERS_MAX ? XT_WORKERS_MAX : (unsigned)cores;
}

static int
no_memory(char *error, size_t size)
{
	snprintf(error, size, "out of memory");
	return XT_ENOMEM;
}

static int
init_workers(struct xt_server *server, char *error, size_t size)
{
	struct xt_hub *hubs[XT_WORKERS_MAX];

	server->workers = xt_calloc(server->worker_count, sizeof *server->workers);
	if (!server->workers)
		return no_memory(error, size);
	for (unsigned i = 0; i < server->worker_count; i++) {
		int failed = xt_worker_init(&server->workers[i], server, i, error, size);
		if (failed < 0)
			return failed;
		hubs[i] = server->workers[i].hub;
	}
	return xt_hub_connect(hubs, server->worker_count) < 0 ? no_memory(error, size) : 0;
}

static int
copy_origins(struct xt_server *server)
{
	const struct xt_config_list *origins = &server->config->cors.origins;

	server->origins = xt_calloc(origins->n + 1, sizeof *server->origins);
	if (!server->origins)
		return XT_ENOMEM;
	for (size_t i = 0; i < origins->n; i++)
		server->origins[i] = xt_str_from(origins->v[i]);
	return 0;
}

/* The counters of each layer, worker by worker. */
static int
init_metrics(struct xt_server *server)
{
	unsigned n = server->worker_count;
	const void **stats = xt_calloc((size_t)n * XT_METRIC_SOURCES, sizeof *stats);

	if (!stats)
		return XT_ENOMEM;
	server->stats = stats;
	for (unsigned i = 0; i < n; i++) {
		struct xt_worker *worker = &server->workers[i];
		stats[i] = &worker->sessions.stats;
		stats[n + i] = xt_hub_stats(worker->hub);
		stats[2 * n + i] = xt_http_server_stats(worker->http);
		stats[3 * n + i] = xt_loop_stats(worker->loop);
	}
	server->sources[0] =
		(struct xt_metric_source){ xt_session_metrics, xt_session_metrics_count, stats };
	server->sources[1] =
		(struct xt_metric_source){ xt_hub_metrics, xt_hub_metrics_count, stats + n };
	server->sources[2] =
		(struct xt_metric_source){ xt_http_metrics, xt_http_metrics_count, stats + 2 * n };
	server->sources[3] =
		(struct xt_metric_source){ xt_io_metrics, xt_io_metrics_count, stats + 3 * n };
	server->metrics = (struct xt_metrics){
		.sources = server->sources,
		.source_count = XT_METRIC_SOURCES,
		.workers = n,
		.started_ms = xt_clock_wall_ms(),
	};
	return 0;
}

static int
init(struct xt_server *server, char *error, size_t size)
{
	int failed;

	sem_init(&server->started, 0, 0);
	xt_random_fill(&server->key, sizeof server->key);
	server->worker_count = count_workers(server->config);
	if (copy_origins(server) < 0 || xt_server_make_rules(server) < 0)
		return no_memory(error, size);
	failed = xt_server_open_tls(server, error, size);
	if (failed < 0)
		return failed;
	failed = init_workers(server, error, size);
	if (failed < 0)
		return failed;
	return init_metrics(server) < 0 ? no_memory(error, size) : 0;
}

int
xt_server_new(struct xt_server **out, const struct xt_config *config,
	const struct xt_log_sink *sink, char *error, size_t size)
{
	return xt_server_new_with(out, config, sink, NULL, error, size);
}

/* With the allocator entered. */
static int
make(struct xt_server **out, const struct xt_config *config, const struct xt_log_sink *sink,
	const struct xt_allocator *allocator, char *error, size_t size)
{
	struct xt_server *server = xt_calloc(1, sizeof *server);
	int failed;

	if (!server)
		return no_memory(error, size);
	server->allocator = allocator;
	server->config = xt_config_copy(config);
	if (!server->config) {
		xt_free(server);
		return no_memory(error, size);
	}
	if (sink)
		server->log.sink = *sink;
	server->log.level = server->config->log.level;
	failed = xt_config_check(server->config, error, size);
	if (failed == 0)
		failed = init(server, error, size);
	if (failed < 0) {
		xt_server_free(server);
		return failed;
	}
	*out = server;
	return 0;
}

int
xt_server_new_with(struct xt_server **out, const struct xt_config *config,
	const struct xt_log_sink *sink, const struct xt_allocator *allocator, char *error,
	size_t size)
{
	const struct xt_allocator *before = xt_heap_enter(allocator);
	int failed;

	*out = NULL;
	failed = make(out, config, sink, allocator, error, size);
	xt_heap_enter(before);
	return failed;
}

/* Starting -------------------------------------------------------------------------------- */

static int
open_listeners(struct xt_server *server, char *error, size_t size)
{
	const struct xt_config_list *urls = &server->config->listen;
	struct xt_listener_options options = {
		.heartbeat_interval_ms = server->config->heartbeat.interval,
		.heartbeat_timeout_ms = server->config->heartbeat.timeout,
	};

	for (size_t i = 0; i < urls->n; i++) {
		struct xt_address address;
		int failed = xt_address_parse(xt_str_from(urls->v[i]), &address, error, size);
		if (failed == 0)
			failed = xt_listener_open(&address, server->worker_count, &options,
				&server->listeners[i], error, size);
		if (failed < 0)
			return failed;
		server->listener_count++;
	}
	return 0;
}

static void
close_listeners(struct xt_server *server)
{
	for (size_t i = 0; i < server->listener_count; i++)
		xt_listener_close(server->listeners[i]);
	server->listener_count = 0;
}

static int
start_threads(struct xt_server *server, char *error, size_t size)
{
	sigset_t all, before;
	int failed = 0;

	/* A library installs no signal handler, and its threads take no signals. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	atomic_store(&server->undrained, server->worker_count);
	while (server->running < server->worker_count && !failed) {
		struct xt_worker *worker = &server->workers[server->running];
		failed = pthread_create(&worker->thread, NULL, xt_worker_run, worker);
		if (!failed)
			server->running++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		snprintf(error, size, "can't start a worker thread: %s", strerror(failed));
		return XT_ESYS;
	}
	return 0;
}

static void
wait_started(struct xt_server *server)
{
	for (unsigned i = 0; i < server->running; i++)
		while (sem_wait(&server->started) < 0 && errno == EINTR)
			;
}

static void
log_started(struct xt_server *server)
{
	xt_log(&server->log, XT_LOG_INFO, "crosstalk %s with %u worker%s", XT_VERSION,
		server->worker_count, server->worker_count == 1 ? "" : "s");
	for (size_t i = 0; i < server->listener_count; i++)
		xt_log(&server->log, XT_LOG_DEBUG, "listening on %s",
			xt_listener_url(server->listeners[i]));
}

/* After a failure: those that run end, and nothing listens. */
static void
abandon(struct xt_server *server)
{
	/* Those that never ran count as drained. */
	atomic_fetch_sub(&server->undrained, server->worker_count - server->running);
	xt_server_stop(server);
	xt_server_wait(server);
	close_listeners(server);
}

static int
start(struct xt_server *server, char *error, size_t size)
{
	int failed = open_listeners(server, error, size);

	if (failed < 0) {
		close_listeners(server);
		return failed;
	}
	failed = start_threads(server, error, size);
	wait_started(server);
	if (failed == 0 && atomic_load(&server->failed)) {
		snprintf(error, size, "a worker can't accept connections; the log says why");
		failed = XT_ESYS;
	}
	if (failed < 0)
		abandon(server);
	else
		log_started(server);
	return failed;
}

int
xt_server_start(struct xt_server *server, char *error, size_t size)
{
	const struct xt_allocator *before = xt_heap_enter(server->allocator);
	int failed = start(server, error, size);

	xt_heap_enter(before);
	return failed;
}

size_t
xt_server_listeners(const struct xt_server *server)
{
	return server->listener_count;
}

const char *
xt_server_listener_url(const struct xt_server *server, size_t index)
{
	return index < server->listener_count ? xt_listener_url(server->listeners[index]) : NULL;
}

/* Stopping -------------------------------------------------------------------------------- */

void
xt_server_stop(struct xt_server *server)
{
	atomic_store(&server->going, true);
	for (unsigned i = 0; i < server->worker_count; i++)
		xt_worker_tell_stop(&server->workers[i]);
}

/*
 * The threads have ended: cuts the connections that are left, and lets letters that are still under way arrive,
 * for they hold what they carry. On one thread, worker by worker, until nothing moves.
 */
static void
settle(struct xt_server *server)
{
	bool quiet = false;

	for (unsigned i = 0; i < server->worker_count; i++)
		xt_loop_close_all(server->workers[i].loop);
	while (!quiet) {
		quiet = true;
		for (unsigned i = 0; i < server->worker_count; i++) {
			xt_loop_turn(server->workers[i].loop, 0);
			quiet &= xt_mail_is_idle(server->workers[i].loop);
		}
	}
}

int
xt_server_wait(struct xt_server *server)
{
	const struct xt_allocator *before;

	if (!server->running)
		return 0;
	before = xt_heap_enter(server->allocator);
	for (unsigned i = 0; i < server->running; i++)
		pthread_join(server->workers[i].thread, NULL);
	atomic_store(&server->running, 0);
	/* Who came in before that may still leave a letter; it is opened below. */
	while (atomic_load(&server->guests))
		sched_yield();
	for (unsigned i = 0; i < server->worker_count; i++)
		xt_subscriptions_end(&server->workers[i].calls);
	settle(server);
	xt_log(&server->log, XT_LOG_INFO, "stopped");
	xt_heap_enter(before);
	return atomic_load(&server->failed) ? XT_ESYS : 0;
}

static void
free_all(struct xt_server *server)
{
	if (server->running) {
		xt_server_stop(server);
		xt_server_wait(server);
	}
	close_listeners(server);
	for (unsigned i = 0; server->workers && i < server->worker_count; i++)
		xt_worker_fini(&server->workers[i]);
	if (server->worker_count)
		sem_destroy(&server->started);
	xt_server_free_paths(server);
	xt_free(server->workers);
	xt_free(server->stats);
	xt_tls_server_free(server->tls);
	xt_free(server->origins);
	xt_server_free_rules(server);
	xt_config_free(server->config);
	xt_free(server);
}

void
xt_server_free(struct xt_server *server)
{
	const struct xt_allocator *before;

	if (!server)
		return;
	before = xt_heap_enter(server->allocator);
	free_all(server);
	xt_heap_enter(before);
}
