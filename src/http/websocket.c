/* websocket.c - each rule of the opening handshake, in the order in which a human would look. */
#include "http/websocket.h"

#include "crosstalk.h"
#include "crosstalk_ws.h"
#include "http/origin.h"

#define KEY        XT_STR("sec-websocket-key")
#define VERSION    XT_STR("sec-websocket-version")
#define PROTOCOLS  XT_STR("sec-websocket-protocol")
#define EXTENSIONS XT_STR("sec-websocket-extensions")

bool
xt_websocket_wanted(const struct xt_request *request)
{
	return xt_request_has_token(request, XT_STR("upgrade"), XT_STR("websocket"));
}

static int
refuse(struct xt_exchange *x, const char *words)
{
	xt_exchange_error(x, 400, "bad_request", "%s", words);
	return XT_EPROTO;
}

/* RFC 6455 4.2.1, points 1 to 4. */
static int
check_request(struct xt_exchange *x, const struct xt_request *request)
{
	const struct xt_http1_head *head = request->head;

	if (request->method != XT_GET) {
		xt_exchange_header(x, XT_STR("Allow"), XT_STR("GET"));
		xt_exchange_error(x, 405, "method_not_allowed", "a WebSocket is opened with GET");
		return XT_EPROTO;
	}
	if (head->minor == 0)
		return refuse(x, "a WebSocket needs HTTP/1.1");
	if (!xt_request_field(request, XT_STR("host")).p)
		return refuse(x, "a WebSocket needs a Host field");
	if (head->chunked || head->length > 0)
		return refuse(x, "a request to open a WebSocket must not have a body");
	if (!xt_websocket_wanted(request))
		return refuse(x,
			xt_exchange_is_http2(x)
				? "this path is a WebSocket: the request needs :method CONNECT "
				  "with :protocol websocket"
				: "this path is a WebSocket: the request needs Upgrade: websocket");
	if (!xt_request_has_token(request, XT_STR("connection"), XT_STR("upgrade")))
		return refuse(x, "to open a WebSocket the Connection field must name Upgrade");
	return 0;
}

/* Point 6, and 4.4: another version is told which one is spoken here. */
static int
check_version(struct xt_exchange *x, const struct xt_request *request)
{
	struct xt_str version = xt_request_field(request, VERSION);

	if (!version.p)
		return refuse(x, "the Sec-WebSocket-Version field is missing; it must be 13");
	if (xt_http1_field_count(request->head, VERSION) > 1)
		return refuse(x, "there is more than one Sec-WebSocket-Version field");
	if (xt_str_eq(version, XT_STR("13")))
		return 0;
	xt_exchange_header(x, XT_STR("Sec-WebSocket-Version"), XT_STR("13"));
	/* RFC 9113 8.6: HTTP/2 has no upgrades. */
	if (xt_exchange_is_http2(x))
		return refuse(x, "only version 13 of the WebSocket protocol is spoken here");
	/* RFC 9110 15.5.22: 426 says what to upgrade to. */
	xt_exchange_header(x, XT_STR("Upgrade"), XT_STR("websocket"));
	xt_exchange_error(x, 426, "upgrade_required",
		"only version 13 of the WebSocket protocol is spoken here");
	return XT_EPROTO;
}

/* Point 5. */
static int
check_key(struct xt_exchange *x, const struct xt_request *request)
{
	struct xt_str key = xt_request_field(request, KEY);

	/* RFC 8441 5: the key is not used. */
	if (xt_exchange_is_http2(x))
		return 0;
	if (!key.p)
		return refuse(x, "the Sec-WebSocket-Key field is missing");
	if (xt_http1_field_count(request->head, KEY) > 1)
		return refuse(x, "there is more than one Sec-WebSocket-Key field");
	if (!xt_ws_key_valid(key))
		return refuse(x, "Sec-WebSocket-Key must be 16 bytes in base64");
	return 0;
}

/* ---- lists ----------------------------------------------------------------------------- */

