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
 * The keys that hold a list ("listen", "cors.origins") append one element per call; the default of
 * a list applies only while nothing was appended.
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

#ifdef __cplusplus
}
#endif

#endif
