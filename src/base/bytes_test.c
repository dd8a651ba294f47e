/* bytes_test.c - shared bytes go with their last reference, and not before. */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
count(void *owner)
{
	++*(int *)owner;
}

static void
test_copy(void **state)
{
	char text[] = "hello";
	struct xt_bytes *bytes = xt_bytes_copy(XT_STR("hello")), *empty;

	(void)state;
	assert_non_null(bytes);
	memset(text, 0, sizeof text);
	assert_int_equal(bytes->n, 5);
	assert_memory_equal(bytes->p, "hello", 5);
	assert_ptr_equal(xt_bytes_ref(bytes), bytes);
	xt_bytes_unref(bytes);
	assert_memory_equal(bytes->p, "hello", 5);
	xt_bytes_unref(bytes);
	xt_bytes_unref(NULL);
	empty = xt_bytes_copy((struct xt_str){ 0 });
	assert_int_equal(empty->n, 0);
	xt_bytes_unref(empty);
}

static void
test_own(void **state)
{
	char *heap = malloc(3);
	struct xt_bytes *bytes;

	(void)state;
	memcpy(heap, "abc", 3);
	bytes = xt_bytes_own(heap, 3);
	assert_ptr_equal(bytes->p, heap);
	xt_bytes_unref(bytes); /* a leak would be reported */
}

static void
test_wrap(void **state)
{
	int gone = 0;
	struct xt_bytes *bytes = xt_bytes_wrap(XT_STR("lent"), count, &gone);

	(void)state;
	xt_bytes_unref(xt_bytes_ref(bytes));
	assert_int_equal(gone, 0);
	xt_bytes_unref(bytes);
	assert_int_equal(gone, 1);
	xt_bytes_unref(xt_bytes_wrap(XT_STR("static"), NULL, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
