/*
 * editor.c - libedit, so that a prompt survives what is printed.
 *
 * libedit asks for each character with the function that is given to it; that function is where this program waits
 * for everything else too. So a line that is being edited, a half of an escape sequence or a search in the history
 * never keep the connection waiting.
 */
#include "connect/editor.h"

#include <errno.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connect/columns.h"
#include "connect/history.h"
#include "connect/order.h"

#define PROMPT_COLUMNS 2u
#define INPUT_SIZE     256u

struct editor {
	struct editor_options options;
	EditLine *el;
	HistoryW *history;
	char *line;                  /* what editor_read() returned */
	char input[INPUT_SIZE];      /* read from the terminal … */
	size_t input_begin, input_n; /* … and not yet given to libedit */
	bool reading;                /* within editor_read(): there is a line */
	bool hidden;
};

/* ---- what libedit calls ---- */

/* Between \1 and \1: what takes no room. */
static wchar_t *
plain_prompt(EditLine *el)
{
	static wchar_t text[] = L"> ";

	(void)el;
	return text;
}

static wchar_t *
bold_prompt(EditLine *el)
{
	static wchar_t text[] = L"\1\033[1m\1>\1\033[0m\1 ";

	(void)el;
	return text;
}

static struct editor *
editor_of(EditLine *el)
{
	struct editor *editor = NULL;

	el_wget(el, EL_CLIENTDATA, &editor);
	return editor;
}

/* More bytes from the terminal, after everything else had its turn. */
static bool
fill(struct editor *editor)
{
	ssize_t n = 0;

	do {
		if (!editor->options.wait(editor->options.ctx))
			return false;
		n = read(STDIN_FILENO, editor->input + editor->input_n,
			sizeof editor->input - editor->input_n);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n > 0)
		editor->input_n += (size_t)n;
	return n > 0;
}

/* One character of the locale, over as many reads as it takes; what is none is passed over. */
static int
get_character(EditLine *el, wchar_t *c)
{
	struct editor *editor = editor_of(el);

	for (;;) {
		mbstate_t state = { 0 };
		size_t n = mbrtowc(c, editor->input + editor->input_begin,
			editor->input_n - editor->input_begin, &state);
		if (n == 0)
			n = 1; /* a NUL */
		if (n < (size_t)-2) {
			editor->input_begin += n;
			return 1;
		}
		if (n == (size_t)-1) {
			editor->input_begin++;
			continue;
		}
		memmove(editor->input, editor->input + editor->input_begin,
			editor->input_n - editor->input_begin);
		editor->input_n -= editor->input_begin;
		editor->input_begin = 0;
		if (!fill(editor))
			return 0;
	}
}

/* The line up to the cursor, as UTF-8, new; NULL when out of memory. */
static char *
before_cursor(EditLine *el)
{
	const LineInfo *info = el_line(el);

	return strndup(info->buffer, (size_t)(info->cursor - info->buffer));
}

/* What all commands that begin so have in common beyond it. */
static void
complete_order(EditLine *el, const char *begin)
{
	size_t next = 0, common = 0;
	const char *first = order_complete(begin, &next), *other;

	if (!first)
		return;
	common = strlen(first);
	while ((other = order_complete(begin, &next)))
		while (strncmp(first, other, common) != 0)
			common--;
	for (size_t i = strlen(begin); i < common; i++)
		el_insertstr(el, (char[]){ first[i], '\0' });
}

/* The tabulator: a file after "/file ", a command after "/"; else it is what it is. */
static unsigned char
on_tab(EditLine *el, int c)
{
	char *line = before_cursor(el);
	unsigned char result = CC_REFRESH;

	if (line && strncmp(line, "/file ", 6) == 0)
		result = _el_fn_complete(el, c);
	else if (line && line[0] == '/' && line[1] != '/' && !strchr(line, ' '))
		complete_order(el, line);
	else
		el_insertstr(el, "\t");
	free(line);
	return result;
}

/* ---- life ---- */

static void
remember(void *ctx, const char *line)
{
	struct editor *editor = ctx;
	size_t n = mbstowcs(NULL, line, 0);
	wchar_t *wide = n == (size_t)-1 ? NULL : calloc(n + 1, sizeof *wide);
	HistEventW event;

	if (wide) {
		mbstowcs(wide, line, n + 1);
		history_w(editor->history, &event, H_ENTER, wide);
	}
	free(wide);
}

