/* sse.c - server-sent events (WHATWG HTML 9.2). */
#include "codec/base64.h"
#include "codec/eventstream.h"
#include "crosstalk.h"
#include "transport/stream/kind.h"

static int
put_binary(struct xt_buf *out, struct xt_str bytes)
{
	if (xt_buf_append_str(out, XT_STR("event: binary\ndata: ")) < 0 ||
		xt_base64_append(out, bytes) < 0)
		return XT_ENOMEM;
	return xt_buf_append_str(out, XT_STR("\n"));
}

static int
sse_message(struct xt_buf *out, const struct xt_message *message, const struct xt_payload *payload)
{
	char id[XT_POSITION_TEXT];
	size_t n = xt_position_format(message->id, id);
	int error = xt_eventstream_field(out, XT_STR("id"), xt_str_of(id, n));

	if (error == 0)
		error = payload->kind == XT_KIND_BINARY ? put_binary(out, payload->bytes)
							: xt_eventstream_data(out, payload->bytes);
	return error == 0 ? xt_eventstream_end(out) : error;
}

static int
sse_event(struct xt_buf *out, const char *event, struct xt_str id, struct xt_str json)
{
	int error = xt_eventstream_field(out, XT_STR("event"), xt_str_from(event));

	if (error == 0 && id.n)
		error = xt_eventstream_field(out, XT_STR("id"), id);
	if (error == 0)
		error = xt_eventstream_data(out, json);
	return error == 0 ? xt_eventstream_end(out) : error;
}

const struct xt_stream_kind xt_sse_kind = {
	.type = XT_STR_INIT("text/event-stream"),
	.heartbeat = XT_STR_INIT(":\n\n"),
	.message = sse_message,
	.event = sse_event,
};
