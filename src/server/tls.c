/*
 * tls.c - the certificates of a server: read before it starts, looked at again every second.
 *
 * A look is a stat of each file, on the first worker's thread; so it does not matter how they are replaced (a rename, a
 * symbolic link that points elsewhere, a write in place) nor on what file system.
 */
#include <stdio.h>

#include "base/heap.h"
#include "crosstalk.h"
#include "http/server.h"
#include "io/tls.h"
#include "server/server_private.h"

#define LOOK_MS 1000

int
xt_server_open_tls(struct xt_server *server, char *error, size_t size)
{
	const struct xt_config *config = server->config;
	struct xt_tls_options options = {
		.certificates = (const char *const *)config->tls.certificate.v,
		.keys = (const char *const *)config->tls.key.v,
		.count = config->tls.certificate.n,
		.clients = config->tls.clients,
		.client_ca = config->tls.client_ca,
		.http2 = config->http2,
		.plain_answer = xt_http_plain_answer,
	};
	char words[512];
	int result;

	if (options.count == 0)
		return 0;
	result = xt_tls_server_new(&server->tls, &options, words, sizeof words);
	if (result < 0)
		snprintf(error, size, "tls: %s", words);
	return result;
}

/* 1: they were read; 0: nothing has changed; below 0: those of before stay. */
static int
reload(struct xt_server *server, char *error, size_t size)
{
	int result = xt_tls_server_reload(server->tls, error, size);

	if (result > 0)
		xt_log(&server->log, XT_LOG_INFO, "tls: the certificates were read again");
	if (result < 0)
		xt_log(&server->log, XT_LOG_WARN, "tls: %s; the certificates of before stay",
			error);
	return result;
}

int
xt_server_reload(struct xt_server *server, char *error, size_t size)
{
	const struct xt_allocator *before;
	char words[512];
	int result;

	if (!server->tls)
		return 0;
	before = xt_heap_enter(server->allocator);
	result = reload(server, words, sizeof words);
	xt_heap_enter(before);
	if (result < 0)
		snprintf(error, size, "tls: %s", words);
	return result;
}

static void look(struct xt_timer *timer);

static void
look_later(struct xt_server *server)
{
	struct xt_loop *loop = server->workers[0].loop;

	xt_timer_start(xt_loop_timers(loop), &server->tls_look, xt_loop_now(loop), LOOK_MS);
}

static void
look(struct xt_timer *timer)
{
	struct xt_server *server = XT_CONTAINER(timer, struct xt_server, tls_look);
	char words[512];

	reload(server, words, sizeof words);
	look_later(server);
}

void
xt_server_watch_tls(struct xt_server *server)
{
	if (!server->tls)
		return;
	xt_timer_init(&server->tls_look, look);
	look_later(server);
}

void
xt_server_unwatch_tls(struct xt_server *server)
{
	if (server->tls)
		xt_timer_stop(xt_loop_timers(server->workers[0].loop), &server->tls_look);
}
