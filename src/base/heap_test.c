/* heap_test.c - the allocator of a thread is used for all, and only while it is entered. */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct tally {
	size_t calls, live, fail_after;
};

static void *
tallied(void *ctx, void *p, size_t size)
{
	struct tally *tally = ctx;

	tally->calls++;
	if (size == 0) {
		tally->live--;
		free(p);
		return NULL;
	}
	if (tally->fail_after && tally->calls > tally->fail_after)
		return NULL;
	if (!p)
		tally->live++;
	return realloc(p, size);
}

static void
uses_the_allocator_that_was_entered(void **state)
{
	struct tally tally = { 0 };
	struct xt_allocator allocator = { .resize = tallied, .ctx = &tally };
	const struct xt_allocator *before = xt_heap_enter(&allocator);
	char *p = xt_malloc(10), *zeros = xt_calloc(3, 5), *copy = xt_strndup("abc", 2);

	(void)state;
	assert_null(before);
	assert_int_equal(tally.live, 3);
	assert_memory_equal(zeros, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15);
	assert_string_equal(copy, "ab");
	p = xt_realloc(p, 1000);
	xt_free(p);
	xt_free(zeros);
	xt_free(copy);
	xt_free(NULL);
	assert_int_equal(tally.live, 0);
	assert_ptr_equal(xt_heap_enter(NULL), &allocator);
	xt_free(xt_malloc(1));
	assert_int_equal(tally.calls, 7);
}

static void
tells_when_there_is_no_memory(void **state)
{
	struct tally tally = { .fail_after = 1, .calls = 1 };
	struct xt_allocator allocator = { .resize = tallied, .ctx = &tally };

	(void)state;
	xt_heap_enter(&allocator);
	assert_null(xt_malloc(1));
	assert_null(xt_calloc(1, 1));
	assert_null(xt_calloc(SIZE_MAX, 2));
	assert_null(xt_strndup("a", 1));
	assert_null(xt_calloc_line(1));
	xt_heap_enter(NULL);
}

static void
lines_begin_at_lines(void **state)
{
	(void)state;
	for (size_t n = 1; n < 200; n += 7) {
		unsigned char *line = xt_calloc_line(n);
		assert_non_null(line);
		assert_int_equal((uintptr_t)line % 64, 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(line[i], 0);
		memset(line, 0xff, n);
		xt_free_line(line);
	}
	xt_free_line(NULL);
}

static void
no_bytes_are_an_object_too(void **state)
{
	void *p = xt_malloc(0), *q = xt_calloc(0, 8);

	(void)state;
	assert_non_null(p);
	assert_non_null(q);
	p = xt_realloc(p, 0);
	assert_non_null(p);
	xt_free(p);
	xt_free(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uses_the_allocator_that_was_entered),
		cmocka_unit_test(tells_when_there_is_no_memory),
		cmocka_unit_test(lines_begin_at_lines),
		cmocka_unit_test(no_bytes_are_an_object_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
