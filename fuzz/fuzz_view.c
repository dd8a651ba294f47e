/*
 * fuzz_view.c - what `crosstalk connect` shows of a stranger's messages and frames.
 *
 * On a terminal no byte of it may be obeyed, and no line of a message may look like another message; JSON that is
 * indented is the same JSON; to a pipe every byte goes as it came.
 */
#include <stdlib.h>
#include <string.h>

#include "base/panic.h"
#include "crosstalk_ws.h"
#include "connect/frame.h"
#include "connect/json.h"
#include "connect/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	char *p;
	size_t n;
};

static struct text
show(const struct view *view, const struct xt_data *data)
{
	struct text text;
	FILE *to = open_memstream(&text.p, &text.n);

	XT_ASSERT(to);
	view_message(view, to, data, false);
	fclose(to);
	return text;
}

/* Line ends and tabs; of a message further lines are indented. */
static void
check_harmless(struct text text)
{
	size_t at;

	XT_ASSERT(text.n > 0 && text.p[text.n - 1] == '\n');
	XT_ASSERT(xt_utf8_valid((struct xt_str){ text.p, text.n }));
	for (size_t i = 0; i + 1 < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		XT_ASSERT(c >= ' ' ? c != 0x7f : c == '\n' || c == '\t');
		XT_ASSERT(c != 0xc2 || (unsigned char)text.p[i + 1] >= 0xa0);
		at = i + 1;
		XT_ASSERT(c != '\n' || strncmp(text.p + at, "  ", 2) == 0);
	}
}

/* Without the blanks between tokens; n is the new length. */
static size_t
squeeze(char *p, size_t n)
{
	size_t out = 0;
	bool string = false;

	for (size_t i = 0; i < n; i++) {
		if (!string && strchr(" \t\r\n", p[i]) && p[i])
			continue;
		if (string && p[i] == '\\' && i + 1 < n)
			p[out++] = p[i++];
		else if (p[i] == '"')
			string = !string;
		p[out++] = p[i];
	}
	return out;
}

static bool
is_ascii(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x7f)
			return false;
	return true;
}

static void
check_json(const struct xt_data *data)
{
	const struct view view = { .palette = &palette_plain, .json = true, .width = 40 };
	struct text shown;
	char *copy;

	if (!is_ascii(data->p, data->n) || !json_is_worth_it(data->p, data->n))
		return;
	shown = show(&view, data);
	copy = malloc(data->n);
	memcpy(copy, data->p, data->n);
	shown.n = squeeze(shown.p, shown.n);
	XT_ASSERT(shown.n == squeeze(copy, data->n) && memcmp(shown.p, copy, shown.n) == 0);
	free(copy);
	free(shown.p);
}

static void
check_terminal(const struct xt_data *data)
{
	struct view view = {
		.palette = &palette_plain, .arrows = true, .safe = true, .json = true, .width = 40
	};
	struct text shown = show(&view, data);

	check_harmless(shown);
	free(shown.p);
}

static void
check_pipe(const struct xt_data *data)
{
	const struct view view = { .palette = &palette_plain, .form = FORM_BINARY };
	struct text shown = show(&view, data);

	XT_ASSERT(shown.n == data->n + 1 && memcmp(shown.p, data->p, data->n) == 0);
	free(shown.p);
}

static void
check_frame(const struct xt_data *data)
{
	struct xt_frame frame = { .first = data->n ? (unsigned char)data->p[0] : 0,
		.p = data->p,
		.n = data->n,
		.length = data->n + (data->n & 1) };
	struct text text;
	FILE *to = open_memstream(&text.p, &text.n);

	XT_ASSERT(to);
	frame_print(to, &palette_plain, &frame);
	putc('\n', to);
	fclose(to);
	check_harmless(text);
	XT_ASSERT(memchr(text.p, '\n', text.n) == text.p + text.n - 1);
	free(text.p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct xt_data data = { .kind = XT_KIND_TEXT, .p = (const char *)bytes, .n = size };

	check_terminal(&data);
	check_pipe(&data);
	check_json(&data);
	check_frame(&data);
	data.kind = XT_KIND_BINARY;
	check_terminal(&data);
	check_pipe(&data);
	return 0;
}
