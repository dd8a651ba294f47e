/* registry.c - one row for each way to read a channel. */
#include "server/registry.h"

#include "http/websocket.h"
#include "transport/poll/poll.h"
#include "transport/stream/stream.h"
#include "transport/ws/ws.h"

static bool
wants_sse(const struct xt_request *request)
{
	struct xt_str accept = xt_request_field(request, XT_STR("Accept"));

	while (accept.p) {
		struct xt_str item = xt_str_cut(&accept, ',');
		if (xt_str_ieq(xt_str_trim(xt_str_cut(&item, ';')), XT_STR("text/event-stream")))
			return true;
	}
	return false;
}

static bool
wants_stream(const struct xt_request *request, struct xt_str kind)
{
	struct xt_buf value = { 0 };
	bool wanted = xt_request_query(request, XT_STR("stream"), &value) == 1 &&
		      xt_str_eq(xt_buf_str(&value), kind);

	xt_buf_fini(&value);
	return wanted;
}

static bool
wants_ndjson(const struct xt_request *request)
{
	return wants_stream(request, XT_STR("ndjson"));
}

static bool
wants_iframe(const struct xt_request *request)
{
	return wants_stream(request, XT_STR("iframe"));
}

static bool
wants_longpoll(const struct xt_request *request)
{
	return xt_request_has_query(request, XT_STR("wait"));
}

static bool
wants_poll(const struct xt_request *request)
{
	(void)request;
	return true;
}

const struct xt_reader xt_readers[] = {
	{ xt_websocket_wanted, &xt_ws_transport, NULL, false, false, false, XT_START_NOW },
	{ wants_ndjson, &xt_ndjson_transport, &xt_ndjson_plain_transport, true, true, false,
		XT_START_NOW },
	{ wants_iframe, &xt_iframe_transport, &xt_iframe_plain_transport, true, true, false,
		XT_START_NOW },
	{ wants_sse, &xt_sse_transport, &xt_sse_plain_transport, false, false, false,
		XT_START_NOW },
	{ wants_longpoll, &xt_longpoll_transport, NULL, true, true, true, XT_START_NOW },
	{ wants_poll, &xt_poll_transport, NULL, true, true, true, XT_START_OLDEST },
};
const size_t xt_readers_count = sizeof xt_readers / sizeof xt_readers[0];
