/*
 * tls_carry.c - records of our own on a socket: receives, opens where the bytes lie, seals in the loop's scratch
 * buffer. A connection that has nothing under way owns no buffer.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/heap.h"
#include "crosstalk.h"
#include "io/tls_private.h"

/* What receive() says once what came before it was taken; 0: nothing yet. */
enum { END_CLOSED = 1 };

/* RFC 8446 4.6.3: type 24, one byte long: whether an answer is wanted. */
#define KEY_UPDATE 24

/* Bytes that are kept ------------------------------------------------------------------------ */

static bool
keep(struct xt_kept **kept, const char *p, size_t n)
{
	struct xt_kept *held = *kept;

	if (n == 0) {
		xt_free(held);
		*kept = NULL;
		return true;
	}
	if (!held || held->cap < n) {
		xt_free(held);
		*kept = held = xt_malloc(sizeof *held + 2 * n);
		if (!held)
			return false;
		held->cap = (uint32_t)(2 * n);
	}
	memmove(held->bytes, p, n);
	held->n = (uint32_t)n;
	return true;
}

static size_t
take_rest(struct xt_tls *tls, char *p, size_t n)
{
	size_t all = tls->rest->n, taken = all < n ? all : n;

	memcpy(p, tls->rest->bytes, taken);
	keep(&tls->rest, tls->rest->bytes + taken, all - taken);
	return taken;
}

/* Sending ----------------------------------------------------------------------------------- */

