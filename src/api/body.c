/* body.c - deciding whether a body is text, JSON or binary. */
#include "api/body.h"

#include "codec/json.h"
#include "codec/utf8.h"

/* The media type without its parameters (RFC 9110 8.3.1). */
static struct xt_str
essence(struct xt_str type)
{
	return xt_str_trim(xt_str_cut(&type, ';'));
}

static bool
starts_with(struct xt_str s, struct xt_str prefix)
{
	s.n = s.n < prefix.n ? s.n : prefix.n;
	return xt_str_ieq(s, prefix);
}

static bool
ends_with(struct xt_str s, struct xt_str suffix)
{
	return s.n > suffix.n && xt_str_ieq(xt_str_skip(s, s.n - suffix.n), suffix);
}

static bool
is_json(struct xt_str type)
{
	/* RFC 6839 3.1: +json */
	return xt_str_ieq(type, XT_STR("application/json")) || ends_with(type, XT_STR("+json"));
}

static bool
is_binary(struct xt_str type)
{
	static const struct xt_str prefixes[] = {
		XT_STR_INIT("application/octet-stream"),
		XT_STR_INIT("image/"),
		XT_STR_INIT("audio/"),
		XT_STR_INIT("video/"),
		XT_STR_INIT("font/"),
	};

	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		if (starts_with(type, prefixes[i]))
			return true;
	return false;
}

static bool
check_json(struct xt_exchange *x, struct xt_str body)
{
	size_t at;
	const char *what;

	if (xt_json_check(body, XT_JSON_DEPTH_MAX, &at, &what))
		return true;
	xt_exchange_error(x, 400, "bad_json",
		"the body is not valid JSON: %s at byte %zu; send it with another Content-Type if "
		"it is not JSON",
		what, at);
	return false;
}

struct xt_message *
xt_api_message(struct xt_exchange *x)
{
	const struct xt_request *request = xt_exchange_request(x);
	struct xt_str type = xt_request_field(request, XT_STR("Content-Type"));
	struct xt_str kind_of = essence(type);
	struct xt_message *message;
	enum xt_kind kind = XT_KIND_BINARY;

	if (type.n > XT_MESSAGE_TYPE_MAX) {
		xt_exchange_error(x, 400, "bad_request", "Content-Type is longer than %d bytes",
			XT_MESSAGE_TYPE_MAX);
		return NULL;
	}
	if (!xt_utf8_valid(type)) {
		xt_exchange_error(x, 400, "bad_request", "Content-Type is not UTF-8");
		return NULL;
	}
	if (is_json(kind_of)) {
		if (!check_json(x, request->body))
			return NULL;
		kind = XT_KIND_JSON;
	} else if (!is_binary(kind_of) && xt_utf8_valid(request->body)) {
		kind = XT_KIND_TEXT;
	}
	message = xt_message_new(kind, request->body, type, 0);
	if (!message)
		xt_exchange_no_memory(x);
	return message;
}
