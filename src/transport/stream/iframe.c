/*
 * iframe.c - the forever frame: a page that never ends, each message a script block that calls its parent.
 *
 * The page holds nothing but what is written here, and every character of a message that could end a
 * script is escaped; so its policy allows inline script and nothing else.
 */
#include "codec/json.h"
#include "crosstalk.h"
#include "transport/stream/kind.h"

#define SCRIPT_BEGIN "<script>parent.crosstalk("
#define SCRIPT_END   ")</script>\n"

/* Some browsers show nothing of a page before about a kilobyte of it has come. */
#define PAD_64 "                                                                "
#define PAD    PAD_64 PAD_64 PAD_64 PAD_64 PAD_64 PAD_64 PAD_64 PAD_64
#define PAGE \
	"<!doctype html><html lang=\"en\"><meta " \
	"charset=\"utf-8\"><title>crosstalk</title>\n<!--" PAD PAD "-->\n"

static int
put_call(struct xt_buf *out, struct xt_str json)
{
	if (xt_buf_append_str(out, XT_STR(SCRIPT_BEGIN)) < 0 || xt_json_script_safe(out, json) < 0)
		return XT_ENOMEM;
	return xt_buf_append_str(out, XT_STR(SCRIPT_END));
}

static int
iframe_message(
	struct xt_buf *out, const struct xt_message *message, const struct xt_payload *payload)
{
	(void)message; /* its id is in the object */
	return put_call(out, payload->bytes);
}

static int
iframe_event(struct xt_buf *out, const char *event, struct xt_str id, struct xt_str json)
{
	(void)event;
	(void)id;
	return put_call(out, json);
}

#define POLICY "default-src 'none'; script-src 'unsafe-inline'; frame-ancestors 'self'"

const struct xt_stream_kind xt_iframe_kind = {
	.type = { "text/html; charset=utf-8", sizeof "text/html; charset=utf-8" - 1 },
	.policy = XT_STR_INIT(POLICY),
	.preamble = XT_STR_INIT(PAGE),
	.heartbeat = XT_STR_INIT("<!-- -->\n"),
	.message = iframe_message,
	.event = iframe_event,
};
