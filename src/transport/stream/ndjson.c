/* ndjson.c - one JSON object a line. */
#include "crosstalk.h"
#include "transport/stream/kind.h"

static int
put_line(struct xt_buf *out, struct xt_str json)
{
	if (xt_buf_reserve(out, json.n + 1) < 0)
		return XT_ENOMEM;
	xt_buf_put_str(out, json);
	xt_buf_put_char(out, '\n');
	return 0;
}

static int
ndjson_message(
	struct xt_buf *out, const struct xt_message *message, const struct xt_payload *payload)
{
	(void)message; /* its id is in the object */
	return put_line(out, payload->bytes);
}

static int
ndjson_event(struct xt_buf *out, const char *event, struct xt_str id, struct xt_str json)
{
	(void)event;
	(void)id;
	return put_line(out, json);
}

const struct xt_stream_kind xt_ndjson_kind = {
	.type = XT_STR_INIT("application/x-ndjson"),
	.heartbeat = XT_STR_INIT("\n"),
	.message = ndjson_message,
	.event = ndjson_event,
};
