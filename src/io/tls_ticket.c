/* tls_ticket.c - sealing and opening tickets with keys that are replaced in time. */
#include "io/tls_ticket.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/core_names.h>

#include "base/random.h"

#define LIFE_MS (XT_TLS_TICKET_LIFE * 1000ull)

void
xt_tls_tickets_init(struct xt_tls_tickets *tickets)
{
	memset(tickets, 0, sizeof *tickets);
	pthread_mutex_init(&tickets->lock, NULL);
}

void
xt_tls_tickets_fini(struct xt_tls_tickets *tickets)
{
	pthread_mutex_destroy(&tickets->lock);
	OPENSSL_cleanse(tickets->keys, sizeof tickets->keys);
}

static void
rotate(struct xt_tls_tickets *tickets, uint64_t now)
{
	struct xt_tls_ticket_key *keys = tickets->keys;

	if (keys[0].made && now - keys[0].made < LIFE_MS)
		return;
	keys[1] = keys[0];
	xt_random_fill(&keys[0], sizeof keys[0]);
	keys[0].made = now;
}

/* The key with which to seal, or that sealed this one; a copy. False: unknown, or too old. */
static bool
find(struct xt_tls_tickets *tickets, uint64_t now, const unsigned char *name,
	struct xt_tls_ticket_key *found)
{
	bool known = false;

	pthread_mutex_lock(&tickets->lock);
	rotate(tickets, now);
	for (int i = 0; i < 2 && !known; i++) {
		const struct xt_tls_ticket_key *key = &tickets->keys[i];
		if (!key->made || now - key->made >= 2 * LIFE_MS)
			continue;
		known = !name || memcmp(key->name, name, sizeof key->name) == 0;
		if (known)
			*found = *key;
	}
	pthread_mutex_unlock(&tickets->lock);
	return known;
}

static bool
set_mac(EVP_MAC_CTX *mac, struct xt_tls_ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[3];

	params[0] =
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac);
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[2] = OSSL_PARAM_construct_end();
	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

int
xt_tls_ticket(struct xt_tls_tickets *tickets, uint64_t now, unsigned char name[16],
	unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
	struct xt_tls_ticket_key key;
	bool done;

	if (!find(tickets, now, sealing ? NULL : name, &key))
		return 0; /* a full handshake */
	if (sealing) {
		memcpy(name, key.name, sizeof key.name);
		xt_random_fill(iv, 16);
	}
	done = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv, sealing) == 1 &&
	       set_mac(mac, &key);
	OPENSSL_cleanse(&key, sizeof key);
	return done ? 1 : -1;
}
