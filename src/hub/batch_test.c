/* batch_test.c - what fits into a batch, whose it is, and where a subscriber goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hub/batch.h"

static struct xt_message *
message_of(size_t size, uint64_t offset)
{
	char *bytes = calloc(1, size + 1);
	struct xt_message *message =
		xt_message_new(XT_KIND_TEXT, xt_str_of(bytes, size), (struct xt_str){ 0 }, 0);

	free(bytes);
	message->id.offset = offset;
	return message;
}

static void
test_message_limit(void **state)
{
	struct xt_batch *batch = xt_batch_new();
	struct xt_message *one_more = message_of(1, XT_BATCH_MESSAGES + 1);

	(void)state;
	for (uint64_t i = 1; i <= XT_BATCH_MESSAGES; i++)
		assert_true(xt_batch_add(batch, message_of(1, i)));
	assert_false(xt_batch_add(batch, one_more));
	assert_int_equal(one_more->refs, 1);
	assert_int_equal(batch->count, XT_BATCH_MESSAGES);
	assert_int_equal(batch->bytes, XT_BATCH_MESSAGES);
	xt_message_unref(one_more);
	xt_batch_free(batch);
}

static void
test_byte_limit(void **state)
{
	struct xt_batch *batch = xt_batch_new();
	struct xt_message *small = message_of(1, 3);

	(void)state;
	/* exactly the limit, and one byte more */
	assert_true(xt_batch_add(batch, message_of(XT_BATCH_BYTES - 10, 1)));
	assert_true(xt_batch_add(batch, message_of(10, 2)));
	assert_false(xt_batch_add(batch, small));
	assert_true(xt_batch_add(batch, message_of(0, 3)));
	xt_batch_reset(batch);
	/* one that is larger goes alone */
	assert_true(xt_batch_add(batch, message_of(XT_BATCH_BYTES + 1, 2)));
	assert_false(xt_batch_add(batch, small));
	xt_batch_reset(batch);
	assert_true(xt_batch_add(batch, small));
	xt_batch_free(batch);
}

static void
note_end(void *owner)
{
	*(bool *)owner = true;
}

static void
test_wires(void **state)
{
	struct xt_batch *batch = xt_batch_new();
	bool ended = false;
	struct xt_wire *wire;

	(void)state;
	xt_batch_add(batch, message_of(1, 1));
	assert_null(xt_batch_wire(batch, 0));
	wire = xt_batch_add_wire(batch, 0);
	assert_ptr_equal(xt_batch_wire(batch, 0), wire);
	assert_null(wire->bytes);
	wire->starts[0] = 0;
	wire->starts[1] = 3;
	wire->bytes = xt_bytes_wrap(XT_STR("abc"), note_end, &ended);
	/* the last slot; left without bytes by an encoder that failed */
	assert_non_null(xt_batch_add_wire(batch, XT_BATCH_WIRES - 1));
	xt_batch_reset(batch);
	assert_true(ended);
	assert_null(xt_batch_wire(batch, 0));
	assert_null(xt_batch_wire(batch, XT_BATCH_WIRES - 1));
	xt_batch_add(batch, message_of(1, 9));
	assert_non_null(xt_batch_add_wire(batch, 0));
	xt_batch_free(batch);
	xt_batch_free(NULL);
}

static void
test_after(void **state)
{
	struct xt_batch *batch = xt_batch_new();

	(void)state;
	assert_int_equal(xt_batch_after(batch, 0), 0);
	for (uint64_t i = 10; i < 13; i++)
		xt_batch_add(batch, message_of(1, i));
	assert_int_equal(xt_batch_after(batch, 0), 0);
	assert_int_equal(xt_batch_after(batch, 9), 0);
	assert_int_equal(xt_batch_after(batch, 10), 1);
	assert_int_equal(xt_batch_after(batch, 11), 2);
	assert_int_equal(xt_batch_after(batch, 12), 3);
	assert_int_equal(xt_batch_after(batch, 13), 3);
	assert_int_equal(xt_batch_after(batch, XT_OFFSET_MAX), 3);
	xt_batch_free(batch);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_limit),
		cmocka_unit_test(test_byte_limit),
		cmocka_unit_test(test_wires),
		cmocka_unit_test(test_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
