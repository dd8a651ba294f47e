/* ws.c - see ws.h. */
#include "bench/ws.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "bench/bench.h"
#include "bench/mark.h"
#include "crosstalk_ws.h"

/* ---- the handshake ---- */

int
ws_keys_init(struct ws_keys *keys)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t chance[22];

	if (getrandom(chance, sizeof chance, 0) < 0 ||
		getrandom(keys->mask, sizeof keys->mask, 0) < 0)
		return -1;
	for (size_t i = 0; i < 21; i++)
		keys->key[i] = letters[chance[i] & 63];
	memcpy(keys->key + 21, "A==", 4); /* the four bits behind 16 bytes are zeros */
	return xt_ws_accept((struct xt_str){ keys->key, 24 }, keys->accept) < 0 ? -1 : 0;
}

static size_t read_frames(struct conn *conn, char *p, size_t n);

static void
refuse(struct conn *conn, const struct http_answer *answer)
{
	char why[64] = "the answer to the handshake is not HTTP";

	if (answer->status == 101)
		snprintf(why, sizeof why, "Sec-WebSocket-Accept is not the one for the key");
	else if (answer->status)
		snprintf(why, sizeof why, "the handshake was answered with %d", answer->status);
	conn_end(conn, CONN_REFUSED, why);
}

/* RFC 6455 4.1: what the answer must say. */
static size_t
read_answer(struct conn *conn, char *p, size_t n)
{
	const struct ws_keys *keys = &conn->bench->keys;
	struct http_answer answer;
	size_t used = http_read_head(p, n, &answer);
	struct xt_str accept;

	if (used == 0)
		return 0;
	accept = http_field(&answer, "sec-websocket-accept");
	if (answer.status != 101 || accept.n != strlen(keys->accept) ||
		memcmp(accept.p, keys->accept, accept.n) != 0) {
		refuse(conn, &answer);
		return CONN_STOP;
	}
	conn->read = read_frames;
	conn->ready = true;
	conn->ops->opened(conn);
	return conn->state == CONN_OPEN ? used : CONN_STOP;
}

void
ws_connect(struct conn *conn)
{
	char request[HTTP_REQUEST_MAX], extra[160];
	size_t n;

	snprintf(extra, sizeof extra,
		"Upgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
		conn->bench->keys.key);
	n = http_request(conn, request, "GET", NULL, extra);
	conn->read = read_answer;
	if (n == 0)
		conn_end(conn, CONN_REFUSED, "the request is too long");
	else
		conn_send(conn, request, n);
}

/* ---- control frames ---- */

static bool
send_control(struct conn *conn, uint8_t opcode, const char *p, size_t n)
{
	char frame[XT_WS_HEAD_MAX + XT_WS_CONTROL_MAX];
	const uint8_t *mask = conn->bench->keys.mask;
	size_t head = xt_ws_head_encode((uint8_t)(XT_WS_FIN | opcode), n, mask, frame);

	xt_mask(frame + head, p, n, mask, 0);
	return conn_send(conn, frame, head + n);
}

void
ws_close(struct conn *conn)
{
	conn->closing = true;
	send_control(conn, XT_WS_OP_CLOSE, "\x03\xe8", 2); /* 1000 */
}

static size_t
read_nothing(struct conn *conn, char *p, size_t n)
{
	(void)conn, (void)p;
	return n;
}

/* RFC 6455 5.5.1: who gets a close frame and has not sent one sends one. The server then closes the socket. */
static bool
take_close(struct conn *conn, const unsigned char *p, size_t n)
{
	bool first = !conn->closing;

	conn->code = n >= 2 ? (uint16_t)(p[0] << 8 | p[1]) : XT_WS_NO_CODE;
	conn->read = read_nothing;
	if (first)
		ws_close(conn);
	return false;
}

/* False: nothing more is read here. */
static bool
take_control(struct conn *conn, uint8_t opcode, const char *p, size_t n)
{
	if (opcode == XT_WS_OP_PING)
		return send_control(conn, XT_WS_OP_PONG, p, n);
	if (opcode == XT_WS_OP_PONG)
		return true;
	if (opcode == XT_WS_OP_CLOSE)
		return take_close(conn, (const unsigned char *)p, n);
	conn_end(conn, CONN_BROKEN, "a frame with a reserved opcode");
	return false;
}

/* ---- frames ---- */

/* The header of a server's frame: its size, 0 when it is not all there. */
static inline size_t
read_length(const unsigned char *p, size_t n, uint64_t *length)
{
	*length = p[1] & 127u;
	if (*length < 126)
		return 2;
	if (*length == 126) {
		*length = n >= 4 ? (uint64_t)(p[2] << 8 | p[3]) : 0;
		return n >= 4 ? 4 : 0;
	}
	*length = 0;
	for (size_t i = 2; n >= 10 && i < 10; i++)
		*length = *length << 8 | p[i];
	return n >= 10 ? 10 : 0;
}

static size_t
skip_payload(struct conn *conn, size_t n)
{
	size_t skipped = conn->skip < n ? (size_t)conn->skip : n;

	conn->skip -= skipped;
	if (conn->skip == 0 && skipped > 0 && conn->fin)
		conn->ops->message(conn);
	return skipped;
}

static size_t
fail_frame(struct conn *conn)
{
	conn_end(conn, CONN_BROKEN, "a frame with reserved bits, or a mask");
	return CONN_STOP;
}

/*
 * The inner loop: header, the mark, and on to the next. Of what is not in the buffer the length is remembered, but a
 * header, its mark and a control frame are waited for.
 */
static size_t
read_frames(struct conn *conn, char *p, size_t n)
{
	size_t at = conn->skip > 0 ? skip_payload(conn, n) : 0;

	while (n - at >= 2) {
		const unsigned char *head = (const unsigned char *)p + at;
		uint64_t length;
		size_t size = read_length(head, n - at, &length), there = n - at - size;

		if ((head[0] & XT_WS_RSV) || (head[1] & 128))
			return fail_frame(conn);
		if (size == 0 || (there < length && (there < MARK_SIZE || (head[0] & 8))))
			break;
		at += size;
		if (head[0] & 8) {
			if (!take_control(conn, head[0] & 15, p + at, (size_t)length))
				return conn->state == CONN_OPEN ? n : CONN_STOP;
			at += (size_t)length;
			continue;
		}
		if (head[0] & 15)
			conn->mark = length >= MARK_SIZE ? mark_load(p + at) : 0;
		conn->fin = head[0] & XT_WS_FIN;
		if (there < length) {
			conn->skip = length - there;
			return n;
		}
		at += (size_t)length;
		if (conn->fin)
			conn->ops->message(conn);
	}
	return at;
}
