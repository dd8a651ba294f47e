/*
 * lws_server.c - libwebsockets as an echo server: sends every message back as it came, in as many frames as it came.
 *
 *	lws_server [--deflate] [--cert FILE --key FILE]
 *
 * Listens on a free port of 127.0.0.1, prints "listening on URL", ends with SIGTERM.
 */
#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME = 1 << 16 };

/* What is to be sent back: a list, oldest first. */
struct piece {
	struct piece *next;
	unsigned int how; /* enum lws_write_protocol */
	size_t n;
	unsigned char room[]; /* LWS_PRE, then the payload */
};

struct peer {
	struct piece *first, **last;
};

static volatile sig_atomic_t ended;

static int
keep(struct lws *wsi, struct peer *peer, const void *p, size_t n)
{
	struct piece *piece = malloc(sizeof(*piece) + LWS_PRE + n);
	unsigned int kind = lws_frame_is_binary(wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
	int last = lws_is_final_fragment(wsi) && !lws_remaining_packet_payload(wsi);

	if (!piece)
		return -1;
	*piece = (struct piece){ .n = n };
	piece->how = (lws_is_first_fragment(wsi) ? kind : LWS_WRITE_CONTINUATION) |
		     (last ? 0u : LWS_WRITE_NO_FIN);
	if (n)
		memcpy(piece->room + LWS_PRE, p, n);
	*peer->last = piece;
	peer->last = &piece->next;
	lws_callback_on_writable(wsi);
	return 0;
}

static struct piece *
take(struct peer *peer)
{
	struct piece *piece = peer->first;

	if (piece)
		peer->first = piece->next;
	if (!peer->first)
		peer->last = &peer->first;
	return piece;
}

static int
send_back(struct lws *wsi, struct peer *peer)
{
	struct piece *piece = take(peer);
	int sent;

	if (!piece)
		return 0;
	sent = lws_write(wsi, piece->room + LWS_PRE, piece->n, piece->how);
	free(piece);
	if (peer->first)
		lws_callback_on_writable(wsi);
	return sent < 0 ? -1 : 0;
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct peer *peer = user;

	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		peer->last = &peer->first;
		return 0;
	case LWS_CALLBACK_RECEIVE:
		return keep(wsi, peer, in, len);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return send_back(wsi, peer);
	case LWS_CALLBACK_CLOSED:
		while (peer->first)
			free(take(peer));
		return 0;
	default:
		return lws_callback_http_dummy(wsi, reason, user, in, len);
	}
}

static const struct lws_protocols protocols[] = {
	{ .name = "echo",
		.callback = on_event,
		.per_session_data_size = sizeof(struct peer),
		.rx_buffer_size = FRAME },
	{ 0 },
};

static const struct lws_extension extensions[] = {
	{ "permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate" },
	{ 0 },
};

static void
on_signal(int number)
{
	(void)number;
	ended = 1;
}

static void
read_arguments(struct lws_context_creation_info *info, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--deflate") == 0)
			info->extensions = extensions;
		else if (strcmp(argv[i], "--cert") == 0 && i + 1 < argc)
			info->ssl_cert_filepath = argv[++i];
		else if (strcmp(argv[i], "--key") == 0 && i + 1 < argc)
			info->ssl_private_key_filepath = argv[++i];
	}
	if (info->ssl_cert_filepath)
		info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
}

int
main(int argc, char **argv)
{
	struct lws_context_creation_info info = {
		.iface = "127.0.0.1",
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_IPV6,
		.vhost_name = "localhost",
		.gid = -1,
		.uid = -1,
	};
	struct lws_context *context;
	struct lws_vhost *host;

	read_arguments(&info, argc, argv);
	lws_set_log_level(LLL_ERR | LLL_WARN, NULL);
	signal(SIGTERM, on_signal);
	context = lws_create_context(&info);
	host = context ? lws_create_vhost(context, &info) : NULL;
	if (!host)
		return 1;
	printf("listening on %s://127.0.0.1:%d\n", info.ssl_cert_filepath ? "https" : "http",
		lws_get_vhost_listen_port(host));
	fflush(stdout);
	while (!ended && lws_service(context, 0) >= 0)
		continue;
	lws_context_destroy(context);
	return 0;
}
