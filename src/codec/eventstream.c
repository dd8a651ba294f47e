/* eventstream.c - every line of a server-sent event begins with the name of its field. */
#include "codec/eventstream.h"

#include "crosstalk.h"

/* The index from `at` on of the next line end, or `text.n`. */
static size_t
line_run(struct xt_str text, size_t at)
{
	/* WHATWG HTML 9.2.5: end-of-line = ( cr lf / cr / lf ) */
	while (at < text.n && text.p[at] != '\n' && text.p[at] != '\r')
		at++;
	return at;
}

/* What the line end at `at` takes: 2 for CRLF. */
static size_t
line_end(struct xt_str text, size_t at)
{
	return text.p[at] == '\r' && at + 1 < text.n && text.p[at + 1] == '\n' ? 2 : 1;
}

static size_t
count_lines(struct xt_str text)
{
	size_t lines = 1;

	for (size_t at = line_run(text, 0); at < text.n; at = line_run(text, at)) {
		at += line_end(text, at);
		lines++;
	}
	return lines;
}

static void
put_line(struct xt_buf *out, struct xt_str prefix, struct xt_str line)
{
	xt_buf_put_str(out, prefix);
	xt_buf_put_str(out, line);
	xt_buf_put_char(out, '\n');
}

static int
append_lines(struct xt_buf *out, struct xt_str prefix, struct xt_str text)
{
	size_t more, at = 0, end;

	if (__builtin_mul_overflow(count_lines(text), prefix.n + 1, &more) ||
		__builtin_add_overflow(more, text.n, &more) || xt_buf_reserve(out, more) < 0)
		return XT_ENOMEM;
	while ((end = line_run(text, at)) < text.n) {
		put_line(out, prefix, xt_str_of(text.p + at, end - at));
		at = end + line_end(text, end);
	}
	put_line(out, prefix, xt_str_skip(text, at));
	return 0;
}

int
xt_eventstream_data(struct xt_buf *out, struct xt_str text)
{
	/* WHATWG HTML 9.2.6: one space after the colon is not part of the value */
	return append_lines(out, XT_STR("data: "), text);
}

int
xt_eventstream_comment(struct xt_buf *out, struct xt_str text)
{
	/* WHATWG HTML 9.2.6: a line that begins with a colon is ignored */
	return append_lines(out, text.n ? XT_STR(": ") : XT_STR(":"), text);
}

int
xt_eventstream_field(struct xt_buf *out, struct xt_str name, struct xt_str value)
{
	if (line_run(value, 0) < value.n)
		return XT_EINVAL;
	/* WHATWG HTML 9.2.6: an id with a NUL is ignored */
	if (xt_str_eq(name, XT_STR("id")) && value.n && memchr(value.p, '\0', value.n))
		return XT_EINVAL;
	if (xt_buf_reserve(out, name.n + value.n + 3) < 0)
		return XT_ENOMEM;
	xt_buf_put_str(out, name);
	xt_buf_put_str(out, XT_STR(": "));
	xt_buf_put_str(out, value);
	xt_buf_put_char(out, '\n');
	return 0;
}

int
xt_eventstream_end(struct xt_buf *out)
{
	return xt_buf_append(out, "\n", 1);
}
