/*
 * handshake.c - from a connected socket to an open WebSocket: the proxy's tunnel, TLS, the opening handshake, redirects.
 *
 * Each of the two answers has its stream; whoever is asked last hands the connection to frames.c.
 */
#include "base/random.h"
#include "client/client_private.h"
#include "client/request.h"

#define INTERIM_MAX 16 /* answers in front of the answer (RFC 9110 15.2) */

static const struct xt_stream proxy_stream, server_stream;

static void
fail(struct xt_client *client, int error, const char *words)
{
	xt_client_note(client, error, XT_WS_ABNORMAL, "%s", words);
	xt_client_end(client);
}

/* The same would happen again. */
static void
fail_finally(struct xt_client *client, int error, const char *words)
{
	xt_client_note(client, error, XT_WS_ABNORMAL, "%s", words);
	client->outcome.final = true;
	xt_client_end(client);
}

/* ---- asking ------------------------------------------------------------------------------ */

static void
choose_key(struct handshake *handshake)
{
	uint8_t random[16];

	xt_random_fill(random, sizeof random);
	xt_ws_key(random, handshake->key);
}

/* Offers nothing when there is no compression. */
static void
offer(struct xt_client *client, char text[XT_PERMESSAGE_TEXT])
{
	struct handshake *handshake = &client->handshake;

	text[0] = '\0';
	handshake->wish = (struct xt_permessage){
		.server_bits = XT_PERMESSAGE_BITS_MAX,
		.client_bits = XT_PERMESSAGE_BITS_MAX,
	};
	handshake->offered =
		client->settings.compress && xt_permessage_offer(&handshake->wish, text) > 0;
}

static int
write_request(struct xt_client *client, struct xt_buf *out)
{
	char extensions[XT_PERMESSAGE_TEXT];
	struct xt_request_details details = {
		.settings = &client->settings,
		.url = &client->url,
		.key = client->handshake.key,
		.extensions = extensions,
	};
	struct xt_buf query = { 0 };
	int error = 0;

	if (client->state == XT_CLIENT_PROXY)
		return xt_request_tunnel(out, &client->settings, &client->url);
	choose_key(&client->handshake);
	offer(client, extensions);
	if (client->settings.channel)
		error = xt_channel_query(&client->place, client->url.query, &query);
	details.query = xt_buf_str(&query);
	if (error == 0)
		error = xt_request_websocket(out, &details);
	xt_buf_fini(&query);
	return error;
}

static void
ask(struct xt_client *client)
{
	const struct xt_allocator *before = xt_client_enter(client);
	struct xt_buf out = { 0 };
	int error = write_request(client, &out);

	xt_client_leave(before);
	client->handshake.reader = (struct xt_http1_response_reader){ 0 };
	if (error == 0)
		error = xt_conn_send(client->conn, out.p, out.n);
	before = xt_client_enter(client);
	xt_buf_fini(&out);
	xt_client_leave(before);
	if (error == XT_ENOMEM)
		fail(client, XT_ENOMEM, "out of memory");
}

static int
need_tls(struct xt_client *client, char *error, size_t size)
{
	const struct xt_allocator *before = xt_client_enter(client);
	int status = xt_settings_need_tls(&client->settings, error, size);

	xt_client_leave(before);
	return status;
}

/* Another name for the certificate is meant for the URL that was asked for, not for where that redirects to. */
static int
begin_tls(struct xt_client *client)
{
	const struct xt_settings *settings = &client->settings;
	char host[XT_RESOLVE_HOST_SIZE];
	const char *name = host;

	if (!xt_url_host(&client->url, host, sizeof host))
		return XT_EINVAL;
	if (settings->server_name && xt_url_same_origin(&settings->url, &client->url))
		name = settings->server_name;
	return xt_tls_connect(client->conn, settings->tls, name, XT_STR("\x08http/1.1"));
}

static void
ask_server(struct xt_client *client)
{
	char words[256] = "";

	xt_client_set_state(client, XT_CLIENT_HANDSHAKE);
	if (xt_url_is_secure(&client->url)) {
		if (need_tls(client, words, sizeof words) < 0) {
			fail_finally(client, XT_EINVAL, words);
			return;
		}
		if (begin_tls(client) < 0) {
			fail(client, XT_ENOMEM, "out of memory for TLS");
			return;
		}
	}
	ask(client);
}