static bool
prepare_history(struct editor *editor)
{
	HistEventW event;

	editor->history = history_winit();
	if (!editor->history)
		return false;
	history_w(editor->history, &event, H_SETSIZE, HISTORY_LINES);
	history_w(editor->history, &event, H_SETUNIQUE, 1);
	if (editor->options.history)
		history_load(editor->options.history, remember, editor);
	return el_wset(editor->el, EL_HIST, history_w, editor->history) == 0;
}

static bool
prepare(struct editor *editor)
{
	editor->el = el_init("crosstalk", stdin, stdout, stderr);
	if (!editor->el || !prepare_history(editor))
		return false;
	el_wset(editor->el, EL_CLIENTDATA, editor);
	el_wset(editor->el, EL_EDITOR, L"emacs");
	el_wset(editor->el, EL_SIGNAL, 0);
	el_wset(editor->el, EL_GETCFN, get_character);
	el_wset(editor->el, EL_PROMPT_ESC, editor->options.colours ? bold_prompt : plain_prompt,
		L'\1');
	el_wset(editor->el, EL_ADDFN, L"crosstalk-tab", L"completes a command or a file", on_tab);
	el_wset(editor->el, EL_BIND, L"\t", L"crosstalk-tab", NULL);
	el_source(editor->el, NULL); /* ~/.editrc: whoever has one knows better */
	return true;
}

struct editor *
editor_new(const struct editor_options *options)
{
	struct editor *editor = calloc(1, sizeof *editor);

	if (!editor)
		return NULL;
	editor->options = *options;
	if (prepare(editor))
		return editor;
	editor_free(editor);
	return NULL;
}

void
editor_free(struct editor *editor)
{
	if (!editor)
		return;
	editor_hide(editor);
	fflush(stdout);
	if (editor->el)
		el_end(editor->el);
	if (editor->history)
		history_wend(editor->history);
	free(editor->line);
	free(editor);
}

/* ---- the line on the terminal ---- */

/* ECMA-48: so many rows up, then erase to the end of the screen. */
static void
erase(unsigned rows)
{
	putchar('\r');
	if (rows > 0)
		printf("\033[%uA", rows);
	fputs("\033[J", stdout);
}

void
editor_hide(struct editor *editor)
{
	const LineInfoW *info;

	if (!editor->reading || editor->hidden)
		return;
	info = el_wline(editor->el);
	erase(columns_row(info->buffer, (size_t)(info->cursor - info->buffer), PROMPT_COLUMNS,
		columns_of_output()));
	editor->hidden = true;
}

void
editor_show(struct editor *editor)
{
	if (!editor->hidden)
		return;
	editor->hidden = false;
	el_wset(editor->el, EL_REFRESH);
	fflush(stdout);
}

void
editor_resize(struct editor *editor)
{
	editor_hide(editor);
	el_resize(editor->el);
	editor_show(editor);
}

void
editor_pause(struct editor *editor)
{
	editor_hide(editor);
	fflush(stdout);
	el_wset(editor->el, EL_PREP_TERM, 0);
}

void
editor_continue(struct editor *editor)
{
	el_wset(editor->el, EL_PREP_TERM, 1);
	editor_show(editor);
}

/* ---- reading ---- */

/* libedit has gone to the row below the line. */
static void
take_away(const wchar_t *line, size_t n)
{
	erase(columns_row(line, n, PROMPT_COLUMNS, columns_of_output()) + 1);
}

static char *
narrow(const wchar_t *line, size_t n)
{
	size_t size = n * MB_CUR_MAX + 1, used = 0, more;
	char *text = malloc(size);
	mbstate_t state = { 0 };

	for (size_t i = 0; text && i < n; i++) {
		more = wcrtomb(text + used, line[i], &state);
		used += more == (size_t)-1 ? 0 : more;
	}
	if (text)
		text[used] = '\0';
	return text;
}

static const char *
take_line(struct editor *editor, const wchar_t *line, size_t n)
{
	if (n > 0 && (line[n - 1] == L'\n' || line[n - 1] == L'\r'))
		n--;
	take_away(line, n);
	free(editor->line);
	editor->line = narrow(line, n);
	if (editor->line && n > 0) {
		remember(editor, editor->line);
		if (editor->options.history)
			history_append(editor->options.history, editor->line);
	}
	return editor->line;
}

const char *
editor_read(struct editor *editor)
{
	const wchar_t *line;
	int n = 0;

	editor->reading = true;
	line = el_wgets(editor->el, &n);
	if (!line || n <= 0)
		editor_hide(editor);
	editor->reading = editor->hidden = false;
	return line && n > 0 ? take_line(editor, line, (size_t)n) : NULL;
}
