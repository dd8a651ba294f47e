/* session.c - carrying messages between a transport and a protocol. */
#include "session/session.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/panic.h"
#include "base/rate.h"
#include "crosstalk.h"
#include "session/wire.h"

/* Ids of different workers never meet: the upper bits are the worker's. */
#define WORKER_SHIFT 48

#define SHUTDOWN_WORDS "the server is shutting down"

_Static_assert(XT_FORMS *XT_TRANSPORTS <= XT_BATCH_WIRES, "a batch has a place for every wire");

#define OPEN_METRIC(index_, word_) \
	{ \
		.name = "connections", .help = "Clients connected now, by transport.", \
		.label = "transport", .value = (word_), .kind = XT_METRIC_GAUGE, \
		.offset = offsetof(struct xt_session_stats, open) + (index_) * sizeof(xt_counter) \
	}

#define COMPRESSION_ROW(name_, help_, field_, word_) \
	{ \
		.name = (name_), .help = (help_), .label = "direction", .value = #word_, \
		.kind = XT_METRIC_COUNTER, \
		.offset = offsetof(struct xt_session_stats, compression.word_.field_) \
	}

#define COMPRESSION_METRIC(name_, help_, field_) \
	COMPRESSION_ROW(name_, help_, field_, in), COMPRESSION_ROW(name_, help_, field_, out)

const struct xt_metric xt_session_metrics[] = {
	OPEN_METRIC(XT_TRANSPORT_WEBSOCKET, "websocket"),
	OPEN_METRIC(XT_TRANSPORT_SSE, "sse"),
	OPEN_METRIC(XT_TRANSPORT_SSE_PLAIN, "sse_plain"),
	OPEN_METRIC(XT_TRANSPORT_NDJSON, "ndjson"),
	OPEN_METRIC(XT_TRANSPORT_NDJSON_PLAIN, "ndjson_plain"),
	OPEN_METRIC(XT_TRANSPORT_IFRAME, "iframe"),
	OPEN_METRIC(XT_TRANSPORT_IFRAME_PLAIN, "iframe_plain"),
	OPEN_METRIC(XT_TRANSPORT_POLL, "poll"),
	OPEN_METRIC(XT_TRANSPORT_LONGPOLL, "longpoll"),
	{ .name = "compressed_connections",
		.help = "WebSockets that agreed on permessage-deflate, connected now.",
		.kind = XT_METRIC_GAUGE,
		.offset = offsetof(struct xt_session_stats, compression.connections) },
	{ .name = "compression_memory_bytes",
		.help = "Memory for windows that connections keep, of compression.memory.",
		.kind = XT_METRIC_GAUGE,
		.offset = offsetof(struct xt_session_stats, compression.memory) },
	COMPRESSION_METRIC("compressed_messages_total",
		"Messages compressed (out: once for all who can share it) and decompressed (in).",
		messages),
	COMPRESSION_METRIC(
		"compression_plain_bytes_total", "Their bytes without compression.", plain_bytes),
	COMPRESSION_METRIC(
		"compression_packed_bytes_total", "Their bytes with compression.", packed_bytes),
	{ .name = "slow_readers_total",
		.help = "Readers closed because they did not keep up.",
		.kind = XT_METRIC_COUNTER,
		.offset = offsetof(struct xt_session_stats, slow_readers) },
};
const size_t xt_session_metrics_count = sizeof xt_session_metrics / sizeof xt_session_metrics[0];

void
xt_sessions_init(struct xt_sessions *sessions, struct xt_hub *hub, unsigned worker,
	const struct xt_sessions_config *config)
{
	*sessions = (struct xt_sessions){
		.hub = hub,
		.config = *config,
		.last_id = (uint64_t)worker << WORKER_SHIFT,
	};
	xt_list_init(&sessions->all);
}

static void
end_for_shutdown(struct xt_session *session)
{
	if (session->transport->once)
		xt_session_waited(session);
	else
		xt_session_close(session, XT_CLOSE_SHUTDOWN, SHUTDOWN_WORDS);
}

