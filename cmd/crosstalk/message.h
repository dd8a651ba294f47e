/* message.h - a line of a channel's NDJSON stream: a message, or word of the stream itself. */
#ifndef CROSSTALK_MESSAGE_H
#define CROSSTALK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#define MESSAGE_ID_MAX 48 /* EPOCH-OFFSET, with the NUL */

enum message_kind {
	MESSAGE_DATA,  /* a message of the channel */
	MESSAGE_OPEN,  /* the stream has begun; `id` is the position before what follows */
	MESSAGE_LOST,  /* what was asked for is gone; `notice` says so, `id` is where it goes on */
	MESSAGE_OTHER, /* of a later version: to be passed over */
};

struct message {
	enum message_kind kind;
	char id[MESSAGE_ID_MAX]; /* empty when there is none */
	char notice[256];
	char *payload; /* owned; the bytes as they were published, JSON as it was written */
	size_t n;
};

/* Reads one line, which need not be NUL-ended. False when it is no such object, or no memory. */
bool message_read(struct message *message, const char *line, size_t n);

void message_fini(struct message *message);

#endif
