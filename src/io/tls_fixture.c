/* tls_fixture.c - makes keys and certificates, and pairs of connections. */
#include "io/tls_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"

const char *
tls_files_path(const struct tls_files *files, const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof paths[0], "%s/%s", files->folder, name);
	return path;
}

static void
add_extension(X509 *certificate, X509 *issuer, int what, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, what, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static X509 *
certificate_new(struct tls_files *files, EVP_PKEY *key, const char *name)
{
	X509 *certificate = X509_new();
	X509 *issuer = files->authority ? files->authority : certificate;
	X509_NAME *subject = X509_get_subject_name(certificate);

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++files->serial);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
	X509_set_pubkey(certificate, key);
	return certificate;
}

static void
sign(struct tls_files *files, X509 *certificate)
{
	assert_true(X509_sign(certificate, files->authority_key, EVP_sha256()) > 0);
}

static void
write_certificate(const struct tls_files *files, const char *name, X509 *certificate)
{
	FILE *file = fopen(tls_files_path(files, name), "we");

	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, certificate), 1);
	fclose(file);
}

void
tls_files_init(struct tls_files *files)
{
	*files = (struct tls_files){ .folder = "/tmp/xt-tls-XXXXXX" };
	assert_non_null(mkdtemp(files->folder));
	files->authority_key = EVP_EC_gen("P-256");
	files->authority = certificate_new(files, files->authority_key, "test authority");
	add_extension(
		files->authority, files->authority, NID_basic_constraints, "critical,CA:TRUE");
	sign(files, files->authority);
	write_certificate(files, "ca.pem", files->authority);
}

void
tls_files_make(struct tls_files *files, const char *name, const char *names)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = certificate_new(files, key, name);
	char file[64];
	FILE *out;

	add_extension(certificate, files->authority, NID_subject_alt_name, names);
	sign(files, certificate);
	snprintf(file, sizeof file, "%s.pem", name);
	write_certificate(files, file, certificate);
	snprintf(file, sizeof file, "%s.key", name);
	out = fopen(tls_files_path(files, file), "we");
	assert_non_null(out);
	assert_int_equal(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(out);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

void
tls_files_fini(struct tls_files *files)
{
	static const char *const names[] = { "ca.pem", "a.pem", "a.key", "b.pem", "b.key", "c.pem",
		"c.key", "bad" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(tls_files_path(files, names[i]));
	assert_int_equal(rmdir(files->folder), 0);
	X509_free(files->authority);
	EVP_PKEY_free(files->authority_key);
}

struct xt_tls_server *
tls_server(const struct tls_files *files, const char *const *names)
{
	const char *certificates[4], *keys[4];
	char text[8][128], error[512];
	struct xt_tls_options options = { .certificates = certificates, .keys = keys };
	struct xt_tls_server *server;

	for (; names[options.count]; options.count++) {
		size_t i = options.count;
		snprintf(text[2 * i], sizeof text[0], "%s/%s.pem", files->folder, names[i]);
		snprintf(text[2 * i + 1], sizeof text[0], "%s/%s.key", files->folder, names[i]);
		certificates[i] = text[2 * i];
		keys[i] = text[2 * i + 1];
	}
	if (xt_tls_server_new(&server, &options, error, sizeof error) < 0)
		fail_msg("%s", error);
	return server;
}

struct xt_tls_client *
tls_client(const struct tls_files *files)
{
	struct xt_tls_client_options options = { .ca_file = tls_files_path(files, "ca.pem") };
	struct xt_tls_client *client;
	char error[512];

	if (xt_tls_client_new(&client, &options, error, sizeof error) < 0)
		fail_msg("%s", error);
	return client;
}

void
tls_pair(struct peer *a, struct peer *b, struct xt_loop *loop, enum peer_kind kind)
{
	peer_open(a, loop, kind);
	*b = (struct peer){ .loop = loop, .fd = -1 };
	b->conn = xt_conn_new(loop, a->fd, &peer_stream, b);
	assert_non_null(b->conn);
	a->fd = -1;
}

void
tls_until_ready(struct peer *a, struct peer *b)
{
	uint64_t since = xt_clock_ms();

	while (a->conn && b->conn && !(xt_tls_is_ready(a->conn) && xt_tls_is_ready(b->conn))) {
		assert_true(xt_clock_ms() - since < 10000);
		xt_loop_turn(a->loop, 10);
	}
}
