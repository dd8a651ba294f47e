/*
 * server.h - the HTTP/1.1 server of one worker: reads requests, finds the route, lets it answer.
 *
 *	HEAD -> BODY -> HANDLE -(answered)-> HEAD …   (keep-alive, pipelining)
 *	                       -(taken over)-> another stream
 *
 * An idle connection is a small struct: heads are read where the loop received them.
 */
#ifndef XT_HTTP_SERVER_H
#define XT_HTTP_SERVER_H

#include "base/budget.h"
#include "http/exchange.h"
#include "io/loop.h"
#include "io/tls.h"
#include "io/visitors.h"

/* A row of the table of routes. The first that fits wins; the table ends with a row without handle. */
struct xt_route {
	struct xt_str path; /* "/healthz", or with `prefix` "/c/": what stands in front */
	bool prefix;

	/* enum xt_method, or-ed; HEAD is allowed where GET is, OPTIONS is answered; else 405 with Allow. */
	unsigned methods;

	/*
	 * The handler looks at the method itself. `methods` then is what a preflight is told, 0: all.
	 */
	bool own_methods;

	/*
	 * Looks at the head before a body is asked for or read: true, and the exchange was answered, when it
	 * alone shows that the request can't be served. NULL: none.
	 */
	bool (*refuse)(struct xt_exchange *x, void *ctx);

	/*
	 * Bytes; more: 413. 0: the handler sees no body; one that comes is skipped after the answer,
	 * or ends the connection.
	 */
	uint64_t max_body;

	void (*handle)(struct xt_exchange *x, void *ctx);
	void *ctx;
};

struct xt_http_config {
	const struct xt_route *routes;

	/*
	 * For all that no route takes, whatever the method and without its body: static files.
	 * NULL: answered with 404.
	 */
	void (*fallback)(struct xt_exchange *x, void *ctx);
	void *fallback_ctx;

	uint64_t max_header; /* bytes of request line and fields: 431; below XT_LOOP_RECV_SIZE */
	uint64_t max_uri;    /* bytes of the target: 414 */

	/* From the first byte of a request to the end of its head: 408. */
	uint32_t header_timeout_ms;

	/* How long a body may stand still, and 20 times that for all of it: 408. */
	uint32_t body_timeout_ms;

	/*
	 * Kept alive without a request, or with an answer of which nothing more is taken: closed.
	 */
	uint32_t idle_timeout_ms;

	/* What all bodies together that have not come whole may make the worker keep: 503. Borrowed. */
	struct xt_budget *unfinished;

	bool http2; /* by ALPN, or by prior knowledge where there is no TLS */

	/* What paths allow, the longest path first; and who counts there (NULL without rules). */
	const struct xt_rules *rules;
	size_t rules_count;
	struct xt_visitors *visitors;

	const struct xt_str *cors_origins; /* "https://a.example" or "*" */
	size_t cors_origins_count;
};

struct xt_http_stats {
	xt_counter requests;
	xt_counter responses[6];               /* by hundred: [2] is 2xx */
	xt_counter held;                       /* now */
	xt_counter h2_connections, h2_streams; /* now */
};

extern const struct xt_metric xt_http_metrics[];
extern const size_t xt_http_metrics_count;

struct xt_http_server;

/* `config` and what it points at outlives the server. 0 or XT_ENOMEM. */
int xt_http_server_new(
	struct xt_http_server **server, struct xt_loop *loop, const struct xt_http_config *config);
void xt_http_server_free(struct xt_http_server *server); /* after its connections are gone */
struct xt_http_stats *xt_http_server_stats(struct xt_http_server *server);

/*
 * A connection was accepted: reads requests from it, over TLS unless `tls` is NULL. Takes `fd`. 0 or XT_ENOMEM (fd is
 * closed). A TLS handshake has header_timeout_ms.
 */
int xt_http_server_accept(struct xt_http_server *server, int fd, struct xt_tls_server *tls);

/* What is answered on a port with TLS to a request without: for xt_tls_options. */
extern const char xt_http_plain_answer[];

/*
 * Refuses a connection (without TLS) in words: 503 with that code, then closes. Used for too many connections.
 * Never waits; the answer is lost if the kernel can't take it at once. Takes `fd`.
 */
void xt_http_server_refuse(int fd, const char *code, const char *message);

/*
 * The server is going: answers under way end with Connection: close, idle connections are closed.
 * Held exchanges are not ended by this (their owners are told by the server itself).
 */
void xt_http_server_drain(struct xt_http_server *server);

#endif
