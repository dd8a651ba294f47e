/*
 * crosstalk.h - a real-time message server inside your program: channels, and the doors to them.
 *
 * C99, and compiles as C++. The library keeps no global state, installs no signal handler,
 * prints nothing (it calls the log sink you give it) and never ends the process.
 */
#ifndef CROSSTALK_H
#define CROSSTALK_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XT_API     __attribute__((visibility("default")))
#define XT_VERSION "0.1.0"

/* A borrowed run of bytes: who passes one keeps it alive until the callee returns. */
struct xt_str {
	const char *p; /* may be NULL when n is 0; not NUL-ended */
	size_t n;
};

/* What a function returns when it fails: always below zero. 0 and above are good. */
enum xt_error {
	XT_OK = 0,
	XT_ENOMEM = -1,    /* out of memory, or over a limit of memory */
	XT_EINVAL = -2,    /* an argument or an input is not of its form */
	XT_ELIMIT = -3,    /* over a named limit */
	XT_EPROTO = -4,    /* the peer broke its protocol */
	XT_ECLOSED = -5,   /* the connection, session or server is closing */
	XT_EAGAIN = -6,    /* not now: try again when told */
	XT_ENOTFOUND = -7, /* no such thing */
	XT_EGONE = -8,     /* was there, is no longer kept */
	XT_ESYS = -9       /* a system call failed: see errno and the log */
};

/* A sentence for an error, never NULL, static. Any thread. */
XT_API const char *xt_strerror(int error);

/* ---- log ------------------------------------------------------------------------------- */

/* From the gravest to the most talkative; a level includes those before it. */
enum xt_log_level {
	XT_LOG_ERROR, /* something that was promised did not happen */
	XT_LOG_WARN,  /* it goes on, but somebody should look */
	XT_LOG_INFO,  /* started, stopped, a peer refused by a rule */
	XT_LOG_DEBUG  /* each connection and why it closed */
};

/*
 * Where the library's log goes. `write` is called from any of the server's threads, also from
 * several at once; `line` is one line of UTF-8 without the line end, valid until `write` returns.
 * It must not call back into the library and should not block. A NULL `write` discards.
 */
struct xt_log_sink {
	void (*write)(void *ctx, enum xt_log_level level, const char *line);
	void *ctx; /* given to `write`; the embedder's, must live as long as the server */
};

/* ---- memory ---------------------------------------------------------------------------- */

/*
 * Where the memory of one server or client comes from. `resize` is realloc(): `p` NULL allocates, `size`
 * 0 frees and returns NULL; what it returns is aligned as by malloc(), NULL when there is none. It is
 * called from any of the server's threads, also from several at once, and must not call back into the
 * library. What OpenSSL, the resolver and the C library allocate for themselves does not come from here.
 */
struct xt_allocator {
	void *(*resize)(void *ctx, void *p, size_t size);
	void *ctx; /* the embedder's; lives as long as the server or client */
};

/* ---- configuration --------------------------------------------------------------------- */

/*
 * What a server is told before it starts: a set of keys such as "limits.message", the same in a
 * file, on the command line and here. docs/configuration.md lists them with type, range and
 * default. A configuration belongs to one thread at a time.
 *
 * Functions that can refuse something take `error` and `size`: a buffer for one sentence without
 * a line end, always NUL-ended, cut when it does not fit (512 bytes hold all but long paths),
 * untouched on success. `error` may be NULL when `size` is 0.
 */
struct xt_config;

/* Every key has its default. The caller's, until xt_config_free(). NULL: out of memory. */
XT_API struct xt_config *xt_config_new(void);

/* NULL is fine. Servers that were made from it keep working: they hold a copy. */
XT_API void xt_config_free(struct xt_config *config);

