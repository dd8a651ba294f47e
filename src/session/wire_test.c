/* wire_test.c - a batch is encoded once for each form and transport, message behind message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crosstalk.h"
#include "session/wire.h"

#define COUNT 3

static unsigned encoded, framed; /* calls */
static size_t fail_at;           /* the call of encode() that fails; 0: none */

static int
encode(unsigned form, const struct xt_message *message, struct xt_buf *scratch,
	struct xt_payload *payload)
{
	assert_int_equal(scratch->n, 0);
	if (++encoded == fail_at)
		return XT_ENOMEM;
	*payload = (struct xt_payload){ xt_message_payload(message), message->kind };
	if (form == 0)
		return 0;
	assert_int_equal(
		xt_buf_printf(scratch, "{%.*s}", (int)payload->bytes.n, payload->bytes.p), 0);
	payload->bytes = xt_buf_str(scratch);
	return 0;
}

static int
frame(struct xt_session *session, const struct xt_message *message,
	const struct xt_payload *payload, struct xt_buf *out)
{
	assert_ptr_equal(session->transport->frame, frame);
	framed++;
	return xt_buf_printf(out, "%u:%.*s;", (unsigned)message->id.offset, (int)payload->bytes.n,
		payload->bytes.p);
}

static int
frame_nothing(struct xt_session *session, const struct xt_message *message,
	const struct xt_payload *payload, struct xt_buf *out)
{
	(void)session;
	(void)message;
	(void)payload;
	(void)out;
	return 0;
}

static const struct xt_protocol protocol = { .name = "test", .forms = 2, .encode = encode };
static const struct xt_transport first = { .name = "first", .index = 0, .frame = frame };
static const struct xt_transport last = {
	.name = "last", .index = XT_TRANSPORTS - 1, .frame = frame
};
static const struct xt_transport mute = { .name = "mute", .index = 1, .frame = frame_nothing };

/* All of a session that counts here. */
static struct xt_session first_session = { .transport = &first, .protocol = &protocol };
static struct xt_session last_session = { .transport = &last, .protocol = &protocol };
static struct xt_session mute_session = { .transport = &mute, .protocol = &protocol };

static struct xt_batch *
batch_new(void)
{
	struct xt_batch *batch = xt_batch_new();

	assert_non_null(batch);
	encoded = framed = 0;
	fail_at = 0;
	for (unsigned i = 0; i < COUNT; i++) {
		static const struct xt_str texts[COUNT] = {
			XT_STR_INIT("a"),
			XT_STR_INIT(""),
			XT_STR_INIT("ccc"),
		};
		struct xt_message *message =
			xt_message_new(XT_KIND_TEXT, texts[i], (struct xt_str){ 0 }, 0);
		assert_non_null(message);
		message->id = (struct xt_position){ 1, 7 + i };
		assert_true(xt_batch_add(batch, message));
	}
	return batch;
}

static void
check(const struct xt_wire *wire, const char *text)
{
	assert_non_null(wire);
	assert_int_equal(wire->bytes->n, strlen(text));
	assert_memory_equal(wire->bytes->p, text, wire->bytes->n);
}

static void
test_once_for_each(void **state)
{
	struct xt_batch *batch = batch_new();
	const struct xt_wire *wire = xt_wire_get(batch, &first_session, 0);

	(void)state;
	check(wire, "7:a;8:;9:ccc;");
	assert_int_equal(wire->starts[0], 0);
	assert_int_equal(wire->starts[1], 4);
	assert_int_equal(wire->starts[2], 7);
	assert_int_equal(wire->starts[3], 13);
	for (unsigned i = 0; i < 5; i++)
		assert_ptr_equal(xt_wire_get(batch, &first_session, 0), wire);
	assert_int_equal(encoded, COUNT);
	assert_int_equal(framed, COUNT);
	check(xt_wire_get(batch, &first_session, 1), "7:{a};8:{};9:{ccc};");
	check(xt_wire_get(batch, &last_session, 1), "7:{a};8:{};9:{ccc};");
	assert_ptr_not_equal(
		xt_wire_get(batch, &first_session, 1), xt_wire_get(batch, &last_session, 1));
	assert_ptr_equal(xt_wire_get(batch, &first_session, 0), wire);
	assert_int_equal(encoded, 3 * COUNT);
	assert_int_equal(framed, 3 * COUNT);
	xt_batch_free(batch);
}

/* What could not be encoded for one is not tried again for the others, nor given out half. */
static void
test_out_of_memory(void **state)
{
	(void)state;
	for (size_t at = 1; at <= COUNT; at++) {
		struct xt_batch *batch = batch_new();
		fail_at = at;
		assert_null(xt_wire_get(batch, &first_session, 1));
		assert_null(xt_wire_get(batch, &first_session, 1));
		assert_int_equal(encoded, at);
		check(xt_wire_get(batch, &first_session, 0), "7:a;8:;9:ccc;");
		xt_batch_free(batch);
	}
}

static void
test_no_bytes(void **state)
{
	struct xt_batch *batch = batch_new();

	(void)state;
	check(xt_wire_get(batch, &mute_session, 0), "");
	xt_batch_free(batch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once_for_each),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_no_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
