/*
 * tls_conn.c - the carrier: what it does in each phase, and what others may ask about it.
 *
 *	SHAKING --(a server's)--> RECORDS   tls_carry.c
 *	   |   `--(a client's)--> OPENSSL   tls_openssl.c
 *	   `--(failed)---> DEAD <----'
 *
 * The peer's end is the same with a close_notify and without (RFC 8446 6.1 wants one, and many leave it out): whoever
 * reads up to the end of the connection, and not to a length, asks xt_tls_is_truncated(). An end within a record
 * is a broken connection.
 */
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/heap.h"
#include "base/panic.h"
#include "crosstalk.h"
#include "io/tls_private.h"

struct xt_tls_loop *
xt_tls_loop_get(struct xt_loop *loop)
{
	struct xt_tls_loop *own = loop->tls;

	if (own)
		return own;
	own = xt_calloc(1, sizeof *own);
	if (!own)
		return NULL;
	own->crypto = xt_tls_crypto_new();
	if (!own->crypto) {
		xt_free(own);
		return NULL;
	}
	loop->tls = own;
	return own;
}

void
xt_tls_loop_free(struct xt_tls_loop *own)
{
	if (own)
		xt_tls_crypto_free(own->crypto);
	xt_free(own);
}

/* The handshake is over --------------------------------------------------------------------- */

static char *
subject_of(const SSL *ssl)
{
	X509 *certificate = SSL_get1_peer_certificate(ssl);
	BIO *text = certificate ? BIO_new(BIO_s_mem()) : NULL;
	char *bytes, *subject = NULL;
	long n;

	if (text && SSL_get_verify_result(ssl) == X509_V_OK &&
		X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0,
			XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0) {
		n = BIO_get_mem_data(text, &bytes);
		subject = xt_strndup(bytes, (size_t)n);
	}
	BIO_free(text);
	X509_free(certificate);
	return subject;
}

/* Of a server's: it has only these two. */
static struct xt_str
alpn_of(const SSL *ssl)
{
	const unsigned char *p;
	unsigned n;

	SSL_get0_alpn_selected(ssl, &p, &n);
	if (xt_str_eq(xt_str_of(p, n), XT_STR("h2")))
		return XT_STR("h2");
	return n > 0 ? XT_STR("http/1.1") : (struct xt_str){ 0 };
}

/* RFC 6066 4: a small client may have asked for small records. */
static uint16_t
fragment_of(const SSL *ssl)
{
	unsigned code = SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl));

	return (uint16_t)(code >= 1 && code <= 4 ? 256u << code : XT_TLS_CONTENT);
}

/* Of TLS 1.3: the secrets have come, and what OpenSSL has sealed with them was counted. */
static bool
take_secrets(struct xt_tls *tls, struct xt_tls_crypto *crypto, unsigned suite)
{
	uint64_t sent = tls->out.sequence;

	if (tls->keyed != (XT_TLS_KEYED_IN | XT_TLS_KEYED_OUT) || xt_tls_suite_secret(suite) == 0)
		return false;
	if (!xt_tls_keys_init(&tls->in, crypto, suite, tls->in.secret) ||
		!xt_tls_keys_init(&tls->out, crypto, suite, tls->out.secret))
		return false;
	tls->out.sequence = sent;
	return true;
}

static bool
take_master(struct xt_tls *tls, struct xt_tls_crypto *crypto, unsigned suite)
{
	unsigned char master[XT_TLS_MASTER], randoms[2 * XT_TLS_RANDOM];
	bool taken = SSL_SESSION_get_master_key(SSL_get_session(tls->ssl), master, sizeof master) ==
			     sizeof master &&
		     SSL_get_server_random(tls->ssl, randoms, XT_TLS_RANDOM) == XT_TLS_RANDOM &&
		     SSL_get_client_random(tls->ssl, randoms + XT_TLS_RANDOM, XT_TLS_RANDOM) ==
			     XT_TLS_RANDOM &&
		     xt_tls_keys_init_old(&tls->in, &tls->out, crypto, suite, master, randoms);

	OPENSSL_cleanse(master, sizeof master);
	return taken;
}

/* Whether all is there that our own records need, and nothing lies in OpenSSL's buffers. */
static bool
take_keys(struct xt_tls *tls, struct xt_tls_crypto *crypto)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(tls->ssl);
	unsigned suite = cipher ? SSL_CIPHER_get_protocol_id(cipher) : 0;

	if (!tls->server || SSL_has_pending(tls->ssl))
		return false;
	return SSL_version(tls->ssl) == TLS1_3_VERSION ? take_secrets(tls, crypto, suite)
						       : take_master(tls, crypto, suite);
}

static void
set_ready(struct xt_conn *conn)
{
	struct xt_tls *tls = xt_tls_of(conn);

	XT_ASSERT(tls->phase == XT_TLS_SHAKING);
	tls->subject = subject_of(tls->ssl);
	if (tls->server)
		tls->alpn = alpn_of(tls->ssl);
	tls->phase = XT_TLS_OPENSSL;
	if (!take_keys(tls, conn->loop->tls->crypto))
		return;
	tls->fragment = fragment_of(tls->ssl);
	tls->phase = XT_TLS_RECORDS;
	SSL_free(tls->ssl);
	tls->ssl = NULL;
	xt_tls_set_unref(tls->set);
	tls->set = NULL;
}

/* SHAKING ----------------------------------------------------------------------------------- */

static int
shake(struct xt_conn *conn)
{
	int result = xt_tls_shake(conn);

	if (result == 1)
		set_ready(conn);
	return result;
}

