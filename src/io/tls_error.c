/* tls_error.c - what OpenSSL found, in words that a person can use. */
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/heap.h"
#include "io/tls_private.h"

void
xt_tls_words(char *text, size_t size)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	snprintf(text, size, "%s", reason ? reason : "a fault within OpenSSL");
	ERR_clear_error();
}

int
xt_tls_verified(int good, X509_STORE_CTX *store)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *certificate = X509_STORE_CTX_get_current_cert(store);
	struct xt_tls *tls = SSL_get_app_data(ssl);
	char name[256] = "", words[512];

	if (good || !tls || tls->error)
		return good;
	if (certificate)
		X509_NAME_oneline(X509_get_subject_name(certificate), name, sizeof name);
	snprintf(words, sizeof words, "certificate verify failed: %s (%s)",
		X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)), name);
	tls->error = xt_strdup(words);
	return 0;
}
