/* channel_url.c - from a request on /c/NAME to the handler of its method, and for GET to the reader it asks for. */
#include "server/channel_url.h"

#include "api/channel.h"
#include "crosstalk.h"
#include "http/origin.h"
#include "http/rules.h"
#include "http/websocket.h"
#include "proto/echo/echo.h"
#include "proto/plain/plain.h"
#include "server/entry.h"
#include "server/registry.h"
#include "server/server_private.h"
#include "transport/ws/ws.h"

static const struct xt_reader *
find_reader(const struct xt_request *request)
{
	for (size_t i = 0; i < xt_readers_count; i++) {
		const struct xt_reader *reader = &xt_readers[i];
		if ((request->method == XT_GET || reader->answers_head) && reader->wanted(request))
			return reader;
	}
	return &xt_readers[xt_readers_count - 1];
}

/* A WebSocket's handshake is in order, and a subprotocol that the path allows is chosen. Below 0: answered. */
static int
shake_hands(struct xt_exchange *x)
{
	const struct xt_request *request = xt_exchange_request(x);
	const struct xt_rules *rules = request->rules;
	struct xt_str chosen;

	if (xt_websocket_check(x) < 0)
		return XT_EPROTO;
	chosen = xt_websocket_choose(request, rules->subprotocols, rules->subprotocols_count);
	if (chosen.n)
		xt_exchange_header(x, XT_STR("Sec-WebSocket-Protocol"), chosen);
	return 0;
}

/* The rest of the entry: what the path's own rules say, else the server's. */
static void
apply_rules(struct xt_entry *entry, const struct xt_rules *rules, const struct xt_config *config,
	uint64_t max_message)
{
	entry->rules = rules;
	entry->max_message = rules->message ? rules->message : (uint32_t)max_message;
	entry->compression = xt_rules_level(rules, (uint8_t)config->compression.level);
}

static void
begin_session(struct xt_exchange *x, struct xt_worker *worker, const struct xt_transport *transport,
	const struct xt_protocol *protocol, struct xt_entry *entry)
{
	struct xt_session *session;

	if (transport->socket && shake_hands(x) < 0)
		return;
	if (xt_exchange_admit(x, &entry->visitor) < 0)
		return;
	session = xt_session_new(&worker->sessions, transport, protocol, entry);
	if (!session) {
		xt_exchange_no_memory(x);
		return;
	}
	if (transport->begin(session, x) < 0)
		xt_session_free(session);
	else
		xt_session_open(session, entry);
}

static void
read_channel(struct xt_exchange *x, struct xt_worker *worker, struct xt_entry_text *text)
{
	const struct xt_config *config = worker->server->config;
	const struct xt_reader *reader = find_reader(xt_exchange_request(x));
	const struct xt_transport *transport = reader->transport;

	if (xt_entry_read(x, reader, text) < 0)
		return;
	if (reader->plain && !xt_exchange_can_chunk(x))
		transport = reader->plain;
	/* Windows are not kept: what is compressed once for all readers must not depend on what one has seen. */
	apply_rules(&text->entry, xt_exchange_request(x)->rules, config, config->limits.message);
	begin_session(x, worker, transport, &xt_plain_protocol, &text->entry);
}

static void
get(struct xt_exchange *x, struct xt_worker *worker, struct xt_entry_text *text)
{
	if (xt_request_has_query(xt_exchange_request(x), XT_STR("presence")))
		xt_api_presence(x, worker->hub, text->entry.channel);
	else
		read_channel(x, worker, text);
}

static void
post(struct xt_exchange *x, struct xt_worker *worker, struct xt_entry_text *text)
{
	if (xt_exchange_spend(x, xt_exchange_request(x)->body.n) == 0)
		xt_api_publish(x, worker->hub, text->entry.channel);
}

static void delete (struct xt_exchange *x, struct xt_worker *worker, struct xt_entry_text *text)
{
	if (!xt_request_has_query(xt_exchange_request(x), XT_STR("presence"))) {
		xt_api_drop(x, worker->hub, text->entry.channel);
		return;
	}
	if (xt_entry_read_client(x, text) < 0)
		return;
	if (text->entry.client.n)
		xt_api_leave(x, worker->hub, text->entry.channel, text->entry.client);
	else
		xt_exchange_error(
			x, 400, "bad_parameter", "?presence with DELETE needs client: who leaves");
}

bool
xt_channel_url_refuse(struct xt_exchange *x, void *ctx)
{
	enum xt_method method = xt_exchange_request(x)->method;
	struct xt_entry_text text = { 0 };
	bool refused;

	(void)ctx;
	if ((method == XT_POST || method == XT_DELETE) && xt_origin_check(x) < 0)
		return true;
	if (method != XT_POST)
		return false; /* read in a moment, with the rest */
	refused = xt_entry_read_channel(x, &text) < 0;
	xt_entry_text_fini(&text);
	return refused;
}

void
xt_channel_url(struct xt_exchange *x, void *ctx)
{
	struct xt_entry_text text = { 0 };

	xt_exchange_header(x, XT_STR("Cache-Control"), XT_STR("no-store"));
	if (xt_entry_read_channel(x, &text) == 0) {
		enum xt_method method = xt_exchange_request(x)->method;
		if (method == XT_POST)
			post(x, ctx, &text);
		else if (method == XT_DELETE)
			delete (x, ctx, &text);
		else
			get(x, ctx, &text);
	}
	xt_entry_text_fini(&text);
}

void
xt_echo_url(struct xt_exchange *x, void *ctx)
{
	struct xt_worker *worker = ctx;
	const struct xt_config *config = worker->server->config;
	struct xt_entry entry = { .takeover = true };

	apply_rules(&entry, xt_exchange_request(x)->rules, config, config->limits.echo);
	begin_session(x, worker, &xt_ws_transport, &xt_echo_protocol, &entry);
}
