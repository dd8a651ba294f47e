/*
 * h2.h - HTTP/2 (RFC 9113) and WebSockets over it (RFC 8441), with libnghttp2.
 *
 *	conn of the socket: stream "http2" = nghttp2's session        conn without descriptor: stream "http", then
 *	  bytes <-> frames  <----------------- carrier ----------------->  whatever takes it over (websocket, stream)
 *
 * Each request is a connection of its own to all that is above: a struct xt_conn that a stream carries. So exchanges,
 * routes and transports do not know of HTTP/2. This header is for http/ only.
 */
#ifndef XT_HTTP_H2_H
#define XT_HTTP_H2_H

#include "base/str.h"
#include "io/conn.h"

struct xt_exchange;
struct xt_http_answer;
struct xt_http_link;
struct xt_http_server;

/* RFC 9113 3.4: what a client begins with. */
#define XT_H2_PREFACE XT_STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

/* The connection speaks HTTP/2 from its preface on. 0, or XT_ENOMEM and nothing has changed. */
int xt_h2_adopt(struct xt_http_server *server, struct xt_conn *conn);

/* The server is going: says so on every connection, and each ends with its last stream. */
void xt_h2_drain_all(struct xt_http_server *server);

/* The link's own words (struct xt_link_ops). */
int xt_h2_send_head(struct xt_exchange *x, const struct xt_http_answer *answer);
void xt_h2_invite(struct xt_http_link *link);

#endif
