/* view.c - see view.h. */
#include "connect/view.h"

#include <string.h>
#include <time.h>

#include "base64.h"
#include "connect/escape.h"
#include "connect/hex.h"
#include "connect/json.h"

/* Columns: of an arrow, and of a time, each with a blank. */
#define INDENT 2
#define TIME   13

void
view_time(const struct view *view, FILE *to)
{
	struct timespec now;
	struct tm tm;
	char text[16];

	if (!view->time)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof text, "%H:%M:%S", &tm);
	fprintf(to, "%s%s.%03ld%s ", view->palette->dim, text, now.tv_nsec / 1000000,
		view->palette->reset);
}

static unsigned
indent_of(const struct view *view)
{
	return view->arrows ? INDENT : 0;
}

static void
print_rest(const struct view *view, FILE *to, size_t shown, size_t n)
{
	if (shown == n)
		return;
	escape_newline(to, indent_of(view));
	fprintf(to, "%s... %zu bytes more%s", view->palette->dim, n - shown, view->palette->reset);
}

static void
print_json(const struct view *view, FILE *to, const struct xt_data *data)
{
	size_t id = view->arrows && data->id ? strlen(data->id) + 1 : 0;
	struct json_place place = {
		.width = view->width,
		.used = indent_of(view) + (view->time ? TIME : 0) + (unsigned)id,
		.indent = indent_of(view),
	};

	json_print(to, view->palette, data->p, data->n, &place);
}

static void
print_text(const struct view *view, FILE *to, const struct xt_data *data)
{
	size_t n = view->arrows && data->n > VIEW_TEXT_MAX ? VIEW_TEXT_MAX : data->n;

	if (view->json && json_is_worth_it(data->p, data->n)) {
		print_json(view, to, data);
		return;
	}
	if (view->safe)
		escape_text(to, view->palette, data->p, n, indent_of(view));
	else
		fwrite(data->p, 1, n, to);
	print_rest(view, to, n, data->n);
}

/* On a terminal: how many bytes, and what they are. */
static void
print_dump(const struct view *view, FILE *to, const struct xt_data *data)
{
	size_t n = data->n > VIEW_DUMP_MAX ? VIEW_DUMP_MAX : data->n;

	fprintf(to, "%s%zu byte%s%s", view->palette->dim, data->n, data->n == 1 ? "" : "s",
		view->palette->reset);
	hex_dump(to, view->palette, data->p, n, indent_of(view));
	print_rest(view, to, n, data->n);
}

static void
print_binary(const struct view *view, FILE *to, const struct xt_data *data)
{
	if (view->form == FORM_BASE64)
		base64_print(to, data->p, data->n);
	else if (view->arrows)
		print_dump(view, to, data);
	else if (view->form != FORM_BINARY)
		hex_print(to, data->p, data->n);
	else if (view->safe)
		escape_text(to, view->palette, data->p, data->n, 0);
	else
		fwrite(data->p, 1, data->n, to);
}

void
view_message(const struct view *view, FILE *to, const struct xt_data *data, bool sent)
{
	const struct palette *palette = view->palette;

	view_time(view, to);
	if (view->arrows)
		fprintf(to, "%s%s%s ", sent ? palette->out : palette->in, sent ? "→" : "←",
			palette->reset);
	if (view->arrows && data->id) {
		fputs(palette->dim, to);
		escape_line(to, palette, data->id, strlen(data->id));
		fprintf(to, "%s ", palette->reset);
	}
	if (data->kind == XT_KIND_BINARY)
		print_binary(view, to, data);
	else
		print_text(view, to, data);
	putc('\n', to);
}

const char *
view_decode(enum form form, char *p, size_t *n)
{
	if (form == FORM_HEX && !hex_decode(p, n))
		return "it is not hexadecimal: pairs of 0-9 a-f";
	if (form == FORM_BASE64 && !base64_decode(p, n))
		return "it is not base64";
	return NULL;
}

enum xt_kind
view_kind(enum form form)
{
	return form == FORM_TEXT ? XT_KIND_TEXT : XT_KIND_BINARY;
}
