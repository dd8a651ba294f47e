/*
 * frames.c - an open WebSocket: messages in and out, the closing handshake, the heartbeat.
 *
 *	OPEN --our close--> CLOSING --the peer's Close--> waits for the end of TCP --> ENDING
 *	  `---the peer's Close, answered------------------^
 *	  `---the peer breaks a rule: Close with the rule's code, ENDING
 */
#include <stdio.h>

#include "base/random.h"
#include "client/client_private.h"
#include "codec/kind.h"
#include "codec/utf8.h"
#include "crosstalk_ws.h"

/* Below this compression gains nothing. */
#define COMPRESS_FROM 32

/* RFC 6455 7.1.1: the server closes TCP first; so long it may take. */
#define FIN_MS 1000

static void
watch(struct xt_client *client, bool sent, uint8_t first, struct xt_str payload, size_t length)
{
	struct xt_frame frame = {
		.sent = sent,
		.first = first,
		.p = payload.p,
		.n = payload.n,
		.length = length,
	};

	if (client->ws.frame)
		client->ws.frame(&client->ws, &frame);
}

/* ---- out --------------------------------------------------------------------------------- */

static const uint8_t *
next_key(struct mask_keys *keys)
{
	if (keys->left == 0) {
		xt_random_fill(keys->bytes, sizeof keys->bytes);
		keys->left = sizeof keys->bytes;
	}
	keys->left -= 4;
	return keys->bytes + keys->left;
}

/* 0; XT_ECLOSED; XT_ENOMEM: the connection is closed then. */
static int
send_frame(struct xt_client *client, uint8_t first, struct xt_str payload)
{
	const uint8_t *key = next_key(&client->keys);
	char *room;
	size_t head;

	if (!xt_conn_is_open(client->conn))
		return XT_ECLOSED;
	watch(client, true, first, payload, payload.n);
	room = xt_conn_reserve(client->conn, XT_WS_HEAD_MAX + payload.n);
	if (!room)
		return xt_conn_is_open(client->conn) ? XT_ECLOSED : XT_ENOMEM;
	head = xt_ws_head_encode(first, payload.n, key, room);
	xt_mask(room + head, payload.p, payload.n, key, 0);
	xt_conn_commit(client->conn, head + payload.n);
	return 0;
}

static void
send_close(struct xt_client *client, unsigned code, struct xt_str reason)
{
	char payload[XT_WS_CONTROL_MAX];
	size_t n = xt_ws_close_encode((uint16_t)code, reason, payload);

	send_frame(client, XT_WS_FIN | XT_WS_OP_CLOSE, xt_str_of(payload, n));
}

/* Whether it became shorter or not: the next message may refer to this one, which the peer must have seen so. */
static int
send_compressed(struct xt_client *client, uint8_t opcode, struct xt_str message)
{
	const struct xt_allocator *before = xt_client_enter(client);
	struct xt_buf packed = { 0 };
	int error = xt_client_compress(&client->compression, message, &packed);

	xt_client_leave(before);
	if (error == 0)
		error = send_frame(client, XT_WS_FIN | XT_WS_RSV1 | opcode, xt_buf_str(&packed));
	before = xt_client_enter(client);
	xt_buf_fini(&packed);
	xt_client_leave(before);
	return error;
}

int
xt_client_frames_send(struct xt_client *client, enum xt_kind kind, const void *p, size_t n)
{
	uint8_t opcode = kind == XT_KIND_BINARY ? XT_WS_OP_BINARY : XT_WS_OP_TEXT;
	struct xt_str message = xt_str_of(p, n);
	size_t waiting;

	if (client->state != XT_CLIENT_OPEN)
		return XT_ECLOSED;
	if (!xt_kind_fits(kind, message))
		return XT_EINVAL;
	waiting = xt_conn_backlog(client->conn);
	if (n > client->settings.max_backlog || waiting > client->settings.max_backlog - n)
		return XT_ELIMIT;
	if (client->compression.agreed && n >= COMPRESS_FROM)
		return send_compressed(client, opcode, message);
	return send_frame(client, XT_WS_FIN | opcode, message);
}

int
xt_client_frames_ping(struct xt_client *client, const void *p, size_t n)
{
	if (client->state != XT_CLIENT_OPEN)
		return XT_ECLOSED;
	return send_frame(client, XT_WS_FIN | XT_WS_OP_PING, xt_str_of(p, n));
}

/* RFC 6455 5.5.3: a peer that pings faster than it reads is answered when it has read. */
static void
send_pong(struct xt_client *client, const struct xt_ws_event *event)
{
	if (xt_conn_backlog(client->conn) <= client->settings.max_backlog)
		send_frame(client, XT_WS_FIN | XT_WS_OP_PONG, xt_str_of(event->p, event->n));
}

/* ---- closing ----------------------------------------------------------------------------- */

