/*
 * batch.h - the messages that a fan-out carries to every subscriber, and the wire forms they have been given.
 *
 * A form is encoded by the first subscriber that needs it, all messages of the batch one after another
 * in one block; every other subscriber of that form sends a reference to it, or to its tail.
 */
#ifndef XT_HUB_BATCH_H
#define XT_HUB_BATCH_H

#include "base/bytes.h"
#include "hub/message.h"

#define XT_BATCH_MESSAGES 256
#define XT_BATCH_BYTES    (1u << 20) /* of payload, unless one message alone is larger */
#define XT_BATCH_WIRES    64         /* forms of one program; bits of a mask */

struct xt_wire {
	struct xt_bytes *bytes;
	size_t starts[XT_BATCH_MESSAGES + 1]; /* where each message begins; the last: the end */
};

struct xt_batch {
	size_t count;
	size_t bytes;                                   /* of payload */
	struct xt_message *messages[XT_BATCH_MESSAGES]; /* offsets are consecutive */
	struct xt_wire *wires[XT_BATCH_WIRES];
	uint64_t wired; /* which of them are there */
};

/* Empty, without wires. NULL: out of memory. */
struct xt_batch *xt_batch_new(void);

/* Lets go of messages and wires; the batch is empty and usable again. */
void xt_batch_reset(struct xt_batch *batch);
void xt_batch_free(struct xt_batch *batch);

/* Takes the caller's reference. False when the batch is full: nothing is taken. */
bool xt_batch_add(struct xt_batch *batch, struct xt_message *message);

/* The wire in `slot` (below XT_BATCH_WIRES), NULL when nobody made it yet. */
static inline struct xt_wire *
xt_batch_wire(const struct xt_batch *batch, unsigned slot)
{
	return batch->wires[slot];
}

/*
 * A wire in `slot` for the caller to fill: `bytes` is NULL until it does. NULL: out of memory.
 */
struct xt_wire *xt_batch_add_wire(struct xt_batch *batch, unsigned slot);

/* How many messages of the batch come before or at `offset`: where a subscriber who has seen it goes on. */
size_t xt_batch_after(const struct xt_batch *batch, uint64_t offset);

#endif
