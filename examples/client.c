/*
 * client.c - a WebSocket client: prints what comes, sends the lines of standard input, ends with either.
 *
 *	client ws://127.0.0.1:8080/c/news
 */
#include <crosstalk.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static struct xt_websocket *open_ws; /* NULL: not open */
static int over;

static void
on_open(struct xt_websocket *ws)
{
	open_ws = ws;
}

static void
on_message(struct xt_websocket *ws, const struct xt_data *data)
{
	(void)ws;
	printf("%.*s\n", (int)data->n, data->p);
	fflush(stdout);
}

static void
on_close(struct xt_websocket *ws, const struct xt_closing *closing)
{
	(void)ws;
	fprintf(stderr, "closed: %u %s\n", closing->code, closing->reason);
	open_ws = NULL;
	over = 1;
}

static void
send_line(void)
{
	char line[4096];

	if (fgets(line, sizeof line, stdin))
		xt_websocket_send(open_ws, XT_KIND_TEXT, line, strcspn(line, "\n"));
	else
		xt_websocket_close(open_ws, 1000, NULL);
}

int
main(int argc, char **argv)
{
	static const struct xt_websocket_handlers handlers = {
		.open = on_open, .message = on_message, .close = on_close
	};
	struct xt_websocket_options options = { .url = argc > 1 ? argv[1] : "" };
	struct xt_loop *loop;
	char error[512] = "";

	setvbuf(stdin, NULL, _IONBF, 0); /* poll() must know of every line */
	if (xt_loop_new(&loop) < 0)
		return 1;
	if (xt_websocket_open(loop, &options, &handlers, NULL, error, sizeof error) < 0)
		over = fprintf(stderr, "%s\n", error);
	while (!over) {
		struct pollfd fds[] = { { xt_loop_fd(loop), POLLIN, 0 }, { 0, POLLIN, 0 } };
		poll(fds, open_ws && !feof(stdin) ? 2 : 1, xt_loop_wait_ms(loop));
		if (open_ws && fds[1].revents)
			send_line();
		xt_loop_turn(loop, 0);
	}
	xt_loop_free(loop);
	return 0;
}