/*
 * Reads a YAML file (at most 1 MiB) over what is set already: a key of the file replaces the
 * value, a key that the file does not name stays; lists are appended to as in xt_config_set().
 * 0; XT_ESYS when the file cannot be read; XT_EINVAL when it is not valid, and then `error` is
 * "FILE:LINE: KEY: what is wrong, what is allowed" and the keys before that line are set;
 * XT_ENOMEM.
 */
XT_API int xt_config_load(struct xt_config *config, const char *path, char *error, size_t size);

/*
 * Sets one key from its text, read as in a file: sizes in bytes or with B, KB, KiB, MB, MiB, GB,
 * GiB ("1MiB"); durations in seconds or with ms, s, m, h ("2.5", "500ms"); booleans true or false.
 * The keys that hold a list ("listen", "cors.origins", "tls.certificate", "tls.key", and "origins" and "subprotocols" of a path)
 * append one element per call; the default of a list applies only while nothing was appended.
 * 0; XT_ENOTFOUND for an unknown key, XT_EINVAL for a value that is not allowed, both with
 * "KEY: what is wrong, what is allowed" in `error`; XT_ENOMEM.
 */
XT_API int xt_config_set(
	struct xt_config *config, const char *key, const char *value, char *error, size_t size);

/*
 * What no key can say alone: limits that contradict each other, a listener that is open to
 * others than this machine without `open`. xt_server_new() checks the same.
 * 0, or XT_EINVAL with the sentence in `error`.
 */
XT_API int xt_config_check(const struct xt_config *config, char *error, size_t size);

/* ---- server ---------------------------------------------------------------------------- */

/*
 * A server: listeners, worker threads, channels. Its life is new, start, (stop), wait, free; it is
 * driven by the thread that made it except where "any thread" is said. A process may have several.
 */
struct xt_server;

/*
 * Makes a server from a copy of `config` (NULL: all defaults) and of `*sink` (NULL: no log), checks
 * it as xt_config_check() does, and opens nothing yet. On success `*server` is the caller's, until
 * xt_server_free(); on failure it is NULL.
 * 0, XT_EINVAL, XT_ENOMEM, XT_ESYS, with the sentence in `error`.
 */
XT_API int xt_server_new(struct xt_server **server, const struct xt_config *config,
	const struct xt_log_sink *sink, char *error, size_t size);

/* The same with an allocator of its own; `allocator` lives as long as the server. */
XT_API int xt_server_new_with(struct xt_server **server, const struct xt_config *config,
	const struct xt_log_sink *sink, const struct xt_allocator *allocator, char *error,
	size_t size);

/*
 * Binds every listener and starts the worker threads, with all signals blocked in them. When it
 * returns 0 each listener accepts connections. On failure nothing listens, no thread runs, and the
 * server can only be freed. Once per server.
 * 0, XT_ESYS (an address is in use or not ours), XT_ENOMEM, with the sentence in `error`.
 */
XT_API int xt_server_start(struct xt_server *server, char *error, size_t size);

/* How many listeners there are, in the order of the key `listen`. */
XT_API size_t xt_server_listeners(const struct xt_server *server);

/*
 * The URL of a listener with the real port where port 0 was asked for; after xt_server_start().
 * Borrowed from the server. NULL when `index` is not below xt_server_listeners().
 */
XT_API const char *xt_server_listener_url(const struct xt_server *server, size_t index);

/*
 * Reads the files of certificates again, if they have changed (it looks by itself every second). Connections that are
 * there stay. Any thread, between xt_server_start() and xt_server_free().
 * 1: they were read; 0: nothing has changed; XT_EINVAL with the sentence in `error`: what is there now can't be
 * used, and the certificates of before stay; XT_ENOMEM.
 */
XT_API int xt_server_reload(struct xt_server *server, char *error, size_t size);

/*
 * Begins the drain: no new connections, WebSockets are closed with 1001, long polls return, and
 * what is not gone after `drain.timeout` is cut. Returns at once. Any thread, async-signal-safe,
 * any number of times, between xt_server_start() and xt_server_free().
 */
