/* object.c - writing the JSON objects; payloads that are JSON pass through, in one line. */
#include "proto/plain/object.h"

#include "codec/base64.h"
#include "codec/json.h"
#include "crosstalk.h"

static int
put_binary(struct xt_buf *out, struct xt_str payload)
{
	if (xt_buf_append_str(out, XT_STR("\"")) < 0 || xt_base64_append(out, payload) < 0)
		return XT_ENOMEM;
	return xt_buf_append_str(out, XT_STR("\",\"encoding\":\"base64\""));
}

static int
put_data(struct xt_buf *out, const struct xt_message *message)
{
	struct xt_str payload = xt_message_payload(message);

	switch ((enum xt_kind)message->kind) {
	case XT_KIND_TEXT:
		return xt_json_quote(out, payload);
	case XT_KIND_JSON:
		return xt_json_compact_line(out, payload);
	case XT_KIND_BINARY:
		return put_binary(out, payload);
	}
	return XT_EINVAL;
}

static int
put_type(struct xt_buf *out, struct xt_str type)
{
	if (type.n == 0)
		return 0;
	if (xt_buf_append_str(out, XT_STR(",\"type\":")) < 0)
		return XT_ENOMEM;
	return xt_json_quote(out, type);
}

int
xt_object_message(struct xt_buf *out, const struct xt_message *message)
{
	char id[XT_POSITION_TEXT];

	xt_position_format(message->id, id);
	if (xt_buf_printf(out, "{\"id\":\"%s\",\"time\":%llu,\"data\":", id,
		    (unsigned long long)message->time) < 0 ||
		put_data(out, message) < 0 || put_type(out, xt_message_type(message)) < 0)
		return XT_ENOMEM;
	return xt_buf_append_str(out, XT_STR("}"));
}

int
xt_object_open(struct xt_buf *out, struct xt_position next)
{
	char text[XT_POSITION_TEXT];

	xt_position_format(next, text);
	return xt_buf_printf(out, "{\"event\":\"open\",\"next\":\"%s\"}", text);
}

int
xt_object_lost(struct xt_buf *out, struct xt_position since, struct xt_position next)
{
	char asked[XT_POSITION_TEXT], text[XT_POSITION_TEXT];

	xt_position_format(since, asked);
	xt_position_format(next, text);
	return xt_buf_printf(out,
		"{\"event\":\"lost\",\"notice\":\"" XT_LOST_WORDS
		"\",\"since\":\"%s\",\"next\":\"%s\"}",
		asked, text);
}
