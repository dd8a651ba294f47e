/*
 * client.c - clients that do what they are told, for tests/conformance/client_*.test.js: commands on standard input, what
 * happens on standard output, a line each. Its loop runs inside another one (poll), all memory is from an
 * allocator of its own, and what is left of that at the end is an error.
 *
 *	commands: NAME open OPTION=VALUE …      options of struct xt_websocket_options, and echo=1, watch=1
 *	          NAME text|binary|json|ping HEX, NAME close CODE REASON, NAME pause|resume|url|buffered
 *	          NAME field FIELD
 *	events:   NAME refused|open|message|error|close|drained|pong|frame|result|url|field|buffered …
 *
 * Values and words are percent-encoded, so that a blank always parts two of them.
 */
#include <crosstalk.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX 4096
#define LIST_MAX  32
#define ALPHABET \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:;/,=()\"'?&+*@#!"

static long blocks; /* that the library holds */
static struct xt_loop *loop;

struct named {
	char name[32];
	struct xt_websocket *ws; /* NULL: gone */
	int echo, quiet;
};

static struct named *named[NAMES_MAX];
static size_t named_count;

/* Memory ---------------------------------------------------------------------------------- */

static void *
resize(void *ctx, void *p, size_t size)
{
	void *now;

	(void)ctx;
	if (size == 0) {
		free(p);
		blocks--;
		return NULL;
	}
	now = realloc(p, size);
	if (now && !p)
		blocks++;
	return now;
}

static const struct xt_allocator allocator = { .resize = resize };

/* Words ----------------------------------------------------------------------------------- */

static void
put_encoded(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] && strchr(ALPHABET, p[i]))
			putchar(p[i]);
		else
			printf("%%%02X", (unsigned char)p[i]);
	}
}

static void
put_word(const char *text)
{
	putchar(' ');
	put_encoded(text ? text : "", text ? strlen(text) : 0);
}

static void
put_hex(const char *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	putchar(' ');
	for (size_t i = 0; i < n; i++) {
		putchar(digits[(unsigned char)p[i] >> 4]);
		putchar(digits[p[i] & 15]);
	}
}

static unsigned
nibble(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 32) - 'a' + 10);
}

static size_t
read_hex(char *text)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++)
		text[i] = (char)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
	return n;
}

static char *
decode(char *text)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		if (*at == '%') {
			*to++ = (char)(nibble(at[1]) << 4 | nibble(at[2]));
			at += 2;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
	return text;
}

/* The next word; the rest stays in `*rest`. "" when there is none. */
static char *
word(char **rest)
{
	char *begin = *rest, *end = begin + strcspn(begin, " ");

	*rest = *end ? end + 1 : end;
	*end = '\0';
	return begin;
}

/* Events ---------------------------------------------------------------------------------- */

static struct named *
begin_line(struct xt_websocket *ws, const char *event)
{
	struct named *to = xt_websocket_context(ws);

	printf("%s %s", to->name, event);
	return to;
}

static void
end_line(void)
{
	putchar('\n');
	fflush(stdout);
}

static void
on_open(struct xt_websocket *ws)
{
	struct named *to = begin_line(ws, "open");

	to->ws = ws;
	put_word(xt_websocket_subprotocol(ws));
	put_word(xt_websocket_extensions(ws));
	end_line();
}

static void
on_message(struct xt_websocket *ws, const struct xt_data *data)
{
	static const char *const kinds[] = { "text", "binary", "json" };
	struct named *to = xt_websocket_context(ws);

	if (to->echo) {
		xt_websocket_send(ws, data->kind, data->p, data->n);
		return;
	}
	begin_line(ws, "message");
	put_word(kinds[data->kind]);
	put_hex(data->p, data->n);
	put_word(data->id);
	put_word(data->channel);
	end_line();
}

static void
on_error(struct xt_websocket *ws, int error, const char *words)
{
	begin_line(ws, "error");
	printf(" %d", error);
	put_word(words);
	end_line();
}

static void
on_close(struct xt_websocket *ws, const struct xt_closing *closing)
{
	struct named *to = begin_line(ws, "close");

	printf(" %u %d %d", closing->code, closing->clean, closing->retry_ms);
	put_word(closing->reason);
	end_line();
	if (closing->retry_ms < 0)
		to->ws = NULL;
}

static void
on_drained(struct xt_websocket *ws)
{
	const struct named *to = xt_websocket_context(ws);

	if (to->quiet)
		return;
	begin_line(ws, "drained");
	end_line();
}

