/* words.c - what `crosstalk connect` prints, and where. */
#include "connect/connect.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "connect/escape.h"
#include "connect/frame.h"

FILE *
connect_stream(struct connect *connect)
{
	if (connect->editor)
		editor_hide(connect->editor);
	return connect->interactive ? stdout : connect->output.stream;
}

void
connect_flush(struct connect *connect)
{
	if (connect->editor)
		editor_show(connect->editor);
	fflush(connect->interactive ? stdout : connect->output.stream);
}

/* Our own words: among the messages for a person, beside them for a script. */
static FILE *
words_stream(struct connect *connect)
{
	return connect->interactive ? connect_stream(connect) : stderr;
}

static void say(struct connect *connect, const char *colour, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static void
say(struct connect *connect, const char *colour, const char *format, va_list args)
{
	FILE *to = words_stream(connect);
	char *text = NULL;
	int n = vasprintf(&text, format, args);

	if (n < 0)
		return;
	if (connect->interactive)
		view_time(&connect->view, to);
	fprintf(to, "%s%s", colour, connect->interactive ? "" : "crosstalk connect: ");
	escape_line(to, connect->words, text, (size_t)n);
	fprintf(to, "%s\n", connect->words->reset);
	free(text);
}

void
connect_note(struct connect *connect, const char *format, ...)
{
	va_list args;

	if (connect->options.quiet)
		return;
	va_start(args, format);
	say(connect, connect->words->dim, format, args);
	va_end(args);
}

void
connect_warn(struct connect *connect, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(connect, connect->words->bad, format, args);
	va_end(args);
}

void
connect_show_frame(struct connect *connect, const struct xt_frame *frame)
{
	FILE *to = words_stream(connect);

	if (connect->interactive)
		view_time(&connect->view, to);
	frame_print(to, connect->words, frame);
	putc('\n', to);
}
