/* tls_record.c - key schedules, nonces, and one AEAD call for each record. */
#include "io/tls_record.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ssl.h>

#include "base/heap.h"
#include "base/panic.h"

#define TAG 16

/* RFC 8446 5.5: with AES-GCM up to 2^24.5 full records may be sealed with one key. */
#define WORN (1u << 24)

/* RFC 5288 3: the nonce of AES-GCM in TLS 1.2 is a secret part, and this much in the record. */
#define NONCE 8

/* RFC 8446 B.4, without those of CCM; and what has the same ciphers in TLS 1.2, with ECDSA and RSA (RFC 5289, 7905). */
static const struct suite {
	unsigned id, old[2];
	const char *cipher, *digest;
	uint8_t key, secret;
	uint8_t nonce, salt; /* of 1.2: bytes in the record, and bytes of the secret part */
} suites[] = {
	{ 0x1301, { 0xc02b, 0xc02f }, "AES-128-GCM", "SHA256", 16, 32, NONCE, 4 },
	{ 0x1302, { 0xc02c, 0xc030 }, "AES-256-GCM", "SHA384", 32, 48, NONCE, 4 },
	{ 0x1303, { 0xcca9, 0xcca8 }, "ChaCha20-Poly1305", "SHA256", 32, 32, 0, 12 },
};
#define SUITES (sizeof suites / sizeof suites[0])

struct xt_tls_crypto {
	EVP_KDF_CTX *hkdf, *prf; /* of 1.3, of 1.2 */
	EVP_CIPHER_CTX *sealing[SUITES], *opening[SUITES];
};

static const struct suite *
find(unsigned id)
{
	for (size_t i = 0; i < SUITES; i++)
		if (suites[i].id == id)
			return &suites[i];
	return NULL;
}

size_t
xt_tls_suite_secret(unsigned suite)
{
	const struct suite *found = find(suite);

	return found ? found->secret : 0;
}

/* Contexts ---------------------------------------------------------------------------------- */

static EVP_CIPHER_CTX *
cipher_new(const char *name, int sealing)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

	if (!cipher || !context ||
		EVP_CipherInit_ex2(context, cipher, NULL, NULL, sealing, NULL) != 1) {
		EVP_CIPHER_CTX_free(context);
		context = NULL;
	}
	EVP_CIPHER_free(cipher); /* the context has its own reference */
	return context;
}

static EVP_KDF_CTX *
kdf_new(const char *name)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);

	EVP_KDF_free(kdf);
	return context;
}

struct xt_tls_crypto *
xt_tls_crypto_new(void)
{
	struct xt_tls_crypto *crypto = xt_calloc(1, sizeof *crypto);
	bool whole;

	if (!crypto)
		return NULL;
	crypto->hkdf = kdf_new("HKDF");
	crypto->prf = kdf_new("TLS1-PRF");
	whole = crypto->hkdf && crypto->prf;
	for (size_t i = 0; i < SUITES; i++) {
		crypto->sealing[i] = cipher_new(suites[i].cipher, 1);
		crypto->opening[i] = cipher_new(suites[i].cipher, 0);
		whole = whole && crypto->sealing[i] && crypto->opening[i];
	}
	if (whole)
		return crypto;
	xt_tls_crypto_free(crypto);
	return NULL;
}

void
xt_tls_crypto_free(struct xt_tls_crypto *crypto)
{
	if (!crypto)
		return;
	EVP_KDF_CTX_free(crypto->hkdf);
	EVP_KDF_CTX_free(crypto->prf);
	for (size_t i = 0; i < SUITES; i++) {
		EVP_CIPHER_CTX_free(crypto->sealing[i]);
		EVP_CIPHER_CTX_free(crypto->opening[i]);
	}
	xt_free(crypto);
}

/* Keys -------------------------------------------------------------------------------------- */

/* RFC 8446 7.1: HKDF-Expand-Label without a context. */
static bool
expand(struct xt_tls_crypto *crypto, const struct xt_tls_keys *keys, const char *label,
	unsigned char *out, size_t n)
{
	const struct suite *suite = &suites[keys->suite];
	unsigned char info[32] = { (unsigned char)(n >> 8), (unsigned char)n };
	size_t length = strlen(label);
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM params[5];

	info[2] = (unsigned char)(6 + length);
	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, label, length);
	params[0] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	params[1] = OSSL_PARAM_construct_utf8_string(
		OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)suite->digest, 0);
	params[2] = OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)keys->secret, suite->secret);
	params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, 10 + length);
	params[4] = OSSL_PARAM_construct_end();
	EVP_KDF_CTX_reset(crypto->hkdf);
	return EVP_KDF_derive(crypto->hkdf, out, n, params) == 1;
}

/* RFC 8446 7.3 */
static bool
derive(struct xt_tls_keys *keys, struct xt_tls_crypto *crypto)
{
	keys->sequence = 0; /* 5.3: each key counts from 0 */
	return expand(crypto, keys, "key", keys->key, suites[keys->suite].key) &&
	       expand(crypto, keys, "iv", keys->iv, sizeof keys->iv);
}