/* A quoted string to the very end of `s` (RFC 9110 5.6.4). */
static bool
is_quoted(struct xt_str s)
{
	size_t i = 1;

	if (s.n < 2 || s.p[0] != '"')
		return false;
	while (i < s.n && s.p[i] != '"')
		i += s.p[i] == '\\' ? 2 : 1;
	return i == s.n - 1;
}

/* token [ "=" ( token | quoted-string ) ] */
static bool
is_parameter(struct xt_str s)
{
	struct xt_str value = s;
	struct xt_str name = xt_str_trim(xt_str_cut(&value, '='));

	if (!xt_http1_is_token(name))
		return false;
	if (!value.p)
		return true;
	value = xt_str_trim(value);
	return xt_http1_is_token(value) || is_quoted(value);
}

/* RFC 6455 9.1: token *( ";" parameter ) */
static bool
is_extension(struct xt_str s)
{
	if (!xt_http1_is_token(xt_str_trim(xt_http1_parameter_cut(&s))))
		return false;
	while (s.p)
		if (!is_parameter(xt_str_trim(xt_http1_parameter_cut(&s))))
			return false;
	return true;
}

/* Whether every field called `name` is a list of what `is_member` accepts, and there is one at least. */
static bool
is_list(const struct xt_request *request, struct xt_str name, bool (*is_member)(struct xt_str))
{
	const struct xt_http1_head *head = request->head;
	size_t members = 0, fields = 0;

	for (size_t i = 0; i < head->fields_count; i++) {
		struct xt_str list = head->fields[i].value, member;
		if (!xt_str_ieq(head->fields[i].name, name))
			continue;
		fields++;
		while (xt_http1_list_next(&list, &member)) {
			members++;
			if (!is_member(member))
				return false;
		}
	}
	return fields == 0 || members > 0;
}

/* Points 8 and 9. */
static int
check_lists(struct xt_exchange *x, const struct xt_request *request)
{
	if (!is_list(request, PROTOCOLS, xt_http1_is_token))
		return refuse(x, "Sec-WebSocket-Protocol is not a list of names");
	if (!is_list(request, EXTENSIONS, is_extension))
		return refuse(x, "Sec-WebSocket-Extensions is not a list of extensions");
	return 0;
}

int
xt_websocket_check(struct xt_exchange *x)
{
	const struct xt_request *request = xt_exchange_request(x);

	if (check_request(x, request) < 0 || check_version(x, request) < 0 ||
		check_key(x, request) < 0 || check_lists(x, request) < 0)
		return XT_EPROTO;
	/* RFC 6455 10.2: a server that is not for everybody's pages verifies the origin */
	return xt_origin_check(x);
}

static bool
is_one_of(struct xt_str name, const struct xt_str *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (xt_str_eq(name, names[i]))
			return true;
	return false;
}

struct xt_str
xt_websocket_choose(const struct xt_request *request, const struct xt_str *allowed, size_t count)
{
	const struct xt_http1_head *head = request->head;

	for (size_t i = 0; count > 0 && i < head->fields_count; i++) {
		struct xt_str list = head->fields[i].value, name;
		if (!xt_str_ieq(head->fields[i].name, PROTOCOLS))
			continue;
		while (xt_http1_list_next(&list, &name))
			if (is_one_of(name, allowed, count))
				return name;
	}
	return (struct xt_str){ 0 };
}

int
xt_websocket_accept_headers(struct xt_exchange *x)
{
	char accept[XT_WS_ACCEPT_SIZE];
	int error;

	/* RFC 8441 5: that the stream is open says it all. */
	if (xt_exchange_is_http2(x))
		return 0;
	error = xt_ws_accept(xt_request_field(xt_exchange_request(x), KEY), accept);
	if (error < 0)
		return error;
	xt_exchange_header(x, XT_STR("Upgrade"), XT_STR("websocket"));
	xt_exchange_header(x, XT_STR("Sec-WebSocket-Accept"), xt_str_from(accept));
	return 0;
}
