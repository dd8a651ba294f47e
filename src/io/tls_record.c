/* tls_record.c - key schedule, nonces, and one AEAD call for each record. */
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

/* RFC 8446 B.4, without those of CCM. */
static const struct suite {
	unsigned id;
	const char *cipher, *digest;
	uint8_t key, secret;
} suites[] = {
	{ 0x1301, "AES-128-GCM", "SHA256", 16, 32 },
	{ 0x1302, "AES-256-GCM", "SHA384", 32, 48 },
	{ 0x1303, "ChaCha20-Poly1305", "SHA256", 32, 32 },
};
#define SUITES (sizeof suites / sizeof suites[0])

struct xt_tls_crypto {
	EVP_KDF_CTX *hkdf;
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
hkdf_new(void)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
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
	crypto->hkdf = hkdf_new();
	whole = crypto->hkdf != NULL;
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
	memcpy(keys->secret, secret, suite->secret);
	return derive(keys, crypto);
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
	return keys->sequence >= WORN;
}

/* Records ----------------------------------------------------------------------------------- */

/* RFC 8446 5.3: the record's number, exclusive-or the vector; the header is the additional data (5.2). */
static bool
begin(EVP_CIPHER_CTX *context, struct xt_tls_keys *keys, const unsigned char *header)
{
	unsigned char nonce[sizeof keys->iv];
	uint64_t number = keys->sequence++;
	int n;

	memcpy(nonce, keys->iv, sizeof nonce);
	for (size_t i = sizeof nonce; number > 0; number >>= 8)
		nonce[--i] ^= (unsigned char)number;
	return EVP_CipherInit_ex2(context, NULL, keys->key, nonce, -1, NULL) == 1 &&
	       EVP_CipherUpdate(context, NULL, &n, header, XT_TLS_HEADER) == 1;
}

/* RFC 8446 5.2: the outside says application data of TLS 1.2. */
static void
put_header(unsigned char *p, size_t n)
{
	p[0] = XT_TLS_DATA;
	p[1] = 3;
	p[2] = 3;
	p[3] = (unsigned char)(n >> 8);
	p[4] = (unsigned char)n;
}

size_t
xt_tls_seal(
	struct xt_tls_keys *keys, struct xt_tls_crypto *crypto, int type, char *record, size_t n)
{
	EVP_CIPHER_CTX *context = crypto->sealing[keys->suite];
	unsigned char *p = (unsigned char *)record, *inner = p + XT_TLS_HEADER;
	int size;

	XT_ASSERT(n <= XT_TLS_CONTENT);
	inner[n++] = (unsigned char)type;
	put_header(p, n + TAG);
	if (!begin(context, keys, p) ||
		EVP_CipherUpdate(context, inner, &size, inner, (int)n) != 1 ||
		EVP_CipherFinal_ex(context, inner + n, &size) != 1 ||
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, inner + n) != 1)
		return 0;
	return XT_TLS_HEADER + n + TAG;
}

static size_t
length_of(const char *header)
{
	return (size_t)(unsigned char)header[3] << 8 | (unsigned char)header[4];
}

ssize_t
xt_tls_record_size(const char *p, size_t n)
{
	if (n < XT_TLS_HEADER)
		return 0;
	/* RFC 8446 5: once there are keys, nothing else comes, a change_cipher_spec neither. */
	if (p[0] != XT_TLS_DATA)
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
	if (n - 1 > XT_TLS_CONTENT)
		return -SSL_AD_RECORD_OVERFLOW;
	*type = p[n - 1];
	return (ssize_t)(n - 1);
}

ssize_t
xt_tls_open(struct xt_tls_keys *keys, struct xt_tls_crypto *crypto, char *record, size_t size,
	int *type)
{
	EVP_CIPHER_CTX *context = crypto->opening[keys->suite];
	unsigned char *p = (unsigned char *)record, *inner = p + XT_TLS_HEADER;
	size_t n = size - XT_TLS_HEADER;
	int got;

	if (n < TAG)
		return -SSL_AD_BAD_RECORD_MAC;
	n -= TAG;
	/* The tag is checked by the final call. RFC 8446 5.2: what does not fit it ends the connection. */
	if (!begin(context, keys, p) ||
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG, inner + n) != 1 ||
		EVP_CipherUpdate(context, inner, &got, inner, (int)n) != 1 ||
		EVP_CipherFinal_ex(context, inner + n, &got) != 1)
		return -SSL_AD_BAD_RECORD_MAC;
	return unpad(inner, n, type);
}
