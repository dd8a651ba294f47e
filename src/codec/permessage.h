/*
 * permessage.h - permessage-deflate is agreed on (RFC 7692 5, 7.1): what is offered, accepted, declined. Pure.
 *
 *	client: offer -> Sec-WebSocket-Extensions -> server: accept -> the same field -> client: agree
 */
#ifndef XT_CODEC_PERMESSAGE_H
#define XT_CODEC_PERMESSAGE_H

#include "base/str.h"

#define XT_PERMESSAGE_BITS_MIN 8
#define XT_PERMESSAGE_BITS_MAX 15

/* Room for an offer or an answer, with its NUL. */
#define XT_PERMESSAGE_TEXT 160

/* What holds for a connection, or what one side would like: windows of 2^bits bytes. */
struct xt_permessage {
	bool server_no_takeover, client_no_takeover; /* each message begins with an empty window */
	uint8_t server_bits, client_bits;            /* 8 to 15 */
};

/*
 * The server's side. `offers` is the value of one Sec-WebSocket-Extensions field (ask for each field in turn, the first
 * that is accepted wins; other extensions are passed over). `wish` is the most that the server would grant: a no_takeover
 * that is set is asked for where the protocol allows, bits are upper bounds. True: `*agreed` and the answer, NUL-ended, in
 * `text`. False: nothing acceptable, among it offers with unknown, repeated or ill-valued parameters (7.1).
 */
bool xt_permessage_accept(struct xt_str offers, const struct xt_permessage *wish,
	struct xt_permessage *agreed, char text[XT_PERMESSAGE_TEXT]);

/* What was agreed on, as an extension in its shortest form, NUL-ended; returns its length. */
size_t xt_permessage_text(const struct xt_permessage *agreed, char text[XT_PERMESSAGE_TEXT]);

/* The client's offer of `wish`, NUL-ended; returns its length. It always says client_max_window_bits. */
size_t xt_permessage_offer(const struct xt_permessage *wish, char text[XT_PERMESSAGE_TEXT]);

/*
 * The client's side of the answer, the value of the one field; empty: declined. 1: agreed, and how; 0: without; XT_EPROTO:
 * an answer to nothing that was offered, the connection must be failed (5.1, 7.1), and `*why` are static words.
 */
int xt_permessage_agree(struct xt_str answer, const struct xt_permessage *wish,
	struct xt_permessage *agreed, const char **why);

#endif