void
xt_sessions_drain(struct xt_sessions *sessions)
{
	struct xt_list now;

	sessions->draining = true;
	/* A session may go within its close: take them off one by one, and put them back first. */
	xt_list_init(&now);
	xt_list_splice(&now, &sessions->all);
	while (!xt_list_empty(&now)) {
		struct xt_session *session = XT_LIST_ENTRY(now.next, struct xt_session, link);
		xt_list_remove(&session->link);
		xt_list_append(&sessions->all, &session->link);
		end_for_shutdown(session);
	}
}

/* Life ---------------------------------------------------------------------------------- */

static struct xt_label *
label_new(const struct xt_entry *entry)
{
	size_t size = entry->channel.n + entry->client.n + entry->name.n;
	struct xt_label *label = xt_malloc(sizeof *label + size);
	char *at;

	if (!label)
		return NULL;
	label->channel_size = (uint8_t)entry->channel.n;
	label->client_size = (uint8_t)entry->client.n;
	label->name_size = (uint8_t)entry->name.n;
	at = label->text;
	if (entry->channel.n)
		at = mempcpy(at, entry->channel.p, entry->channel.n);
	if (entry->client.n)
		at = mempcpy(at, entry->client.p, entry->client.n);
	if (entry->name.n)
		memcpy(at, entry->name.p, entry->name.n);
	return label;
}

/* What rules of a path may ask to be counted; at the end of a session of such a path. */
struct tally {
	struct xt_rate rate;        /* of messages received */
	struct xt_visitor *visitor; /* the peer's address; NULL: not counted */
};

static bool
has_tally(const struct xt_rules *rules)
{
	return xt_rules_have_rates(rules) || rules->connections_per_address;
}

/* Multiples of 8. */
static size_t
states_size(const struct xt_transport *transport, const struct xt_protocol *protocol)
{
	return ((transport->size + 7) & ~(size_t)7) + ((protocol->size + 7) & ~(size_t)7);
}

/* NULL: the path's rules do not ask for it. */
static struct tally *
tally_of(struct xt_session *session)
{
	if (!has_tally(session->rules))
		return NULL;
	return (void *)(session->state + states_size(session->transport, session->protocol));
}

/* With its label. */
static struct xt_session *
allocate(const struct xt_entry *entry, size_t size)
{
	struct xt_session *session = xt_calloc(1, sizeof *session + size);

	if (!session)
		return NULL;
	session->label = label_new(entry);
	if (session->label)
		return session;
	xt_free(session);
	return NULL;
}

struct xt_session *
xt_session_new(struct xt_sessions *sessions, const struct xt_transport *transport,
	const struct xt_protocol *protocol, const struct xt_entry *entry)
{
	const struct xt_rules *rules = entry->rules ? entry->rules : &xt_rules_none;
	size_t size = states_size(transport, protocol);
	struct xt_session *session =
		allocate(entry, size + (has_tally(rules) ? sizeof(struct tally) : 0));

	if (!session) {
		xt_visitors_leave(entry->visitor);
		return NULL;
	}
	session->rules = rules;
	session->transport = transport;
	session->protocol = protocol;
	session->sessions = sessions;
	session->id = ++sessions->last_id;
	session->since = xt_clock_wall_ms();
	session->max_message = entry->max_message;
	session->wait_ms = entry->wait_ms;
	session->compression = entry->compression;
	session->takeover = entry->takeover;
	xt_list_init(&session->link);
	if (has_tally(rules))
		tally_of(session)->visitor = entry->visitor;
	return session;
}

void
xt_session_free(struct xt_session *session)
{
	XT_ASSERT(!session->opened);
	if (has_tally(session->rules))
		xt_visitors_leave(tally_of(session)->visitor);
	xt_free(session->label);
	xt_free(session);
}

struct xt_str
xt_session_channel(const struct xt_session *session)
{
	return xt_str_of(session->label->text, session->label->channel_size);
}

struct xt_str
xt_session_client(const struct xt_session *session)
{
	return xt_str_of(
		session->label->text + session->label->channel_size, session->label->client_size);
}

struct xt_str
xt_session_name(const struct xt_session *session)
{
	const struct xt_label *label = session->label;

	return xt_str_of(label->text + label->channel_size + label->client_size, label->name_size);
}

/* WebSockets are one in the metrics, with compression and without. */
static xt_counter *
open_counter(struct xt_session *session)
{
	const struct xt_transport *transport = session->transport;

	return &session->sessions->stats
			.open[transport->socket ? XT_TRANSPORT_WEBSOCKET : transport->index];
}

