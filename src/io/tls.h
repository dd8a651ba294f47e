/*
 * tls.h - TLS 1.2 and 1.3 on a connection (OpenSSL 3), of a server or a client.
 *
 *	conn = xt_conn_new(…); xt_tls_accept(conn, server)      the stream's recv is called with plain bytes
 *	conn = xt_conn_new(…); xt_tls_connect(conn, client, …)  what is queued leaves when the handshake is done
 *
 * A failed handshake closes the connection with XT_CLOSE_TLS.
 */
#ifndef XT_IO_TLS_H
#define XT_IO_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "io/conn.h"

/* Handshake steps that a loop takes in one turn: public-key work, about a millisecond each. */
#define XT_TLS_STEPS_A_TURN 8

/* ---- servers --------------------------------------------------------------------------- */

enum xt_tls_clients { XT_TLS_CLIENTS_NONE, XT_TLS_CLIENTS_OPTIONAL, XT_TLS_CLIENTS_REQUIRED };

/* Borrowed until the call returns, but for the names of files, which are copied to be watched. */
struct xt_tls_options {
	const char *const *certificates; /* PEM files with the chain; the first is the default … */
	const char *const *keys;         /* … and as many with their keys, in the same order */
	size_t count;
	enum xt_tls_clients clients;
	const char *client_ca; /* PEM: who may sign clients' certificates */
	bool http2;            /* ALPN takes h2 rather than http/1.1 */

	/* Static: the answer, as it is, to a peer that speaks no TLS but words, before the end. NULL: none. */
	const char *plain_answer;
};

/* The certificates of one listener, shared by all workers. */
struct xt_tls_server;

/* 0, XT_EINVAL (a file can't be read or does not fit), XT_ENOMEM, with the sentence in `error`. */
int xt_tls_server_new(struct xt_tls_server **server, const struct xt_tls_options *options,
	char *error, size_t size);
void xt_tls_server_free(struct xt_tls_server *server); /* after its connections; NULL is fine */

/*
 * Any thread: reads the files again if one has changed; connections that are there keep what they have. 1: they were read; 0: nothing
 * has changed; XT_EINVAL: what is there now can't be used (the words in `error`), and the old ones stay.
 */
int xt_tls_server_reload(struct xt_tls_server *server, char *error, size_t size);

/* On the loop's thread, for a connection on which nothing was sent or received. 0 or XT_ENOMEM. */
int xt_tls_accept(struct xt_conn *conn, struct xt_tls_server *server);

/* ---- clients --------------------------------------------------------------------------- */

struct xt_tls_client_options {
	const char *ca_file; /* PEM; NULL: the system's */
	const char *certificate_file, *key_file;
	bool insecure; /* verify nothing */
};

struct xt_tls_client;

int xt_tls_client_new(struct xt_tls_client **client, const struct xt_tls_client_options *options,
	char *error, size_t size);
void xt_tls_client_free(struct xt_tls_client *client);

/*
 * Also for a connection that was used before (a proxy's CONNECT). `host` is a name or an address, for SNI and for the certificate;
 * `alpn`: NULL, or a list as in RFC 7301 3.1. 0 or XT_ENOMEM.
 */
int xt_tls_connect(
	struct xt_conn *conn, struct xt_tls_client *client, const char *host, struct xt_str alpn);

/* ---- both ------------------------------------------------------------------------------ */

/* Whether TLS carries it (for a stream of HTTP/2: what carries that). */
bool xt_tls_is_on(const struct xt_conn *conn);
bool xt_tls_is_ready(const struct xt_conn *conn); /* the handshake is done */

/* What ALPN agreed on; empty: nothing. Borrowed. */
struct xt_str xt_tls_alpn(const struct xt_conn *conn);

/* The subject of the peer's certificate that was verified (RFC 2253), NUL-ended. False: none. */
bool xt_tls_peer_subject(const struct xt_conn *conn, char *text, size_t size);

/*
 * The peer's end came without its close_notify: whoever reads up to the end and not to a length does not know
 * whether that was all.
 */
bool xt_tls_is_truncated(const struct xt_conn *conn);

/* Why it failed, in a sentence; also within stream->closed. "" while it has not. Borrowed. */
const char *xt_tls_error(const struct xt_conn *conn);

#endif
