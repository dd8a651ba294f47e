/*
 * lws_client.c - libwebsockets as the client of an echo server: sends messages of many sizes, compares what comes back.
 *
 *	lws_client [--deflate] [--ca FILE] URL
 *
 * connect, ping, then each message when the one before has come back, Close with 1000. Prints the extensions that were
 * agreed on and "ok"; ends with 1 and words when anything differs. Who runs it bounds its time.
 *
 * Having agreed on compression, version 4.1 of the library never sends an empty message, and takes a frame that is not
 * compressed, be it a pong, several times (its issues 2749 and 2794): so there is no ping then, and no small message.
 */
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME = 1 << 16, LARGEST = (1 << 20) + 1 };

static const size_t sizes[] = { 0, 1, 125, 126, 65535, 65536, FRAME * 3, LARGEST };

/* Each as text, then as binary. */
enum { FIRST_LARGE = 8, MESSAGES = 2 * sizeof(sizes) / sizeof(*sizes) };

struct talk {
	int at;           /* which message */
	size_t sent, got; /* bytes of it */
	int begun, pinged, ended, failed;
	char extensions[200];
	unsigned char body[LARGEST];
};

static struct talk talk;

static int
fail(const char *what, size_t n)
{
	fprintf(stderr, "message %d: %s (%zu)\n", talk.at, what, n);
	talk.failed = talk.ended = 1;
	return -1;
}

static size_t
size(void)
{
	return sizes[talk.at / 2];
}

static int
is_binary(void)
{
	return talk.at & 1;
}

static void
fill(void)
{
	for (size_t i = 0; i < size(); i++)
		talk.body[i] = (unsigned char)((is_binary() ? 0xf0 : 'a') + i * i % 13);
}

static void
next(struct lws *wsi)
{
	talk.sent = talk.got = 0;
	talk.begun = 0;
	if (talk.at < MESSAGES)
		fill();
	lws_callback_on_writable(wsi);
}

static int
ping(struct lws *wsi)
{
	unsigned char frame[LWS_PRE + 4];

	memcpy(frame + LWS_PRE, "here", 4);
	talk.pinged = 1;
	return lws_write(wsi, frame + LWS_PRE, 4, LWS_WRITE_PING) < 0 ? -1 : 0;
}

/* lws_write() masks in place: so a copy is sent. */
static int
send_frame(struct lws *wsi)
{
	static unsigned char frame[LWS_PRE + FRAME];
	size_t n = size() - talk.sent < FRAME ? size() - talk.sent : FRAME;
	int last = talk.sent + n == size();
	unsigned int kind = talk.begun    ? LWS_WRITE_CONTINUATION
			    : is_binary() ? LWS_WRITE_BINARY
					  : LWS_WRITE_TEXT;

	memcpy(frame + LWS_PRE, talk.body + talk.sent, n);
	talk.begun = 1;
	talk.sent += n;
	if (lws_write(wsi, frame + LWS_PRE, n, kind | (last ? 0u : LWS_WRITE_NO_FIN)) < 0)
		return fail("can't be sent", n);
	if (!last)
		lws_callback_on_writable(wsi);
	return 0;
}

static int
writable(struct lws *wsi)
{
	if (!talk.pinged)
		return ping(wsi);
	if (talk.at == MESSAGES) {
		lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, (unsigned char *)"done", 4);
		return -1; /* the library's word for: close now */
	}
	return talk.begun && talk.sent == size() ? 0 : send_frame(wsi);
}

static int
receive(struct lws *wsi, const void *p, size_t n)
{
	if (talk.got + n > size())
		return fail("is longer than what was sent", talk.got + n);
	if (n && memcmp(talk.body + talk.got, p, n) != 0)
		return fail("differs from what was sent", talk.got);
	if (!lws_frame_is_binary(wsi) != !is_binary())
		return fail("is of the other kind", size());
	talk.got += n;
	if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi))
		return 0;
	if (talk.got != size())
		return fail("is shorter than what was sent", talk.got);
	talk.at++;
	next(wsi);
	return 0;
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		fprintf(stderr, "%s\n", in ? (const char *)in : "no connection");
		return fail("never sent", 0);
	case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
		lws_hdr_copy(wsi, talk.extensions, sizeof(talk.extensions), WSI_TOKEN_EXTENSIONS);
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		next(wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		lws_callback_on_writable(wsi);
		return len == 4 && memcmp(in, "here", 4) == 0 ? 0 : fail("another pong", len);
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return writable(wsi);
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return receive(wsi, in, len);
	case LWS_CALLBACK_CLIENT_CLOSED:
		talk.ended = 1;
		return talk.at == MESSAGES ? 0 : fail("closed by the server", 0);
	default:
		return lws_callback_http_dummy(wsi, reason, user, in, len);
	}
}

static const struct lws_protocols protocols[] = {
	{ .name = "", .callback = on_event, .rx_buffer_size = FRAME },
	{ 0 },
};

static const struct lws_extension extensions[] = {
	{ "permessage-deflate", lws_extension_callback_pm_deflate,
		"permessage-deflate; client_max_window_bits" },
	{ 0 },
};

static struct lws_context *
context_new(int deflate, const char *ca)
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.extensions = deflate ? extensions : NULL,
		.client_ssl_ca_filepath = ca,
		.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
		.gid = -1,
		.uid = -1,
	};

	lws_set_log_level(LLL_ERR | LLL_WARN, NULL);
	return lws_create_context(&info);
}

static int
connect_to(struct lws_context *context, char *url)
{
	struct lws_client_connect_info info = { .context = context,
		.ietf_version_or_minus_one = -1 };
	const char *scheme, *path;
	char slashed[200];

	if (lws_parse_uri(url, &scheme, &info.address, &info.port, &path))
		return -1;
	snprintf(slashed, sizeof(slashed), "/%s", path);
	info.path = slashed;
	info.host = info.address;
	info.ssl_connection = strcmp(scheme, "wss") == 0 ? LCCSCF_USE_SSL : 0;
	return lws_client_connect_via_info(&info) ? 0 : -1;
}

int
main(int argc, char **argv)
{
	struct lws_context *context;
	const char *ca = NULL;
	int deflate = 0, i = 1;

	for (; i < argc - 1; i++) {
		if (strcmp(argv[i], "--deflate") == 0)
			deflate = 1;
		else if (strcmp(argv[i], "--ca") == 0)
			ca = argv[++i];
	}
	context = context_new(deflate, ca);
	if (deflate) {
		talk.at = FIRST_LARGE;
		talk.pinged = 1;
	}
	if (!context || i != argc - 1 || connect_to(context, argv[i]) < 0)
		return 2;
	while (!talk.ended && lws_service(context, 0) >= 0)
		continue;
	lws_context_destroy(context);
	printf("%s\n%s\n", talk.extensions, talk.failed ? "failed" : "ok");
	return talk.failed;
}
