/* tls_openssl.c - records as OpenSSL keeps them: the client's side. */
#include <openssl/err.h>

#include "crosstalk.h"
#include "io/tls_private.h"

static ssize_t
broken(struct xt_conn *conn)
{
	char words[512];

	xt_tls_words(words, sizeof words);
	xt_tls_fail(xt_tls_of(conn), words);
	return XT_EPROTO;
}

static ssize_t
stopped(struct xt_conn *conn, int why)
{
	struct xt_tls *tls = xt_tls_of(conn);

	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return XT_EAGAIN;
	if (why == SSL_ERROR_ZERO_RETURN)
		return 0;
	if (why == SSL_ERROR_SYSCALL)
		return XT_ECLOSED;
	if (ERR_GET_REASON(ERR_peek_error()) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return broken(conn);
	ERR_clear_error();
	tls->truncated = true;
	return 0;
}

ssize_t
xt_tls_openssl_receive(struct xt_conn *conn, char *p, size_t n)
{
	struct xt_tls *tls = xt_tls_of(conn);
	size_t got = 0, m;
	int why = SSL_ERROR_NONE;

	ERR_clear_error();
	while (got < n && why == SSL_ERROR_NONE) {
		if (SSL_read_ex(tls->ssl, p + got, n - got, &m) == 1)
			got += m;
		else
			why = SSL_get_error(tls->ssl, 0);
	}
	/* An end or an error behind bytes comes again with the next call. */
	tls->more = got > 0 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE;
	if (got > 0)
		return (ssize_t)got;
	return stopped(conn, why);
}

bool
xt_tls_openssl_pending(const struct xt_tls *tls)
{
	return tls->more;
}

static ssize_t
say_goodbye(struct xt_conn *conn)
{
	struct xt_tls *tls = xt_tls_of(conn);
	int done, why;

	ERR_clear_error();
	done = SSL_shutdown(tls->ssl);
	why = done < 0 ? SSL_get_error(tls->ssl, done) : SSL_ERROR_NONE;
	tls->carrier.wants_room = why == SSL_ERROR_WANT_WRITE;
	ERR_clear_error();
	return tls->carrier.wants_room ? XT_EAGAIN : 0;
}

/* What was refused is offered again as it was: OpenSSL has sealed it already. */
ssize_t
xt_tls_openssl_send(struct xt_conn *conn, const struct iovec *slices, int count)
{
	struct xt_tls *tls = xt_tls_of(conn);
	char *scratch = conn->loop->tls->scratch;
	size_t n, sent;
	int why;

	if (tls->shut)
		return say_goodbye(conn);
	n = xt_tls_gather(slices, count, scratch, tls->refused ? tls->refused : XT_TLS_CONTENT);
	if (n == 0)
		return 0;
	ERR_clear_error();
	if (SSL_write_ex(tls->ssl, scratch, n, &sent) == 1) {
		tls->refused = 0;
		return (ssize_t)sent;
	}
	why = SSL_get_error(tls->ssl, 0);
	if (why != SSL_ERROR_WANT_WRITE && why != SSL_ERROR_WANT_READ)
		return why == SSL_ERROR_SYSCALL ? XT_ECLOSED : broken(conn);
	tls->refused = n;
	xt_conn_hold_unsent(conn, n);
	return XT_EAGAIN;
}

void
xt_tls_openssl_shut(struct xt_conn *conn)
{
	say_goodbye(conn);
}
