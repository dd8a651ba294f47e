/*
 * client.c - a WebSocket client: prints what comes, sends the lines of standard input, ends with either.
 *
 *	client ws://127.0.0.1:8080/c/news
 */
#include <crosstalk.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum phase { OPENING, OPEN, CLOSED };

static void
on_open(struct xt_websocket *ws)
{
	*(enum phase *)xt_websocket_context(ws) = OPEN;
}

static void
on_message(struct xt_websocket *ws, const struct xt_data *data)
{
	(void)ws;
	printf("%.*s\n", (int)data->n, data->p);
	fflush(stdout);
}

static void
on_error(struct xt_websocket *ws, int error, const char *words)
{
	(void)ws;
	(void)error;
	fprintf(stderr, "client: %s\n", words);
}

static void
on_close(struct xt_websocket *ws, const struct xt_closing *closing)
{
	*(enum phase *)xt_websocket_context(ws) = CLOSED;
	fprintf(stderr, "client: closed, %u %s\n", closing->code, closing->reason);
}

static void
send_line(struct xt_websocket *ws)
{
	char line[4096];

	if (fgets(line, sizeof line, stdin))
		xt_websocket_send(ws, XT_KIND_TEXT, line, strcspn(line, "\n"));
	else
		xt_websocket_close(ws, 1000, NULL);
}

int
main(int argc, char **argv)
{
	static const struct xt_websocket_handlers handlers = {
		.open = on_open,
		.message = on_message,
		.error = on_error,
		.close = on_close,
	};
	enum phase phase = OPENING;
	struct xt_websocket_options options = { .url = argc > 1 ? argv[1] : "", .context = &phase };
	struct xt_websocket *ws;
	struct xt_loop *loop;
	char error[512] = "";

	setvbuf(stdin, NULL, _IONBF, 0); /* poll() must know of every line */
	if (xt_loop_new(&loop) < 0)
		return 1;
	if (xt_websocket_open(loop, &options, &handlers, &ws, error, sizeof error) < 0)
		return fprintf(stderr, "client: %s\n", error), 2;
	while (phase != CLOSED) {
		struct pollfd fds[] = { { xt_loop_fd(loop), POLLIN, 0 }, { 0, POLLIN, 0 } };
		int ends = phase == OPEN && !feof(stdin) ? 2 : 1;
		poll(fds, (nfds_t)ends, xt_loop_wait_ms(loop));
		if (ends == 2 && fds[1].revents)
			send_line(ws);
		xt_loop_turn(loop, 0);
	}
	xt_loop_free(loop);
	return 0;
}