static void
on_pong(struct xt_websocket *ws, const char *p, size_t n)
{
	begin_line(ws, "pong");
	put_hex(p, n);
	end_line();
}

static void
on_frame(struct xt_websocket *ws, const struct xt_frame *frame)
{
	begin_line(ws, "frame");
	printf(" %s %u %zu", frame->sent ? "sent" : "received", frame->first, frame->length);
	put_hex(frame->p, frame->n);
	end_line();
}

static const struct xt_websocket_handlers handlers = {
	.open = on_open,
	.message = on_message,
	.error = on_error,
	.close = on_close,
	.drained = on_drained,
	.pong = on_pong,
};

/* Opening --------------------------------------------------------------------------------- */

struct opening {
	struct xt_websocket_options options;
	const char *subprotocols[LIST_MAX], *headers[LIST_MAX];
	size_t subprotocols_count, headers_count;
	int echo, watch, quiet;
};

struct field {
	const char *name;
	size_t at;
	enum { STRING, UNSIGNED, INT, SIZE } kind;
};

#define FIELD(name_, kind_) \
	{ \
#name_, offsetof(struct xt_websocket_options, name_), kind_ \
	}

static const struct field fields[] = {
	FIELD(url, STRING),
	FIELD(cookies, STRING),
	FIELD(origin, STRING),
	FIELD(proxy, STRING),
	FIELD(ca_file, STRING),
	FIELD(certificate_file, STRING),
	FIELD(key_file, STRING),
	FIELD(server_name, STRING),
	FIELD(since, STRING),
	FIELD(max_redirects, UNSIGNED),
	FIELD(open_timeout_ms, UNSIGNED),
	FIELD(close_timeout_ms, UNSIGNED),
	FIELD(ping_interval_ms, UNSIGNED),
	FIELD(ping_timeout_ms, UNSIGNED),
	FIELD(reconnect_min_ms, UNSIGNED),
	FIELD(reconnect_max_ms, UNSIGNED),
	FIELD(reconnect_attempts, UNSIGNED),
	FIELD(max_message, SIZE),
	FIELD(max_backlog, SIZE),
	FIELD(no_compression, INT),
	FIELD(insecure, INT),
	FIELD(reconnect, INT),
	FIELD(channel, INT),
};

static void
set(const struct field *field, struct xt_websocket_options *options, const char *value)
{
	char *at = (char *)options + field->at;
	size_t number = strtoull(value, NULL, 10);
	unsigned small = (unsigned)number;

	if (field->kind == STRING)
		memcpy(at, &value, sizeof value);
	else if (field->kind == SIZE)
		memcpy(at, &number, sizeof number);
	else
		memcpy(at, &small, sizeof small);
}

static void
read_option(struct opening *opening, const char *name, const char *value)
{
	if (strcmp(name, "subprotocol") == 0 && opening->subprotocols_count < LIST_MAX - 1)
		opening->subprotocols[opening->subprotocols_count++] = value;
	else if (strcmp(name, "header") == 0 && opening->headers_count < LIST_MAX - 1)
		opening->headers[opening->headers_count++] = value;
	else if (strcmp(name, "echo") == 0)
		opening->echo = 1;
	else if (strcmp(name, "watch") == 0)
		opening->watch = 1;
	else if (strcmp(name, "quiet") == 0)
		opening->quiet = 1;
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (strcmp(name, fields[i].name) == 0)
			set(&fields[i], &opening->options, value);
}

static void
refuse(const char *name, int error, const char *words)
{
	printf("%s refused %d", name, error);
	put_word(words);
	end_line();
}

static void
open_one(const char *name, char *rest)
{
	struct opening opening = { .options = { .allocator = &allocator } };
	struct named *to = calloc(1, sizeof *to);
	char error[512] = "";
	int status;

	if (!to || named_count == NAMES_MAX)
		exit(3);
	named[named_count++] = to;
	snprintf(to->name, sizeof to->name, "%s", name);
	while (*rest) {
		char *value = word(&rest), *option = value;
		value += strcspn(value, "=");
		*value++ = '\0';
		read_option(&opening, option, decode(value));
	}
	opening.options.subprotocols = opening.subprotocols_count ? opening.subprotocols : NULL;
	opening.options.headers = opening.headers;
	opening.options.context = to;
	to->echo = opening.echo;
	to->quiet = opening.quiet;
	status = xt_websocket_open(loop, &opening.options, &handlers, &to->ws, error, sizeof error);
	if (status < 0)
		refuse(name, status, error);
	else if (opening.watch)
		xt_websocket_watch_frames(to->ws, on_frame);
}

