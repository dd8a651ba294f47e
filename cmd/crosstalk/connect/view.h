/* view.h - how messages look: to a person on a terminal, or to a program behind a pipe. */
#ifndef CROSSTALK_CONNECT_VIEW_H
#define CROSSTALK_CONNECT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "connect/palette.h"
#include "crosstalk.h"

/* How bytes are written by people: what lines are sent as, and binary messages are shown as. */
enum form { FORM_TEXT, FORM_BINARY, FORM_HEX, FORM_BASE64 };

struct view {
	const struct palette *palette;
	enum form form;
	bool arrows;    /* each message has one, and its lines are indented; long ones are cut */
	bool safe;      /* it is a terminal: nothing of a peer's may be obeyed */
	bool json;      /* JSON is indented */
	bool time;      /* each message has its time */
	unsigned width; /* columns of a line */
};

#define VIEW_TEXT_MAX 65536u /* bytes of a message that are shown where there are arrows … */
#define VIEW_DUMP_MAX 1024u  /* … and of a binary one */

/* Writes a message that came, or that was sent, with a line end. */
void view_message(const struct view *view, FILE *to, const struct xt_data *data, bool sent);

/* The time of day, where the view has times; then a blank. For lines that are no messages. */
void view_time(const struct view *view, FILE *to);

/*
 * Turns a line into what it stands for in a form, in place. NULL, or a static sentence of what is wrong with it.
 */
const char *view_decode(enum form form, char *p, size_t *n);

/* What such a line is sent as. */
enum xt_kind view_kind(enum form form);

#endif
