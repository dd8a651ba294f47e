/* wire.c - protocol's payload, transport's frame, one message after another. */
#include "session/wire.h"

#include "base/panic.h"
#include "crosstalk.h"

static int
encode_one(struct xt_session *session, const struct xt_message *message, unsigned form,
	struct xt_buf *out)
{
	struct xt_buf scratch = { 0 };
	struct xt_payload payload;
	int error = session->protocol->encode(form, message, &scratch, &payload);

	if (error == 0)
		error = session->transport->frame(session, message, &payload, out);
	xt_buf_fini(&scratch);
	return error;
}

static int
encode_all(struct xt_batch *batch, struct xt_session *session, unsigned form, struct xt_wire *wire)
{
	struct xt_buf out = { 0 };
	char *heap;
	size_t n;

	for (size_t i = 0; i < batch->count; i++) {
		wire->starts[i] = out.n;
		if (encode_one(session, batch->messages[i], form, &out) < 0) {
			xt_buf_fini(&out);
			return XT_ENOMEM;
		}
	}
	wire->starts[batch->count] = out.n;
	heap = xt_buf_take(&out, &n);
	wire->bytes = xt_bytes_own(heap, n);
	return wire->bytes ? 0 : XT_ENOMEM;
}

const struct xt_wire *
xt_wire_get(struct xt_batch *batch, struct xt_session *session, unsigned form)
{
	unsigned slot = session->transport->index * XT_FORMS + form;
	struct xt_wire *wire = xt_batch_wire(batch, slot);

	XT_ASSERT(form < session->protocol->forms && session->transport->index < XT_TRANSPORTS);
	if (!wire) {
		wire = xt_batch_add_wire(batch, slot);
		if (!wire || encode_all(batch, session, form, wire) < 0)
			return NULL;
	}
	return wire->bytes ? wire : NULL;
}
