/* h2_private.h - what the files h2*.c share about a connection of HTTP/2 and its streams; nobody else includes it. */
#ifndef XT_HTTP_H2_PRIVATE_H
#define XT_HTTP_H2_PRIVATE_H

#include <nghttp2/nghttp2.h>

#include "base/buf.h"
#include "base/list.h"
#include "http/h2.h"
#include "http/http_private.h"
#include "io/carrier.h"
#include "io/loop.h"

/* Requests and WebSockets open at one time on a connection: more are refused, for the client to try again. */
#define XT_H2_STREAMS 100

/* Bytes received that nobody has taken yet: of one stream, and of all of a connection together. */
#define XT_H2_STREAM_WINDOW (128u * 1024)
#define XT_H2_WINDOW        (1024u * 1024)

/* Streams hand over nothing more while so many bytes of their connection wait to be sent. */
#define XT_H2_OUT_MARK (128u * 1024)

/*
 * Frames in a second that cost their sender nothing, and us some work: RST_STREAM (CVE-2023-44487), PING, SETTINGS,
 * PRIORITY, empty DATA, and what makes us reset a stream. More: ENHANCE_YOUR_CALM.
 */
#define XT_H2_CHEAP_MAX 500

/* The head of a request, while its fields come. */
enum xt_h2_part {
	XT_H2_METHOD,
	XT_H2_SCHEME,
	XT_H2_AUTHORITY,
	XT_H2_PATH,
	XT_H2_PROTOCOL,
	XT_H2_PARTS
};

struct xt_h2_head {
	struct xt_buf pseudo; /* the values of the pseudo-header fields */
	struct {
		size_t at, n;
		bool there;
	} parts[XT_H2_PARTS];
	struct xt_buf fields; /* "name: value\r\n" … */
	struct xt_buf cookie; /* RFC 9113 8.2.3: its crumbs, joined */
	size_t size;          /* as RFC 9113 6.5.2 counts: 32 bytes more for each field */
	bool has_length;
};

struct xt_h2 {
	struct xt_list node; /* of server->h2s */
	struct xt_http_server *server;
	struct xt_conn *conn;
	nghttp2_session *session;
	struct xt_task task;    /* sends what was submitted outside of recv */
	struct xt_list streams; /* of struct xt_h2_stream */
	struct xt_list waiting; /* those that wait for room, the next to be served first */
	struct xt_h2_head head; /* of the request that is coming in */
	int32_t heading;        /* the stream whose head has begun to come; 0: none */
	int32_t last_begun;     /* the last stream that has begun … */
	int32_t last_reset;     /* … and the last that was reset from here */
	uint32_t count;         /* of streams */
	uint32_t cheap;         /* cheap frames since … */
	uint64_t cheap_since;   /* loop time */
	uint8_t why;            /* enum xt_close: what the end will have been */
	bool room;     /* windows have grown, or the socket has room: the waiting may try again */
	bool draining; /* the client was told to begin nothing new … */
	bool leaving;  /* … and from which stream on nothing is served */
	bool over;     /* nothing is sent or received any more */
};

/* A request, or the WebSocket that it has become: the carrier of a connection without descriptor. */
struct xt_h2_stream {
	struct xt_carrier carrier;
	struct xt_list node;    /* of h2->streams */
	struct xt_list waiting; /* of h2->waiting */
	struct xt_h2 *h2;       /* NULL: its connection is gone */
	struct xt_conn *conn;
	int32_t id;
	struct xt_buf in; /* received, and from `in_at` on not taken yet: within the window */
	size_t in_at;
	const struct iovec *
		slices; /* offered by the conn while it sends; `offered` bytes, `taken` of them so far */
	size_t slice_at, offered, taken;
	struct {
		struct xt_buf lines; /* "name: value\r\n" …, while it has not been submitted */
		unsigned status;
		bool body;
	} head;        /* of the answer: waits while the conn is corked */
	uint64_t left; /* of the answer's body, when its length is known */
	bool has_left;
	bool tunnel;       /* a WebSocket by extended CONNECT */
	bool tells_end;    /* who reads it wants to know when the peer sends no more */
	bool remote_ended; /* it doesn't */
	bool ending;       /* nothing follows what was handed over: END_STREAM */
	bool answered;     /* its head was submitted */
	bool closed;       /* to nghttp2 it is gone */
	bool served;       /* there was room for some of what it had */
};

/* h2.c */
void xt_h2_later(struct xt_h2 *h2);       /* sends what was submitted, at the end of this turn */
int xt_h2_send(struct xt_h2 *h2);         /* sends it now; below 0: the connection ends */
void xt_h2_stream_left(struct xt_h2 *h2); /* a stream is gone */
void xt_h2_was_reset(struct xt_h2 *h2, int32_t id); /* or will be: its peer may not know yet */

/* h2_answer.c: lets the head of the answer leave, if it has waited. */
void xt_h2_submit_head(struct xt_h2_stream *stream);

/* h2_stream.c */
/* For a request whose head has come; NULL: out of memory. Its connection has the stream xt_http_stream. */
struct xt_h2_stream *xt_h2_stream_new(struct xt_h2 *h2, int32_t id);
struct xt_h2_stream *xt_h2_stream_of(const struct xt_conn *conn);
struct xt_h2_stream *xt_h2_stream_find(struct xt_h2 *h2, int32_t id);      /* NULL: gone */
struct xt_http_link *xt_h2_stream_link(const struct xt_h2_stream *stream); /* of a new one */
void xt_h2_stream_receive(struct xt_h2_stream *stream, const void *p, size_t n);
void xt_h2_stream_ended(struct xt_h2_stream *stream);                 /* END_STREAM came */
void xt_h2_stream_closed(struct xt_h2_stream *stream, uint32_t code); /* nghttp2 has closed it */
void xt_h2_stream_orphan(struct xt_h2_stream *stream, enum xt_close why);
ssize_t xt_h2_stream_read(nghttp2_session *session, int32_t id, uint8_t *p, size_t n,
	uint32_t *flags, nghttp2_data_source *source, void *ctx); /* nghttp2 asks for DATA */
int xt_h2_stream_write(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
	size_t n, nghttp2_data_source *source, void *ctx); /* … and takes it */

/* h2_head.c */
/* One more field. 0 or XT_ENOMEM; what is over `max` is counted and dropped. */
int xt_h2_head_add(struct xt_h2_head *head, struct xt_str name, struct xt_str value, size_t max);

/* It asks for a tunnel that is a WebSocket (RFC 8441 4). */
bool xt_h2_head_is_tunnel(const struct xt_h2_head *head);

/* All of it as a head of HTTP/1.1. `ended`: no body follows. 0, XT_ENOMEM, XT_EPROTO with `*error`. */
int xt_h2_head_write(const struct xt_h2_head *head, const struct xt_http1_limits *limits,
	bool ended, struct xt_buf *out, struct xt_http1_error *error);
void xt_h2_head_fini(struct xt_h2_head *head); /* it is empty then */

#endif