XT_API void xt_server_stop(struct xt_server *server);

/*
 * Returns when the server has stopped and its threads have ended; without xt_server_stop() it waits
 * for ever. One caller, once. 0, or XT_ESYS when a worker could not go on (the log says why).
 */
XT_API int xt_server_wait(struct xt_server *server);

/* Stops and waits if that was not done, then frees all. NULL is fine. */
XT_API void xt_server_free(struct xt_server *server);

/* ---- messages -------------------------------------------------------------------------- */

enum xt_kind {
	XT_KIND_TEXT,   /* UTF-8 */
	XT_KIND_BINARY, /* any bytes */
	XT_KIND_JSON    /* a valid JSON text, UTF-8; to a WebSocket it is text */
};

/* A message as a handler gets it; all of it is gone when the handler returns. */
struct xt_data {
	enum xt_kind kind;
	const char *p; /* not NUL-ended */
	size_t n;
	const char *channel; /* the channel it came on, NUL-ended; NULL: none */
	const char *id;      /* its position there, EPOCH-OFFSET, NUL-ended; NULL: none */
};

/* ---- WebSocket ------------------------------------------------------------------------- */

/*
 * A WebSocket, of a server's path or of a client: the object that browsers have, with the same four
 * events. Everything about it happens on one thread (a server's worker, or the client's loop): its events
 * are called there, and the functions below may be called there only, within an event or not. (The `close` of those that
 * are cut when a server ends comes within xt_server_wait(), after its workers.)
 *
 *	server: request -> open -> message … -> close
 *	client: open -> message … -> (error) -> close      with reconnection: from open on again
 *
 * After the last `close` it is gone when that returns.
 */
struct xt_websocket;

/* How a WebSocket ended. */
struct xt_closing {
	unsigned
		code; /* RFC 6455 7.4; 1005: the peer named none; 1006: it vanished, or was never open */
	const char *reason; /* the peer's, or ours in a few words; NUL-ended, may be empty */
	int clean;          /* both sides said goodbye */
	int retry_ms; /* a client that reconnects tries again in so many ms; -1: it is over, and gone */
};

/* What a client asks for that wants to come in; all of it is gone when `request` returns. */
struct xt_handshake;

struct xt_websocket_handlers {
	/*
	 * Server, optional: before the answer. 0 lets it in, else the HTTP status to refuse with (400 to 599).
	 * May choose a subprotocol (xt_handshake_choose()), and set what xt_websocket_context() will say.
	 */
	int (*request)(struct xt_handshake *handshake, void *context);

	void (*open)(struct xt_websocket *ws); /* optional */

	/* Optional: without it a message ends the WebSocket with 1003. */
	void (*message)(struct xt_websocket *ws, const struct xt_data *data);

	/*
	 * Client, optional: what went wrong, in a sentence; `close` follows. XT_ENOTFOUND: there is no such host;
	 * XT_ESYS, XT_ECLOSED: no connection, or none any more, TLS included; XT_EPROTO: the peer answered, but not
	 * as it should; XT_EAGAIN: it took too long; XT_ELIMIT: a message was too long; XT_EINVAL; XT_ENOMEM.
	 * No `close` follows XT_EGONE: messages of a channel are no longer kept, and it goes on with the first that is.
	 */
	void (*error)(struct xt_websocket *ws, int error, const char *words);

	void (*close)(struct xt_websocket *ws, const struct xt_closing *closing); /* optional */

	/* Optional: all that was sent has been handed to the kernel. */
	void (*drained)(struct xt_websocket *ws);

	/* Optional: the answer to xt_websocket_ping(); of a server also, empty, to the heartbeats of the library. */
	void (*pong)(struct xt_websocket *ws, const char *p, size_t n);
};

/* The embedder's own: of a server's path or a client's options, until it is set. */
XT_API void *xt_websocket_context(const struct xt_websocket *ws);
XT_API void xt_websocket_set_context(struct xt_websocket *ws, void *context);

