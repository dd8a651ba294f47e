/* batch.c - filling a batch and letting it go. */
#include "hub/batch.h"

#include "base/heap.h"
#include "base/panic.h"

struct xt_batch *
xt_batch_new(void)
{
	return xt_calloc(1, sizeof(struct xt_batch));
}

void
xt_batch_reset(struct xt_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		xt_message_unref(batch->messages[i]);
	while (batch->wired) {
		unsigned slot = (unsigned)__builtin_ctzll(batch->wired);
		xt_bytes_unref(batch->wires[slot]->bytes);
		xt_free(batch->wires[slot]);
		batch->wires[slot] = NULL;
		batch->wired &= batch->wired - 1;
	}
	batch->count = 0;
	batch->bytes = 0;
}

void
xt_batch_free(struct xt_batch *batch)
{
	if (!batch)
		return;
	xt_batch_reset(batch);
	xt_free(batch);
}

bool
xt_batch_add(struct xt_batch *batch, struct xt_message *message)
{
	if (batch->count == XT_BATCH_MESSAGES ||
		(batch->count && batch->bytes + message->size > XT_BATCH_BYTES))
		return false;
	XT_ASSERT(!batch->count ||
		  batch->messages[batch->count - 1]->id.offset + 1 == message->id.offset);
	batch->messages[batch->count++] = message;
	batch->bytes += message->size;
	return true;
}

struct xt_wire *
xt_batch_add_wire(struct xt_batch *batch, unsigned slot)
{
	struct xt_wire *wire;

	XT_ASSERT(slot < XT_BATCH_WIRES && !batch->wires[slot]);
	/* Only the starts that are used: most batches hold one message. */
	wire = xt_malloc(
		offsetof(struct xt_wire, starts) + (batch->count + 1) * sizeof wire->starts[0]);
	if (!wire)
		return NULL;
	wire->bytes = NULL;
	batch->wires[slot] = wire;
	batch->wired |= 1ull << slot;
	return wire;
}

size_t
xt_batch_after(const struct xt_batch *batch, uint64_t offset)
{
	uint64_t first;

	if (!batch->count)
		return 0;
	first = batch->messages[0]->id.offset;
	if (offset < first)
		return 0;
	return offset - first < batch->count ? (size_t)(offset - first) + 1 : batch->count;
}