bool
xt_session_hold(struct xt_session *session)
{
	if (!session->conn || !xt_conn_is_corked(session->conn))
		return false;
	xt_conn_cork(session->conn);
	return true;
}

void
xt_session_release(struct xt_session *session)
{
	xt_conn_uncork(session->conn);
}

void
xt_session_open(struct xt_session *session, const struct xt_entry *entry)
{
	struct xt_sessions *sessions = session->sessions;
	struct xt_conn *conn = session->conn;

	if (sessions->draining && !session->transport->once) {
		xt_session_close(session, XT_CLOSE_SHUTDOWN, SHUTDOWN_WORDS);
		return;
	}
	/* An answer is given even now; it does not wait. */
	if (sessions->draining)
		session->wait_ms = 0;
	session->opened = true;
	xt_list_append(&sessions->all, &session->link);
	xt_counter_add(open_counter(session), 1);
	session->protocol->open(session, entry);
	/* Who has ended within is gone; a connection stays for this turn. */
	if (conn)
		xt_conn_uncork(conn);
}

static bool
is_too_fast(struct xt_session *session, size_t bytes)
{
	struct tally *tally = xt_rules_have_rates(session->rules) ? tally_of(session) : NULL;
	struct xt_loop *loop = xt_hub_loop(session->sessions->hub);

	if (!tally || xt_rate_take(&tally->rate, session->rules, bytes, xt_loop_now(loop)) == 0)
		return false;
	xt_session_close(session, XT_CLOSE_REFUSED,
		"too fast: more than messages_per_second or bytes_per_second of this path allow");
	return true;
}

void
xt_session_received(struct xt_session *session, const struct xt_payload *payload)
{
	if (session->closing || is_too_fast(session, payload->bytes.n))
		return;
	if (session->protocol->received)
		session->protocol->received(session, payload);
	else
		xt_session_close(session, XT_CLOSE_UNSUPPORTED, "no messages are taken here");
}

void
xt_session_drained(struct xt_session *session)
{
	if (!session->closing && session->protocol->drained)
		session->protocol->drained(session);
}

void
xt_session_waited(struct xt_session *session)
{
	if (!session->closing && session->protocol->waited)
		session->protocol->waited(session);
}

void
xt_session_ponged(struct xt_session *session, struct xt_str p)
{
	if (!session->closing && session->protocol->pong)
		session->protocol->pong(session, p);
}

/* Also of one that has said goodbye itself. */
void
xt_session_goodbye(struct xt_session *session, uint16_t code, struct xt_str reason)
{
	if (session->opened && session->protocol->goodbye)
		session->protocol->goodbye(session, code, reason);
}

void
xt_session_end(struct xt_session *session, enum xt_close why)
{
	session->closing = true;
	if (session->why == XT_CLOSE_NONE)
		session->why = (uint8_t)why;
	if (!session->opened)
		return;
	session->opened = false;
	session->protocol->closed(session);
	xt_counter_sub(open_counter(session), 1);
	xt_list_remove(&session->link);
}

void
xt_session_closed(struct xt_session *session, enum xt_close why)
{
	xt_session_end(session, why);
	xt_session_free(session);
}

/* Sending ------------------------------------------------------------------------------- */

void
xt_session_close(struct xt_session *session, enum xt_close why, const char *words)
{
	if (session->closing)
		return;
	xt_session_end(session, why);
	session->transport->close(session, why, words); /* may free it */
}

void
xt_session_refuse(struct xt_session *session, int error)
{
	if (error == XT_ELIMIT)
		xt_session_close(session, XT_CLOSE_LIMIT,
			"there are as many channels as limits.channels allows");
	else
		xt_session_close(session, XT_CLOSE_FAULT, "out of memory");
}

int
xt_session_say_goodbye(struct xt_session *session, uint16_t code, struct xt_str reason)
{
	if (session->closing)
		return XT_ECLOSED;
	session->closing = true;
	session->transport->socket->close(session, code, reason);
	return 0;
}

void
xt_session_send(struct xt_session *session, const struct xt_payload *payload)
{
	if (!session->closing && session->transport->send)
		session->transport->send(session, payload);
}

void
xt_session_notice(struct xt_session *session, const struct xt_notice *notice)
{
	if (!session->closing && session->transport->notice)
		session->transport->notice(session, notice);
}

