/* tls_client.c - the client's side: whom it trusts, and whom it wants to talk to. */
#include <arpa/inet.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/heap.h"
#include "crosstalk.h"
#include "io/tls_private.h"

struct xt_tls_client {
	SSL_CTX *context;
	BIO_METHOD *method;
};

static int
fail(char *error, size_t size, const char *file, const char *what)
{
	char words[256];

	xt_tls_words(words, sizeof words);
	snprintf(error, size, "%s: %s (%s)", file, what, words);
	return XT_EINVAL;
}

static int
trust(SSL_CTX *context, const struct xt_tls_client_options *options, char *error, size_t size)
{
	ERR_clear_error();
	SSL_CTX_set_verify(
		context, options->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, xt_tls_verified);
	if (options->insecure)
		return 0;
	if (!options->ca_file) {
		SSL_CTX_set_default_verify_paths(context);
		ERR_clear_error();
		return 0;
	}
	if (SSL_CTX_load_verify_file(context, options->ca_file) == 1)
		return 0;
	return fail(error, size, options->ca_file, "holds no certificates that can be read");
}

static int
load_own(SSL_CTX *context, const struct xt_tls_client_options *options, char *error, size_t size)
{
	const char *certificate = options->certificate_file;
	const char *key = options->key_file ? options->key_file : certificate;

	ERR_clear_error();
	if (!certificate)
		return 0;
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
		return fail(error, size, certificate, "holds no certificate that can be read");
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return fail(error, size, key, "does not hold the certificate's key");
	return 0;
}

int
xt_tls_client_new(struct xt_tls_client **out, const struct xt_tls_client_options *options,
	char *error, size_t size)
{
	struct xt_tls_client *client = xt_calloc(1, sizeof *client);
	int result = XT_ENOMEM;

	*out = NULL;
	if (!client) {
		snprintf(error, size, "out of memory");
		return XT_ENOMEM;
	}
	client->method = xt_tls_method_new();
	client->context = SSL_CTX_new(TLS_client_method());
	if (client->method && client->context && xt_tls_context_init(client->context, false)) {
		result = trust(client->context, options, error, size);
		if (result == 0)
			result = load_own(client->context, options, error, size);
	}
	if (result == XT_ENOMEM)
		snprintf(error, size, "out of memory");
	if (result < 0)
		xt_tls_client_free(client);
	else
		*out = client;
	return result;
}

void
xt_tls_client_free(struct xt_tls_client *client)
{
	if (!client)
		return;
	SSL_CTX_free(client->context);
	BIO_meth_free(client->method);
	xt_free(client);
}

static bool
is_address(const char *host)
{
	unsigned char binary[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, binary) == 1 || inet_pton(AF_INET6, host, binary) == 1;
}

/* SSL_set_tlsext_host_name() is a macro that casts the const away without a word. */
static bool
set_name(SSL *ssl, const char *host)
{
	void *name = (void *)(uintptr_t)host;

	return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) == 1;
}

/* RFC 6066 3: the name of a server is not an address. RFC 6125 for what the certificate must say. */
static bool
set_host(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (is_address(host))
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 && set_name(ssl, host);
}

/* 0 is good there, unlike everywhere else. */
static bool
set_alpn(SSL *ssl, struct xt_str alpn)
{
	return alpn.n == 0 ||
	       SSL_set_alpn_protos(ssl, (const unsigned char *)alpn.p, (unsigned)alpn.n) == 0;
}

int
xt_tls_connect(
	struct xt_conn *conn, struct xt_tls_client *client, const char *host, struct xt_str alpn)
{
	struct xt_tls *tls = xt_calloc(1, sizeof *tls);
	int result;

	if (!tls)
		return XT_ENOMEM;
	tls->ssl = SSL_new(client->context);
	if (!tls->ssl || !set_host(tls->ssl, host) || !set_alpn(tls->ssl, alpn)) {
		ERR_clear_error();
		xt_tls_free(tls);
		return XT_ENOMEM;
	}
	SSL_set_connect_state(tls->ssl);
	result = xt_tls_begin(conn, tls, client->method);
	if (result == 0) {
		tls->carrier.wants_room = true; /* the first word is ours */
		xt_conn_rewait(conn);
	}
	return result;
}
