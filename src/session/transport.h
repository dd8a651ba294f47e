/*
 * transport.h - HOW messages travel: what each folder of transport/ implements. A transport knows bytes
 * and connections, but neither channels nor what a message means; it can't publish.
 *
 *   xt_session_new() -> begin() -> xt_session_open() -> deliver, send, notice … -> close() -> xt_session_closed()
 */
#ifndef XT_SESSION_TRANSPORT_H
#define XT_SESSION_TRANSPORT_H

#include "io/close.h"
#include "session/form.h"
#include "session/entry.h"

struct xt_session;
struct xt_exchange;

/* What a reader is told between messages. */
enum xt_notice_kind {
	XT_NOTICE_OPEN, /* here the stream begins */
	XT_NOTICE_LOST  /* what was asked for is no longer all kept */
};

/* The words for it, on every way. */
#define XT_LOST_WORDS \
	"what follows this position is not all kept any more: some messages are missing"

struct xt_notice {
	enum xt_notice_kind kind;
	struct xt_position next; /* the position before the first message that follows */
	struct xt_str json;      /* all of it, as the object that docs/channel.md names */
};

/* Messages in their wire form, all for one session. */
struct xt_delivery {
	struct xt_bytes *bytes;
	size_t from, to;
	struct xt_position next; /* after the last of them */
	bool lost, more;         /* of an answer: see struct xt_opening */
};

/*
 * One number for each: the place of its wires in a batch and of its count in the metrics. Those without
 * chunks serve HTTP/1.0, where a body ends with the connection, and HTTP/2, which frames it itself.
 */
enum xt_transport_index {
	XT_TRANSPORT_WEBSOCKET,
	XT_TRANSPORT_SSE,
	XT_TRANSPORT_SSE_PLAIN,
	XT_TRANSPORT_NDJSON,
	XT_TRANSPORT_NDJSON_PLAIN,
	XT_TRANSPORT_IFRAME,
	XT_TRANSPORT_IFRAME_PLAIN,
	XT_TRANSPORT_POLL,
	XT_TRANSPORT_LONGPOLL,
	/* WebSockets whose messages are deflated for a window of 2^8 … 2^15 bytes; counted as WebSockets */
	XT_TRANSPORT_WEBSOCKET_8,
	XT_TRANSPORT_WEBSOCKET_9,
	XT_TRANSPORT_WEBSOCKET_12,
	XT_TRANSPORT_WEBSOCKET_15
};

#define XT_EXTENSIONS_TEXT 160 /* room for what extensions() says */

/* What only a WebSocket has words for: a program that keeps one itself speaks them (src/program). */
struct xt_socket_ops {
	/* RFC 6455 5.5.2; the answer comes to protocol->pong. `p` at most 125 bytes. */
	void (*ping)(struct xt_session *session, struct xt_str p);

	/*
	 * Begins the closing handshake with any code and waits for the peer's part of it, for a while.
	 * xt_session_goodbye() tells what it said; xt_session_closed() follows in any case.
	 */
	void (*close)(struct xt_session *session, uint16_t code, struct xt_str reason);

	/* The close code that stands for a reason. */
	uint16_t (*code)(enum xt_close why);

	/* What was agreed on, as in the header, NUL-ended; empty: none. */
	void (*extensions)(struct xt_session *session, char text[XT_EXTENSIONS_TEXT]);
};

struct xt_transport {
	const char *name; /* as the presence list says it */
	enum xt_transport_index index;
	size_t size; /* bytes of its own state in each session, zeroed */
	bool once;   /* an answer: the first delivery ends it, with or without messages */
	const struct xt_socket_ops *socket; /* NULL: no WebSocket */

	/*
	 * Answers the request, or takes its exchange over and corks the connection: xt_session_release() lets its answer
	 * leave. The caller then calls xt_session_open(). Below 0: the
	 * request was refused in words, and the session never opens. It may put a sibling of the same state in
	 * this transport's place (session->transport), by what was agreed on with the peer.
	 */
	int (*begin)(struct xt_session *session, struct xt_exchange *exchange);

	/*
	 * Appends a message in this transport's framing; 0 or XT_ENOMEM. `session` is the first that needs it, for its
	 * worker's tools: the bytes must be good for every session of this transport.
	 */
	int (*frame)(struct xt_session *session, const struct xt_message *message,
		const struct xt_payload *payload, struct xt_buf *out);

	/* Sends what frame() made. NULL: xt_conn_send_bytes() on the session's connection. */
	void (*deliver)(struct xt_session *session, const struct xt_delivery *delivery);

	/* Sends one payload to this session alone. NULL: can't. */
	void (*send)(struct xt_session *session, const struct xt_payload *payload);

	/* NULL: this transport has no such words. */
	void (*notice)(struct xt_session *session, const struct xt_notice *notice);

	/*
	 * Ends the session in this transport's own words; `words` is a sentence. Once. xt_session_closed()
	 * follows, before it returns or later.
	 */
	void (*close)(struct xt_session *session, enum xt_close why, const char *words);
};

#endif
