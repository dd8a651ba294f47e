/* server.c - the HTTP server of a worker: its connections, and how they begin and end. */
#include "http/server.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/panic.h"
#include "crosstalk.h"
#include "http/h2.h"
#include "http/http_private.h"

#define RESPONSES(n) \
	{ \
		.name = "http_responses_total", .help = "HTTP answers, by class of status.", \
		.label = "class", .value = #n "xx", \
		.offset = offsetof(struct xt_http_stats, responses) + (n) * sizeof(xt_counter), \
		.kind = XT_METRIC_COUNTER \
	}

const struct xt_metric xt_http_metrics[] = {
	{ .name = "http_requests_total",
		.help = "HTTP requests whose header was read.",
		.offset = offsetof(struct xt_http_stats, requests),
		.kind = XT_METRIC_COUNTER },
	RESPONSES(1),
	RESPONSES(2),
	RESPONSES(3),
	RESPONSES(4),
	RESPONSES(5),
	{ .name = "http2_connections",
		.help = "Connections that speak HTTP/2 now.",
		.offset = offsetof(struct xt_http_stats, h2_connections),
		.kind = XT_METRIC_GAUGE },
	{ .name = "http2_streams",
		.help = "Requests and WebSockets that are open now on connections of HTTP/2.",
		.offset = offsetof(struct xt_http_stats, h2_streams),
		.kind = XT_METRIC_GAUGE },
	{ .name = "http_held",
		.help = "HTTP requests that wait for their answer now: long polls.",
		.offset = offsetof(struct xt_http_stats, held),
		.kind = XT_METRIC_GAUGE },
};
const size_t xt_http_metrics_count = sizeof xt_http_metrics / sizeof xt_http_metrics[0];

int
xt_http_server_new(
	struct xt_http_server **out, struct xt_loop *loop, const struct xt_http_config *config)
{
	struct xt_http_server *server = xt_calloc(1, sizeof *server);

	if (!server)
		return XT_ENOMEM;
	server->loop = loop;
	server->config = config;
	xt_list_init(&server->links);
	xt_list_init(&server->h2s);
	*out = server;
	return 0;
}

void
xt_http_server_free(struct xt_http_server *server)
{
	if (!server)
		return;
	XT_ASSERT(xt_list_empty(&server->links) && xt_list_empty(&server->h2s));
	if (server->spare)
		xt_buf_fini(&server->spare->headers);
	xt_free(server->spare);
	xt_free(server);
}

struct xt_http_stats *
xt_http_server_stats(struct xt_http_server *server)
{
	return &server->stats;
}

const char xt_http_plain_answer[] =
	"HTTP/1.1 400 Bad Request\r\nServer: crosstalk\r\nConnection: close\r\n"
	"Content-Type: application/json\r\n\r\n"
	"{\"error\":{\"code\":\"https_only\",\"message\":\"this port speaks HTTPS: https://\"}}\n";

int
xt_http_server_accept(struct xt_http_server *server, int fd, struct xt_tls_server *tls)
{
	struct xt_http_link *link = xt_calloc(1, sizeof *link);

	if (!link) {
		close(fd);
		return XT_ENOMEM;
	}
	link->server = server;
	link->ops = &xt_http1_link;
	link->conn = xt_conn_new(server->loop, fd, &xt_http_stream, link);
	if (!link->conn) {
		xt_free(link);
		return XT_ENOMEM;
	}
	xt_list_append(&server->links, &link->node);
	xt_conn_expire_in(link->conn,
		tls ? server->config->header_timeout_ms : server->config->idle_timeout_ms);
	if (tls && xt_tls_accept(link->conn, tls) < 0) {
		xt_conn_close(link->conn, XT_CLOSE_FAULT);
		return XT_ENOMEM;
	}
	return 0;
}

/* What was received is thrown away, so that closing does not reset the connection under the answer. */
static void
throw_away(int fd)
{
	char bytes[4096];

	while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
		;
}

void
xt_http_server_refuse(int fd, const char *code, const char *message)
{
	struct xt_buf body = { 0 }, out = { 0 };

	if (xt_http_error_body(&body, code, xt_str_from(message)) == 0 &&
		xt_buf_printf(&out,
			"HTTP/1.1 503 Service Unavailable\r\nServer: crosstalk\r\n"
			"Connection: close\r\nRetry-After: 5\r\n"
			"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
			body.n) == 0 &&
		xt_buf_append_str(&out, xt_buf_str(&body)) == 0 &&
		send(fd, out.p, out.n, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
		shutdown(fd, SHUT_WR);
		throw_away(fd);
	}
	close(fd);
	xt_buf_fini(&body);
	xt_buf_fini(&out);
}

void
xt_http_server_drain(struct xt_http_server *server)
{
	server->draining = true;
	xt_list_each (at, after, &server->links) {
		struct xt_http_link *link = XT_LIST_ENTRY(at, struct xt_http_link, node);
		if (link->state == XT_LINK_HEAD && !link->timed)
			xt_conn_finish(link->conn, XT_CLOSE_SHUTDOWN);
	}
	xt_h2_drain_all(server);
}
