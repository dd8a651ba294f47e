/*
 * lws.c - libwebsockets as a peer of the benchmarks: /echo sends everything back, any other path to all others.
 *
 *	peer_lws PORT        listens on 127.0.0.1, ends with SIGTERM
 *
 * As the library's own examples do it: what is to be sent is kept, and written when the library says that a
 * connection is writeable, one message each time ("exactly one lws_write() per WRITEABLE callback").
 */
#include <libwebsockets.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE = 1 << 17, RING = 1024 };

/* A message with the room before it that lws_write() asks for; counted by those who have to send it. */
struct message {
	unsigned refs;
	bool binary;
	size_t n;
	unsigned char room[]; /* LWS_PRE, then the payload */
};

/* What one connection has to send, oldest first; one that is too slow loses messages. */
struct peer {
	struct peer *next;
	struct lws *wsi;
	struct message **ring;
	unsigned head, tail;
	bool echo;
	char *part; /* of a message in several pieces */
	size_t n;
};

static struct peer *peers;
static volatile sig_atomic_t ended;

static void
unref(struct message *message)
{
	if (--message->refs == 0)
		free(message);
}

static void
enqueue(struct peer *peer, struct message *message)
{
	if (!peer->ring)
		peer->ring = calloc(RING, sizeof(struct message *));
	if (!peer->ring || peer->head - peer->tail == RING)
		return;
	message->refs++;
	peer->ring[peer->head++ % RING] = message;
	lws_callback_on_writable(peer->wsi);
}

static void
pass_on(struct peer *from, struct message *message)
{
	message->refs = 1;
	if (from->echo)
		enqueue(from, message);
	for (struct peer *peer = from->echo ? NULL : peers; peer; peer = peer->next) {
		if (peer != from && !peer->echo)
			enqueue(peer, message);
	}
	unref(message);
}

static int
received(struct peer *peer, const void *p, size_t n)
{
	struct message *message;

	if (!peer->part)
		peer->part = malloc(MESSAGE);
	if (!peer->part || n > MESSAGE - peer->n)
		return -1;
	memcpy(peer->part + peer->n, p, n);
	peer->n += n;
	if (!lws_is_final_fragment(peer->wsi) || lws_remaining_packet_payload(peer->wsi))
		return 0;
	message = malloc(sizeof(*message) + LWS_PRE + peer->n);
	if (!message)
		return -1;
	*message = (struct message){ .binary = lws_frame_is_binary(peer->wsi), .n = peer->n };
	memcpy(message->room + LWS_PRE, peer->part, peer->n);
	peer->n = 0;
	pass_on(peer, message);
	return 0;
}

static int
writeable(struct peer *peer)
{
	struct message *message;
	int sent;

	if (peer->head == peer->tail)
		return 0;
	message = peer->ring[peer->tail++ % RING];
	sent = lws_write(peer->wsi, message->room + LWS_PRE, message->n,
		message->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
	unref(message);
	if (peer->head != peer->tail)
		lws_callback_on_writable(peer->wsi);
	return sent < 0 ? -1 : 0;
}

static int
opened(struct peer *peer, struct lws *wsi)
{
	char path[16] = "";

	lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI);
	*peer = (struct peer){ .next = peers, .wsi = wsi, .echo = strcmp(path, "/echo") == 0 };
	peers = peer;
	return 0;
}

static int
closed(struct peer *peer)
{
	struct peer **at = &peers;

	while (*at && *at != peer)
		at = &(*at)->next;
	if (*at)
		*at = peer->next;
	while (peer->tail != peer->head)
		unref(peer->ring[peer->tail++ % RING]);
	free(peer->ring);
	free(peer->part);
	return 0;
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		return opened(user, wsi);
	case LWS_CALLBACK_RECEIVE:
		return received(user, in, len);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return writeable(user);
	case LWS_CALLBACK_CLOSED:
		return closed(user);
	default:
		return lws_callback_http_dummy(wsi, reason, user, in, len);
	}
}

static const struct lws_protocols protocols[] = {
	{ .name = "bench",
		.callback = on_event,
		.per_session_data_size = sizeof(struct peer),
		.rx_buffer_size = 1 << 16 },
	{ 0 },
};

static void
on_signal(int number)
{
	(void)number;
	ended = 1;
}

int
main(int argc, char **argv)
{
	struct lws_context_creation_info info = {
		.iface = "127.0.0.1",
		.port = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_DISABLE_IPV6,
		.gid = -1,
		.uid = -1,
	};
	struct sigaction action = { .sa_handler = on_signal };
	struct lws_context *context;

	lws_set_log_level(LLL_ERR, NULL);
	sigaction(SIGTERM, &action, NULL);
	context = lws_create_context(&info);
	if (!context)
		return 1;
	while (!ended && lws_service(context, 0) >= 0)
		continue;
	lws_context_destroy(context);
	return 0;
}
