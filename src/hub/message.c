/* message.c - making a message and counting who holds it. */
#include "hub/message.h"

#include "base/heap.h"
#include "base/panic.h"

struct xt_message *
xt_message_new(enum xt_kind kind, struct xt_str payload, struct xt_str type, uint64_t origin)
{
	struct xt_message *message = xt_malloc(sizeof *message + payload.n + type.n);

	XT_ASSERT(type.n <= XT_MESSAGE_TYPE_MAX);
	if (!message)
		return NULL;
	atomic_init(&message->refs, 1);
	message->kind = (uint8_t)kind;
	message->type_size = (uint8_t)type.n;
	message->id = (struct xt_position){ 0 };
	message->time = 0;
	message->origin = origin;
	message->size = payload.n;
	if (payload.n)
		memcpy(message->bytes, payload.p, payload.n);
	if (type.n)
		memcpy(message->bytes + payload.n, type.p, type.n);
	return message;
}

struct xt_message *
xt_message_ref(struct xt_message *message)
{
	atomic_fetch_add_explicit(&message->refs, 1, memory_order_relaxed);
	return message;
}

void
xt_message_unref(struct xt_message *message)
{
	if (message && atomic_fetch_sub_explicit(&message->refs, 1, memory_order_acq_rel) == 1)
		xt_free(message);
}
