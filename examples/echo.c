/*
 * echo.c - a WebSocket server that sends every message back.
 *
 *	cc echo.c $(pkg-config --cflags --libs crosstalk) && ./a.out http://127.0.0.1:9001
 */
#include <crosstalk.h>
#include <stdio.h>

static void
echo(struct xt_websocket *ws, const struct xt_data *data)
{
	xt_websocket_send(ws, data->kind, data->p, data->n);
}

int
main(int argc, char **argv)
{
	static const struct xt_websocket_handlers handlers = { .message = echo };
	struct xt_config *config = xt_config_new();
	struct xt_server *server = NULL;
	char error[512] = "out of memory";

	if (config &&
		xt_config_set(config, "listen", argc > 1 ? argv[1] : "http://127.0.0.1:9001", error,
			sizeof error) == 0 &&
		xt_server_new(&server, config, NULL, error, sizeof error) == 0 &&
		xt_server_websocket(server, "/", &handlers, NULL) == 0 &&
		xt_server_start(server, error, sizeof error) == 0) {
		printf("listening on %s\n", xt_server_listener_url(server, 0));
		fflush(stdout);
		xt_server_wait(server);
	} else {
		fprintf(stderr, "%s\n", error);
	}
	xt_server_free(server);
	xt_config_free(config);
	return 1; /* it serves until it is ended from outside */
}