static void
drop_message(struct xt_client *client)
{
	const struct xt_allocator *before = xt_client_enter(client);

	xt_buf_fini(&client->message);
	xt_client_leave(before);
}

/* RFC 6455 7.1.2. What comes until the peer's Close is no message any more (WebSockets Standard 4). */
int
xt_client_frames_close(struct xt_client *client, unsigned code, const char *reason, size_t n)
{
	xt_client_set_state(client, XT_CLIENT_CLOSING);
	client->outcome.final = true;
	drop_message(client);
	send_close(client, code, xt_str_of(reason, n));
	client->paused = false; /* the peer's Close must be seen */
	xt_conn_resume(client->conn);
	xt_conn_expire_in(client->conn, client->settings.close_ms);
	return 0;
}

/* RFC 6455 5.5.1: it is answered with the same code, unless it is an answer. */
static void
on_close(struct xt_client *client, const struct xt_ws_event *event)
{
	if (client->state == XT_CLIENT_OPEN) {
		send_close(client, event->code, (struct xt_str){ 0 });
		xt_client_set_state(client, XT_CLIENT_CLOSING);
	}
	xt_client_note(client, 0, event->code, "%.*s", (int)event->n, event->n ? event->p : "");
	client->outcome.clean = true;
	client->peer_closed = true;
	xt_conn_expire_in(client->conn, FIN_MS);
}

/* RFC 6455 7.1.7: Fail the WebSocket Connection. */
static void
fail(struct xt_client *client, int error, unsigned code, const char *why)
{
	xt_client_note(client, error, code, "%s", why);
	if (client->state == XT_CLIENT_OPEN)
		send_close(client, code, xt_str_from(why));
	xt_client_finish(client);
}

/* ---- in ---------------------------------------------------------------------------------- */

static void
hand_out(struct xt_client *client, const struct xt_data *data)
{
	if (client->handlers.message)
		client->handlers.message(&client->ws, data);
}

/* What is gone is gone: the program is told, and the channel goes on. */
static void
tell_lost(struct xt_client *client, struct xt_str notice)
{
	char words[XT_CLIENT_WORDS];

	snprintf(words, sizeof words, "messages were lost: %.*s", (int)notice.n,
		notice.n ? notice.p : "");
	if (client->handlers.error)
		client->handlers.error(&client->ws, XT_EGONE, words);
}

static void
act_on_object(struct xt_client *client, const struct xt_channel_object *object)
{
	if (object->kind == XT_CHANNEL_LOST)
		tell_lost(client, object->words);
	else if (object->kind == XT_CHANNEL_MESSAGE &&
		 object->data.n > client->settings.max_message)
		fail(client, XT_ELIMIT, XT_WS_TOO_BIG, "the message is longer than allowed here");
	else if (object->kind == XT_CHANNEL_MESSAGE)
		hand_out(client, &object->data);
}

static void
deliver_object(struct xt_client *client, const struct xt_data *data)
{
	const struct xt_allocator *before = xt_client_enter(client);
	struct xt_channel_object object;
	int error = data->kind == XT_KIND_TEXT
			    ? xt_channel_read(&client->place, xt_str_of(data->p, data->n), &object)
			    : XT_EPROTO;

	xt_client_leave(before);
	if (error == 0)
		act_on_object(client, &object);
	else if (error == XT_EPROTO)
		fail(client, error, XT_WS_UNSUPPORTED, "that is no message of a channel");
	else
		fail(client, error, XT_WS_INTERNAL_ERROR, "out of memory");
	if (data->kind != XT_KIND_TEXT)
		return;
	before = xt_client_enter(client);
	xt_buf_fini(&object.bytes);
	xt_client_leave(before);
}

static void
deliver(struct xt_client *client, uint8_t opcode, struct xt_str bytes)
{
	struct xt_data data = {
		.kind = opcode == XT_WS_OP_TEXT ? XT_KIND_TEXT : XT_KIND_BINARY,
		.p = bytes.p ? bytes.p : "",
		.n = bytes.n,
	};

	if (client->state != XT_CLIENT_OPEN)
		return;
	client->attempts = 0; /* one that only lets in and closes is no success */
	if (client->settings.channel)
		deliver_object(client, &data);
	else
		hand_out(client, &data);
}

/* As JSON a payload of a channel may become six times as long. */
static uint32_t
wire_limit(const struct xt_settings *settings)
{
	uint64_t limit = settings->max_message;

	if (settings->channel)
		limit = limit * 6 + 4096;
	return limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX;
}

static int
gather(struct xt_client *client, const struct xt_ws_event *event)
{
	const struct xt_allocator *before = xt_client_enter(client);
	int error = event->rsv ? xt_client_decompress(&client->compression, event,
					 wire_limit(&client->settings), &client->message)
			       : xt_buf_append(&client->message, event->p, event->n);

	xt_client_leave(before);
	return error;
}

