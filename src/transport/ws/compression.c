/* compression.c - the handshake's agreement, messages in, messages out, and what they count. */
#include "transport/ws/compression.h"

#include "crosstalk.h"
#include "crosstalk_ws.h"

/*
 * The window of a deflater that a WebSocket keeps: 38 KiB in place of 262 KiB for one of 15 bits, and of messages of a few
 * hundred bytes it leaves the same 40 %. The peer need not know that we use less than was agreed on.
 */
#define OWN_BITS 12

static void
count(struct xt_compression_stats *stats, size_t plain, size_t packed)
{
	xt_counter_add(&stats->messages, 1);
	xt_counter_add(&stats->plain_bytes, plain);
	xt_counter_add(&stats->packed_bytes, packed);
}

static void
count_memory(struct xt_sessions *sessions)
{
	xt_counter_set(
		&sessions->stats.compression.memory, xt_deflate_pool_used(sessions->deflate));
}

static unsigned
smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The handshake ---------------------------------------------------------------------------- */

static bool
accept(const struct xt_request *request, const struct xt_permessage *wish,
	struct xt_permessage *agreed, char text[XT_PERMESSAGE_TEXT])
{
	const struct xt_http1_head *head = request->head;

	for (size_t i = 0; i < head->fields_count; i++)
		if (xt_str_ieq(head->fields[i].name, XT_STR("sec-websocket-extensions")) &&
			xt_permessage_accept(head->fields[i].value, wish, agreed, text))
			return true;
	return false;
}

/* What the peer may rely on from now on must be there: its window, if it is kept. */
static bool
hold_window(struct xt_ws_compression *compression, struct xt_session *session)
{
	struct xt_sessions *sessions = session->sessions;

	if (compression->agreed.client_no_takeover)
		return true;
	compression->inflater =
		xt_inflater_take(sessions->deflate, compression->agreed.client_bits);
	count_memory(sessions);
	return compression->inflater != NULL;
}

bool
xt_ws_compression_agree(struct xt_ws_compression *compression, struct xt_session *session,
	struct xt_exchange *exchange)
{
	struct xt_sessions *sessions = session->sessions;
	struct xt_permessage wish = {
		.server_no_takeover = !session->takeover,
		.client_no_takeover = !session->takeover,
		.server_bits = XT_PERMESSAGE_BITS_MAX,
		.client_bits = XT_PERMESSAGE_BITS_MAX,
	};
	char text[XT_PERMESSAGE_TEXT];

	if (!session->compression || !sessions->deflate ||
		!xt_deflate_pool_has_room(sessions->deflate, OWN_BITS, XT_PERMESSAGE_BITS_MAX) ||
		!accept(xt_exchange_request(exchange), &wish, &compression->agreed, text) ||
		!hold_window(compression, session)) {
		*compression = (struct xt_ws_compression){ 0 };
		return false;
	}
	xt_exchange_header(exchange, XT_STR("Sec-WebSocket-Extensions"), xt_str_from(text));
	xt_counter_add(&sessions->stats.compression.connections, 1);
	return true;
}

void
xt_ws_compression_end(struct xt_ws_compression *compression, struct xt_session *session)
{
	struct xt_sessions *sessions = session->sessions;

	if (!xt_ws_compression_is_on(compression))
		return;
	xt_deflater_give(sessions->deflate, compression->deflater);
	xt_inflater_give(sessions->deflate, compression->inflater);
	xt_counter_sub(&sessions->stats.compression.connections, 1);
	count_memory(sessions);
	*compression = (struct xt_ws_compression){ 0 };
}

/* Messages in ------------------------------------------------------------------------------ */

int
xt_ws_inflate(struct xt_ws_compression *compression, struct xt_session *session,
	struct xt_str packed, struct xt_buf *out)
{
	struct xt_sessions *sessions = session->sessions;
	struct xt_inflater *own = compression->inflater, *inflater = own;
	int error;

	if (!own)
		inflater = xt_inflater_borrow(sessions->deflate, compression->agreed.client_bits);
	if (!inflater)
		return XT_ENOMEM;
	error = xt_inflate(inflater, false, packed.p, packed.n, true, session->max_message, out);
	if (!own)
		xt_inflater_give(sessions->deflate, inflater);
	count(&sessions->stats.compression.in, out->n, packed.n);
	return error;
}

/* Messages out ----------------------------------------------------------------------------- */

