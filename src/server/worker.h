/*
 * worker.h - one of the server's threads: a loop, and on it a hub, an HTTP server and the sessions.
 *
 *   new (main thread) -> run (its own thread) -> drain (when told to stop) -> run returns -> free (main thread)
 */
#ifndef XT_SERVER_WORKER_H
#define XT_SERVER_WORKER_H

#include <pthread.h>

#include "admin/metrics.h"
#include "http/server.h"
#include "http/static.h"
#include "hub/hub.h"
#include "io/listener.h"
#include "program/calls.h"
#include "program/websocket.h"
#include "server/config.h"
#include "session/session.h"

/* Routes of a worker: the program's, ours, and the row that ends them. */
#define XT_ROUTES_MAX (XT_PROGRAM_PATHS + 8)

/*
 * Bytes of WebSocket messages and of HTTP bodies that have not come whole, of all connections of a worker together,
 * without the first XT_BUDGET_FREE of each; or four messages of the largest size, if that is more.
 */
#define XT_WORKER_UNFINISHED (64u << 20)

struct xt_server;

struct xt_worker {
	struct xt_server *server;
	unsigned index;
	pthread_t thread;
	struct xt_loop *loop;
	struct xt_hub *hub;
	struct xt_http_server *http;
	struct xt_sessions sessions;
	struct xt_budget unfinished; /* of sessions and http */
	struct xt_deflate_pool *deflate;
	struct xt_static *files;
	struct xt_route routes[XT_ROUTES_MAX];
	struct xt_program_door doors[XT_PROGRAM_PATHS]; /* of the program's own paths */
	struct xt_calls calls;                          /* what the program's threads ask of it */
	struct xt_http_config http_config;
	struct xt_watch stop; /* the reading end of a pipe */
	int stop_write;
	struct xt_timer drain;   /* looks whether all have gone */
	uint64_t drain_deadline; /* loop time, ms */
	bool drained;            /* has said so */
};

/* 0 or below, with the sentence in `error`; xt_worker_fini() in any case. */
int xt_worker_init(struct xt_worker *worker, struct xt_server *server, unsigned index, char *error,
	size_t size);

/* The loop runs no more, and nothing is under way. Zeroed ones are fine. */
void xt_worker_fini(struct xt_worker *worker);

/* Begins to accept and runs the loop until the server has drained. The thread's body. */
void *xt_worker_run(void *worker);

/* Any thread, also in a signal handler. */
void xt_worker_tell_stop(struct xt_worker *worker);

#endif
