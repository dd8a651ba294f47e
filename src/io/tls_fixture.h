/*
 * tls_fixture.h - for the tests: a certificate authority in a folder of its own, and connections both of whose
 * ends are ours, on one loop.
 */
#ifndef XT_IO_TLS_FIXTURE_H
#define XT_IO_TLS_FIXTURE_H

#include "io/peer.h"
#include "io/tls.h"

struct tls_files {
	char folder[32];
	void *authority, *authority_key; /* X509, EVP_PKEY */
	long serial;
};

void tls_files_init(struct tls_files *files); /* with ca.pem */
void tls_files_fini(struct tls_files *files);

/* Writes NAME.pem and NAME.key; `names` as in a subjectAltName: "DNS:a.example,IP:127.0.0.1". */
void tls_files_make(struct tls_files *files, const char *name, const char *names);

/* FOLDER/NAME; one of a few static buffers. */
const char *tls_files_path(const struct tls_files *files, const char *name);

/* A server with the certificates of these names (up to NULL), and a client that trusts the authority. */
struct xt_tls_server *tls_server(const struct tls_files *files, const char *const *names);
struct xt_tls_client *tls_client(const struct tls_files *files);

/* Two connections on `loop` that are each other's peer; both plain. `a` is to be the server. */
void tls_pair(struct peer *a, struct peer *b, struct xt_loop *loop, enum peer_kind kind);

/* Turns the loop until both are ready. */
void tls_until_ready(struct peer *a, struct peer *b);

#endif
