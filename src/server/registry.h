/* registry.h - the only list of parts: which ways there are to read a channel. */
#ifndef XT_SERVER_REGISTRY_H
#define XT_SERVER_REGISTRY_H

#include "http/request.h"
#include "session/protocol.h"
#include "session/transport.h"

/* A way to read the channel URL. The first row whose `wanted` says yes is taken. */
struct xt_reader {
	bool (*wanted)(const struct xt_request *request);
	const struct xt_transport *transport;
	const struct xt_transport
		*plain; /* where there are no chunks: HTTP/1.0, HTTP/2; NULL: the same */
	bool json;      /* messages are JSON objects unless ?format= says otherwise */
	bool only_json; /* and it may not say otherwise */
	bool answers_head;
	enum xt_start start; /* without ?since= and ?history= */
};

extern const struct xt_reader xt_readers[];
extern const size_t xt_readers_count;

#endif