bool
xt_tls_keys_init(struct xt_tls_keys *keys, struct xt_tls_crypto *crypto, unsigned id,
	const unsigned char *secret)
{
	const struct suite *suite = find(id);

	XT_ASSERT(suite);
	keys->suite = (uint8_t)(suite - suites);
	keys->old = false;
	memcpy(keys->secret, secret, suite->secret);
	return derive(keys, crypto);
}

static const struct suite *
find_old(unsigned id)
{
	for (size_t i = 0; i < SUITES; i++)
		if (suites[i].old[0] == id || suites[i].old[1] == id)
			return &suites[i];
	return NULL;
}

/* RFC 5246 6.3: the key block. */
static bool
expand_old(struct xt_tls_crypto *crypto, const struct suite *suite, const unsigned char *master,
	const unsigned char *randoms, unsigned char *out, size_t n)
{
	char label[] = "key expansion";
	OSSL_PARAM params[5];

	params[0] = OSSL_PARAM_construct_utf8_string(
		OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)suite->digest, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_SECRET, (void *)(uintptr_t)master, XT_TLS_MASTER);
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, sizeof label - 1);
	params[3] = OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_SEED, (void *)(uintptr_t)randoms, 2 * XT_TLS_RANDOM);
	params[4] = OSSL_PARAM_construct_end();
	EVP_KDF_CTX_reset(crypto->prf);
	return EVP_KDF_derive(crypto->prf, out, n, params) == 1;
}

static void
set_old(struct xt_tls_keys *keys, const struct suite *suite, const unsigned char *key,
	const unsigned char *iv)
{
	*keys = (struct xt_tls_keys){
		.sequence = 1, .suite = (uint8_t)(suite - suites), .old = true
	};
	memcpy(keys->key, key, suite->key);
	memcpy(keys->iv, iv, suite->salt);
}

bool
xt_tls_keys_init_old(struct xt_tls_keys *in, struct xt_tls_keys *out, struct xt_tls_crypto *crypto,
	unsigned id, const unsigned char master[XT_TLS_MASTER],
	const unsigned char randoms[2 * XT_TLS_RANDOM])
{
	const struct suite *suite = find_old(id);
	unsigned char block[2 * (32 + 12)];
	size_t keys;

	if (!suite)
		return false;
	keys = 2u * suite->key;
	if (!expand_old(crypto, suite, master, randoms, block, keys + 2u * suite->salt))
		return false;
	/* The client's first. */
	set_old(in, suite, block, block + keys);
	set_old(out, suite, block + suite->key, block + keys + suite->salt);
	OPENSSL_cleanse(block, sizeof block);
	return true;
}

bool
xt_tls_keys_update(struct xt_tls_keys *keys, struct xt_tls_crypto *crypto)
{
	unsigned char next[XT_TLS_SECRET_MAX];
	size_t n = suites[keys->suite].secret;
	bool done = expand(crypto, keys, "traffic upd", next, n);

	if (done)
		memcpy(keys->secret, next, n);
	OPENSSL_cleanse(next, sizeof next);
	return done && derive(keys, crypto);
}

bool
xt_tls_keys_are_worn(const struct xt_tls_keys *keys)
{
	return !keys->old && keys->sequence >= WORN;
}

/* Records ----------------------------------------------------------------------------------- */

size_t
xt_tls_prefix(const struct xt_tls_keys *keys)
{
	return XT_TLS_HEADER + (keys->old ? suites[keys->suite].nonce : 0u);
}

/* In network order. */
static void
put_number(unsigned char *p, uint64_t number)
{
	for (int i = 7; i >= 0; i--, number >>= 8)
		p[i] = (unsigned char)number;
}

/*
 * RFC 8446 5.3, RFC 7905 2: the vector, exclusive-or the record's number. RFC 5288 3: the vector, and what
 * stands in the record.
 */
static void
make_nonce(const struct xt_tls_keys *keys, const unsigned char *record, unsigned char nonce[12])
{
	unsigned char number[8];

	memcpy(nonce, keys->iv, 12);
	if (xt_tls_prefix(keys) > XT_TLS_HEADER) {
		memcpy(nonce + 4, record + XT_TLS_HEADER, NONCE);
		return;
	}
	put_number(number, keys->sequence);
	for (int i = 0; i < 8; i++)
		nonce[4 + i] ^= number[i];
}

/* RFC 8446 5.2: the header as it is. RFC 5246 6.2.3.3: number, type, version, and the length of the content. */
static size_t
make_facts(const struct xt_tls_keys *keys, const unsigned char *record, size_t n,
	unsigned char facts[13])
{
	if (!keys->old) {
		memcpy(facts, record, XT_TLS_HEADER);
		return XT_TLS_HEADER;
	}
	put_number(facts, keys->sequence);
	memcpy(facts + 8, record, 3);
	facts[11] = (unsigned char)(n >> 8);
	facts[12] = (unsigned char)n;
	return 13;
}

