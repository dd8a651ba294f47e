/* kind.h - what tells one kind of stream from another; the rest is in stream.c. Only transport/stream/ includes it. */
#ifndef XT_TRANSPORT_STREAM_KIND_H
#define XT_TRANSPORT_STREAM_KIND_H

#include "base/buf.h"
#include "session/transport.h"

/* All pure; 0 or XT_ENOMEM. */
struct xt_stream_kind {
	struct xt_str type;      /* Content-Type */
	struct xt_str policy;    /* Content-Security-Policy; empty: none */
	struct xt_str preamble;  /* what stands before everything; empty: nothing */
	struct xt_str heartbeat; /* what readers ignore */
	int (*message)(struct xt_buf *out, const struct xt_message *message,
		const struct xt_payload *payload);
	/* `event` is its name, `id` the position to resume from (empty: none), `json` the object. */
	int (*event)(struct xt_buf *out, const char *event, struct xt_str id, struct xt_str json);
};

extern const struct xt_stream_kind xt_sse_kind, xt_ndjson_kind, xt_iframe_kind;

#endif
