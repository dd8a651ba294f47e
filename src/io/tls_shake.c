/*
 * tls_shake.c - the handshake: OpenSSL's, on the connection's descriptor, in steps.
 *
 * A step may be a millisecond of public-key work, so a loop takes a few in a turn; the poll, which is
 * level-triggered and tells of who has waited longest first, comes back to the others in the next turn.
 *
 * At its end the secrets of TLS 1.3 were told (that is what a key log is for), and the records are ours from there on.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "base/heap.h"
#include "crosstalk.h"
#include "io/tls_private.h"

/* The descriptor ---------------------------------------------------------------------------- */

/* Not OpenSSL's own for sockets: its write() would raise SIGPIPE. */
static int
bio_write(BIO *bio, const char *p, int n)
{
	const struct xt_conn *conn = BIO_get_data(bio);
	ssize_t sent = send(conn->fd, p, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);

	BIO_clear_retry_flags(bio);
	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)sent;
}

static int
bio_read(BIO *bio, char *p, int n)
{
	const struct xt_conn *conn = BIO_get_data(bio);
	struct xt_tls *tls = xt_tls_of(conn);
	ssize_t got = recv(conn->fd, p, (size_t)n, MSG_DONTWAIT);

	BIO_clear_retry_flags(bio);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	if (got > 0 && !tls->first)
		tls->first = (unsigned char)p[0];
	tls->ended = got == 0;
	return (int)got;
}

static long
bio_control(BIO *bio, int what, long n, void *p)
{
	const struct xt_conn *conn = BIO_get_data(bio);

	(void)n;
	(void)p;
	if (what == BIO_CTRL_EOF)
		return xt_tls_of(conn)->ended;
	return what == BIO_CTRL_FLUSH;
}

/* Each context has its own: a library has no global state. */
BIO_METHOD *
xt_tls_method_new(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "connection");

	if (!method)
		return NULL;
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_ctrl(method, bio_control);
	return method;
}

static BIO *
bio_new(struct xt_conn *conn, const BIO_METHOD *method)
{
	BIO *bio = BIO_new(method);

	if (!bio)
		return NULL;
	BIO_set_data(bio, conn);
	BIO_set_init(bio, 1);
	return bio;
}

/* Secrets ----------------------------------------------------------------------------------- */

static bool
read_hex(const char *text, unsigned char *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned byte;
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		out[i] = (unsigned char)byte;
	}
	return true;
}

static void
keep_secret(struct xt_tls *tls, const char *hex, struct xt_tls_keys *keys, unsigned char keyed)
{
	size_t n = strlen(hex) / 2;

	if (n > sizeof keys->secret || !read_hex(hex, keys->secret, n))
		return;
	keys->sequence = 0;
	tls->keyed |= keyed;
}

/* A line "LABEL random secret", the last two in hexadecimal. */
static void
on_secret(const SSL *ssl, const char *line)
{
	struct xt_tls *tls = SSL_get_app_data(ssl);
	struct xt_str rest = xt_str_from(line), label = xt_str_cut(&rest, ' ');

	xt_str_cut(&rest, ' ');
	if (!rest.p)
		return;
	if (xt_str_eq(label, XT_STR("CLIENT_TRAFFIC_SECRET_0")))
		keep_secret(tls, rest.p, tls->server ? &tls->in : &tls->out,
			tls->server ? XT_TLS_KEYED_IN : XT_TLS_KEYED_OUT);
	else if (xt_str_eq(label, XT_STR("SERVER_TRAFFIC_SECRET_0")))
		keep_secret(tls, rest.p, tls->server ? &tls->out : &tls->in,
			tls->server ? XT_TLS_KEYED_OUT : XT_TLS_KEYED_IN);
}

/* Counts the records that OpenSSL itself seals with the last key: tickets. */
static void
on_message(int written, int version, int type, const void *p, size_t n, SSL *ssl, void *arg)
{
	struct xt_tls *tls = SSL_get_app_data(ssl);

	(void)version;
	(void)p;
	(void)n;
	(void)arg;
	if (type == SSL3_RT_HEADER && written && tls && tls->keyed & XT_TLS_KEYED_OUT)
		tls->out.sequence++;
}

/* Contexts ---------------------------------------------------------------------------------- */

/*
 * Mozilla's "intermediate": TLS 1.2 with forward secrecy and AEAD; without the suites of finite fields, which are slow and need
 * parameters of their own. Those of TLS 1.3 are OpenSSL's own choice.
 */
