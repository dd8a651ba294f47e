/* tls_private.h - what the files tls*.c share; nobody else includes it. */
#ifndef XT_IO_TLS_PRIVATE_H
#define XT_IO_TLS_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <openssl/ssl.h>

#include "base/buf.h"
#include "io/loop_private.h"
#include "io/tls.h"
#include "io/tls_record.h"
#include "io/tls_ticket.h"

/* How often the peer may change its keys without sending anything between. */
#define XT_TLS_UPDATES 32
/* The same for records that hold nothing. */
#define XT_TLS_EMPTY 32

/* Where a connection stands. */
enum xt_tls_phase {
	XT_TLS_SHAKING, /* OpenSSL shakes hands */
	XT_TLS_RECORDS, /* of a server: the records are ours, OpenSSL's objects are gone */
	XT_TLS_OPENSSL, /* of a client: OpenSSL keeps the records */
	XT_TLS_DEAD     /* broken: what comes is thrown away, nothing is sent any more */
};

/* The carrier of a connection. */
struct xt_tls {
	struct xt_carrier carrier;
	struct xt_tls_set *set; /* of a server, while SSL is there */
	const char *plain_answer;
	SSL *ssl; /* SHAKING, OPENSSL */
	struct xt_tls_keys in, out;
	struct xt_buf sealed;    /* what the kernel has refused so far */
	struct xt_kept *partial; /* the beginning of a record */
	struct xt_kept *rest;    /* opened, but there was no room for it */
	struct xt_str alpn;      /* static */
	char *subject, *error;
	uint16_t fragment;   /* RECORDS: bytes of content that a record may hold */
	unsigned char keyed; /* KEYED_…: the secrets that have come */
	unsigned char first; /* byte of all; 0: none has come */
	uint8_t phase;
	uint8_t updates, empty; /* in a row */
	bool server;
	bool update_due; /* a KeyUpdate of ours is to be sent */
	bool shut;       /* close_notify has been said */
	bool ended;      /* OpenSSL has read the peer's FIN */
	bool truncated;  /* the peer's end came without one */
	bool more;       /* OPENSSL: it has something that no poll tells of */
	int end;         /* RECORDS: not 0: what receive() says once `rest` is empty */
	size_t refused;  /* OPENSSL: bytes that must come again */
};

enum { XT_TLS_KEYED_IN = 1, XT_TLS_KEYED_OUT = 2 };

extern const struct xt_carrier_ops xt_tls_ops;

static inline struct xt_tls *
xt_tls_of(const struct xt_conn *conn)
{
	return (struct xt_tls *)conn->carrier;
}

/* What a loop has for all its connections: made with the first of them. */
struct xt_tls_loop {
	struct xt_tls_crypto *crypto;
	uint64_t turn;  /* in which … */
	unsigned steps; /* … so many steps were taken */
	char scratch[2 * (XT_TLS_RECORD_MAX + 1)];
};

/* NULL: no memory. */
struct xt_tls_loop *xt_tls_loop_get(struct xt_loop *loop);

/* ---- tls_set.c ---- */

/* The certificates as they were read at one time; connections that shake hands hold a reference. */
struct xt_tls_set {
	_Atomic unsigned refs;
	struct xt_tls_server *server;
	size_t count;
	SSL_CTX *contexts[];
};

/* From the server's files. 0, XT_EINVAL with the sentence, XT_ENOMEM. */
int xt_tls_set_new(struct xt_tls_set **set, struct xt_tls_server *server, char *error, size_t size);
void xt_tls_set_unref(struct xt_tls_set *set); /* NULL is fine */

/* ---- tls_server.c ---- */

struct xt_tls_server {
	struct xt_tls_tickets tickets;
	BIO_METHOD *method;
	pthread_mutex_t lock; /* of `set` and `seen` */
	struct xt_tls_set *set;
	enum xt_tls_clients clients;
	bool http2;
	const char *plain_answer;
	char *client_ca;
	size_t count;
	char **certificates, **keys;
	uint64_t seen; /* what the files looked like when they were read last */
};

/* ---- tls_shake.c ---- */

/* How OpenSSL reads and writes a connection's descriptor; for BIO_meth_free(). */
BIO_METHOD *xt_tls_method_new(void);

/* What holds for all: versions, suites, modes; a server's tells the secrets too. False: no memory. */
bool xt_tls_context_init(SSL_CTX *context, bool server);

/* `tls` with its SSL carries `conn` from now on. Takes it in any case. 0 or XT_ENOMEM. */
int xt_tls_begin(struct xt_conn *conn, struct xt_tls *tls, const BIO_METHOD *method);
void xt_tls_free(struct xt_tls *tls); /* NULL is fine */

/* One step: 1: it is done; XT_EAGAIN, XT_EPROTO, XT_ECLOSED as the carrier's receive(). */
int xt_tls_shake(struct xt_conn *conn);

/* It is dead, and why, in a sentence. */
void xt_tls_fail(struct xt_tls *tls, const char *words);

/* ---- tls_conn.c ---- */

/* The first bytes of the slices, up to `room` of them, to `p`; returns how many. */
size_t xt_tls_gather(const struct iovec *slices, int count, char *p, size_t room);

/* ---- tls_carry.c, tls_openssl.c: as the members of a carrier with those names ---- */

ssize_t xt_tls_records_receive(struct xt_conn *conn, char *p, size_t n);
bool xt_tls_records_pending(const struct xt_tls *tls);
ssize_t xt_tls_records_send(struct xt_conn *conn, const struct iovec *slices, int count);
void xt_tls_records_shut(struct xt_conn *conn);

ssize_t xt_tls_openssl_receive(struct xt_conn *conn, char *p, size_t n);
bool xt_tls_openssl_pending(const struct xt_tls *tls);
ssize_t xt_tls_openssl_send(struct xt_conn *conn, const struct iovec *slices, int count);
void xt_tls_openssl_shut(struct xt_conn *conn);

/* ---- tls_error.c ---- */

/* What OpenSSL says about the last failure. Empties its queue. */
void xt_tls_words(char *text, size_t size);

/* For SSL_CTX_set_verify(): lets OpenSSL decide, and notes what was wrong with whose certificate. */
int xt_tls_verified(int good, X509_STORE_CTX *store);

#endif
