/*
 * stream.h - answers that do not end: server-sent events, NDJSON, and a page for an iframe.
 *
 * One message is one chunk (RFC 9112 7.1); for HTTP/1.0, which has no chunks, each has a twin whose answer ends
 * with the connection.
 */
#ifndef XT_TRANSPORT_STREAM_STREAM_H
#define XT_TRANSPORT_STREAM_STREAM_H

#include "session/transport.h"

extern const struct xt_transport xt_sse_transport, xt_sse_plain_transport;
extern const struct xt_transport xt_ndjson_transport, xt_ndjson_plain_transport;
extern const struct xt_transport xt_iframe_transport, xt_iframe_plain_transport;

#endif