/* The handler may do what it likes: the bytes are nobody else's meanwhile. */
static void
deliver_gathered(struct xt_client *client, const struct xt_ws_event *event)
{
	struct xt_buf whole = client->message;
	const struct xt_allocator *before;

	client->message = (struct xt_buf){ 0 };
	/* RFC 6455 8.1: what the extension gives out is the text. */
	if (event->rsv && event->opcode == XT_WS_OP_TEXT && !xt_utf8_valid(xt_buf_str(&whole)))
		fail(client, XT_EPROTO, XT_WS_BAD_DATA, "a text message is not UTF-8");
	else
		deliver(client, event->opcode, xt_buf_str(&whole));
	before = xt_client_enter(client);
	xt_buf_fini(&whole);
	xt_client_leave(before);
}

static void
on_data(struct xt_client *client, const struct xt_ws_event *event)
{
	int error;

	if (client->state != XT_CLIENT_OPEN)
		return;
	if (event->first && event->last && !event->rsv) {
		deliver(client, event->opcode, xt_str_of(event->p, event->n));
		return;
	}
	error = gather(client, event);
	if (error == XT_ELIMIT)
		fail(client, error, XT_WS_TOO_BIG, "the message is longer than allowed here");
	else if (error == XT_EPROTO)
		fail(client, error, XT_WS_BAD_DATA, "a compressed message is damaged");
	else if (error < 0)
		fail(client, error, XT_WS_INTERNAL_ERROR, "out of memory");
	else if (event->last)
		deliver_gathered(client, event);
}

/* The program is not told of the answers to what it did not ask. */
static void
on_pong(struct xt_client *client, const struct xt_ws_event *event)
{
	if (event->n == 0 && client->beats > 0)
		client->beats--;
	else if (client->state == XT_CLIENT_OPEN && client->handlers.pong)
		client->handlers.pong(&client->ws, event->n ? event->p : "", event->n);
}

static void
on_event(struct xt_client *client, const struct xt_ws_event *event)
{
	switch (event->kind) {
	case XT_WS_DATA:
		on_data(client, event);
		break;
	case XT_WS_PING:
		if (client->state == XT_CLIENT_OPEN)
			send_pong(client, event);
		break;
	case XT_WS_PONG:
		on_pong(client, event);
		break;
	case XT_WS_CLOSE:
		on_close(client, event);
		break;
	case XT_WS_FAIL:
		fail(client, event->code == XT_WS_TOO_BIG ? XT_ELIMIT : XT_EPROTO, event->code,
			event->why);
		break;
	case XT_WS_MORE:
		break;
	}
}

/* ---- for those who watch ----------------------------------------------------------------- */

static const uint8_t control_opcodes[] = {
	[XT_WS_PING] = XT_WS_OP_PING,
	[XT_WS_PONG] = XT_WS_OP_PONG,
	[XT_WS_CLOSE] = XT_WS_OP_CLOSE,
};

static void
watch_close(struct xt_client *client, const struct xt_ws_event *event)
{
	char payload[XT_WS_CONTROL_MAX];
	size_t n = xt_ws_close_encode(event->code, xt_str_of(event->p, event->n), payload);

	watch(client, false, XT_WS_FIN | XT_WS_OP_CLOSE, xt_str_of(payload, n), n);
}

/* Of a frame that comes in pieces the first is told, with the length of all. */
static void
watch_data(struct xt_client *client, const struct xt_ws_event *event)
{
	bool fin = event->frame_left ? client->reader.fin : event->last;
	uint8_t first = event->first ? (uint8_t)(event->opcode | event->rsv) : 0;
	bool begins = !client->mid_frame;

	client->mid_frame = event->frame_left > 0;
	if (begins)
		watch(client, false, (uint8_t)(first | (fin ? XT_WS_FIN : 0)),
			xt_str_of(event->p, event->n), event->n + event->frame_left);
}

static void
watch_event(struct xt_client *client, const struct xt_ws_event *event)
{
	if (event->kind == XT_WS_DATA)
		watch_data(client, event);
	else if (!client->ws.frame)
		return;
	else if (event->kind == XT_WS_CLOSE)
		watch_close(client, event);
	else if (event->kind == XT_WS_PING || event->kind == XT_WS_PONG)
		watch(client, false, (uint8_t)(XT_WS_FIN | control_opcodes[event->kind]),
			xt_str_of(event->p, event->n), event->n);
}

/* ---- the stream -------------------------------------------------------------------------- */

static size_t
on_recv(struct xt_conn *conn, char *p, size_t n)
{
	struct xt_client *client = xt_conn_state(conn);
	struct xt_ws_event event;
	size_t used = 0;

	client->pinged = false;
	do {
		used += xt_ws_read(&client->reader, p + used, n - used, &event);
		watch_event(client, &event);
		on_event(client, &event);
	} while (event.kind != XT_WS_MORE && xt_conn_is_open(conn) && !client->paused);
	return used;
}

