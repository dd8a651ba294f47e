/*
 * tls_ticket.h - the keys of session tickets (RFC 5077, RFC 8446 4.6.1): nothing is kept for a session, its ticket says
 * all. Shared by all workers; they outlive a reload of the certificates.
 */
#ifndef XT_IO_TLS_TICKET_H
#define XT_IO_TLS_TICKET_H

#include <pthread.h>
#include <stdint.h>

#include <openssl/ssl.h>

/* How long a ticket is good, s. Each key seals tickets for so long, and opens them for as long again. */
#define XT_TLS_TICKET_LIFE (12 * 3600)

struct xt_tls_ticket_key {
	unsigned char name[16], cipher[32], mac[32];
	uint64_t made; /* ms; 0: none yet */
};

struct xt_tls_tickets {
	pthread_mutex_t lock;
	struct xt_tls_ticket_key keys[2]; /* the current, and the one before */
};

void xt_tls_tickets_init(struct xt_tls_tickets *tickets);
void xt_tls_tickets_fini(struct xt_tls_tickets *tickets);

/* What OpenSSL's callback for tickets returns, at the time `now` (ms, from 1 on). */
int xt_tls_ticket(struct xt_tls_tickets *tickets, uint64_t now, unsigned char name[16],
	unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing);

#endif
