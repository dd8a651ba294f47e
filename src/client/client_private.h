/*
 * client_private.h - a client, shared by the files of this folder; nobody else includes it.
 *
 *	BEGIN -> RESOLVE -> CONNECT -> (PROXY) -> HANDSHAKE -> OPEN -> CLOSING -> ENDING -> gone
 *	  ^         ^                                |                              |
 *	  |         `-------- redirected ------------'                              v
 *	  `----------------------------------------------------------------- WAITING, if it reconnects
 *
 * Every state but the last two can go to ENDING at once. TLS is part of PROXY's end and of HANDSHAKE: the connection does it.
 *
 * Memory: what is the client's own comes from its allocator, between xt_client_enter() and xt_client_leave() only; the loop's
 * functions and the handlers are called outside, with the allocator that the thread had.
 */
#ifndef XT_CLIENT_PRIVATE_H
#define XT_CLIENT_PRIVATE_H

#include "base/buf.h"
#include "base/heap.h"
#include "client/channel.h"
#include "client/connect.h"
#include "client/resolve.h"
#include "client/settings.h"
#include "codec/deflate.h"
#include "codec/http1_response.h"
#include "codec/ws_handshake.h"
#include "crosstalk_ws.h"
#include "io/conn.h"
#include "io/loop.h"
#include "io/websocket.h"

enum xt_client_state {
	XT_CLIENT_BEGIN,
	XT_CLIENT_RESOLVE,
	XT_CLIENT_CONNECT,
	XT_CLIENT_PROXY,
	XT_CLIENT_HANDSHAKE,
	XT_CLIENT_OPEN,
	XT_CLIENT_CLOSING, /* a Close frame was sent, or both were */
	XT_CLIENT_ENDING,  /* `outcome` is known; told when the connection is gone */
	XT_CLIENT_WAITING, /* for the next attempt */
	XT_CLIENT_GONE
};

#define XT_CLIENT_WORDS 320

/* How a connection, or the attempt to have one, ended; the first thing that is said of it counts. */
struct outcome {
	bool known;
	bool final; /* another attempt makes no sense */
	bool clean;
	int error; /* 0: there was none */
	unsigned code;
	char words[XT_CLIENT_WORDS];       /* of the error */
	char reason[XT_WS_REASON_MAX + 1]; /* of the close */
};

/* Masking keys must not be guessed (RFC 6455 5.3, 10.3): from the kernel, many at a time. */
struct mask_keys {
	uint8_t bytes[256];
	size_t left;
};

/* The handshake in progress, and what came of it. */
struct handshake {
	char key[XT_WS_KEY_SIZE];
	struct xt_http1_response_reader reader;
	unsigned interim; /* answers with a status below 200 so far */
	unsigned redirects;
	struct xt_permessage wish;
	bool offered;
	struct xt_buf head;             /* the server's answer, for xt_websocket_field() … */
	struct xt_buf value;            /* … and the value that was asked for last, NUL-ended */
	char *subprotocol, *extensions; /* NULL: none */
};

/* permessage-deflate, if it was agreed on: compression.c. */
struct compression {
	bool agreed;
	struct xt_permessage how;
	struct xt_deflate_pool *pool;
	struct xt_deflater *deflater;
	struct xt_inflater *inflater;
};

struct xt_client {
	struct xt_websocket ws; /* the first member: a client is one */
	struct xt_guest guest;
	struct xt_loop *loop;
	const struct xt_allocator *allocator;
	struct xt_websocket_handlers handlers;
	struct xt_settings settings;
	enum xt_client_state state;
	struct xt_task task;   /* BEGIN: begins; ENDING: tells */
	struct xt_timer timer; /* of all up to OPEN; of WAITING */
	struct outcome outcome;
	unsigned attempts; /* that failed in a row */

	struct xt_url url;             /* where it is going, after redirects */
	struct xt_channel_place place; /* if its URL is a channel */
	struct xt_resolve resolve;
	struct xt_connect connect;
	struct xt_conn *conn; /* NULL: none */
	struct handshake handshake;

	/* While it is open: frames.c. */
	struct xt_ws_reader reader;
	struct xt_buf message; /* in pieces, so far */
	struct mask_keys keys;
	struct compression compression;
	bool mid_frame; /* of the frame that is being received a piece was seen already */
	unsigned beats; /* pings of the heartbeat that were not answered */
	bool pinged;    /* a ping is out, and no sign of life since */
	bool paused;
	bool peer_closed; /* the peer's Close frame was received */
};

static inline struct xt_client *
xt_client_of(struct xt_websocket *ws)
{
	return (struct xt_client *)(void *)ws;
}

static inline const struct xt_allocator *
xt_client_enter(const struct xt_client *client)
{
	return xt_heap_enter(client->allocator);
}

static inline void
xt_client_leave(const struct xt_allocator *before)
{
	xt_heap_enter(before);
}

/* ---- client.c --------------------------------------------------------------------------- */

/* The one place where a client changes its state. */
void xt_client_set_state(struct xt_client *client, enum xt_client_state state);

/* Goes to client->url. */
void xt_client_go(struct xt_client *client);

/*
 * What went wrong, in words (without a full stop), and with which code the WebSocket is closed. Does not end it
 * yet; no effect when something was said before.
 */
void xt_client_note(struct xt_client *client, int error, unsigned code, const char *format, ...)
	__attribute__((format(printf, 4, 5), nonnull(4)));

/* It ends: closes what is there still, and tells when that is gone. */
void xt_client_end(struct xt_client *client);

/* The same, but what was queued on its connection still leaves. */
void xt_client_finish(struct xt_client *client);

/* The connection is gone: the last word of each of its streams. */
void xt_client_lost(struct xt_client *client);

/* The connection goes, and is not waited for. */
void xt_client_abandon(struct xt_client *client);

/* ---- handshake.c ------------------------------------------------------------------------ */

/* The socket is connected, and the client's now: asks the proxy, or the server. */
void xt_client_handshake_begin(struct xt_client *client, int fd);

/* As xt_websocket_field(). */
const char *xt_client_handshake_field(struct xt_client *client, const char *name);
void xt_client_handshake_fini(struct xt_client *client);

/* ---- frames.c --------------------------------------------------------------------------- */

/* The handshake is done: from now on there are frames. */
void xt_client_frames_begin(struct xt_client *client, const struct xt_ws_agreed *agreed);
void xt_client_frames_fini(struct xt_client *client);

int xt_client_frames_send(struct xt_client *client, enum xt_kind kind, const void *p, size_t n);
int xt_client_frames_ping(struct xt_client *client, const void *p, size_t n);
int xt_client_frames_close(struct xt_client *client, unsigned code, const char *reason, size_t n);
void xt_client_frames_pause(struct xt_client *client, bool paused);

/* ---- compression.c: all with the client's allocator --------------------------------------- */

/* 0 or XT_ENOMEM. */
int xt_client_compression_begin(struct compression *compression, const struct xt_permessage *how);
void xt_client_compression_fini(struct compression *compression);

/* As xt_deflate() and xt_inflate(), with what was agreed on. `first` and `last`: of a message. */
int xt_client_compress(struct compression *compression, struct xt_str message, struct xt_buf *out);
int xt_client_decompress(struct compression *compression, const struct xt_ws_event *piece,
	size_t limit, struct xt_buf *out);

#endif