static void
pass_on(struct xt_session *session, const struct xt_delivery *delivery)
{
	if (session->transport->deliver)
		session->transport->deliver(session, delivery);
	else if (delivery->to > delivery->from)
		xt_conn_send_bytes(session->conn, delivery->bytes, delivery->from, delivery->to);
}

/* All but the session's own messages: the runs between them. */
static void
pass_on_others(struct xt_session *session, const struct xt_batch *batch, const struct xt_wire *wire,
	size_t from)
{
	size_t begin = from;

	for (size_t i = from; i <= batch->count; i++) {
		bool own = i < batch->count && batch->messages[i]->origin == session->id;
		if (!own && i < batch->count)
			continue;
		if (begin < i) {
			struct xt_delivery run = {
				.bytes = wire->bytes,
				.from = wire->starts[begin],
				.to = wire->starts[i],
				.next = batch->messages[i - 1]->id,
			};
			pass_on(session, &run);
		}
		begin = i + 1;
	}
}

static bool
is_too_slow(struct xt_session *session)
{
	struct xt_sessions *sessions = session->sessions;

	if (!session->conn || xt_conn_backlog(session->conn) <= sessions->config.max_backlog)
		return false;
	xt_counter_add(&sessions->stats.slow_readers, 1);
	xt_conn_drop_unsent(session->conn);
	xt_session_close(session, XT_CLOSE_SLOW,
		"too slow: more bytes wait for this reader than limits.backlog allows");
	return true;
}

void
xt_session_deliver(struct xt_session *session, struct xt_batch *batch, size_t from, unsigned form,
	bool no_echo)
{
	const struct xt_wire *wire;

	if (session->closing || is_too_slow(session))
		return;
	wire = xt_wire_get(batch, session, form);
	if (!wire) {
		xt_session_close(session, XT_CLOSE_FAULT, "out of memory");
		return;
	}
	if (no_echo) {
		pass_on_others(session, batch, wire, from);
		return;
	}
	pass_on(session, &(struct xt_delivery){
				 .bytes = wire->bytes,
				 .from = wire->starts[from],
				 .to = wire->starts[batch->count],
				 .next = batch->messages[batch->count - 1]->id,
			 });
}

static int
encode_opening(struct xt_session *session, const struct xt_opening *opening, unsigned form,
	bool no_echo, struct xt_buf *out)
{
	struct xt_buf scratch = { 0 };
	int error = 0;

	for (size_t i = 0; i < opening->count && error == 0; i++) {
		const struct xt_message *message = opening->messages[i];
		struct xt_payload payload;
		if (no_echo && message->origin == session->id)
			continue;
		scratch.n = 0;
		error = session->protocol->encode(form, message, &scratch, &payload);
		if (error == 0)
			error = session->transport->frame(session, message, &payload, out);
	}
	xt_buf_fini(&scratch);
	return error;
}

bool
xt_session_deliver_opening(
	struct xt_session *session, const struct xt_opening *opening, unsigned form, bool no_echo)
{
	struct xt_buf out = { 0 };
	struct xt_bytes *bytes;
	char *heap;
	size_t n;

	if (session->closing)
		return true;
	if (encode_opening(session, opening, form, no_echo, &out) < 0) {
		xt_buf_fini(&out);
		xt_session_close(session, XT_CLOSE_FAULT, "out of memory");
		return true;
	}
	xt_counter_add(&xt_hub_stats(session->sessions->hub)->private_encodes, opening->count);
	heap = xt_buf_take(&out, &n);
	bytes = xt_bytes_own(heap, n);
	if (!bytes) {
		xt_session_close(session, XT_CLOSE_FAULT, "out of memory");
		return true;
	}
	pass_on(session, &(struct xt_delivery){
				 .bytes = bytes,
				 .to = n,
				 .next = opening->next,
				 .lost = opening->lost,
				 .more = opening->more,
			 });
	xt_bytes_unref(bytes);
	return n > 0 || opening->count == 0;
}

void
xt_session_describe(const struct xt_session *session, struct xt_member *member)
{
	*member = (struct xt_member){
		.client = xt_session_client(session),
		.name = xt_session_name(session),
		.transport = session->transport->name,
		.since = session->since,
	};
}
