/* routes.c - which path leads where. */
#include "admin/health.h"
#include "admin/lab.h"
#include "server/channel_url.h"
#include "server/server_private.h"
#include "transport/ws/ws.h"

static void
program_url(struct xt_exchange *x, void *ctx)
{
	xt_program_url(x, ctx);
}

/* The program's own paths go before ours. Returns the place of the next. */
static struct xt_route *
add_program_routes(struct xt_worker *worker)
{
	const struct xt_server *server = worker->server;

	for (size_t i = 0; i < server->path_count; i++) {
		const struct xt_program_path *path = &server->paths[i];
		worker->doors[i] = (struct xt_program_door){
			.path = path,
			.sessions = &worker->sessions,
			.transport = &xt_ws_transport,
			.max_message = (uint32_t)server->config->limits.message,
			.compression = (uint8_t)server->config->compression.level,
		};
		worker->routes[i] = (struct xt_route){
			.path = xt_str_from(path->path),
			.prefix = path->prefix,
			.methods = XT_GET,
			.handle = program_url,
			.ctx = &worker->doors[i],
		};
	}
	return worker->routes + server->path_count;
}

void
xt_worker_set_routes(struct xt_worker *worker)
{
	struct xt_server *server = worker->server;
	const struct xt_config *config = server->config;
	const struct xt_route routes[] = {
		{ .path = XT_STR("/c/"),
			.prefix = true,
			.methods = XT_GET | XT_POST | XT_DELETE,
			.max_body = config->limits.message,
			.refuse = xt_channel_url_refuse,
			.handle = xt_channel_url,
			.ctx = worker },
		{ .path = XT_STR("/echo"),
			.methods = XT_GET,
			.handle = xt_echo_url,
			.ctx = worker },
		{ .path = XT_STR("/healthz"), .methods = XT_GET, .handle = xt_health_live },
		{ .path = XT_STR("/readyz"),
			.methods = XT_GET,
			.handle = xt_health_ready,
			.ctx = &server->going },
		{ .path = XT_STR("/metrics"),
			.methods = XT_GET,
			.handle = xt_metrics_handle,
			.ctx = &server->metrics },
		{ .path = XT_STR("/lab/headers"), .methods = XT_GET, .handle = xt_lab_headers },
		{ .handle = NULL },
	};

	_Static_assert(sizeof routes / sizeof routes[0] + XT_PROGRAM_PATHS <= XT_ROUTES_MAX,
		"XT_ROUTES_MAX");
	memcpy(add_program_routes(worker), routes, sizeof routes);
	worker->http_config = (struct xt_http_config){
		.routes = worker->routes,
		.fallback = xt_static_handle,
		.fallback_ctx = worker->files,
		.max_header = config->limits.header,
		.max_uri = config->limits.uri,
		.header_timeout_ms = config->limits.header_timeout,
		.body_timeout_ms = config->limits.body_timeout,
		.idle_timeout_ms = config->limits.idle_timeout,
		.unfinished = &worker->unfinished,
		.http2 = config->http2,
		.rules = server->rules,
		.rules_count = server->rule_count,
		.visitors = server->visitors,
		.cors_origins = server->origins,
		.cors_origins_count = config->cors.origins.n,
	};
}
