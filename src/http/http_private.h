/* http_private.h - what the files of http/ share about a server and its connections; nobody else includes it. */
#ifndef XT_HTTP_PRIVATE_H
#define XT_HTTP_PRIVATE_H

#include "base/buf.h"
#include "base/list.h"
#include "http/cors.h"
#include "http/server.h"

/* A body nobody wants is skipped up to this size, so that the connection can be kept. */
#define XT_HTTP_SKIP_MAX (64u * 1024)

/* A file is sent in pieces of this size, the next when the last has left. */
#define XT_HTTP_PIECE (64u * 1024)

struct xt_http_server {
	struct xt_loop *loop;
	const struct xt_http_config *config;
	struct xt_http_stats stats;
	struct xt_list links;
	struct xt_list
		h2s; /* connections of HTTP/2, each of which has a link for each of its streams */
	bool draining;
	char date[XT_HTTP1_DATE_SIZE];
	uint64_t date_until; /* loop time */

	/* Of the one request that is being looked at: handlers borrow them. */
	struct xt_http1_head head;
	struct xt_request request;

	struct xt_exchange *spare; /* an exchange is rarely needed beyond the turn */
};

/* What a connection does now. Changed by set_state() in link.c only. */
enum xt_link_state {
	XT_LINK_HEAD,   /* reads a head, or is idle */
	XT_LINK_BODY,   /* reads a body; the exchange waits for it */
	XT_LINK_HANDLE, /* a handler has the exchange, or holds it */
	XT_LINK_FILE,   /* the answer is a file that is being sent */
	XT_LINK_SKIP,   /* throws a body away; the answer is sent */
	XT_LINK_LAST    /* a stream of HTTP/2: its one answer is leaving */
};

struct xt_exchange;
struct xt_http_answer;
struct xt_http_link;

/* What differs between a connection of HTTP/1 and a stream of HTTP/2, which is one request. */
struct xt_link_ops {
	/* Queues the head of an answer. 0 or an error as xt_conn_send(). */
	int (*send_head)(struct xt_exchange *x, const struct xt_http_answer *answer);

	/* 100 Continue: the client may send its body. */
	void (*invite)(struct xt_http_link *link);

	/* Whether the connection can be used after an answer to `x`. */
	bool (*can_keep)(const struct xt_exchange *x);

	/* The answer to `x` is queued, and the connection can be used. */
	void (*go_on)(struct xt_http_link *link, const struct xt_exchange *x);
	void (*file_sent)(struct xt_http_link *link);

	/* The peer sends no more. */
	void (*ended)(struct xt_http_link *link);

	/* HTTP/2 frames by itself: no chunks, no upgrades, a body ends with the stream. */
	bool streams;
};

/* The state of the HTTP stream of a connection: the stream's own. */
struct xt_http_link {
	struct xt_list node; /* of server->links */
	const struct xt_link_ops *ops;
	struct xt_http_server *server;
	struct xt_conn *conn;
	struct xt_exchange *exchange; /* BODY, HANDLE */
	struct xt_http_body *body;    /* BODY, SKIP */
	struct xt_http_file *file;    /* FILE */
	struct xt_http1_reader reader;
	uint8_t state;
	uint8_t why;  /* enum xt_close: for the end after an answer that ends the connection */
	bool timed;   /* HEAD: the first byte has come, the deadline is that of a header */
	bool keep;    /* after this answer there may be another request */
	bool ended;   /* the peer sends no more */
	bool calling; /* a handler is running */
	bool taken;   /* the connection was taken over while it ran */
	bool used;    /* there was a request */
};

/* A body that moves may take so many times the time it may stand still. */
#define XT_HTTP_BODY_TIMEOUTS 20

/* A body that did not come with its head, or that is skipped. */
struct xt_http_body {
	struct xt_buf head; /* a copy: what was received is gone when the body is complete */
	struct xt_buf data;
	bool chunked;
	bool until_end; /* it has all that comes until the peer ends its stream */
	uint64_t left;  /* of neither */
	uint64_t max;
	uint64_t began; /* loop time, ms */
	struct xt_http1_chunks chunks;
	const struct xt_route *route;
	struct xt_budget *budget; /* of what all such bodies hold */
};

struct xt_http_file {
	int fd;
	uint64_t at, to;
};

struct xt_exchange {
	struct xt_http_link *link;
	const struct xt_holder *holder; /* held */
	void *ctx;
	struct xt_buf headers; /* "Name: value\r\n" … */
	struct xt_cors cors;
	uint64_t length; /* of the unread body, unless chunked */
	uint8_t minor;   /* HTTP/1.x */
	bool head_only;  /* HEAD */
	bool keep_alive; /* the client asks for it */
	bool chunked;    /* the unread body */
	bool unread;     /* the request has a body that was not read */
	bool expects;    /* … and waits for 100 Continue before it sends it */
	bool no_memory;  /* a header field was lost */
	bool tunnel;     /* extended CONNECT: a 2xx means that the WebSocket is open */
};

