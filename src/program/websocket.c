/*
 * websocket.c - a protocol whose meaning is the program's: hands each event to its handlers.
 *
 *	NEW --open--> OPEN --session ends--> ENDED --end of the turn: `close`--> freed
 */
#include "program/websocket.h"

#include "base/heap.h"
#include "codec/kind.h"
#include "codec/utf8.h"
#include "crosstalk.h"
#include "crosstalk_ws.h"
#include "http/rules.h"
#include "http/websocket.h"
#include "io/websocket.h"
#include "program/handshake.h"
#include "program/listening.h"

struct program {
	struct xt_websocket ws;
	struct xt_session *session; /* NULL once it has ended */
	struct xt_list channels;    /* struct xt_listening_channel */
	struct xt_task last;        /* tells of the end */
	unsigned code;              /* of the closing; 0: nobody has said one */
	bool clean;
	char reason[XT_WS_REASON_MAX + 1];
	char *extensions, *subprotocol; /* lent to the program */
};

/* The session's protocol state: the WebSocket outlives it. */
struct seat {
	struct program *program;
};

static struct program *
program_of(struct xt_session *session)
{
	return ((struct seat *)xt_session_protocol_state(session))->program;
}

/* The program's words ------------------------------------------------------------------- */

static struct program *
from_ws(struct xt_websocket *ws)
{
	return XT_CONTAINER(ws, struct program, ws);
}

/* The WebSocket is its first member. */
static const struct program *
from_const(const struct xt_websocket *ws)
{
	return (const struct program *)(const void *)ws;
}

static bool
is_open(const struct program *program)
{
	return program->session && program->session->opened && !program->session->closing;
}

static int
program_send(struct xt_websocket *ws, enum xt_kind kind, const void *p, size_t n)
{
	struct program *program = from_ws(ws);
	struct xt_payload payload = { .bytes = xt_str_of(p, n), .kind = kind };
	const struct xt_sessions *sessions;

	if (!is_open(program))
		return XT_ECLOSED;
	if (!xt_kind_fits(kind, payload.bytes))
		return XT_EINVAL;
	sessions = program->session->sessions;
	if (xt_conn_backlog(program->session->conn) > sessions->config.max_backlog)
		return XT_ELIMIT;
	xt_session_send(program->session, &payload);
	return xt_conn_is_open(program->session->conn) ? 0 : XT_ENOMEM;
}

static int
program_ping(struct xt_websocket *ws, const void *p, size_t n)
{
	struct program *program = from_ws(ws);

	if (!is_open(program))
		return XT_ECLOSED;
	program->session->transport->socket->ping(program->session, xt_str_of(p, n));
	return 0;
}

static void
note_closing(struct program *program, unsigned code, struct xt_str reason)
{
	size_t n = reason.n < XT_WS_REASON_MAX ? reason.n : XT_WS_REASON_MAX;

	program->code = code;
	if (n)
		memcpy(program->reason, reason.p, n);
	program->reason[n] = '\0';
}

static int
program_close(struct xt_websocket *ws, unsigned code, const char *reason, size_t n)
{
	struct program *program = from_ws(ws);
	struct xt_str words = xt_str_of(reason, n);

	if (!is_open(program))
		return XT_ECLOSED;
	if (!xt_utf8_valid(words))
		return XT_EINVAL;
	xt_listening_stop_all(&program->channels);
	return xt_session_say_goodbye(program->session, (uint16_t)code, words);
}

static size_t
program_buffered(const struct xt_websocket *ws)
{
	const struct program *program = from_const(ws);

	return program->session ? xt_conn_backlog(program->session->conn) : 0;
}

static void
program_pause(struct xt_websocket *ws, bool paused)
{
	struct program *program = from_ws(ws);

	if (!program->session)
		return;
	if (paused)
		xt_conn_pause(program->session->conn);
	else
		xt_conn_resume(program->session->conn);
}

static const char *
program_subprotocol(const struct xt_websocket *ws)
{
	const struct program *program = from_const(ws);

	return program->subprotocol ? program->subprotocol : "";
}

static const char *
program_extensions(const struct xt_websocket *ws)
{
	const struct program *program = from_const(ws);

	return program->extensions ? program->extensions : "";
}

static const struct xt_websocket_ops program_ops = {
	.send = program_send,
	.ping = program_ping,
	.close = program_close,
	.buffered = program_buffered,
	.pause = program_pause,
	.subprotocol = program_subprotocol,
	.extensions = program_extensions,
};

/* Channels ------------------------------------------------------------------------------- */

/* Only a server's WebSocket can: a client's channel is its URL. */
static struct program *
server_side(struct xt_websocket *ws)
{
	return ws->ops == &program_ops ? from_ws(ws) : NULL;
}

