/* message_test.c - what a message holds, and that its last holder frees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "hub/message.h"

static void
test_holds_copies(void **state)
{
	char payload[] = "hello", type[] = "text/plain";
	struct xt_message *message =
		xt_message_new(XT_KIND_TEXT, xt_str_from(payload), xt_str_from(type), 77);

	(void)state;
	memset(payload, 'x', sizeof payload);
	memset(type, 'x', sizeof type);
	assert_int_equal(message->kind, XT_KIND_TEXT);
	assert_int_equal(message->origin, 77);
	assert_int_equal(message->id.offset, 0);
	assert_true(xt_str_eq(xt_message_payload(message), XT_STR("hello")));
	assert_true(xt_str_eq(xt_message_type(message), XT_STR("text/plain")));
	assert_int_equal(xt_message_weight(message), sizeof *message + 15);
	xt_message_unref(message);
}

static void
test_empty_and_longest(void **state)
{
	char type[XT_MESSAGE_TYPE_MAX];
	struct xt_message *message =
		xt_message_new(XT_KIND_BINARY, (struct xt_str){ 0 }, (struct xt_str){ 0 }, 0);

	(void)state;
	assert_int_equal(xt_message_payload(message).n, 0);
	assert_int_equal(xt_message_type(message).n, 0);
	xt_message_unref(message);
	memset(type, 't', sizeof type);
	message =
		xt_message_new(XT_KIND_JSON, (struct xt_str){ 0 }, xt_str_of(type, sizeof type), 0);
	assert_true(xt_str_eq(xt_message_type(message), xt_str_of(type, sizeof type)));
	xt_message_unref(message);
}

static void
test_references(void **state)
{
	struct xt_message *message =
		xt_message_new(XT_KIND_TEXT, XT_STR("a"), (struct xt_str){ 0 }, 0);

	(void)state;
	assert_ptr_equal(xt_message_ref(message), message);
	xt_message_unref(message);
	assert_int_equal(message->refs, 1);
	xt_message_unref(message);
	xt_message_unref(NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds_copies),
		cmocka_unit_test(test_empty_and_longest),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