static void
on_drained(struct xt_conn *conn)
{
	struct xt_client *client = xt_conn_state(conn);

	if (client->state == XT_CLIENT_OPEN && client->handlers.drained)
		client->handlers.drained(&client->ws);
}

static void
ping(struct xt_client *client)
{
	client->pinged = true;
	client->beats++;
	send_frame(client, XT_WS_FIN | XT_WS_OP_PING, (struct xt_str){ 0 });
	xt_conn_expire_in(client->conn, client->settings.ping_timeout_ms);
}

/* Who is paused can't hear a pong: then nothing is asked. */
static void
beat(struct xt_client *client)
{
	const struct xt_settings *settings = &client->settings;
	uint64_t silent = xt_loop_now(client->loop) - xt_conn_alive_at(client->conn);
	uint32_t patience = client->pinged ? settings->ping_timeout_ms : settings->ping_interval_ms;

	client->attempts = 0;
	if (client->paused)
		xt_conn_expire_in(client->conn, settings->ping_interval_ms);
	else if (silent < patience)
		xt_conn_expire_in(client->conn, patience - (uint32_t)silent);
	else if (client->pinged)
		fail(client, XT_EAGAIN, XT_WS_POLICY, "no sign of life after a ping");
	else
		ping(client);
}

static void
on_expired(struct xt_conn *conn)
{
	struct xt_client *client = xt_conn_state(conn);

	if (client->state == XT_CLIENT_OPEN) {
		beat(client);
		return;
	}
	xt_client_note(client, XT_EAGAIN, XT_WS_ABNORMAL, "the Close frame was not answered");
	xt_client_end(client);
}

/* After both Close frames that is how it should be. What was queued still leaves: our answer, say. */
static void
on_ended(struct xt_conn *conn)
{
	struct xt_client *client = xt_conn_state(conn);

	xt_client_note(client, XT_ECLOSED, XT_WS_ABNORMAL,
		"the server ended the connection without a Close frame");
	xt_client_finish(client);
}

static void
on_closed(struct xt_conn *conn, enum xt_close why)
{
	struct xt_client *client = xt_conn_state(conn);

	if (why == XT_CLOSE_TLS)
		xt_client_note(client, XT_ECLOSED, XT_WS_ABNORMAL, "TLS: %s", xt_tls_error(conn));
	else if (why == XT_CLOSE_FAULT)
		xt_client_note(client, XT_ENOMEM, XT_WS_ABNORMAL, "out of memory");
	else
		xt_client_note(client, XT_ECLOSED, XT_WS_ABNORMAL, "the connection broke");
	xt_client_lost(client);
}

static const struct xt_stream frames_stream = {
	.name = "client: websocket",
	.recv = on_recv,
	.drained = on_drained,
	.expired = on_expired,
	.ended = on_ended,
	.closed = on_closed,
};

/* ---- life -------------------------------------------------------------------------------- */

void
xt_client_frames_pause(struct xt_client *client, bool paused)
{
	client->paused = paused;
	if (client->state != XT_CLIENT_OPEN)
		return;
	if (paused)
		xt_conn_pause(client->conn);
	else
		xt_conn_resume(client->conn);
}

static int
begin_compression(struct xt_client *client, const struct xt_ws_agreed *agreed)
{
	const struct xt_allocator *before = xt_client_enter(client);
	int error = agreed->deflate
			    ? xt_client_compression_begin(&client->compression, &agreed->permessage)
			    : 0;

	xt_client_leave(before);
	return error;
}

void
xt_client_frames_begin(struct xt_client *client, const struct xt_ws_agreed *agreed)
{
	xt_client_set_state(client, XT_CLIENT_OPEN);
	xt_timer_stop(xt_loop_timers(client->loop), &client->timer);
	xt_ws_reader_init(&client->reader, XT_WS_CLIENT, agreed->deflate ? XT_WS_RSV1 : 0,
		wire_limit(&client->settings));
	xt_conn_adopt(client->conn, &frames_stream, client);
	xt_conn_read_always(client->conn);
	xt_conn_expire_in(client->conn, client->settings.ping_interval_ms);
	if (begin_compression(client, agreed) < 0) {
		fail(client, XT_ENOMEM, XT_WS_INTERNAL_ERROR, "out of memory");
		return;
	}
	if (client->paused)
		xt_conn_pause(client->conn);
	if (client->handlers.open)
		client->handlers.open(&client->ws);
}

void
xt_client_frames_fini(struct xt_client *client)
{
	xt_buf_fini(&client->message);
	xt_client_compression_fini(&client->compression);
	client->pinged = client->peer_closed = client->mid_frame = false;
	client->beats = 0;
}
