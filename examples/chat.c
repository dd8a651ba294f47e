/*
 * chat.c - rooms: who opens ws://…/chat?room=tea&name=Ann talks to all in "tea", among them those who read the
 * channel /c/tea in any other way (a browser's EventSource, curl, long polling). Ctrl-C ends it.
 */
#include <crosstalk.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct xt_server *server;

struct guest {
	char room[64], name[64];
};

static int
enter(struct xt_handshake *handshake, void *context)
{
	struct guest *guest = calloc(1, sizeof *guest);
	const char *room, *name;

	(void)context;
	if (!guest)
		return 503;
	room = xt_handshake_query(handshake, "room");
	snprintf(guest->room, sizeof guest->room, "%s", room ? room : "lobby");
	name = xt_handshake_query(handshake, "name");
	snprintf(guest->name, sizeof guest->name, "%s", name ? name : "somebody");
	xt_handshake_set_context(handshake, guest);
	return 0;
}

static void
say(const struct guest *guest, const char *verb, const char *words, size_t n)
{
	char line[1024];

	snprintf(line, sizeof line, "%s %s%.*s", guest->name, verb, (int)n, words);
	xt_server_publish(server, guest->room, XT_KIND_TEXT, line, strlen(line));
}

static void
entered(struct xt_websocket *ws)
{
	const struct guest *guest = xt_websocket_context(ws);

	if (xt_websocket_subscribe(ws, guest->room, NULL) < 0)
		xt_websocket_close(ws, 1008, "there is no such room");
	say(guest, "came", "", 0);
}

static void
said(struct xt_websocket *ws, const struct xt_data *data)
{
	if (data->n > 800)
		xt_websocket_close(ws, 1009, "800 bytes at most");
	else
		say(xt_websocket_context(ws), "says: ", data->p, data->n);
}

static void
left(struct xt_websocket *ws, const struct xt_closing *closing)
{
	(void)closing;
	say(xt_websocket_context(ws), "left", "", 0);
	free(xt_websocket_context(ws));
}

static void
stop(int number)
{
	(void)number;
	xt_server_stop(server);
}

int
main(int argc, char **argv)
{
	static const struct xt_websocket_handlers handlers = {
		.request = enter, .open = entered, .message = said, .close = left
	};
	struct xt_config *config = xt_config_new();
	char error[512] = "out of memory";
	int done = 1;

	if (config &&
		xt_config_set(config, "listen", argc > 1 ? argv[1] : "http://127.0.0.1:9001", error,
			sizeof error) == 0 &&
		xt_server_new(&server, config, NULL, error, sizeof error) == 0 &&
		xt_server_websocket(server, "/chat", &handlers, NULL) == 0 &&
		xt_server_start(server, error, sizeof error) == 0) {
		sigaction(SIGINT, &(struct sigaction){ .sa_handler = stop }, NULL);
		sigaction(SIGTERM, &(struct sigaction){ .sa_handler = stop }, NULL);
		printf("listening on %s\n", xt_server_listener_url(server, 0));
		fflush(stdout);
		done = xt_server_wait(server) < 0;
	} else {
		fprintf(stderr, "%s\n", error);
	}
	xt_server_free(server);
	xt_config_free(config);
	return done;
}
