/* ws_handshake.c - the checks of RFC 6455 4.1 on a server's answer, in the order in which it numbers them. */
#include "codec/ws_handshake.h"

#include "codec/base64.h"
#include "crosstalk.h"

#define ACCEPT     XT_STR("sec-websocket-accept")
#define EXTENSIONS XT_STR("sec-websocket-extensions")
#define PROTOCOL   XT_STR("sec-websocket-protocol")

void
xt_ws_key(const uint8_t random[16], char key[XT_WS_KEY_SIZE])
{
	size_t n = xt_base64_encode(xt_str_of(random, 16), key);

	key[n] = '\0';
}

/* Point 2. */
static const char *
check_upgrade(const struct xt_http1_response *response)
{
	if (response->minor == 0)
		return "the answer is HTTP/1.0, which has no upgrades";
	if (xt_http1_response_field_count(response, XT_STR("upgrade")) != 1 ||
		!xt_str_ieq(
			xt_http1_response_field(response, XT_STR("upgrade")), XT_STR("websocket")))
		return "the answer does not say \"Upgrade: websocket\"";
	return NULL;
}

/* Point 3: a token, in any of the fields with this name (RFC 9110 5.3). */
static const char *
check_connection(const struct xt_http1_response *response)
{
	for (size_t i = 0; i < response->fields_count; i++) {
		struct xt_str list = response->fields[i].value, member;
		if (!xt_str_ieq(response->fields[i].name, XT_STR("connection")))
			continue;
		while (xt_http1_list_next(&list, &member))
			if (xt_str_ieq(member, XT_STR("upgrade")))
				return NULL;
	}
	return "the answer does not say \"Connection: Upgrade\"";
}

/* Point 4. */
static int
check_accept(const struct xt_http1_response *response, const char *key, const char **why)
{
	char accept[XT_WS_ACCEPT_SIZE];
	int error = xt_ws_accept(xt_str_from(key), accept);

	if (error < 0)
		return error;
	if (xt_http1_response_field_count(response, ACCEPT) == 0)
		*why = "the answer has no Sec-WebSocket-Accept";
	else if (xt_http1_response_field_count(response, ACCEPT) > 1)
		*why = "the answer has more than one Sec-WebSocket-Accept";
	else if (!xt_str_eq(xt_http1_response_field(response, ACCEPT), xt_str_from(accept)))
		*why = "the answer's Sec-WebSocket-Accept is not the one for this handshake";
	else
		return 0;
	return XT_EPROTO;
}

/* Point 5. An answer that names none, in whatever way, is one without. */
static int
check_extensions(const struct xt_http1_response *response, const struct xt_ws_asked *asked,
	struct xt_ws_agreed *agreed, const char **why)
{
	int error;

	agreed->extensions = xt_http1_response_field(response, EXTENSIONS);
	if (xt_http1_response_field_count(response, EXTENSIONS) > 1) {
		*why = "the answer has more than one Sec-WebSocket-Extensions";
		return XT_EPROTO;
	}
	if (agreed->extensions.n == 0)
		return 0;
	if (!asked->wish) {
		*why = "the answer has an extension that was not asked for";
		return XT_EPROTO;
	}
	error = xt_permessage_agree(agreed->extensions, asked->wish, &agreed->permessage, why);
	agreed->deflate = error > 0;
	return error < 0 ? error : 0;
}

static bool
was_asked(const struct xt_ws_asked *asked, struct xt_str subprotocol)
{
	for (size_t i = 0; asked->subprotocols && asked->subprotocols[i]; i++)
		if (xt_str_eq(subprotocol, xt_str_from(asked->subprotocols[i])))
			return true;
	return false;
}

/* Point 6; and as in browsers (WebSockets Standard 2.2) one of those that were asked for must be there. */
static const char *
check_subprotocol(const struct xt_http1_response *response, const struct xt_ws_asked *asked,
	struct xt_ws_agreed *agreed)
{
	size_t count = xt_http1_response_field_count(response, PROTOCOL);
	bool wanted = asked->subprotocols && asked->subprotocols[0];

	agreed->subprotocol = xt_http1_response_field(response, PROTOCOL);
	if (count == 0)
		return wanted ? "the answer chooses none of the subprotocols that were asked for"
			      : NULL;
	if (count > 1)
		return "the answer has more than one Sec-WebSocket-Protocol";
	return was_asked(asked, agreed->subprotocol)
		       ? NULL
		       : "the answer chooses a subprotocol that was not asked for";
}

int
xt_ws_handshake_check(const struct xt_http1_response *response, const struct xt_ws_asked *asked,
	struct xt_ws_agreed *agreed, const char **why)
{
	int error;

	*agreed = (struct xt_ws_agreed){ 0 };
	*why = check_upgrade(response);
	if (!*why)
		*why = check_connection(response);
	if (*why)
		return XT_EPROTO;
	error = check_accept(response, asked->key, why);
	if (error == 0)
		error = check_extensions(response, asked, agreed, why);
	if (error < 0)
		return error;
	*why = check_subprotocol(response, asked, agreed);
	return *why ? XT_EPROTO : 0;
}
