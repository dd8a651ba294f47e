/* connect.c - "crosstalk connect": a WebSocket, for people and for scripts. */
#include "connect/connect.h"

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connect/columns.h"

/* ---- what is made ---- */

/* A person: who can see and type, on a terminal that can move its cursor. */
static bool
is_interactive(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term &&
	       strcmp(term, "dumb") != 0;
}

/* Columns are counted and keys are read in UTF-8, whatever the environment forgot to say. */
static void
choose_locale(void)
{
	setlocale(LC_CTYPE, "");
	if (MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static void
choose_view(struct connect *connect)
{
	const struct connect_options *options = &connect->options;
	bool terminal = isatty(STDOUT_FILENO);

	connect->interactive = is_interactive();
	connect->view = (struct view){
		.palette = palette_for(STDOUT_FILENO, options->color),
		.form = options->form,
		.arrows = connect->interactive,
		.safe = terminal,
		.json = options->json || (terminal && !options->no_json),
		.time = options->time,
		.width = columns_of_output(),
	};
	connect->words =
		palette_for(connect->interactive ? STDOUT_FILENO : STDERR_FILENO, options->color);
	if (options->ping_ms)
		connect->ping_at = connect_now_us() / 1000 + options->ping_ms;
}

static int
prepare(struct connect *connect)
{
	choose_locale();
	choose_view(connect);
	command_ignore_pipes();
	lines_init(&connect->input, STDIN_FILENO);
	if (outlet_init(&connect->output, connect->interactive ? -1 : STDOUT_FILENO) < 0 ||
		connect_take_signals(connect) < 0 || xt_loop_new(&connect->loop) < 0)
		return command_fail(connect->command, STATUS_REFUSED, "out of memory");
	return connect_open(connect);
}

static void
release(struct connect *connect)
{
	xt_loop_free(connect->loop);
	if (connect->signals >= 0)
		close(connect->signals);
	lines_fini(&connect->input);
	outlet_fini(&connect->output);
	options_fini(&connect->options);
}

/* As if the signal had not been caught: whoever waits for us shall know. */
static void
end_by(int signal)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigaction(signal, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, signal);
	raise(signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- the command ---- */

static void
talk(struct connect *connect)
{
	if (connect->interactive)
		terminal_run(connect);
	else
		pipe_run(connect);
	if (*connect->last_id)
		connect_note(connect, "the last id: %s", connect->last_id);
	connect_flush(connect);
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct connect connect = { .command = command, .signals = -1 };
	int status = options_read(&connect.options, command, argc, argv);

	if (status == STATUS_OK)
		status = prepare(&connect);
	if (status == STATUS_OK) {
		talk(&connect);
		status = connect.status;
	}
	release(&connect);
	if (connect.signal)
		end_by(connect.signal);
	return status;
}

const struct command command_connect = {
	.name = "connect",
	.synopsis = "[OPTIONS] URL",
	.summary = "talk to any WebSocket",
	.details =
		"On a terminal: a prompt, and what you type is sent; /help lists the commands.\n"
		"In a pipe: each line of standard input is a message, each message a line of\n"
		"standard output, and all else is said on standard error. URL is ws, wss, http\n"
		"or https; without a scheme it is ws.\n"
		"\n"
		"What is sent and shown:\n"
		"  --text              send lines as text (default)\n"
		"  --binary            send lines as binary messages; print those as they are\n"
		"  --hex               the same in hexadecimal, as binary messages are printed\n"
		"                      when nothing else was asked for\n"
		"  --base64            the same in base64\n"
		"  --send TEXT         send this first, each time it connects; may be repeated\n"
		"  --json              indent JSON (default on a terminal)\n"
		"  --no-json           do not\n"
		"  --show-frames       show each frame: direction, bits, opcode, length, payload\n"
		"  --time              show when each message came or went\n"
		"  --color WHEN        auto (default), always or never; NO_COLOR is honoured\n"
		"  --quiet             say nothing but messages and errors\n"
		"  --no-history        do not keep what was typed\n"
		"\n"
		"When it ends:\n"
		"  --once N            after N messages\n"
		"  --wait SECONDS      so long after the end of standard input, or forever.\n"
		"                      Default: until a ping is answered that follows the last\n"
		"                      line, or with --once until these have come\n"
		"  --reconnect         connect again when the connection is lost\n"
		"  --timeout SECONDS   how long connecting may take. Default: 30\n"
		"  --ping SECONDS      ping so often, and say how long the answers take\n"
		"\n"
		"The handshake:\n"
		"  --header LINE       a header field, \"Name: value\"; may be repeated\n"
		"  --cookie PAIR       a cookie, NAME=VALUE; may be repeated\n"
		"  --origin ORIGIN     the Origin, such as https://example.com\n"
		"  --subprotocol NAME  offer a subprotocol; may be repeated\n"
		"  --proxy URL         go through an HTTP proxy: http://[USER:PASSWORD@]HOST:PORT\n"
		"  --redirects N       follow at most N redirects. Default: 0\n"
		"  --no-compression    do not offer compression\n"
		"  --max-message SIZE  refuse longer messages. Default: 16MiB\n"
		"\n"
		"Channels of Crosstalk:\n"
		"  --channel           the URL is a channel, /c/NAME: show the ids of messages,\n"
		"                      and with --reconnect miss none\n"
		"  --since ID          begin after this message\n"
		"\n"
		"TLS:\n"
		"  --ca FILE           who may sign the server's certificate (PEM)\n"
		"  --cert FILE         a certificate of our own (PEM), and\n"
		"  --key FILE          its key\n"
		"  --server-name NAME  who the server must be, instead of the URL's host\n"
		"  --insecure          verify nothing: for trying things out only\n"
		"\n"
		"Exit status: 0 closed in order, 1 the handshake was refused, 2 wrong usage or\n"
		"input, 3 no connection, 4 closed with a code other than 1000, 1001 or none,\n"
		"5 the connection was lost, 6 it took too long.\n",
	.run = run,
};
