/* routes.c - which path leads where. */
#include "admin/health.h"
#include "admin/lab.h"
#include "server/channel_url.h"
#include "server/server_private.h"

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

	_Static_assert(sizeof routes <= sizeof worker->routes, "XT_ROUTES_MAX");
	memcpy(worker->routes, routes, sizeof routes);
	worker->http_config = (struct xt_http_config){
		.routes = worker->routes,
		.fallback = xt_static_handle,
		.fallback_ctx = worker->files,
		.max_header = config->limits.header,
		.max_uri = config->limits.uri,
		.header_timeout_ms = config->limits.header_timeout,
		.body_timeout_ms = config->limits.body_timeout,
		.idle_timeout_ms = config->limits.idle_timeout,
		.cors_origins = server->origins,
		.cors_origins_count = config->cors.origins.n,
	};
}