/* Commands -------------------------------------------------------------------------------- */

static struct named *
find(const char *name)
{
	for (size_t i = named_count; i-- > 0;)
		if (strcmp(named[i]->name, name) == 0)
			return named[i];
	return NULL;
}

static void
result(const struct named *to, int status)
{
	printf("%s result %d", to->name, status);
	end_line();
}

static void
send_kind(const struct named *to, enum xt_kind kind, char *hex)
{
	size_t n = read_hex(hex);

	result(to, xt_websocket_send(to->ws, kind, hex, n));
}

static void
do_text(const struct named *to, char *rest)
{
	send_kind(to, XT_KIND_TEXT, rest);
}

static void
do_binary(const struct named *to, char *rest)
{
	send_kind(to, XT_KIND_BINARY, rest);
}

static void
do_json(const struct named *to, char *rest)
{
	send_kind(to, XT_KIND_JSON, rest);
}

static void
do_ping(const struct named *to, char *rest)
{
	size_t n = read_hex(rest);

	result(to, xt_websocket_ping(to->ws, rest, n));
}

static void
do_close(const struct named *to, char *rest)
{
	unsigned code = (unsigned)strtoul(word(&rest), NULL, 10);

	result(to, xt_websocket_close(to->ws, code, decode(rest)));
}

static void
do_pause(const struct named *to, char *rest)
{
	(void)rest;
	xt_websocket_pause(to->ws);
	result(to, 0);
}

static void
do_resume(const struct named *to, char *rest)
{
	(void)rest;
	xt_websocket_resume(to->ws);
	result(to, 0);
}

static void
do_url(const struct named *to, char *rest)
{
	(void)rest;
	begin_line(to->ws, "url");
	put_word(xt_websocket_url(to->ws));
	end_line();
}

static void
do_field(const struct named *to, char *rest)
{
	const char *value = xt_websocket_field(to->ws, decode(rest));

	begin_line(to->ws, "field");
	put_word(value ? value : "-");
	end_line();
}

static void
do_buffered(const struct named *to, char *rest)
{
	(void)rest;
	begin_line(to->ws, "buffered");
	printf(" %zu", xt_websocket_buffered(to->ws));
	end_line();
}

static const struct {
	const char *name;
	void (*run)(const struct named *to, char *rest);
} commands[] = {
	{ "text", do_text },
	{ "binary", do_binary },
	{ "json", do_json },
	{ "ping", do_ping },
	{ "close", do_close },
	{ "pause", do_pause },
	{ "resume", do_resume },
	{ "url", do_url },
	{ "field", do_field },
	{ "buffered", do_buffered },
};

static void
run_line(char *line)
{
	const char *name = word(&line), *command = word(&line);
	const struct named *to = find(name);

	if (strcmp(command, "open") == 0) {
		open_one(name, line);
		return;
	}
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(command, commands[i].name) == 0 && to && to->ws) {
			commands[i].run(to, line);
			return;
		}
	}
	refuse(name, 0, command);
}

/* What has come of the commands so far; false: their end. */
static int
read_commands(void)
{
	static char *have;
	static size_t n, room;
	ssize_t got;
	char *end;

	if (room - n < 65536) {
		room += 1u << 20;
		have = realloc(have, room);
		if (!have)
			exit(3);
	}
	got = read(0, have + n, room - n);
	if (got <= 0) {
		free(have);
		return 0;
	}
	n += (size_t)got;
	while ((end = memchr(have, '\n', n)) != NULL) {
		size_t used = (size_t)(end - have) + 1;
		*end = '\0';
		run_line(have);
		memmove(have, have + used, n - used);
		n -= used;
	}
	return 1;
}

int
main(void)
{
	if (xt_loop_new(&loop) < 0)
		return 3;
	for (int more = 1; more;) {
		struct pollfd fds[] = { { xt_loop_fd(loop), POLLIN, 0 }, { 0, POLLIN, 0 } };
		poll(fds, 2, xt_loop_wait_ms(loop));
		if (fds[1].revents)
			more = read_commands();
		xt_loop_turn(loop, 0);
	}
	xt_loop_free(loop);
	for (size_t i = 0; i < named_count; i++)
		free(named[i]);
	if (blocks != 0)
		fprintf(stderr, "%ld blocks of the library's memory were not freed\n", blocks);
	return blocks != 0;
}
