/* entry.h - what somebody asks for who comes in through a door: which channel, from where on, in which form. */
#ifndef XT_SESSION_ENTRY_H
#define XT_SESSION_ENTRY_H

#include "base/rules.h"
#include "hub/subscriber.h"
#include "io/visitors.h"

#define XT_CLIENT_MAX      64 /* bytes of ?client= */
#define XT_CLIENT_NAME_MAX 64 /* bytes of ?name= */

/* Borrowed: a session copies what it keeps. */
struct xt_entry {
	struct xt_str channel;      /* empty: none (an echo) */
	struct xt_str client, name; /* for the presence list; empty: none */
	struct xt_reading reading;  /* start, since, last; the mode is the protocol's business */
	bool json;                  /* messages as JSON objects, not as payloads alone */
	bool no_echo;               /* leave out what this session itself sent */
	uint32_t wait_ms;           /* long poll: how long; 0: answer at once */
	uint32_t max_message;       /* bytes of a message that the peer may send */
	uint8_t compression;        /* a WebSocket's: the level, 1 to 9; 0: none */
	bool takeover; /* and whether its windows may be kept from message to message */
	const struct xt_rules *rules; /* of the path; lives as long as the server. NULL: none */
	struct xt_visitor
		*visitor; /* the session's from when it is made, or can't be. NULL: not counted */
};

#endif
