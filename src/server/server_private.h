/* server_private.h - what the files of server/ share about a server. */
#ifndef XT_SERVER_SERVER_PRIVATE_H
#define XT_SERVER_SERVER_PRIVATE_H

#include <semaphore.h>
#include <stdatomic.h>

#include "base/log.h"
#include "server/worker.h"

#define XT_METRIC_SOURCES 4

struct xt_server {
	struct xt_config *config;
	struct xt_log log;
	struct xt_worker *workers;
	unsigned worker_count;
	_Atomic unsigned running; /* threads that were started */
	_Atomic unsigned guests;  /* threads of the program that are within a public function */
	struct xt_listener *listeners[XT_CONFIG_LIST_MAX];
	size_t listener_count;
	struct xt_tls_server *tls; /* of the listeners with https; NULL: there is no certificate */
	struct xt_timer tls_look;  /* on the first worker: whether its files have changed */
	struct xt_str *origins;
	struct xt_rules *rules; /* of paths, the longest first */
	size_t rule_count;
	struct xt_str *rule_strings;
	struct xt_visitors *visitors;
	const struct xt_allocator *allocator;           /* NULL: malloc() */
	struct xt_program_path paths[XT_PROGRAM_PATHS]; /* of the program */
	size_t path_count;
	_Atomic unsigned subscriptions; /* made so far */
	struct xt_map_key key;
	sem_t started; /* each worker posts once when it accepts, or has failed to */
	atomic_bool failed;
	atomic_bool going;          /* draining */
	_Atomic unsigned undrained; /* workers that still have connections */
	struct xt_metrics metrics;
	struct xt_metric_source sources[XT_METRIC_SOURCES];
	const void **stats; /* of all sources, by worker */
};

/* Connections of all workers, about. */
uint64_t xt_server_connections(const struct xt_server *server);

/* program.c: frees what xt_server_websocket() has made. */
void xt_server_free_paths(struct xt_server *server);

/* tls.c: reads the certificates, and looks after them from the first worker's thread. */
int xt_server_open_tls(struct xt_server *server, char *error, size_t size);
void xt_server_watch_tls(struct xt_server *server);
void xt_server_unwatch_tls(struct xt_server *server);

/* rules.c: from the configuration. 0 or XT_ENOMEM; to be freed in any case, when all connections are gone. */
int xt_server_make_rules(struct xt_server *server);
void xt_server_free_rules(struct xt_server *server);

/* routes.c: fills worker->routes and worker->http_config. */
void xt_worker_set_routes(struct xt_worker *worker);

#endif