static ssize_t
shaking_receive(struct xt_conn *conn, char *p, size_t n)
{
	int result = shake(conn);

	return result == 1 ? xt_tls_ops.receive(conn, p, n) : result;
}

static ssize_t
shaking_send(struct xt_conn *conn, const struct iovec *slices, int count)
{
	int result = shake(conn);

	return result == 1 ? xt_tls_ops.send(conn, slices, count) : result;
}

static void
shaking_shut(struct xt_conn *conn)
{
	(void)conn; /* there is nobody yet to say goodbye to */
}

/* DEAD -------------------------------------------------------------------------------------- */

static ssize_t
dead_receive(struct xt_conn *conn, char *p, size_t n)
{
	ssize_t got = xt_conn_receive_plain(conn, p, n);

	return got > 0 ? XT_EAGAIN : got;
}

static ssize_t
dead_send(struct xt_conn *conn, const struct iovec *slices, int count)
{
	(void)conn;
	(void)slices;
	return count == 0 ? 0 : XT_ECLOSED;
}

static void
dead_shut(struct xt_conn *conn)
{
	(void)conn;
}

/* The carrier ------------------------------------------------------------------------------- */

static bool
never_pending(const struct xt_tls *tls)
{
	(void)tls;
	return false;
}

static const struct phase {
	ssize_t (*receive)(struct xt_conn *conn, char *p, size_t n);
	bool (*pending)(const struct xt_tls *tls);
	ssize_t (*send)(struct xt_conn *conn, const struct iovec *slices, int count);
	void (*shut)(struct xt_conn *conn);
} phases[] = {
	[XT_TLS_SHAKING] = { shaking_receive, never_pending, shaking_send, shaking_shut },
	[XT_TLS_RECORDS] = { xt_tls_records_receive, xt_tls_records_pending, xt_tls_records_send,
		xt_tls_records_shut },
	[XT_TLS_OPENSSL] = { xt_tls_openssl_receive, xt_tls_openssl_pending, xt_tls_openssl_send,
		xt_tls_openssl_shut },
	[XT_TLS_DEAD] = { dead_receive, never_pending, dead_send, dead_shut },
};

static const struct phase *
phase_of(const struct xt_conn *conn)
{
	return &phases[xt_tls_of(conn)->phase];
}

static ssize_t
tls_receive(struct xt_conn *conn, char *p, size_t n)
{
	return phase_of(conn)->receive(conn, p, n);
}

static bool
tls_pending(const struct xt_conn *conn)
{
	return phase_of(conn)->pending(xt_tls_of(conn));
}

static ssize_t
tls_send(struct xt_conn *conn, const struct iovec *slices, int count)
{
	return phase_of(conn)->send(conn, slices, count);
}

static void
tls_shut(struct xt_conn *conn)
{
	struct xt_tls *tls = xt_tls_of(conn);

	if (tls->shut)
		return;
	tls->shut = true;
	phase_of(conn)->shut(conn);
}

static void
tls_closed(struct xt_conn *conn, enum xt_close why)
{
	(void)why;
	xt_tls_free(xt_tls_of(conn));
	conn->carrier = NULL;
}

const struct xt_carrier_ops xt_tls_ops = {
	.name = "tls",
	.receive = tls_receive,
	.pending = tls_pending,
	.send = tls_send,
	.shut = tls_shut,
	.closed = tls_closed,
};

size_t
xt_tls_gather(const struct iovec *slices, int count, char *p, size_t room)
{
	size_t n = 0;

	for (int i = 0; i < count && n < room; i++) {
		size_t piece = slices[i].iov_len < room - n ? slices[i].iov_len : room - n;
		memcpy(p + n, slices[i].iov_base, piece);
		n += piece;
	}
	return n;
}

/* What others ask --------------------------------------------------------------------------- */

/* Of a stream of HTTP/2: that of the connection below. */
static const struct xt_tls *
find(const struct xt_conn *conn)
{
	while (conn && conn->carrier) {
		if (conn->carrier->ops == &xt_tls_ops)
			return xt_tls_of(conn);
		conn = conn->carrier->below;
	}
	return NULL;
}

bool
xt_tls_is_on(const struct xt_conn *conn)
{
	return find(conn) != NULL;
}

bool
xt_tls_is_ready(const struct xt_conn *conn)
{
	const struct xt_tls *tls = find(conn);

	return tls && (tls->phase == XT_TLS_RECORDS || tls->phase == XT_TLS_OPENSSL);
}

bool
xt_tls_is_truncated(const struct xt_conn *conn)
{
	const struct xt_tls *tls = find(conn);

	return tls && tls->truncated;
}

struct xt_str
xt_tls_alpn(const struct xt_conn *conn)
{
	const struct xt_tls *tls = find(conn);
	const unsigned char *p;
	unsigned n;

	if (!tls || tls->server || !tls->ssl)
		return tls ? tls->alpn : (struct xt_str){ 0 };
	SSL_get0_alpn_selected(tls->ssl, &p, &n);
	return xt_str_of(p, n);
}

bool
xt_tls_peer_subject(const struct xt_conn *conn, char *text, size_t size)
{
	const struct xt_tls *tls = find(conn);

	if (!tls || !tls->subject)
		return false;
	snprintf(text, size, "%s", tls->subject);
	return true;
}

const char *
xt_tls_error(const struct xt_conn *conn)
{
	const struct xt_tls *tls = find(conn);

	return tls && tls->error ? tls->error : "";
}
