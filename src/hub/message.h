/*
 * message.h - what was published: made once, given its position at the channel's home, immutable from then on, and
 * shared by all workers through an atomic count of references.
 */
#ifndef XT_HUB_MESSAGE_H
#define XT_HUB_MESSAGE_H

#include <stdatomic.h>

#include "codec/position.h"
#include "crosstalk.h"

/* The longest Content-Type that is kept. */
#define XT_MESSAGE_TYPE_MAX 127

struct xt_message {
	_Atomic uint32_t refs;
	uint8_t kind;      /* enum xt_kind */
	uint8_t type_size; /* bytes of the Content-Type, which follows the payload */
	struct xt_position id;
	uint64_t time;   /* when its home took it: ms since 1970 UTC */
	uint64_t origin; /* the session that sent it; 0: none */
	size_t size;     /* bytes of the payload */
	char bytes[];
};

/* Copies payload and type (which may be empty). One reference. NULL: out of memory. */
struct xt_message *xt_message_new(
	enum xt_kind kind, struct xt_str payload, struct xt_str type, uint64_t origin);

/* Any thread. */
struct xt_message *xt_message_ref(struct xt_message *message);
void xt_message_unref(struct xt_message *message); /* NULL is fine */

static inline struct xt_str
xt_message_payload(const struct xt_message *message)
{
	return xt_str_of(message->bytes, message->size);
}

static inline struct xt_str
xt_message_type(const struct xt_message *message)
{
	return xt_str_of(message->bytes + message->size, message->type_size);
}

/* What it weighs in a history: payload and all that belongs to it. */
static inline size_t
xt_message_weight(const struct xt_message *message)
{
	return sizeof *message + message->size + message->type_size;
}

#endif
