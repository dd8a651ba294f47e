/* tls_set.c - certificates and keys of files, as contexts of OpenSSL: one for each certificate. */
#include <errno.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/heap.h"
#include "crosstalk.h"
#include "io/tls_private.h"

static int
fail(char *error, size_t size, const char *file, const char *words)
{
	snprintf(error, size, "%s: %s", file, words);
	ERR_clear_error();
	return XT_EINVAL;
}

/* OpenSSL does not say which file can't be read, nor why. */
static int
check_readable(const char *file, char *error, size_t size)
{
	FILE *opened = fopen(file, "re");
	char why[128];

	if (!opened) {
		snprintf(error, size, "%s: cannot be read: %s", file,
			strerror_r(errno, why, sizeof why));
		return XT_EINVAL;
	}
	fclose(opened);
	return 0;
}

static int
load_certificate(SSL_CTX *context, const char *file, char *error, size_t size)
{
	if (check_readable(file, error, size) < 0)
		return XT_EINVAL;
	if (SSL_CTX_use_certificate_chain_file(context, file) != 1)
		return fail(error, size, file, "holds no certificate that can be used (PEM)");
	return 0;
}

static int
load_key(SSL_CTX *context, const char *file, const char *certificate, char *error, size_t size)
{
	if (check_readable(file, error, size) < 0)
		return XT_EINVAL;
	ERR_clear_error();
	if (SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM) == 1 &&
		SSL_CTX_check_private_key(context) == 1)
		return 0;
	if (ERR_GET_REASON(ERR_peek_last_error()) != X509_R_KEY_VALUES_MISMATCH &&
		ERR_GET_REASON(ERR_peek_last_error()) != X509_R_KEY_TYPE_MISMATCH)
		return fail(error, size, file,
			"holds no private key that can be used (PEM, without a passphrase)");
	snprintf(error, size, "%s: is not the key of the certificate %s", file, certificate);
	ERR_clear_error();
	return XT_EINVAL;
}

/* Sessions of others than these authorities let in are not resumed. */
static int
set_session_context(SSL_CTX *context, const struct xt_tls_server *server)
{
	unsigned char id[SSL_MAX_SID_CTX_LENGTH] = { 'x', 't', (unsigned char)server->clients };
	FILE *file = server->client_ca ? fopen(server->client_ca, "re") : NULL;
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	char bytes[4096];
	size_t n;
	int good = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
		   EVP_DigestUpdate(digest, id, sizeof id) == 1;

	while (good && file && (n = fread(bytes, 1, sizeof bytes, file)) > 0)
		good = EVP_DigestUpdate(digest, bytes, n);
	good = good && EVP_DigestFinal_ex(digest, id, NULL) == 1 &&
	       SSL_CTX_set_session_id_context(context, id, sizeof id) == 1;
	EVP_MD_CTX_free(digest);
	if (file)
		fclose(file);
	return good ? 0 : XT_ENOMEM;
}

static int
set_clients(SSL_CTX *context, const struct xt_tls_server *server, char *error, size_t size)
{
	static const int modes[] = {
		[XT_TLS_CLIENTS_NONE] = SSL_VERIFY_NONE,
		[XT_TLS_CLIENTS_OPTIONAL] = SSL_VERIFY_PEER,
		[XT_TLS_CLIENTS_REQUIRED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	};
	const char *file = server->client_ca;
	STACK_OF(X509_NAME) * names;

	if (server->clients == XT_TLS_CLIENTS_NONE)
		return 0;
	if (check_readable(file, error, size) < 0)
		return XT_EINVAL;
	names = SSL_load_client_CA_file(file);
	if (!names || SSL_CTX_load_verify_file(context, file) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return fail(error, size, file, "holds no certificate that can be used (PEM)");
	}
	SSL_CTX_set_client_CA_list(context, names);
	SSL_CTX_set_verify(context, modes[server->clients], xt_tls_verified);
	return 0;
}

/* Callbacks --------------------------------------------------------------------------------- */

/* RFC 6066 3: the certificate for the name that the client asks for; for any other the first. */
static int
on_name(SSL *ssl, int *alert, void *arg)
{
	const struct xt_tls_set *set = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const unsigned flags =
		X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;

	(void)alert;
	(void)arg;
	for (size_t i = 0; name && i < set->count; i++) {
		X509 *certificate = SSL_CTX_get0_certificate(set->contexts[i]);
		if (X509_check_host(certificate, name, 0, flags, NULL) != 1)
			continue;
		SSL_set_SSL_CTX(ssl, set->contexts[i]);
		break;
	}
	return SSL_TLSEXT_ERR_OK;
}

/* RFC 7301: a client none of whose protocols is ours is told so. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in,
	unsigned in_size, void *arg)
{
	static const unsigned char ours[] = "\x02h2\x08http/1.1";
	const struct xt_tls_server *server = arg;
	const unsigned char *from = ours + (server->http2 ? 0 : 3);
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, out_size, from,
		    (unsigned)(sizeof ours - 1 - (server->http2 ? 0 : 3)), in,
		    in_size) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac, int sealing)
{
	struct xt_tls_set *set = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	return xt_tls_ticket(
		&set->server->tickets, xt_clock_ms() + 1, name, iv, cipher, mac, sealing);
}

/* Contexts ---------------------------------------------------------------------------------- */

static SSL_CTX *
context_new(struct xt_tls_set *set)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (!context || !xt_tls_context_init(context, true) ||
		set_session_context(context, set->server) < 0) {
		SSL_CTX_free(context);
		return NULL;
	}
	SSL_CTX_set_app_data(context, set);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 1);
	SSL_CTX_set_timeout(context, XT_TLS_TICKET_LIFE);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
	SSL_CTX_set_tlsext_servername_callback(context, on_name);
	SSL_CTX_set_alpn_select_cb(context, on_alpn, set->server);
	return context;
}

static int
add(struct xt_tls_set *set, const char *certificate, const char *key, char *error, size_t size)
{
	SSL_CTX *context = context_new(set);

	if (!context)
		return XT_ENOMEM;
	set->contexts[set->count++] = context;
	if (load_certificate(context, certificate, error, size) < 0 ||
		load_key(context, key, certificate, error, size) < 0)
		return XT_EINVAL;
	return set_clients(context, set->server, error, size);
}

int
xt_tls_set_new(struct xt_tls_set **out, struct xt_tls_server *server, char *error, size_t size)
{
	struct xt_tls_set *set = xt_calloc(1, sizeof *set + server->count * sizeof *set->contexts);
	int result = set ? 0 : XT_ENOMEM;

	if (set) {
		set->server = server;
		atomic_init(&set->refs, 1);
	}
	for (size_t i = 0; i < server->count && result == 0; i++)
		result = add(set, server->certificates[i], server->keys[i], error, size);
	if (result == XT_ENOMEM)
		snprintf(error, size, "out of memory");
	if (result < 0)
		xt_tls_set_unref(set);
	else
		*out = set;
	return result;
}

void
xt_tls_set_unref(struct xt_tls_set *set)
{
	if (!set || atomic_fetch_sub(&set->refs, 1) > 1)
		return;
	for (size_t i = 0; i < set->count; i++)
		SSL_CTX_free(set->contexts[i]);
	xt_free(set);
}
