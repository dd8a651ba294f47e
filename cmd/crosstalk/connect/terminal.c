/*
 * terminal.c - `crosstalk connect` with a person: a prompt, lines, commands.
 *
 * The prompt comes when the connection is open, and stays while it is lost and made again.
 */
#include "connect/connect.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "connect/history.h"
#include "connect/order.h"

/* ---- commands ---- */

static void
say_refusal(struct connect *connect, const char *wrong)
{
	if (wrong)
		connect_warn(connect, "not sent: %s", wrong);
}

/* Sends the text in this form, or without one makes it the form of lines to come. */
static void
send_as(struct connect *connect, enum form form, const char *text)
{
	if (*text) {
		say_refusal(connect, connect_send_line(connect, form, text));
		return;
	}
	connect->options.form = connect->view.form = form;
	connect_note(
		connect, "lines are sent as %s", form == FORM_TEXT ? "text" : "binary messages");
}

/* All of a regular file, new; NULL after it has said why not. */
static char *
read_file(struct connect *connect, const char *path, size_t *n)
{
	FILE *file = fopen(path, "re");
	struct stat stat;
	char *p = NULL;

	if (!file || fstat(fileno(file), &stat) < 0 || !S_ISREG(stat.st_mode))
		connect_warn(connect, "%s: %s", path, file ? "not a file" : "cannot be read");
	else if (stat.st_size > CONNECT_LINE_MAX)
		connect_warn(connect, "%s: it is larger than 32 MiB", path);
	else
		p = malloc((size_t)stat.st_size + 1);
	if (p)
		*n = fread(p, 1, (size_t)stat.st_size, file);
	if (file)
		fclose(file);
	return p;
}

/* As text when that is the form and the file is UTF-8, else as it is. */
static void
send_file(struct connect *connect, const char *name)
{
	size_t n = strlen(name);
	char *path = strndup(name, n > 0 && name[n - 1] == ' ' ? n - 1 : n); /* completed */
	char *p = path ? read_file(connect, path, &n) : NULL;
	const char *wrong = NULL;

	free(path);
	if (!p)
		return;
	if (connect->options.form == FORM_TEXT)
		wrong = connect_send(connect, XT_KIND_TEXT, p, n);
	if (connect->options.form != FORM_TEXT || wrong)
		wrong = connect_send(connect, XT_KIND_BINARY, p, n);
	say_refusal(connect, wrong);
	free(p);
}

static void
obey(struct connect *connect, const struct order *order)
{
	switch (order->kind) {
	case ORDER_SEND:
		say_refusal(
			connect, connect_send_line(connect, connect->options.form, order->text));
		break;
	case ORDER_TEXT:
	case ORDER_BINARY:
	case ORDER_HEX:
	case ORDER_BASE64:
		send_as(connect, FORM_TEXT + (order->kind - ORDER_TEXT), order->text);
		break;
	case ORDER_FILE:
		send_file(connect, order->text);
		break;
	case ORDER_PING:
		say_refusal(connect, connect_ping(connect, order->text));
		break;
	case ORDER_JSON:
		connect->view.json = order->on;
		break;
	case ORDER_FRAMES:
		connect_watch_frames(connect, order->on);
		break;
	case ORDER_CLOSE:
		connect_close(connect, order->code, order->text);
		break;
	case ORDER_QUIT:
		connect_close(connect, 1000, NULL);
		break;
	case ORDER_HELP:
		order_help(connect_stream(connect), 2);
		break;
	case ORDER_WRONG:
		connect_warn(connect, "%s", order->text);
		break;
	}
}

/* ---- the prompt ---- */

/* What the editor waits with: everything else happens here. */
static bool
wait_for_keys(void *ctx)
{
	struct connect *connect = ctx;

	connect_flush(connect);
	while (!connect->done && !connect->closing)
		if (connect_turn(connect, true))
			return true;
	return false;
}

static void
read_lines(struct connect *connect)
{
	const char *line;
	struct order order;

	while (!connect->closing && !connect->done) {
		line = editor_read(connect->editor);
		if (!line) {
			connect_close(connect, 1000, NULL);
			break;
		}
		order = order_read(line);
		obey(connect, &order);
		connect_flush(connect);
	}
}

static void
edit(struct connect *connect)
{
	char *history = connect->options.no_history ? NULL : history_path();
	struct editor_options options = {
		.history = history,
		.colours = *connect->words->reset != '\0',
		.wait = wait_for_keys,
		.ctx = connect,
	};

	connect->editor = editor_new(&options);
	if (connect->editor)
		read_lines(connect);
	else
		connect_fail(connect, command_fail(connect->command, STATUS_REFUSED,
					      "this terminal cannot be used"));
	editor_free(connect->editor);
	connect->editor = NULL;
	free(history);
}

void
terminal_run(struct connect *connect)
{
	while (!connect->done && !connect->open)
		connect_turn(connect, false);
	if (connect->open)
		edit(connect);
	connect_close(connect, 1000, NULL);
	while (!connect->done)
		connect_turn(connect, false);
}