/* body.c */

/*
 * Takes the next bytes of a body: `*used` of them, of which `*data` bytes of content now stand at `p`.
 * 1: the body is complete, 0: not yet, XT_ELIMIT: too large, XT_EPROTO: malformed.
 */
int xt_http_body_read(struct xt_http_body *body, char *p, size_t n, size_t *used, size_t *data,
	struct xt_http1_error *error);

/* `body` on the heap, with a copy of its head. 0; XT_ELIMIT: all bodies together would be too much; XT_ENOMEM. */
int xt_http_body_new(
	struct xt_http_body **out, const struct xt_http_body *body, struct xt_str head);
void xt_http_body_free(struct xt_http_body *body);

/* `n` more bytes of its content have come. The same. */
int xt_http_body_keep(struct xt_http_body *body, const char *p, size_t n);

/* exchange.c */

/* A new exchange for `link`, or NULL; for the request in server->request, or for none (`request` false). */
struct xt_exchange *xt_exchange_new(struct xt_http_link *link, bool request);
void xt_exchange_free(struct xt_exchange *x); /* of a link that goes; tells nobody */
void xt_exchange_gone(struct xt_exchange *x, enum xt_close why); /* tells its holder, frees it */

/*
 * Answers with bytes `from` up to `to` of an open file, and closes `fd` then; takes it in any case.
 * The file must not shrink meanwhile, else the connection is cut.
 */
void xt_exchange_reply_file(struct xt_exchange *x, unsigned status, struct xt_str type, int fd,
	uint64_t from, uint64_t to);

/* response.c */
struct xt_http_answer {
	unsigned status;
	struct xt_str type;
	bool has_length; /* else: chunked, or up to the end of the connection, or no body by status */
	bool chunked;
	bool keep;
	uint64_t length;
};

/* Queues the head of an answer. 0 or an error as xt_conn_send(). */
int xt_http_send_head(struct xt_exchange *x, const struct xt_http_answer *answer);

/* The same in the words of HTTP/1.1. */
int xt_http1_send_head(struct xt_exchange *x, const struct xt_http_answer *answer);

/* The Date field, made once a second. */
struct xt_str xt_http_date(struct xt_http_server *server);

/* {"error":{…}} appended to `out`; 0 or XT_ENOMEM. */
int xt_http_error_body(struct xt_buf *out, const char *code, struct xt_str message);

/* route.c */
enum xt_method xt_method_of(struct xt_str name);
const struct xt_route *xt_route_find(const struct xt_http_config *config, struct xt_str path);

/* The methods that a route answers, with HEAD and OPTIONS as they follow. */
unsigned xt_route_methods(const struct xt_route *route);

/* "GET, HEAD, POST"; returns its length. */
#define XT_METHODS_SIZE 64
size_t xt_methods_text(unsigned methods, char out[XT_METHODS_SIZE]);

/*
 * Answers what needs neither body nor handler: a preflight, an expectation we don't know, no such path,
 * a method that isn't served, a body that announces itself as too large. True: answered.
 */
bool xt_route_refuse(struct xt_exchange *x, const struct xt_route *route);

/* rules.c */

/* Of a path as it is sent; xt_rules_none when the configuration says nothing of it. */
const struct xt_rules *xt_rules_find(const struct xt_http_config *config, struct xt_str path);

/* What the route takes of a body, or the path's rules say instead. */
uint64_t xt_rules_max_body(const struct xt_request *request, const struct xt_route *route);

/* link.c */
extern const struct xt_stream xt_http_stream;
extern const struct xt_link_ops xt_http1_link, xt_http2_link;
void xt_link_free(struct xt_http_link *link);

/*
 * A link that begins with a head, one that xt_http1_head_read() reads; a malformed one is refused. It is
 * handled before this returns. `tunnel`: what it asks for is a WebSocket, by extended CONNECT.
 */
void xt_link_begin(struct xt_http_link *link, char *head, size_t n, bool tunnel);

/* Refuses what could not become a head. */
void xt_link_refuse(struct xt_http_link *link, const struct xt_http1_error *error);

/* The answer to `x` is queued: what is next on the connection. */
void xt_link_answered(const struct xt_exchange *x, bool keep);

/* The same, when the head is queued and the file is still to be sent. */
void xt_link_send_file(struct xt_http_link *link, struct xt_http_file *file, bool keep);

/* True when the connection can be used after an answer to `x`. */
bool xt_link_can_keep(const struct xt_exchange *x);

#endif