/*
 * Sends a whole message; `p` is copied. It leaves at the end of this turn of the loop.
 * 0; XT_EINVAL: text or JSON that is none; XT_ECLOSED: not open, or closing; XT_ELIMIT: so much waits already
 * (xt_websocket_buffered()) that more would pass the limit; XT_ENOMEM.
 */
XT_API int xt_websocket_send(struct xt_websocket *ws, enum xt_kind kind, const void *p, size_t n);

/* The same with a text that ends with NUL. */
XT_API int xt_websocket_send_text(struct xt_websocket *ws, const char *text);

/* Bytes that were sent and that the kernel has not taken yet; what browsers call bufferedAmount. */
XT_API size_t xt_websocket_buffered(const struct xt_websocket *ws);

/* `n` at most 125 bytes (RFC 6455 5.5.2). 0, XT_EINVAL, XT_ECLOSED. Pings of its own keep it alive already. */
XT_API int xt_websocket_ping(struct xt_websocket *ws, const void *p, size_t n);

/*
 * Begins the closing handshake: `code` 1000 to 1003, 1007 to 1014, or 3000 to 4999; of a client 1000, or 3000 to 4999, as in
 * browsers. `reason` at most 123 bytes of UTF-8, or NULL. `close` follows, and a client does not reconnect.
 * 0; XT_EINVAL; XT_ECLOSED: it closes already.
 */
XT_API int xt_websocket_close(struct xt_websocket *ws, unsigned code, const char *reason);

/* Until it can, it reads no further; what comes waits with the peer. */
XT_API void xt_websocket_pause(struct xt_websocket *ws);
XT_API void xt_websocket_resume(struct xt_websocket *ws);

/* The subprotocol that was agreed on, NUL-ended; "" without. Borrowed. */
XT_API const char *xt_websocket_subprotocol(const struct xt_websocket *ws);

/* The extension that was agreed on, as in the header ("permessage-deflate; …"); "" without. Borrowed. */
XT_API const char *xt_websocket_extensions(const struct xt_websocket *ws);

/* ---- WebSockets of a server ------------------------------------------------------------ */

/*
 * WebSockets on this path are the program's: `path` is exact ("/chat"), or with '/' at its end all below it; it goes
 * before the server's own paths. `handlers` and `context` must live as long as the server; they are called on
 * its worker threads, for different WebSockets at the same time. Before xt_server_start(). 0, XT_EINVAL (not a path, or
 * taken), XT_ELIMIT (64 of them), XT_ENOMEM.
 */
XT_API int xt_server_websocket(struct xt_server *server, const char *path,
	const struct xt_websocket_handlers *handlers, void *context);

/*
 * What the request says. Each NUL-ended; the path lives as long as the handshake, the others until the next of them is
 * asked for. NULL when there is no such thing.
 */
XT_API const char *xt_handshake_path(const struct xt_handshake *handshake); /* decoded */
XT_API const char *xt_handshake_query(struct xt_handshake *handshake, const char *name);
XT_API const char *xt_handshake_field(struct xt_handshake *handshake, const char *name);
XT_API const char *xt_handshake_address(struct xt_handshake *handshake); /* "192.0.2.1:54321" */

/* The subject of the client's certificate (RFC 2253); NULL: it has none that was verified. */
XT_API const char *xt_handshake_certificate(struct xt_handshake *handshake);

/*
 * Whether the client offers this subprotocol; if so it is the one that the answer names. Once. 1 or 0.
 */
XT_API int xt_handshake_choose(struct xt_handshake *handshake, const char *subprotocol);

XT_API void xt_handshake_set_context(struct xt_handshake *handshake, void *context);

