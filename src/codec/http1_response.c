/*
 * http1_response.c - reads the head of a response line by line: each line is checked when it is complete, the first one
 * byte for byte as it comes, so that a peer that speaks something else is known at once.
 */
#include "codec/http1_response.h"

#include "codec/http1_syntax.h"
#include "crosstalk.h"

/* RFC 9112 4: HTTP-version SP status-code SP [ reason-phrase ]; '0' stands for a digit. */
static const char pattern[] = "HTTP/1.0 000";
#define PATTERN  (sizeof pattern - 1)
#define MINOR_AT 7
#define CODE_AT  9

static const char no_http[] = "what came is not an HTTP/1.1 response";

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
fits_pattern(const char *p, size_t n)
{
	for (size_t i = 0; i < n && i < PATTERN; i++)
		if (pattern[i] == '0' ? !is_digit(p[i]) : p[i] != pattern[i])
			return false;
	return true;
}

static bool
is_text(struct xt_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!xt_http1_is(s.p[i], XT_HTTP1_VALUE))
			return false;
	return true;
}

static unsigned
digit(struct xt_str s, size_t at)
{
	return (unsigned)(s.p[at] - '0');
}

/* The space in front of an empty phrase is often left out; there it can't mislead anybody. NULL: good, else the words. */
static const char *
take_status(struct xt_str line, struct xt_http1_response *response)
{
	if (line.n < PATTERN || !fits_pattern(line.p, line.n))
		return no_http;
	if (line.n > PATTERN && line.p[PATTERN] != ' ')
		return no_http;
	response->status = digit(line, CODE_AT) * 100 + digit(line, CODE_AT + 1) * 10 +
			   digit(line, CODE_AT + 2);
	response->minor = digit(line, MINOR_AT) > 0;
	response->reason = xt_str_skip(line, PATTERN + 1);
	if (response->status < 100)
		return "the status code of the response is below 100";
	return is_text(response->reason) ? NULL : "the status line holds a control character";
}

/* RFC 9112 5, 5.1: a name, no blank, a colon; 5.2: obsolete folding is refused. */
static const char *
take_field(struct xt_str line, struct xt_http1_field *field)
{
	field->value = line;
	field->name = xt_str_cut(&field->value, ':');
	if (line.p[0] == ' ' || line.p[0] == '\t')
		return "a header line of the response begins with a blank";
	if (!field->value.p)
		return "a header line of the response has no colon";
	if (!xt_http1_is_token(field->name))
		return "a field name of the response holds a character that is not allowed there";
	field->value = xt_str_trim(field->value);
	return is_text(field->value) ? NULL : "a field of the response holds a control character";
}

/* A complete line without its end. NULL: good, else the words. */
static const char *
take_line(struct xt_http1_response_reader *reader, struct xt_str line,
	struct xt_http1_response *response)
{
	if (!reader->begun) {
		reader->begun = true;
		return take_status(line, response);
	}
	if (reader->fields == XT_HTTP1_FIELDS)
		return "the response has more than 100 header fields";
	return take_field(line, &response->fields[reader->fields++]);
}

/* The head is complete: its lines were found good, and are taken now that the bytes stay where they are. */
static void
take_all(const char *p, size_t n, struct xt_http1_response *response)
{
	struct xt_http1_response_reader reader = { 0 };

	for (size_t at = 0; at + 2 < n;) {
		const char *end = memchr(p + at, '\n', n - at);
		size_t size = (size_t)(end - (p + at)) + 1;
		take_line(&reader, xt_str_of(p + at, size - 2), response);
		at += size;
	}
	response->fields_count = reader.fields;
	response->size = n;
}

/* RFC 9112 2.2: we take no line that ends with LF alone. */
static const char *
check_end(struct xt_str line)
{
	if (line.n == 0 || line.p[line.n - 1] != '\r')
		return xt_http1_wrong_byte('\n');
	return NULL;
}

/* The line in progress, as far as it has come. */
static const char *
check_begun(const struct xt_http1_response_reader *reader, struct xt_str line)
{
	return reader->begun || fits_pattern(line.p, line.n) ? NULL : no_http;
}

ssize_t
xt_http1_response_read(struct xt_http1_response_reader *reader, const char *p, size_t n,
	struct xt_http1_response *response, const char **why)
{
	size_t end = n < XT_HTTP1_RESPONSE_MAX ? n : XT_HTTP1_RESPONSE_MAX;
	const char *lf;

	while ((lf = memchr(p + reader->at, '\n', end - reader->at)) != NULL) {
		struct xt_str line = xt_str_of(p + reader->line, (size_t)(lf - p) - reader->line);
		*why = check_end(line);
		line.n--;
		if (!*why && line.n == 0 && reader->begun) {
			*reader = (struct xt_http1_response_reader){ 0 };
			take_all(p, (size_t)(lf - p) + 1, response);
			return (ssize_t)response->size;
		}
		if (!*why)
			*why = take_line(reader, line, response);
		if (*why)
			return XT_EPROTO;
		reader->line = reader->at = (uint32_t)(lf - p) + 1;
	}
	reader->at = (uint32_t)end;
	*why = check_begun(reader, xt_str_of(p + reader->line, end - reader->line));
	if (!*why && end == XT_HTTP1_RESPONSE_MAX)
		*why = "the response's header is larger than 32 KiB";
	return *why ? XT_EPROTO : 0;
}

struct xt_str
xt_http1_response_field(const struct xt_http1_response *response, struct xt_str name)
{
	for (size_t i = 0; i < response->fields_count; i++)
		if (xt_str_ieq(response->fields[i].name, name))
			return response->fields[i].value;
	return (struct xt_str){ 0 };
}

size_t
xt_http1_response_field_count(const struct xt_http1_response *response, struct xt_str name)
{
	size_t count = 0;

	for (size_t i = 0; i < response->fields_count; i++)
		count += xt_str_ieq(response->fields[i].name, name);
	return count;
}
