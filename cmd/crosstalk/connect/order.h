/* order.h - a line that a person typed: a message, or a command that begins with a slash. */
#ifndef CROSSTALK_CONNECT_ORDER_H
#define CROSSTALK_CONNECT_ORDER_H

#include <stddef.h>
#include <stdio.h>

#define ORDER_REASON_MAX 123 /* bytes: RFC 6455 5.5, 125 less the code */
#define ORDER_PING_MAX   125

enum order_kind {
	ORDER_SEND,  /* `text` is a message, in the form that is in force */
	ORDER_CLOSE, /* with `code` and `text` */
	ORDER_PING,  /* with `text` */
	ORDER_TEXT,  /* these four: send `text` in that form, or without it all lines from now on */
	ORDER_BINARY,
	ORDER_HEX,
	ORDER_BASE64,
	ORDER_JSON,   /* `on` */
	ORDER_FRAMES, /* `on` */
	ORDER_FILE,   /* send the file `text` */
	ORDER_HELP,
	ORDER_QUIT,
	ORDER_WRONG, /* `text` says what is wrong */
};

struct order {
	enum order_kind kind;
	const char *text; /* within the line, or static; "" when there is none */
	unsigned code;
	int on;
};

/* Reads a line without its end; `line` must live as long as the order. */
struct order order_read(const char *line);

/* The list of commands, a line each, `indent` blanks before it. */
void order_help(FILE *to, unsigned indent);

/* The commands that begin so, one a call from `*next` = 0 on: its name with the slash, or NULL. */
const char *order_complete(const char *begin, size_t *next);

#endif