/* For a record with `n` bytes to seal or to open, header and nonce in their places. */
static bool
begin(EVP_CIPHER_CTX *context, struct xt_tls_keys *keys, const unsigned char *record, size_t n)
{
	unsigned char nonce[12], facts[13];
	int size = (int)make_facts(keys, record, n, facts), ignored;

	make_nonce(keys, record, nonce);
	keys->sequence++;
	return EVP_CipherInit_ex2(context, NULL, keys->key, nonce, -1, NULL) == 1 &&
	       EVP_CipherUpdate(context, NULL, &ignored, facts, size) == 1;
}

/* RFC 8446 5.2: the outside says application data of TLS 1.2. */
static void
put_header(const struct xt_tls_keys *keys, unsigned char *p, int type, size_t n)
{
	p[0] = (unsigned char)(keys->old ? type : XT_TLS_DATA);
	p[1] = 3;
	p[2] = 3;
	p[3] = (unsigned char)(n >> 8);
	p[4] = (unsigned char)n;
	/* Used once with each key: OpenSSL has used one, a random number of 64 bits, for Finished. */
	if (xt_tls_prefix(keys) > XT_TLS_HEADER)
		put_number(p + XT_TLS_HEADER, keys->sequence);
}

size_t
xt_tls_seal(
	struct xt_tls_keys *keys, struct xt_tls_crypto *crypto, int type, char *record, size_t n)
{
	EVP_CIPHER_CTX *context = crypto->sealing[keys->suite];
	size_t prefix = xt_tls_prefix(keys);
	unsigned char *p = (unsigned char *)record, *inner = p + prefix;
	int size;

	XT_ASSERT(n <= XT_TLS_CONTENT);
	if (!keys->old)
		inner[n++] = (unsigned char)type;
	put_header(keys, p, type, prefix - XT_TLS_HEADER + n + TAG);
	if (!begin(context, keys, p, n) ||
		EVP_CipherUpdate(context, inner, &size, inner, (int)n) != 1 ||
		EVP_CipherFinal_ex(context, inner + n, &size) != 1 ||
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, inner + n) != 1)
		return 0;
	return prefix + n + TAG;
}

static size_t
length_of(const char *header)
{
	return (size_t)(unsigned char)header[3] << 8 | (unsigned char)header[4];
}

/* RFC 8446 5: once there are keys, nothing else comes, a change_cipher_spec neither. */
static bool
is_expected(const struct xt_tls_keys *keys, char type)
{
	return type == XT_TLS_DATA ||
	       (keys->old && (type == XT_TLS_ALERT || type == XT_TLS_HANDSHAKE));
}

ssize_t
xt_tls_record_size(const struct xt_tls_keys *keys, const char *p, size_t n)
{
	if (n < XT_TLS_HEADER)
		return 0;
	if (!is_expected(keys, p[0]))
		return -SSL_AD_UNEXPECTED_MESSAGE;
	/* 5.2; 5.1 wants the version ignored */
	if (length_of(p) > XT_TLS_RECORD_MAX - XT_TLS_HEADER)
		return -SSL_AD_RECORD_OVERFLOW;
	return n < XT_TLS_HEADER + length_of(p) ? 0 : (ssize_t)(XT_TLS_HEADER + length_of(p));
}

/* RFC 8446 5.4: the type is the last byte that is not zero; what follows is padding. */
static ssize_t
unpad(const unsigned char *p, size_t n, int *type)
{
	while (n > 0 && p[n - 1] == 0)
		n--;
	if (n == 0)
		return -SSL_AD_UNEXPECTED_MESSAGE;
	*type = p[n - 1];
	return (ssize_t)(n - 1);
}

static ssize_t
content_of(const struct xt_tls_keys *keys, const unsigned char *record, size_t n, int *type)
{
	ssize_t size = (ssize_t)n;

	if (keys->old)
		*type = record[0];
	else
		size = unpad(record + XT_TLS_HEADER, n, type);
	return size > XT_TLS_CONTENT ? -SSL_AD_RECORD_OVERFLOW : size;
}

ssize_t
xt_tls_open(struct xt_tls_keys *keys, struct xt_tls_crypto *crypto, char *record, size_t size,
	int *type)
{
	EVP_CIPHER_CTX *context = crypto->opening[keys->suite];
	size_t prefix = xt_tls_prefix(keys), n = size - prefix - TAG;
	unsigned char *p = (unsigned char *)record, *inner = p + prefix;
	int got;

	/* The tag is checked by the final call. RFC 8446 5.2: what does not fit it ends the connection. */
	if (size < prefix + TAG || !begin(context, keys, p, n) ||
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG, inner + n) != 1 ||
		EVP_CipherUpdate(context, inner, &got, inner, (int)n) != 1 ||
		EVP_CipherFinal_ex(context, inner + n, &got) != 1)
		return -SSL_AD_BAD_RECORD_MAC;
	return content_of(keys, p, n, type);
}