/*
 * This WebSocket of a server is sent every message of the channel after the position `since`; "" or NULL: from now on, that
 * is from when the channel's worker has heard of it, which may be a moment after this returns. Called within `open`, the
 * peer's own `open` waits for that moment: it hears all that happens after it. Once more for the same channel changes nothing. At most 64 channels each. 0, XT_EINVAL, XT_ELIMIT, XT_ECLOSED, XT_ENOMEM; unsubscribe: XT_ENOTFOUND.
 */
XT_API int xt_websocket_subscribe(struct xt_websocket *ws, const char *channel, const char *since);
XT_API int xt_websocket_unsubscribe(struct xt_websocket *ws, const char *channel);

/* ---- channels of a server -------------------------------------------------------------- */

/*
 * Publishes on a channel (1 to 255 bytes of UTF-8); `p` is copied. Any thread, also within handlers. Messages of
 * one thread on one channel keep their order. Until xt_server_free().
 * 0; XT_EINVAL: not a channel's name, text or JSON that is none; XT_ELIMIT: over limits.message; XT_EAGAIN: its
 * workers have too much to do, try again; XT_ECLOSED: it does not run; XT_ENOMEM.
 */
XT_API int xt_server_publish(
	struct xt_server *server, const char *channel, enum xt_kind kind, const void *p, size_t n);

/* A program's own ear on a channel. */
struct xt_subscription;

/*
 * `message` is called, on one of the server's threads, with every message after the position `since` ("" or NULL: from
 * now on); when some of what was asked for is no longer kept, first with `lost` set. Any thread.
 * 0, XT_EINVAL, XT_ECLOSED, XT_EAGAIN, XT_ENOMEM.
 */
struct xt_listening {
	const char *channel, *since;
	void (*message)(void *context, const struct xt_data *data);
	void (*lost)(void *context); /* optional */
	/* Optional: the last call: it was closed, or refused (limits.channels), or the server stopped: then within xt_server_wait(). */
	void (*ended)(void *context);
	void *context;
};
XT_API int xt_server_subscribe(struct xt_server *server, const struct xt_listening *listening,
	struct xt_subscription **subscription);

/* No call begins after `ended`. Any thread; once; not after the server was freed. */
XT_API void xt_subscription_close(struct xt_subscription *subscription);

/* ---- a loop of your own ---------------------------------------------------------------- */

/*
 * What drives clients: an event loop on a thread of the program. Servers have their own. All is called on the
 * loop's thread but for xt_loop_wake() and xt_loop_call().
 */
struct xt_loop;

XT_API int xt_loop_new(struct xt_loop **loop);  /* 0, XT_ENOMEM or XT_ESYS */
XT_API void xt_loop_free(struct xt_loop *loop); /* ends its WebSockets first; NULL is fine */

/* Runs until xt_loop_stop(), or xt_loop_run_clients() until no WebSocket is left on it. */
XT_API void xt_loop_run(struct xt_loop *loop);
XT_API void xt_loop_run_clients(struct xt_loop *loop);
XT_API void xt_loop_stop(struct xt_loop *loop);

/*
 * On another event loop: wait until xt_loop_fd() is readable, but no longer than xt_loop_wait_ms() (-1: as long as it
 * takes), then call xt_loop_turn(loop, 0); and so on.
 */
XT_API int xt_loop_fd(const struct xt_loop *loop);
XT_API int xt_loop_wait_ms(struct xt_loop *loop);

/* One turn that waits at most `ms` (-1: as long as it takes). */
XT_API void xt_loop_turn(struct xt_loop *loop, int ms);

/* Any thread, and from a signal handler: a loop that waits begins its next turn. */
XT_API void xt_loop_wake(struct xt_loop *loop);

/* Any thread: `function` is called on the loop's thread. 0, XT_EAGAIN: too many wait there, or XT_ENOMEM. */
XT_API int xt_loop_call(struct xt_loop *loop, void (*function)(void *context), void *context);

/* ---- WebSocket clients ----------------------------------------------------------------- */

