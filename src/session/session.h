/*
 * session.h - the narrow waist: one client's identity, between a transport (how) and a protocol (what).
 *
 *   transport  --xt_session_received-->  protocol  --> hub
 *   transport  <--deliver, send, close-- session   <-- hub
 *
 * One allocation: the session, the transport's state, the protocol's state. It lives on one worker and
 * is touched on its thread only. It goes in xt_session_closed(), which every transport calls once.
 */
#ifndef XT_SESSION_SESSION_H
#define XT_SESSION_SESSION_H

#include "base/budget.h"
#include "base/counter.h"
#include "base/list.h"
#include "hub/hub.h"
#include "io/conn.h"
#include "session/protocol.h"
#include "session/transport.h"

struct xt_sessions_config {
	uint32_t heartbeat_interval_ms, heartbeat_timeout_ms;
	uint32_t
		message_timeout_ms; /* how long a message of a peer that was begun may stand still */
	size_t max_backlog;         /* bytes that may wait for one reader */

	/* What all peers of the worker together may make it keep of messages that have not come whole. Borrowed. */
	struct xt_budget *unfinished;
	size_t compression_threshold; /* bytes from which on a message is compressed */
};

/* Messages through a compressor, in one direction. */
struct xt_compression_stats {
	xt_counter messages, plain_bytes, packed_bytes;
};

/* Counted per transport: the row of xt_session_metrics follows the transport's index. */
struct xt_session_stats {
	xt_counter open[XT_TRANSPORTS];
	xt_counter slow_readers;
	struct {
		xt_counter connections, memory;
		struct xt_compression_stats in, out;
	} compression; /* of transports that compress, which count here themselves */
};

struct xt_deflate_pool;

extern const struct xt_metric xt_session_metrics[];
extern const size_t xt_session_metrics_count;

/* The sessions of one worker. */
struct xt_sessions {
	struct xt_hub *hub;
	struct xt_sessions_config config;
	struct xt_list all;
	struct xt_deflate_pool
		*deflate; /* the worker's, for transports that compress; NULL: none */
	uint64_t last_id;
	bool draining;
	struct xt_session_stats stats;
};

void xt_sessions_init(struct xt_sessions *sessions, struct xt_hub *hub, unsigned worker,
	const struct xt_sessions_config *config);

/*
 * The server is going: ends all sessions, and all that open from now on, with XT_CLOSE_SHUTDOWN; answers that wait
 * return as if their time were over.
 */
void xt_sessions_drain(struct xt_sessions *sessions);

/* The strings of an entry, as the session keeps them. */
struct xt_label {
	uint8_t channel_size, client_size, name_size;
	char text[];
};

struct xt_session {
	const struct xt_transport *transport;
	const struct xt_protocol *protocol;
	struct xt_sessions *sessions;
	struct xt_conn *conn; /* NULL for an answer that is held as an exchange */
	struct xt_label *label;
	const struct xt_rules *rules; /* of the path that it came by */
	struct xt_list link;
	uint64_t id;    /* never 0; the origin of what it publishes */
	uint64_t since; /* ms since 1970 UTC */
	uint32_t max_message;
	uint32_t wait_ms;
	uint8_t why;         /* enum xt_close, once it is known */
	bool opened;         /* the protocol has begun, and not ended */
	bool closing;        /* nothing more is received or sent */
	uint8_t compression; /* as in the entry */
	bool takeover;

	/* The transport's, the protocol's, and what is counted if the rules ask for that. */
	_Alignas(8) char state[];
};

/* NULL: out of memory. Takes the entry's visitor in any case. */
struct xt_session *xt_session_new(struct xt_sessions *sessions,
	const struct xt_transport *transport, const struct xt_protocol *protocol,
	const struct xt_entry *entry);

/* For one that never opened. */
void xt_session_free(struct xt_session *session);

struct xt_str xt_session_channel(const struct xt_session *session);
struct xt_str xt_session_client(const struct xt_session *session);
struct xt_str xt_session_name(const struct xt_session *session);

static inline void *
xt_session_transport_state(struct xt_session *session)
{
	return session->state;
}

/* States begin at multiples of 8. */
static inline void *
xt_session_protocol_state(struct xt_session *session)
{
	return session->state + ((session->transport->size + 7) & ~(size_t)7);
}

/* What transports call ------------------------------------------------------------------ */

/* Ready to send: the protocol begins. */
void xt_session_open(struct xt_session *session, const struct xt_entry *entry);

/* A whole message of the peer. */
void xt_session_received(struct xt_session *session, const struct xt_payload *payload);

void xt_session_drained(struct xt_session *session);
void xt_session_waited(struct xt_session *session);

/* Of a WebSocket: what the peer said, before xt_session_end(). */
void xt_session_ponged(struct xt_session *session, struct xt_str p);
void xt_session_goodbye(struct xt_session *session, uint16_t code, struct xt_str reason);

/*
 * The peer ended it (XT_CLOSE_PEER), or the transport had to: tells the protocol at once (it leaves channels and presence) though
 * the connection may take a while to close. More than one call does no harm.
 */
void xt_session_end(struct xt_session *session, enum xt_close why);

/* The last call: ends it if need be, and frees the session. */
void xt_session_closed(struct xt_session *session, enum xt_close why);

/* What protocols call ------------------------------------------------------------------- */

void xt_session_close(struct xt_session *session, enum xt_close why, const char *words);

/* The same for what the hub says no with: XT_ELIMIT (too many channels), XT_ENOMEM. */
void xt_session_refuse(struct xt_session *session, int error);

/*
 * Ends a WebSocket with any code; the session stays until the peer has said goodbye too, or too long was
 * silent. Nothing is received or sent meanwhile. 0, or XT_ECLOSED: it ends already.
 */
int xt_session_say_goodbye(struct xt_session *session, uint16_t code, struct xt_str reason);

/*
 * Within protocol->open, of a stream: what is sent, the answer to its request first, leaves when each hold was released.
 * So who has the answer hears all that happens from then on. False: it has left already.
 */
bool xt_session_hold(struct xt_session *session);
void xt_session_release(struct xt_session *session);

/* To this session alone; nothing happens when its transport can't. */
void xt_session_send(struct xt_session *session, const struct xt_payload *payload);

void xt_session_notice(struct xt_session *session, const struct xt_notice *notice);

/*
 * Messages `from` up to the end of the batch in one form, encoded once for all sessions of one
 * transport. `no_echo` leaves out what the session itself published. A reader who is too
 * slow is closed here and nowhere else.
 */
void xt_session_deliver(struct xt_session *session, struct xt_batch *batch, size_t from,
	unsigned form, bool no_echo);

/*
 * The answer to a question for messages: encoded for this session alone. False: all of them were its own and were
 * left out, so nothing was sent, and nothing will drain.
 */
bool xt_session_deliver_opening(
	struct xt_session *session, const struct xt_opening *opening, unsigned form, bool no_echo);

/* Who it is, for the presence list. */
void xt_session_describe(const struct xt_session *session, struct xt_member *member);

#endif
