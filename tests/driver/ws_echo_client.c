/*
 * ws_echo_client.c - a WebSocket client that sends back what it gets until the server closes: for suites that test
 * clients (Autobahn's fuzzingserver, and those of other implementations).
 *
 *	ws_echo_client [--insecure] [--ca FILE] [--no-compression] [--print] URL
 *
 * Ends with 0 after a close of the server that was clean, 1 after any other, 2 when it was never open.
 * --print: prints what comes instead of sending it back.
 */
#include <crosstalk.h>
#include <stdio.h>
#include <string.h>

struct run {
	int opened, clean, print;
};

static void
on_open(struct xt_websocket *ws)
{
	struct run *run = xt_websocket_context(ws);

	run->opened = 1;
}

static void
on_message(struct xt_websocket *ws, const struct xt_data *data)
{
	const struct run *run = xt_websocket_context(ws);

	if (!run->print) {
		xt_websocket_send(ws, data->kind, data->p, data->n);
		return;
	}
	fwrite(data->p, 1, data->n, stdout);
	putchar('\n');
}

static void
on_error(struct xt_websocket *ws, int error, const char *words)
{
	(void)ws;
	fprintf(stderr, "error %d: %s\n", error, words);
}

static void
on_close(struct xt_websocket *ws, const struct xt_closing *closing)
{
	struct run *run = xt_websocket_context(ws);

	run->clean = closing->clean;
	fprintf(stderr, "closed: %u %s\n", closing->code, closing->reason);
}

static int
usage(void)
{
	fprintf(stderr, "usage: ws_echo_client [--insecure] [--ca FILE] [--no-compression] "
			"[--print] URL\n");
	return 2;
}

static int
read_arguments(char **at, struct xt_websocket_options *options, struct run *run)
{
	for (; *at; at++) {
		if (strcmp(*at, "--insecure") == 0)
			options->insecure = 1;
		else if (strcmp(*at, "--no-compression") == 0)
			options->no_compression = 1;
		else if (strcmp(*at, "--print") == 0)
			run->print = 1;
		else if (strcmp(*at, "--ca") == 0 && at[1])
			options->ca_file = *++at;
		else if (!options->url && at[0][0] != '-')
			options->url = *at;
		else
			return 0;
	}
	return options->url != NULL;
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
	struct run run = { 0 };
	struct xt_websocket_options options = {
		.context = &run,
		.max_message = 64u << 20,
		.max_redirects = 5,
	};
	struct xt_loop *loop;
	char error[512];

	(void)argc;
	if (!read_arguments(argv + 1, &options, &run))
		return usage();
	if (xt_loop_new(&loop) < 0)
		return 2;
	if (xt_websocket_open(loop, &options, &handlers, NULL, error, sizeof error) < 0) {
		fprintf(stderr, "%s\n", error);
		xt_loop_free(loop);
		return 2;
	}
	xt_loop_run_clients(loop);
	xt_loop_free(loop);
	return !run.opened ? 2 : !run.clean;
}
