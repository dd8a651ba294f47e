/*
 * compression.h - permessage-deflate (RFC 7692) of one WebSocket of a server: what was agreed on, and the windows that
 * it keeps from message to message.
 *
 *	handshake: agree() -> incoming: inflate(); outgoing to all: frame_shared(), to this one: frame_own() -> end()
 *
 * Three ways through a compressor, none of which can fail for want of memory that others hold:
 *
 *	with the peer's window kept    its own inflater, counted below the ceiling since the handshake
 *	with ours kept                 its own deflater, from the first message on; where there is none, a borrowed one
 *	without                        a borrowed one for each message, whole: nothing is held between two messages, or
 *	                               between two pieces of one (they are gathered as they come, compressed)
 *
 * What is compressed for all begins with an empty window, and so fits every peer whose window is as large, whatever was
 * agreed on about keeping it. A deflater of one's own begins anew after it: the peer's window has seen what ours has not.
 */
#ifndef XT_TRANSPORT_WS_COMPRESSION_H
#define XT_TRANSPORT_WS_COMPRESSION_H

#include "codec/deflate.h"
#include "codec/permessage.h"
#include "http/exchange.h"
#include "session/session.h"

/* Zeros: no compression. 24 bytes. */
struct xt_ws_compression {
	struct xt_permessage agreed;  /* server_bits 0: nothing */
	bool stale;                   /* the peer's window has seen what our deflater has not */
	struct xt_deflater *deflater; /* NULL: none of its own */
	struct xt_inflater *inflater;
};

static inline bool
xt_ws_compression_is_on(const struct xt_ws_compression *compression)
{
	return compression->agreed.server_bits != 0;
}

/*
 * Judges what the request offers. True: there is compression from now on, and the answer's field was added. False: there
 * is none: nothing that suits, the path has none, or the memory for it is all in use.
 */
bool xt_ws_compression_agree(struct xt_ws_compression *compression, struct xt_session *session,
	struct xt_exchange *exchange);

/* Gives back what it holds. More than one call does no harm. */
void xt_ws_compression_end(struct xt_ws_compression *compression, struct xt_session *session);

/*
 * A whole message of the peer, decompressed to the empty `out`. 0; XT_ELIMIT: longer than session->max_message;
 * XT_EPROTO: not valid; XT_ENOMEM. After an error nothing more can be inflated.
 */
int xt_ws_inflate(struct xt_ws_compression *compression, struct xt_session *session,
	struct xt_str packed, struct xt_buf *out);

/*
 * Append a message as a frame, compressed if that is worth it. 0 or XT_ENOMEM. The first for whoever has a window of 2^bits or
 * larger, the second for this WebSocket alone.
 */
int xt_ws_frame_shared(struct xt_session *session, unsigned bits, const struct xt_payload *payload,
	struct xt_buf *out);
int xt_ws_frame_own(struct xt_ws_compression *compression, struct xt_session *session,
	const struct xt_payload *payload, struct xt_buf *out);

/* Append a message as a frame, as it is. 0 or XT_ENOMEM. */
int xt_ws_frame_plain(const struct xt_payload *payload, struct xt_buf *out);

#endif