static uint8_t
first_byte(const struct xt_payload *payload, uint8_t rsv)
{
	uint8_t opcode = payload->kind == XT_KIND_BINARY ? XT_WS_OP_BINARY : XT_WS_OP_TEXT;

	return XT_WS_FIN | rsv | opcode;
}

int
xt_ws_frame_plain(const struct xt_payload *payload, struct xt_buf *out)
{
	char head[XT_WS_HEAD_MAX];
	size_t n = xt_ws_head_encode(first_byte(payload, 0), payload->bytes.n, NULL, head);

	if (xt_buf_reserve(out, n + payload->bytes.n) < 0)
		return XT_ENOMEM;
	xt_buf_put(out, head, n);
	xt_buf_put_str(out, payload->bytes);
	return 0;
}

/* Writes the head of a frame whose payload is `n` bytes at the end of `out`, behind room for `room`. */
static void
put_head(struct xt_buf *out, size_t room, size_t n, uint8_t first)
{
	char head[XT_WS_HEAD_MAX];
	size_t size = xt_ws_head_encode(first, n, NULL, head);
	char *at = out->p + out->n - n - room;

	memcpy(at, head, size);
	if (size < room)
		memmove(at + size, at + room, n);
	out->n -= room - size;
}

/* 1: appended; 0: it would not get smaller, and nothing is appended; or XT_ENOMEM. */
static int
compress(struct xt_sessions *sessions, struct xt_deflater *deflater, bool fresh,
	const struct xt_payload *payload, struct xt_buf *out)
{
	struct xt_str plain = payload->bytes;
	size_t start = out->n, room = xt_ws_head_size(plain.n, false), packed;

	if (xt_buf_reserve(out, room) < 0)
		return XT_ENOMEM;
	out->n += room;
	if (xt_deflate(deflater, fresh, plain.p, plain.n, out) < 0) {
		out->n = start;
		return XT_ENOMEM;
	}
	packed = out->n - start - room;
	count(&sessions->stats.compression.out, plain.n, packed);
	if (packed >= plain.n) {
		out->n = start;
		return 0;
	}
	put_head(out, room, packed, first_byte(payload, XT_WS_RSV1));
	return 1;
}

static bool
is_worth_it(const struct xt_session *session, const struct xt_payload *payload)
{
	return payload->bytes.n >= session->sessions->config.compression_threshold &&
	       payload->bytes.n > 0;
}

int
xt_ws_frame_shared(struct xt_session *session, unsigned bits, const struct xt_payload *payload,
	struct xt_buf *out)
{
	struct xt_sessions *sessions = session->sessions;
	struct xt_deflater *deflater = NULL;
	int result = 0;

	if (is_worth_it(session, payload))
		deflater = xt_deflater_borrow(sessions->deflate,
			smaller(bits, xt_deflate_bits(payload->bytes.n)), session->compression);
	if (deflater)
		result = compress(sessions, deflater, false, payload, out);
	xt_deflater_give(sessions->deflate, deflater);
	if (result == 0)
		return xt_ws_frame_plain(payload, out);
	return result < 0 ? result : 0;
}

/* The deflater whose window is kept; NULL: it must not be, or there is no memory for it. */
static struct xt_deflater *
own_deflater(struct xt_ws_compression *compression, struct xt_session *session)
{
	struct xt_sessions *sessions = session->sessions;

	if (compression->deflater || compression->agreed.server_no_takeover)
		return compression->deflater;
	compression->deflater = xt_deflater_take(sessions->deflate,
		smaller(compression->agreed.server_bits, OWN_BITS), session->compression);
	compression->stale = false;
	count_memory(sessions);
	return compression->deflater;
}

int
xt_ws_frame_own(struct xt_ws_compression *compression, struct xt_session *session,
	const struct xt_payload *payload, struct xt_buf *out)
{
	struct xt_deflater *deflater;
	int result;

	if (!is_worth_it(session, payload))
		return xt_ws_frame_plain(payload, out);
	deflater = own_deflater(compression, session);
	if (!deflater)
		return xt_ws_frame_shared(session, compression->agreed.server_bits, payload, out);
	result = compress(session->sessions, deflater, compression->stale, payload, out);
	/* what is not sent compressed the peer's window does not see */
	compression->stale = result != 1;
	if (result == 0)
		return xt_ws_frame_plain(payload, out);
	return result < 0 ? result : 0;
}