int
xt_websocket_subscribe(struct xt_websocket *ws, const char *channel, const char *since)
{
	struct program *program = server_side(ws);
	struct xt_str name = xt_str_from(channel);
	struct xt_reading reading;

	if (!program || !xt_channel_name_valid(name) || !xt_utf8_valid(name) ||
		!xt_listening_since(since, &reading))
		return XT_EINVAL;
	if (!is_open(program))
		return XT_ECLOSED;
	if (xt_listening_find(&program->channels, name))
		return 0;
	if (xt_listening_count(&program->channels) >= XT_PROGRAM_CHANNELS)
		return XT_ELIMIT;
	return xt_listening_new(&program->channels, program->session, name, &reading) ? 0
										      : XT_ENOMEM;
}

int
xt_websocket_unsubscribe(struct xt_websocket *ws, const char *channel)
{
	struct program *program = server_side(ws);
	struct xt_listening_channel *listening;

	if (!program)
		return XT_EINVAL;
	listening = xt_listening_find(&program->channels, xt_str_from(channel));
	if (!listening)
		return XT_ENOTFOUND;
	xt_listening_free(listening);
	return 0;
}

/* Life ----------------------------------------------------------------------------------- */

static void
program_free(struct program *program)
{
	xt_listening_free_all(&program->channels);
	xt_free(program->extensions);
	xt_free(program->subprotocol);
	xt_free(program);
}

static void
tell_close(struct xt_task *task)
{
	struct program *program = XT_CONTAINER(task, struct program, last);
	struct xt_closing closing = {
		.code = program->code,
		.reason = program->reason,
		.clean = program->clean,
		.retry_ms = -1,
	};

	if (program->ws.handlers->close)
		program->ws.handlers->close(&program->ws, &closing);
	program_free(program);
}

static struct program *
program_new(const struct xt_websocket_handlers *handlers)
{
	struct program *program = xt_calloc(1, sizeof *program);

	if (!program)
		return NULL;
	program->ws = (struct xt_websocket){ .ops = &program_ops, .handlers = handlers };
	xt_list_init(&program->channels);
	xt_list_init(&program->last.link);
	program->last.run = tell_close;
	return program;
}

/* As a protocol -------------------------------------------------------------------------- */

static void
opened(struct xt_session *session, const struct xt_entry *entry)
{
	struct program *program = program_of(session);
	char agreed[XT_EXTENSIONS_TEXT];

	(void)entry;
	session->transport->socket->extensions(session, agreed);
	program->extensions = xt_strdup(agreed);
	if (!program->extensions)
		xt_session_close(session, XT_CLOSE_FAULT, "out of memory");
	else if (program->ws.handlers->open)
		program->ws.handlers->open(&program->ws);
}

static void
received(struct xt_session *session, const struct xt_payload *payload)
{
	struct program *program = program_of(session);
	struct xt_data data = {
		.kind = payload->kind, .p = payload->bytes.p, .n = payload->bytes.n
	};

	if (program->ws.handlers->message)
		program->ws.handlers->message(&program->ws, &data);
	else
		xt_session_close(session, XT_CLOSE_UNSUPPORTED, "no messages are taken here");
}

/* The same bytes as proto/plain's first form. */
static int
encode(unsigned form, const struct xt_message *message, struct xt_buf *scratch,
	struct xt_payload *payload)
{
	(void)form;
	(void)scratch;
	*payload = (struct xt_payload){ xt_message_payload(message), message->kind };
	return 0;
}

static void
drained(struct xt_session *session)
{
	struct program *program = program_of(session);

	xt_listening_drained(&program->channels);
	if (program->session && program->ws.handlers->drained)
		program->ws.handlers->drained(&program->ws);
}

static void
ponged(struct xt_session *session, struct xt_str p)
{
	struct program *program = program_of(session);

	if (program->ws.handlers->pong)
		program->ws.handlers->pong(&program->ws, p.p, p.n);
}

static void
said_goodbye(struct xt_session *session, uint16_t code, struct xt_str reason)
{
	struct program *program = program_of(session);

	note_closing(program, code, reason);
	program->clean = true;
}

/* RFC 6455 7.1.5: without a Close frame of the peer the code is 1006, unless it is we who broke off. */
static void
note_reason(struct program *program, const struct xt_session *session)
{
	bool peer = session->why == XT_CLOSE_PEER || session->why == XT_CLOSE_RESET ||
		    session->why == XT_CLOSE_DONE;

	note_closing(program,
		peer ? XT_WS_ABNORMAL : session->transport->socket->code(session->why),
		xt_str_from(xt_close_name(session->why)));
}