/* Zeros are the defaults. Strings are copied. Lists end with NULL. */
struct xt_websocket_options {
	const char *
		url; /* ws://, wss://, http:// or https://, as the WHATWG's URL standard reads it */
	const char *const *subprotocols; /* in the order of preference */
	const char *const *headers;      /* "Name: value" */
	const char *cookies;             /* "a=1; b=2" */
	const char *origin;
	const char *proxy;      /* http://[user:password@]host:port; NULL: none */
	unsigned max_redirects; /* followed at most; 0: refused */

	size_t max_message; /* bytes; 0: 16 MiB. More: 1009 */
	size_t max_backlog; /* bytes that may wait to be sent; 0: 64 MiB */
	int no_compression; /* do not offer permessage-deflate (RFC 7692) */

	unsigned open_timeout_ms;  /* for all up to `open`; 0: 30 s */
	unsigned close_timeout_ms; /* for the closing handshake; 0: 5 s */
	unsigned ping_interval_ms; /* silence after which it pings; 0: 30 s */
	unsigned ping_timeout_ms;  /* silence after that which ends it; 0: 20 s */

	/* TLS. Certificates are verified against the system's, or `ca_file`. PEM files. */
	const char *ca_file, *certificate_file, *key_file;
	const char *server_name; /* instead of the URL's host: for SNI and for the certificate */
	int insecure;            /* verify nothing: for trying things out only */

	/*
	 * Reconnection: waits min, 2 min, 4 min … up to max, each less a random part of up to a half. Not after a close of ours, nor
	 * after what would happen again: answers other than 101, but 408, 425, 429 and 5xx; wrong answers; a TLS handshake that
	 * failed (a certificate that is not trusted); the close codes 1000, 1002, 1003, 1007, 1010, and 44xx but 4408, 4429.
	 */
	int reconnect;
	unsigned reconnect_min_ms, reconnect_max_ms; /* 0: 500 ms, 30 s */
	unsigned reconnect_attempts; /* in a row, without a message between; 0: without end */

	/*
	 * The URL is a channel of Crosstalk (/c/NAME): messages have their id, and after a reconnection the channel is
	 * resumed after the last of them, so that none is missing and none comes twice. `since`: where to begin.
	 */
	int channel;
	const char *since;

	void *context;
	const struct xt_allocator *allocator; /* NULL: malloc(). Lives as long as the WebSocket */
};

/*
 * Opens a WebSocket on `loop`. Events come from the loop's next turns on, never from within this call. It is
 * the loop's, and gone after its last `close`.
 * 0; XT_EINVAL with the sentence in `error`: the URL or an option is not valid; XT_ENOMEM.
 */
XT_API int xt_websocket_open(struct xt_loop *loop, const struct xt_websocket_options *options,
	const struct xt_websocket_handlers *handlers, struct xt_websocket **ws, char *error,
	size_t size);

/* The URL that it is connected to, after redirects. Borrowed; NULL for a server's. */
XT_API const char *xt_websocket_url(const struct xt_websocket *ws);

/* A field of the server's answer; NULL: none, or a server's. Borrowed until the next call. */
XT_API const char *xt_websocket_field(struct xt_websocket *ws, const char *name);

/*
 * Of a client: tells of every frame, sent and received, before anything is done about it: for tools that show them. `frame` is NULL
 * to stop. `p` and `n`: the payload on the wire, unmasked, as far as it is there; `first` the frame's first byte.
 */
struct xt_frame {
	int sent;            /* 1: by us, 0: by the peer */
	unsigned char first; /* FIN, RSV1 to 3, opcode */
	const char *p;
	size_t n, length; /* of what is there, and of all of it */
};
XT_API void xt_websocket_watch_frames(struct xt_websocket *ws,
	void (*frame)(struct xt_websocket *ws, const struct xt_frame *frame));

#ifdef __cplusplus
}
#endif

#endif
