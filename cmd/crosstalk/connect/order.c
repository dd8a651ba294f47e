/* order.c - the commands of `crosstalk connect`: a table, and how each reads what follows it. */
#include "connect/order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char none[] = "";

static struct order
wrong(const char *words)
{
	return (struct order){ ORDER_WRONG, words, 0, 0 };
}

/* The rest of the line as it stands. */
static struct order
read_text(enum order_kind kind, const char *rest)
{
	return (struct order){ kind, rest, 0, 0 };
}

static struct order
read_nothing(enum order_kind kind, const char *rest)
{
	return *rest ? wrong("nothing follows this command") : read_text(kind, none);
}

static struct order
read_switch(enum order_kind kind, const char *rest)
{
	if (strcmp(rest, "on") != 0 && strcmp(rest, "off") != 0)
		return wrong("say on or off");
	return (struct order){ kind, none, 0, strcmp(rest, "on") == 0 };
}

static struct order
read_ping(enum order_kind kind, const char *rest)
{
	return strlen(rest) > ORDER_PING_MAX ? wrong("a ping holds at most 125 bytes")
					     : read_text(kind, rest);
}

static struct order
read_path(enum order_kind kind, const char *rest)
{
	return *rest ? read_text(kind, rest) : wrong("say which file");
}

/* RFC 6455 7.4.2: what a client may close with. */
static bool
is_code(unsigned long code)
{
	return code == 1000 || (code >= 3000 && code <= 4999);
}

static struct order
read_close(enum order_kind kind, const char *rest)
{
	char *end;
	unsigned long code = 1000;

	if (*rest) {
		code = strtoul(rest, &end, 10);
		if (*rest < '0' || *rest > '9' || (*end && *end != ' ') || !is_code(code))
			return wrong("a code is 1000, or 3000 to 4999");
		rest = end + strspn(end, " ");
	}
	if (strlen(rest) > ORDER_REASON_MAX)
		return wrong("a reason has at most 123 bytes");
	return (struct order){ kind, rest, (unsigned)code, 0 };
}

static const struct command_row {
	const char *name, *arguments, *words;
	enum order_kind kind;
	struct order (*read)(enum order_kind kind, const char *rest);
} rows[] = {
	{ "/text", "[TEXT]", "send TEXT as text; alone: all lines from now on", ORDER_TEXT,
		read_text },
	{ "/binary", "[TEXT]", "the same as a binary message", ORDER_BINARY, read_text },
	{ "/hex", "[DIGITS]", "the same, the bytes in hexadecimal", ORDER_HEX, read_text },
	{ "/base64", "[TEXT]", "the same, the bytes in base64", ORDER_BASE64, read_text },
	{ "/file", "PATH", "send a file as one message", ORDER_FILE, read_path },
	{ "/ping", "[TEXT]", "send a ping; the answer tells how long it took", ORDER_PING,
		read_ping },
	{ "/json", "on|off", "show JSON indented", ORDER_JSON, read_switch },
	{ "/frames", "on|off", "show each frame", ORDER_FRAMES, read_switch },
	{ "/close", "[CODE [REASON]]", "close, with 1000 or a code of your own", ORDER_CLOSE,
		read_close },
	{ "/quit", "", "close and leave; so do Ctrl-D and Ctrl-C", ORDER_QUIT, read_nothing },
	{ "/help", "", "this list", ORDER_HELP, read_nothing },
};

#define ROWS (sizeof rows / sizeof *rows)

struct order
order_read(const char *line)
{
	size_t n = strcspn(line, " ");

	if (*line != '/')
		return read_text(ORDER_SEND, line);
	if (line[1] == '/')
		return read_text(ORDER_SEND, line + 1);
	for (size_t i = 0; i < ROWS; i++)
		if (strlen(rows[i].name) == n && memcmp(rows[i].name, line, n) == 0)
			return rows[i].read(rows[i].kind, line + n + (line[n] == ' '));
	return wrong("no such command: /help lists them; // sends a text that begins with /");
}

void
order_help(FILE *to, unsigned indent)
{
	for (size_t i = 0; i < ROWS; i++)
		fprintf(to, "%*s%-7s %-16s %s\n", (int)indent, "", rows[i].name, rows[i].arguments,
			rows[i].words);
	fprintf(to, "%*s%-7s %-16s %s\n", (int)indent, "", "//", "TEXT",
		"send a text that begins with /");
}

const char *
order_complete(const char *begin, size_t *next)
{
	while (*next < ROWS) {
		const char *name = rows[(*next)++].name;
		if (strncmp(name, begin, strlen(begin)) == 0)
			return name;
	}
	return NULL;
}