static void
closed(struct xt_session *session)
{
	struct program *program = program_of(session);

	if (!program->code)
		note_reason(program, session);
	program->session = NULL;
	xt_listening_stop_all(&program->channels);
	xt_loop_post(xt_hub_loop(session->sessions->hub), &program->last);
}

static const struct xt_protocol program_protocol = {
	.name = "program",
	.size = sizeof(struct seat),
	.forms = 1,
	.open = opened,
	.received = received,
	.encode = encode,
	.drained = drained,
	.pong = ponged,
	.goodbye = said_goodbye,
	.closed = closed,
};

/* The request ---------------------------------------------------------------------------- */

/* The program has let it in and hears of its end, though it never opened. */
static void
give_up(struct program *program, const struct xt_program_door *door)
{
	note_closing(program, XT_WS_ABNORMAL, XT_STR("it did not open"));
	program->session = NULL;
	xt_loop_post(xt_hub_loop(door->sessions->hub), &program->last);
}

/* `*visitor` goes to the session. */
static int
begin(struct xt_exchange *x, const struct xt_program_door *door, struct program *program,
	struct xt_visitor **visitor)
{
	const struct xt_rules *rules = xt_exchange_request(x)->rules;
	struct xt_entry entry = {
		.max_message = rules->message ? rules->message : door->max_message,
		.compression = xt_rules_level(rules, door->compression),
		.takeover = true,
		.rules = rules,
		.visitor = *visitor,
	};
	struct xt_session *session;

	*visitor = NULL;
	session = xt_session_new(door->sessions, door->transport, &program_protocol, &entry);
	if (!session) {
		xt_exchange_no_memory(x);
		return XT_ENOMEM;
	}
	program->session = session;
	((struct seat *)xt_session_protocol_state(session))->program = program;
	if (door->transport->begin(session, x) < 0) {
		xt_session_free(session);
		return XT_ECLOSED;
	}
	xt_session_open(session, &entry);
	/* It may have ended within `open`, and says so itself; it never opens in a server that goes. */
	return session->opened || program->code ? 0 : XT_ECLOSED;
}

static int
agree_on_subprotocol(struct xt_exchange *x, struct program *program, struct xt_str subprotocol)
{
	program->subprotocol = xt_strndup(subprotocol.p, subprotocol.n);
	if (!program->subprotocol) {
		xt_exchange_no_memory(x);
		return XT_ENOMEM;
	}
	if (subprotocol.n)
		xt_exchange_header(x, XT_STR("Sec-WebSocket-Protocol"), subprotocol);
	return 0;
}

/* The program was asked and has said yes. */
static void
let_in(struct xt_exchange *x, const struct xt_program_door *door, struct xt_handshake *handshake,
	struct program *program)
{
	program->ws.context = handshake->context;
	if (agree_on_subprotocol(x, program, handshake->subprotocol) < 0 ||
		begin(x, door, program, &handshake->visitor) < 0)
		give_up(program, door);
}

static void
ask(struct xt_exchange *x, const struct xt_program_door *door, struct xt_handshake *handshake)
{
	const struct xt_websocket_handlers *handlers = door->path->handlers;
	const struct xt_rules *rules = xt_exchange_request(x)->rules;
	struct program *program = program_new(handlers);
	int status;

	if (!program) {
		xt_exchange_no_memory(x);
		return;
	}
	/* What the configuration allows is chosen, unless the program chooses itself. */
	handshake->subprotocol = xt_websocket_choose(
		xt_exchange_request(x), rules->subprotocols, rules->subprotocols_count);
	status = handlers->request ? handlers->request(handshake, door->path->context) : 0;
	if (status == 0) {
		let_in(x, door, handshake, program);
		return;
	}
	program_free(program);
	xt_exchange_error(x, status >= 400 && status <= 599 ? (unsigned)status : 500, "refused",
		"this WebSocket was refused by the application");
}

/* There may be too many of its address. */
static void
admit(struct xt_exchange *x, const struct xt_program_door *door, struct xt_handshake *handshake)
{
	if (xt_exchange_admit(x, &handshake->visitor) == 0)
		ask(x, door, handshake);
}

void
xt_program_url(struct xt_exchange *x, const struct xt_program_door *door)
{
	struct xt_handshake handshake;
	int error;

	if (xt_websocket_check(x) < 0)
		return;
	error = xt_handshake_init(&handshake, x, door->path->context);
	if (error == 0)
		admit(x, door, &handshake);
	else if (error == XT_EINVAL)
		xt_exchange_error(x, 400, "bad_request", "the path is not well-formed");
	else
		xt_exchange_no_memory(x);
	xt_handshake_fini(&handshake);
}
