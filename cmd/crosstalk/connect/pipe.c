/*
 * pipe.c - `crosstalk connect` in a script: each line of standard input is a message, each message a line of
 * standard output.
 *
 * Standard input is read only while the connection takes what is sent. After its end answers are waited for as long
 * as was told. If nothing was, a ping follows the last line: its answer comes when the peer has taken everything,
 * and after what it said to that at once. Then the connection is closed.
 */
#include "connect/connect.h"

#include <errno.h>

static bool
may_send(const struct connect *connect)
{
	return connect->open && !connect->closing &&
	       xt_websocket_buffered(connect->ws) < CONNECT_WAITING_MAX;
}

/* A line that cannot be sent is the end: what follows may depend on it. */
static void
give_up(struct connect *connect, const char *wrong)
{
	connect_warn(connect, "a line of standard input was not sent: %s", wrong);
	connect_fail(connect, STATUS_USAGE);
	connect_close(connect, 1000, NULL);
}

/* False when there is no line. */
static bool
send_line(struct connect *connect)
{
	size_t n;
	char *line = lines_take(&connect->input, &n);
	const char *wrong;

	if (!line)
		return false;
	wrong = view_decode(connect->options.form, line, &n);
	if (!wrong)
		wrong = connect_send(connect, view_kind(connect->options.form), line, n);
	if (wrong)
		give_up(connect, wrong);
	return true;
}

static void
finish(struct connect *connect)
{
	uint64_t wait = connect->options.wait_ms;

	connect->input_over = true;
	if (wait == OPTIONS_UNSAID && connect->options.once)
		wait = OPTIONS_FOREVER;
	if (connect->input.error)
		give_up(connect, connect->input.error == EMSGSIZE
					 ? "it is longer than 32 MiB"
					 : "standard input cannot be read");
	else if (wait == OPTIONS_UNSAID)
		connect_last_ping(connect);
	else if (wait != OPTIONS_FOREVER)
		connect->wait_end = connect_now_us() / 1000 + wait;
}

static void
send_lines(struct connect *connect)
{
	while (may_send(connect) && send_line(connect))
		;
	if (may_send(connect) && connect->input.ended && !connect->input_over)
		finish(connect);
}

void
pipe_run(struct connect *connect)
{
	while (!connect->done) {
		bool wanted = may_send(connect) && !connect->input.ended;
		if (connect_turn(connect, wanted))
			lines_read(&connect->input, CONNECT_LINE_MAX);
		send_lines(connect);
	}
	while (outlet_waiting(&connect->output) > 0 && connect->signal == 0)
		connect_turn(connect, false);
}