/* 0, or XT_ECLOSED, XT_ENOMEM. What the kernel refuses is kept: the bytes count as sent. */
static int
send_sealed(struct xt_conn *conn, const char *p, size_t n)
{
	struct xt_tls *tls = xt_tls_of(conn);
	ssize_t sent = 0;

	if (tls->sealed.n == 0) {
		sent = send(conn->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return XT_ECLOSED;
		sent = sent < 0 ? 0 : sent;
	}
	if ((size_t)sent < n && xt_buf_append(&tls->sealed, p + sent, n - (size_t)sent) < 0)
		return XT_ENOMEM;
	tls->carrier.wants_room = tls->sealed.n > 0;
	return 0;
}

/* A few bytes of the protocol's own. */
static int
say(struct xt_conn *conn, int type, const unsigned char *p, size_t n)
{
	struct xt_tls_keys *keys = &xt_tls_of(conn)->out;
	char record[XT_TLS_OVERHEAD + 8];
	size_t size;

	memcpy(record + xt_tls_prefix(keys), p, n);
	size = xt_tls_seal(keys, conn->loop->tls->crypto, type, record, n);
	return size == 0 ? XT_ENOMEM : send_sealed(conn, record, size);
}

/* RFC 8446 6: level (1 warning, 2 fatal), description. */
static int
alert(struct xt_conn *conn, int description)
{
	const unsigned char words[] = { description == SSL_AD_CLOSE_NOTIFY ? 1 : 2,
		(unsigned char)description };

	return say(conn, XT_TLS_ALERT, words, sizeof words);
}

/* RFC 8446 4.6.3: without asking for theirs. */
static int
update_keys(struct xt_conn *conn)
{
	static const unsigned char message[] = { KEY_UPDATE, 0, 0, 1, 0 };
	struct xt_tls *tls = xt_tls_of(conn);
	int error = say(conn, XT_TLS_HANDSHAKE, message, sizeof message);

	tls->update_due = false;
	if (error < 0)
		return error;
	return xt_tls_keys_update(&tls->out, conn->loop->tls->crypto) ? 0 : XT_ENOMEM;
}

/* Sends what was refused before. 0: all of it has left; XT_EAGAIN, XT_ECLOSED, XT_ENOMEM. */
static int
push(struct xt_conn *conn)
{
	struct xt_tls *tls = xt_tls_of(conn);
	ssize_t sent;

	if (tls->sealed.n > 0) {
		sent = send(conn->fd, tls->sealed.p, tls->sealed.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR ? XT_EAGAIN : XT_ECLOSED;
		xt_buf_consume(&tls->sealed, (size_t)sent);
		if (tls->sealed.n > 0)
			return XT_EAGAIN;
		xt_buf_fini(&tls->sealed);
	}
	tls->carrier.wants_room = false;
	return tls->update_due && !tls->shut ? update_keys(conn) : 0;
}

ssize_t
xt_tls_records_send(struct xt_conn *conn, const struct iovec *slices, int count)
{
	struct xt_tls *tls = xt_tls_of(conn);
	struct xt_tls_loop *own = conn->loop->tls;
	size_t n, size;
	int error = push(conn);

	if (error < 0 || count == 0)
		return error;
	n = xt_tls_gather(slices, count, own->scratch + xt_tls_prefix(&tls->out), tls->fragment);
	size = xt_tls_seal(&tls->out, own->crypto, XT_TLS_DATA, own->scratch, n);
	tls->update_due |= xt_tls_keys_are_worn(&tls->out);
	error = size == 0 ? XT_ENOMEM : send_sealed(conn, own->scratch, size);
	return error < 0 ? error : (ssize_t)n;
}

void
xt_tls_records_shut(struct xt_conn *conn)
{
	alert(conn, SSL_AD_CLOSE_NOTIFY); /* what fails here is seen by whatever comes next */
}

/* Receiving --------------------------------------------------------------------------------- */

/* The peer broke the protocol: it is told, once what came before that was taken. */
static void
refuse(struct xt_conn *conn, int description)
{
	struct xt_tls *tls = xt_tls_of(conn);
	char words[128];

	tls->end = XT_EPROTO;
	snprintf(words, sizeof words, "a record was refused: %s",
		SSL_alert_desc_string_long(description));
	tls->error = xt_strdup(words);
	if (!tls->shut)
		alert(conn, description);
}

/* Empty records are allowed (RFC 8446 5.1: against traffic analysis), but not for ever. */
static size_t
take_data(struct xt_conn *conn, size_t n)
{
	struct xt_tls *tls = xt_tls_of(conn);

	tls->updates = 0;
	if (n > 0)
		tls->empty = 0;
	else if (tls->empty++ == XT_TLS_EMPTY)
		refuse(conn, SSL_AD_UNEXPECTED_MESSAGE);
	return n;
}

/* RFC 8446 6: all alerts but this one are fatal, whatever their level says; in TLS 1.2 (RFC 5246 7.2) it counts. */
static bool
is_harmless(const struct xt_tls *tls, const unsigned char *p)
{
	return p[1] == SSL_AD_USER_CANCELLED || (tls->in.old && p[0] == 1);
}

static void
take_alert(struct xt_conn *conn, const unsigned char *p, size_t n)
{
	struct xt_tls *tls = xt_tls_of(conn);
	char words[128];

	if (n != 2) {
		refuse(conn, SSL_AD_DECODE_ERROR);
	} else if (p[1] == SSL_AD_CLOSE_NOTIFY) {
		tls->end = END_CLOSED;
	} else if (is_harmless(tls, p)) {
		take_data(conn, 0); /* as often as empty records */
	} else {
		tls->end = XT_ECLOSED;
		snprintf(words, sizeof words, "the peer ended it: %s",
			SSL_alert_desc_string_long(p[1]));
		tls->error = xt_strdup(words);
	}
}

/* RFC 8446 4.6.3: of all handshake messages a client may send only this one now, and nothing behind it (5.1). */
static void
take_handshake(struct xt_conn *conn, const unsigned char *p, size_t n)
{
	static const unsigned char begin[] = { KEY_UPDATE, 0, 0, 1 };
	struct xt_tls *tls = xt_tls_of(conn);

	if (tls->in.old)
		refuse(conn,
			SSL_AD_NO_RENEGOTIATION); /* RFC 5246 7.4.1.1: what else should it be */
	else if (n == 0 || p[0] != KEY_UPDATE)
		refuse(conn, SSL_AD_UNEXPECTED_MESSAGE);
	else if (n != 5 || memcmp(p, begin, sizeof begin) != 0)
		refuse(conn, SSL_AD_DECODE_ERROR);
	else if (p[4] > 1)
		refuse(conn, SSL_AD_ILLEGAL_PARAMETER);
	else if (tls->updates++ == XT_TLS_UPDATES)
		refuse(conn, SSL_AD_UNEXPECTED_MESSAGE);
	else if (!xt_tls_keys_update(&tls->in, conn->loop->tls->crypto))
		refuse(conn, SSL_AD_INTERNAL_ERROR);
	else
		tls->update_due |= p[4] == 1; /* one answer for all that ask meanwhile */
}

/* Returns how many bytes of data stand in the record. */
static size_t
open_one(struct xt_conn *conn, char *record, size_t size)
{
	struct xt_tls_keys *keys = &xt_tls_of(conn)->in;
	const unsigned char *content = (const unsigned char *)record + xt_tls_prefix(keys);
	int type = 0;
	ssize_t n = xt_tls_open(keys, conn->loop->tls->crypto, record, size, &type);

	if (n < 0)
		refuse(conn, (int)-n);
	else if (type == XT_TLS_DATA)
		return take_data(conn, (size_t)n);
	else if (type == XT_TLS_ALERT)
		take_alert(conn, content, (size_t)n);
	else if (type == XT_TLS_HANDSHAKE)
		take_handshake(conn, content, (size_t)n);
	else
		refuse(conn, SSL_AD_UNEXPECTED_MESSAGE);
	return 0;
}

/* Opens what is whole of `n` bytes at `p`, keeps the beginning of the next record; the data moves to `p`. */
static size_t
open_all(struct xt_conn *conn, char *p, size_t n)
{
	struct xt_tls *tls = xt_tls_of(conn);
	size_t at = 0, out = 0, data;
	ssize_t size = 1;

	while (tls->end == 0) {
		size = xt_tls_record_size(&tls->in, p + at, n - at);
		if (size <= 0)
			break;
		data = open_one(conn, p + at, (size_t)size);
		memmove(p + out, p + at + xt_tls_prefix(&tls->in), data);
		out += data;
		at += (size_t)size;
	}
	if (size < 0)
		refuse(conn, (int)-size);
	if (!keep(&tls->partial, p + at, tls->end == 0 ? n - at : 0))
		tls->end = XT_ENOMEM;
	return out;
}

static ssize_t
end_of(struct xt_conn *conn)
{
	struct xt_tls *tls = xt_tls_of(conn);

	if (tls->end == END_CLOSED)
		return 0;
	if (tls->end == XT_EPROTO)
		xt_tls_fail(tls, "");
	return tls->end;
}

/* RFC 8446 6.1: what is missing behind an end without close_notify nobody knows. */
static ssize_t
ended(struct xt_tls *tls)
{
	tls->truncated = true;
	return tls->partial ? XT_ECLOSED : 0;
}

/* Receives into `room`, and opens there: how many bytes of data stand at its beginning, or as receive(). */
static ssize_t
fill(struct xt_conn *conn, char *room, size_t n)
{
	struct xt_tls *tls = xt_tls_of(conn);
	size_t before = tls->partial ? tls->partial->n : 0, data;
	ssize_t got;

	if (before)
		memcpy(room, tls->partial->bytes, before);
	got = xt_conn_receive_plain(conn, room + before, n - before);
	if (got <= 0)
		return got == 0 ? ended(tls) : got;
	data = open_all(conn, room, before + (size_t)got);
	if (tls->update_due && push(conn) == XT_ENOMEM)
		return XT_ENOMEM;
	if (data > 0)
		return (ssize_t)data;
	return tls->end ? end_of(conn) : XT_EAGAIN;
}

/* There is less room than a record may need. */
static ssize_t
fill_scratch(struct xt_conn *conn, char *p, size_t n)
{
	struct xt_tls *tls = xt_tls_of(conn);
	char *scratch = conn->loop->tls->scratch;
	ssize_t got = fill(conn, scratch, sizeof conn->loop->tls->scratch);

	if (got <= 0 || !keep(&tls->rest, scratch, (size_t)got))
		return got <= 0 ? got : XT_ENOMEM;
	return (ssize_t)take_rest(tls, p, n);
}

ssize_t
xt_tls_records_receive(struct xt_conn *conn, char *p, size_t n)
{
	struct xt_tls *tls = xt_tls_of(conn);

	if (tls->rest)
		return (ssize_t)take_rest(tls, p, n);
	if (tls->end)
		return end_of(conn);
	return n > 2 * XT_TLS_RECORD_MAX ? fill(conn, p, n) : fill_scratch(conn, p, n);
}

bool
xt_tls_records_pending(const struct xt_tls *tls)
{
	return tls->rest || tls->end;
}
