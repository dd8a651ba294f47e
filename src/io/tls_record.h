/*
 * tls_record.h - records once the handshake is over, sealed and opened with the secrets that it left: of TLS 1.3 (RFC
 * 8446 5), and of 1.2 with its modern suites (RFC 5246 6.2.3.3, RFC 5288, RFC 7905). Over bytes in memory only: no
 * socket, no clock.
 *
 * An idle connection keeps 200 bytes for this, and none of OpenSSL's objects (14 KiB; docs/design/tls.md). The
 * ciphers are OpenSSL's; their contexts are the loop's, and get a connection's key for each record.
 */
#ifndef XT_IO_TLS_RECORD_H
#define XT_IO_TLS_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define XT_TLS_HEADER  5
#define XT_TLS_CONTENT 16384 /* bytes of one record at most: RFC 8446 5.1 */

/* What sealing adds at most: header, nonce of 1.2, tag. What a peer may send at most: 256 bytes more than the content (5.2). */
#define XT_TLS_OVERHEAD   (XT_TLS_HEADER + 8 + 16)
#define XT_TLS_RECORD_MAX (XT_TLS_HEADER + XT_TLS_CONTENT + 256)

/* RFC 8446 5.1: the types of records. */
enum { XT_TLS_ALERT = 21, XT_TLS_HANDSHAKE = 22, XT_TLS_DATA = 23 };

#define XT_TLS_SECRET_MAX 48

/* RFC 5246 8.1, 7.4.1.2 */
#define XT_TLS_MASTER 48
#define XT_TLS_RANDOM 32

/* Of one loop: contexts of ciphers, without keys of their own between two calls. */
struct xt_tls_crypto;

struct xt_tls_crypto *xt_tls_crypto_new(void); /* NULL: no memory */
void xt_tls_crypto_free(struct xt_tls_crypto *crypto);

/* One direction. */
struct xt_tls_keys {
	uint64_t sequence; /* of the next record */
	uint8_t suite;     /* a row of the table of suites */
	bool old;          /* TLS 1.2 */
	unsigned char secret[XT_TLS_SECRET_MAX], key[32], iv[12];
};

/* Whether the suite (RFC 8446 B.4) is one of ours, and what a secret of it measures; 0: it is not, or of 1.2. */
size_t xt_tls_suite_secret(unsigned suite);

/* From the traffic secret, of as many bytes as the suite says. False: no memory. */
bool xt_tls_keys_init(struct xt_tls_keys *keys, struct xt_tls_crypto *crypto, unsigned suite,
	const unsigned char *secret);

/*
 * Both directions of TLS 1.2, for a server: `out` is its own. The handshake has sealed one record in each (Finished).
 * False: the suite is none of ours, or no memory.
 */
bool xt_tls_keys_init_old(struct xt_tls_keys *in, struct xt_tls_keys *out,
	struct xt_tls_crypto *crypto, unsigned suite, const unsigned char master[XT_TLS_MASTER],
	const unsigned char randoms[2 * XT_TLS_RANDOM]); /* the server's, then the client's */

/* RFC 8446 7.2: the next generation; not of 1.2. False: no memory. */
bool xt_tls_keys_update(struct xt_tls_keys *keys, struct xt_tls_crypto *crypto);

/* Whether so much was sealed that the keys should be updated: RFC 8446 5.5. */
bool xt_tls_keys_are_worn(const struct xt_tls_keys *keys);

/* Where the content of a record begins. */
size_t xt_tls_prefix(const struct xt_tls_keys *keys);

/*
 * Seals the `n` bytes (at most XT_TLS_CONTENT) that stand at `record` + xt_tls_prefix(), in place; `record` has room for
 * XT_TLS_OVERHEAD more. Returns the size of the record; 0: no memory.
 */
size_t xt_tls_seal(
	struct xt_tls_keys *keys, struct xt_tls_crypto *crypto, int type, char *record, size_t n);

/* The size of the record that begins at `p`; 0: not all of it is there; below 0: minus the alert for it. */
ssize_t xt_tls_record_size(const struct xt_tls_keys *keys, const char *p, size_t n);

/*
 * Opens a whole record in place: the content stands at `record` + xt_tls_prefix() then. Returns its size and `*type`; below
 * 0: minus the alert for it.
 */
ssize_t xt_tls_open(struct xt_tls_keys *keys, struct xt_tls_crypto *crypto, char *record,
	size_t size, int *type);

#endif