void
xt_client_handshake_begin(struct xt_client *client, int fd)
{
	bool proxy = client->settings.proxy.text.n > 0;

	client->conn =
		xt_conn_new(client->loop, fd, proxy ? &proxy_stream : &server_stream, client);
	if (!client->conn) {
		fail(client, XT_ENOMEM, "out of memory");
	} else if (proxy) {
		xt_client_set_state(client, XT_CLIENT_PROXY);
		ask(client);
	} else {
		ask_server(client);
	}
}

/* ---- answers ----------------------------------------------------------------------------- */

/* RFC 9110 15: these may be different another time. */
static bool
is_passing(unsigned status)
{
	return status >= 500 || status == 408 || status == 425 || status == 429;
}

static void
refused(struct xt_client *client, const char *who, const struct xt_http1_response *response,
	const char *wanted)
{
	int n = response->reason.n < 80 ? (int)response->reason.n : 80;

	xt_client_note(client, XT_EPROTO, XT_WS_ABNORMAL, "%s answered %u%s%.*s instead of %s", who,
		response->status, n ? " " : "", n, n ? response->reason.p : "", wanted);
	client->outcome.final = !is_passing(response->status);
	xt_client_end(client);
}

/* Reads an answer; 0: not complete, or it was an interim one, and `*used` bytes are done with. */
static bool
read_answer(struct xt_client *client, const char *p, size_t n, struct xt_http1_response *response,
	size_t *used)
{
	struct handshake *handshake = &client->handshake;
	const char *why;
	ssize_t size = xt_http1_response_read(&handshake->reader, p, n, response, &why);

	*used = size > 0 ? (size_t)size : 0;
	if (size < 0)
		fail_finally(client, XT_EPROTO, why);
	if (size <= 0)
		return false;
	/* RFC 9110 15.2: a client passes over any number of them; we over a few. */
	if (response->status >= 200 || response->status == 101)
		return true;
	if (++handshake->interim > INTERIM_MAX)
		fail_finally(client, XT_EPROTO, "too many interim answers");
	return false;
}

static size_t
proxy_recv(struct xt_conn *conn, char *p, size_t n)
{
	struct xt_client *client = xt_conn_state(conn);
	struct xt_http1_response response;
	size_t used;

	if (!read_answer(client, p, n, &response, &used))
		return used;
	/* RFC 9110 9.3.6: any 2xx begins the tunnel, right behind the head. */
	if (response.status >= 200 && response.status < 300) {
		xt_conn_adopt(conn, &server_stream, client);
		ask_server(client);
	} else {
		refused(client, "the proxy", &response, "200");
	}
	return used;
}

/* ---- redirects --------------------------------------------------------------------------- */

static bool
is_redirect(const struct xt_http1_response *response)
{
	switch (response->status) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return xt_http1_response_field(response, XT_STR("location")).p != NULL;
	default:
		return false;
	}
}

static int
read_location(struct xt_client *client, struct xt_str location, struct xt_url *to, const char **why)
{
	const struct xt_allocator *before = xt_client_enter(client);
	int error = xt_url_parse(to, location, &client->url, why);

	if (error == 0 && xt_url_is_secure(&client->url) && !xt_url_is_secure(to)) {
		*why = "that would go on without TLS";
		xt_url_fini(to);
		error = XT_EINVAL;
	}
	xt_client_leave(before);
	return error;
}

static void
go_to(struct xt_client *client, struct xt_url *to)
{
	const struct xt_allocator *before = xt_client_enter(client);

	xt_url_fini(&client->url);
	client->url = *to;
	xt_client_leave(before);
	client->handshake.redirects++;
	client->handshake.interim = 0;
	xt_client_abandon(client);
	xt_client_go(client);
}

static void
redirected(struct xt_client *client, const struct xt_http1_response *response)
{
	struct xt_str location = xt_http1_response_field(response, XT_STR("location"));
	int n = location.n < 160 ? (int)location.n : 160;
	const char *why = "out of memory";
	struct xt_url to;

	if (client->settings.max_redirects == 0)
		why = "redirects are not followed";
	else if (client->handshake.redirects == client->settings.max_redirects)
		why = "that is one redirect too many";
	else if (read_location(client, location, &to, &why) == 0) {
		go_to(client, &to);
		return;
	}
	xt_client_note(client, XT_EPROTO, XT_WS_ABNORMAL, "the server redirects to %.*s: %s", n,
		location.p, why);
	client->outcome.final = true;
	xt_client_end(client);
}

/* ---- the server's answer ----------------------------------------------------------------- */

static char *
copy(struct xt_str s)
{
	return s.n ? xt_strndup(s.p, s.n) : NULL;
}

