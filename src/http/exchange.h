/*
 * exchange.h - one request and its answer on a connection.
 *
 * A handler gets an exchange and does one of four things before it returns:
 *   - answers: xt_exchange_reply(), xt_exchange_error();
 *   - holds it (xt_exchange_hold()) and answers later, on the same thread: a long poll, a publish
 *     that waits for its id;
 *   - takes the connection over (xt_exchange_takeover()): a WebSocket, an event stream;
 *   - nothing: a bug of ours, answered with 500.
 * Requests pipelined behind it wait until it is answered. After the answer the exchange is gone.
 */
#ifndef XT_HTTP_EXCHANGE_H
#define XT_HTTP_EXCHANGE_H

#include "base/bytes.h"
#include "http/request.h"
#include "io/conn.h"

struct xt_exchange;

const struct xt_request *xt_exchange_request(const struct xt_exchange *x); /* not after hold */
struct xt_conn *xt_exchange_conn(const struct xt_exchange *x);
struct xt_loop *xt_exchange_loop(const struct xt_exchange *x);

/* True for HTTP/1.1: a body of unknown length can be chunked. */
bool xt_exchange_can_chunk(const struct xt_exchange *x);

/* Over HTTP/2 its connection is one of its streams, and a WebSocket is opened with extended CONNECT. */
bool xt_exchange_is_http2(const struct xt_exchange *x);

/*
 * One more header field for the answer; `value` is copied, and must hold no CR or LF (a bug of ours).
 * Content-Length, Date, Connection, Server and the CORS fields are the server's own business.
 */
void xt_exchange_header(struct xt_exchange *x, struct xt_str name, struct xt_str value);

/* Answers with a whole body, which is copied. `type` empty: no Content-Type. HEAD leaves the body out. */
void xt_exchange_reply(
	struct xt_exchange *x, unsigned status, struct xt_str type, struct xt_str body);

/* The same with shared bytes, `from` up to `to`; takes its own reference. */
void xt_exchange_reply_bytes(struct xt_exchange *x, unsigned status, struct xt_str type,
	struct xt_bytes *bytes, size_t from, size_t to);

/* {"error":{"code":CODE,"message":…}} with that status. */
void xt_exchange_error(struct xt_exchange *x, unsigned status, const char *code, const char *format,
	...) __attribute__((format(printf, 4, 5)));

/* The same for XT_ENOMEM: 503, `out_of_memory`. */
void xt_exchange_no_memory(struct xt_exchange *x);

/*
 * Keeps the exchange beyond the handler. `gone` is called instead of an answer when the connection ends
 * first: drop `ctx` and never touch `x` again. A peer that half-closes is taken for gone too, unless the answer
 * comes `soon`, whatever happens in the world: then it still gets it.
 * `expired` is called at the deadline, when one was set with xt_exchange_expire_in(); the exchange is
 * still there then, and may be answered.
 */
struct xt_holder {
	void (*gone)(void *ctx, enum xt_close why);
	void (*expired)(void *ctx);
	bool soon;
};

void xt_exchange_hold(struct xt_exchange *x, const struct xt_holder *holder, void *ctx);
void xt_exchange_expire_in(struct xt_exchange *x, uint32_t ms);

/*
 * Sends the head of an answer that the caller's stream goes on with, and hands the connection to it:
 *   status 101: Connection: Upgrade and what xt_exchange_header() added (Upgrade, Sec-WebSocket-Accept);
 *               over HTTP/2 it is sent as 200 (RFC 8441)
 *   status 200: no Content-Length; with `chunked`, Transfer-Encoding: chunked (the stream frames the
 *               chunks itself, xt_http1_chunk_*), else the body ends with the connection.
 * The exchange is gone after, in any case; nobody is told so. 0, or XT_ECLOSED / XT_ENOMEM: then
 * `stream->closed` is NOT called and `state` is still the caller's. A request with a body that was not
 * read is answered with 400 instead: XT_ECLOSED.
 */
int xt_exchange_takeover(struct xt_exchange *x, unsigned status, struct xt_str type, bool chunked,
	const struct xt_stream *stream, void *state);

#endif