#define CIPHERS \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

static int
no_passphrase(char *p, int size, int writing, void *arg)
{
	(void)p;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

bool
xt_tls_context_init(SSL_CTX *context, bool server)
{
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					     SSL_OP_CIPHER_SERVER_PREFERENCE |
					     SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	if (server) {
		SSL_CTX_set_keylog_callback(context, on_secret);
		SSL_CTX_set_msg_callback(context, on_message);
	}
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(context, CIPHERS) == 1;
}

/* Beginning and ending ---------------------------------------------------------------------- */

void
xt_tls_free(struct xt_tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	xt_tls_set_unref(tls->set);
	xt_buf_fini(&tls->sealed);
	xt_free(tls->partial);
	xt_free(tls->rest);
	xt_free(tls->subject);
	xt_free(tls->error);
	OPENSSL_cleanse(tls, sizeof *tls);
	xt_free(tls);
}

int
xt_tls_begin(struct xt_conn *conn, struct xt_tls *tls, const BIO_METHOD *method)
{
	BIO *bio = tls->ssl ? bio_new(conn, method) : NULL;

	/* The loop's part is made here, so that nothing is missing once the handshake is done. */
	if (!bio || !xt_tls_loop_get(conn->loop)) {
		BIO_free(bio);
		xt_tls_free(tls);
		return XT_ENOMEM;
	}
	SSL_set_bio(tls->ssl, bio, bio);
	SSL_set_app_data(tls->ssl, tls);
	tls->carrier.ops = &xt_tls_ops;
	tls->carrier.silent = true;
	xt_conn_carry(conn, &tls->carrier);
	return 0;
}

/* Steps ------------------------------------------------------------------------------------- */

static bool
take_step(struct xt_loop *loop)
{
	struct xt_tls_loop *own = loop->tls;

	if (own->turn != loop->turns) {
		own->turn = loop->turns;
		own->steps = 0;
	}
	return own->steps++ < XT_TLS_STEPS_A_TURN;
}

/* A browser that was told http:// is answered in its own words; it takes what is no record for an end without one. */
static void
answer_plain(struct xt_conn *conn)
{
	const struct xt_tls *tls = xt_tls_of(conn);
	ssize_t ignored;

	if (!tls->plain_answer || tls->first < 'A' || tls->first > 'Z')
		return;
	ignored = send(conn->fd, tls->plain_answer, strlen(tls->plain_answer),
		MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)ignored;
}

void
xt_tls_fail(struct xt_tls *tls, const char *words)
{
	tls->phase = XT_TLS_DEAD;
	tls->carrier.silent = tls->carrier.wants_room = false;
	if (!tls->error)
		tls->error = xt_strdup(words);
}

static int
fail(struct xt_conn *conn, const char *words)
{
	xt_counter_add(&conn->loop->stats.tls_failures, 1);
	xt_tls_fail(xt_tls_of(conn), words);
	answer_plain(conn);
	return XT_EPROTO;
}

/* Who came and went without a word (a health check) has not failed at anything. */
static int
lost(struct xt_conn *conn)
{
	ERR_clear_error();
	if (xt_tls_of(conn)->first || !xt_tls_of(conn)->server)
		return fail(conn, "the peer closed the connection within the TLS handshake");
	return XT_ECLOSED;
}

static bool
is_end(int why)
{
	return why == SSL_ERROR_SYSCALL || why == SSL_ERROR_ZERO_RETURN ||
	       ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

static int
stopped(struct xt_conn *conn, int why)
{
	struct xt_tls *tls = xt_tls_of(conn);
	char words[512];

	tls->carrier.wants_room = why == SSL_ERROR_WANT_WRITE;
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return XT_EAGAIN;
	if (is_end(why))
		return lost(conn);
	xt_tls_words(words, sizeof words);
	return fail(conn, words);
}

int
xt_tls_shake(struct xt_conn *conn)
{
	struct xt_tls *tls = xt_tls_of(conn);
	int done;

	if (!take_step(conn->loop))
		return XT_EAGAIN;
	ERR_clear_error();
	done = SSL_do_handshake(tls->ssl);
	if (done != 1)
		return stopped(conn, SSL_get_error(tls->ssl, done));
	tls->carrier.silent = tls->carrier.wants_room = false;
	xt_counter_add(&conn->loop->stats.tls_handshakes, 1);
	if (SSL_session_reused(tls->ssl))
		xt_counter_add(&conn->loop->stats.tls_resumed, 1);
	return 1;
}