/* What the answer said is kept for those who ask later. */
static int
keep(struct xt_client *client, const char *p, size_t n, const struct xt_ws_agreed *agreed)
{
	const struct xt_allocator *before = xt_client_enter(client);
	struct handshake *handshake = &client->handshake;
	int error = xt_buf_append(&handshake->head, p, n);

	handshake->subprotocol = copy(agreed->subprotocol);
	handshake->extensions = copy(agreed->extensions);
	if ((agreed->subprotocol.n && !handshake->subprotocol) ||
		(agreed->extensions.n && !handshake->extensions))
		error = XT_ENOMEM;
	xt_client_leave(before);
	return error;
}

static void
upgraded(struct xt_client *client, const char *p, const struct xt_http1_response *response)
{
	struct xt_ws_asked asked = {
		.key = client->handshake.key,
		.subprotocols = (const char *const *)client->settings.subprotocols,
		.wish = client->handshake.offered ? &client->handshake.wish : NULL,
	};
	struct xt_ws_agreed agreed;
	const char *why = "out of memory";
	int error = xt_ws_handshake_check(response, &asked, &agreed, &why);

	if (error == 0)
		error = keep(client, p, response->size, &agreed);
	if (error == XT_EPROTO)
		fail_finally(client, error, why);
	else if (error < 0)
		fail(client, error, "out of memory");
	else
		xt_client_frames_begin(client, &agreed);
}

static size_t
server_recv(struct xt_conn *conn, char *p, size_t n)
{
	struct xt_client *client = xt_conn_state(conn);
	struct xt_http1_response response;
	size_t used;

	if (!read_answer(client, p, n, &response, &used))
		return used;
	if (response.status == 101)
		upgraded(client, p, &response);
	else if (is_redirect(&response))
		redirected(client, &response);
	else
		refused(client, "the server", &response, "101");
	return used;
}

/* ---- its end ----------------------------------------------------------------------------- */

static void
broken(struct xt_client *client, struct xt_conn *conn, enum xt_close why, const char *who)
{
	const char *tls = xt_tls_error(conn);

	/* Whoever failed TLS says so, also when the end of the connection was seen first. */
	if (why == XT_CLOSE_TLS || tls[0]) {
		xt_client_note(client, XT_ECLOSED, XT_WS_ABNORMAL, "TLS: %s", tls);
		client->outcome.final = true;
	} else if (why == XT_CLOSE_FAULT) {
		xt_client_note(client, XT_ENOMEM, XT_WS_ABNORMAL, "out of memory");
	} else {
		xt_client_note(client, XT_ECLOSED, XT_WS_ABNORMAL,
			"%s closed the connection before it answered", who);
	}
	xt_client_lost(client);
}

static void
proxy_closed(struct xt_conn *conn, enum xt_close why)
{
	broken(xt_conn_state(conn), conn, why, "the proxy");
}

static void
server_closed(struct xt_conn *conn, enum xt_close why)
{
	broken(xt_conn_state(conn), conn, why, "the server");
}

static const struct xt_stream proxy_stream = {
	.name = "client: proxy",
	.recv = proxy_recv,
	.closed = proxy_closed,
};

static const struct xt_stream server_stream = {
	.name = "client: handshake",
	.recv = server_recv,
	.closed = server_closed,
};

const char *
xt_client_handshake_field(struct xt_client *client, const char *name)
{
	struct handshake *handshake = &client->handshake;
	struct xt_http1_response_reader reader = { 0 };
	struct xt_http1_response response;
	struct xt_str value;
	const struct xt_allocator *before;
	const char *why;
	int error;

	if (handshake->head.n == 0 || xt_http1_response_read(&reader, handshake->head.p,
					      handshake->head.n, &response, &why) <= 0)
		return NULL;
	value = xt_http1_response_field(&response, xt_str_from(name));
	if (!value.p)
		return NULL;
	before = xt_client_enter(client);
	handshake->value.n = 0;
	error = xt_buf_append_str(&handshake->value, value);
	if (error == 0)
		error = xt_buf_append(&handshake->value, "", 1);
	xt_client_leave(before);
	return error < 0 ? NULL : handshake->value.p;
}

void
xt_client_handshake_fini(struct xt_client *client)
{
	struct handshake *handshake = &client->handshake;

	xt_buf_fini(&handshake->head);
	xt_buf_fini(&handshake->value);
	xt_free(handshake->subprotocol);
	xt_free(handshake->extensions);
	*handshake = (struct handshake){ 0 };
}
