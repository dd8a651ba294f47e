/* slab_test.c - places are zero when taken, used again when given, and all walked. */
#include "base/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct object {
	void *first;
	uint64_t number; /* not 0 while it lives */
	char rest[33];
};

struct walk {
	struct xt_slab *slab;
	size_t live;
	uint64_t sum;
};

static void
visit(void *ctx, void *place)
{
	struct walk *walk = ctx;
	const struct object *object = place;

	walk->live += object->number != 0;
	walk->sum += object->number;
}

static void
visit_and_give(void *ctx, void *place)
{
	struct walk *walk = ctx;
	struct object *object = place;

	if (object->number == 0)
		return;
	if (object->number % 2) {
		xt_slab_give(walk->slab, object);
		return;
	}
	object = xt_slab_take(walk->slab);
	assert_non_null(object);
	object->number = 1;
	walk->live++;
}

static void
test_take_and_give(void **state)
{
	enum { COUNT = 3000 };
	static struct object *objects[COUNT];
	static const struct object zero;
	struct xt_slab slab;
	struct walk walk = { 0 };

	(void)state;
	xt_slab_init(&slab, sizeof(struct object));
	assert_true(slab.size % 8 == 0 && slab.size >= sizeof(struct object));
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT; i++) {
			objects[i] = xt_slab_take(&slab);
			assert_memory_equal(objects[i], &zero, sizeof zero);
			memset(objects[i], 0xff, sizeof *objects[i]);
			objects[i]->number = i + 1;
		}
		assert_int_equal(slab.live, COUNT);
		walk = (struct walk){ 0 };
		xt_slab_walk(&slab, visit, &walk);
		assert_int_equal(walk.live, COUNT);
		assert_int_equal(walk.sum, (uint64_t)COUNT * (COUNT + 1) / 2);
		for (size_t i = 0; i < COUNT; i++)
			xt_slab_give(&slab, objects[(i * 7) % COUNT]);
		assert_int_equal(slab.live, 0);
	}
	/* All rounds fit the pages of the first. */
	assert_int_equal(slab.page_count, (COUNT + slab.per_page - 1) / slab.per_page);
	walk = (struct walk){ 0 };
	xt_slab_walk(&slab, visit, &walk);
	assert_int_equal(walk.live, 0);
	xt_slab_fini(&slab);
}

static void
test_change_while_walking(void **state)
{
	struct xt_slab slab;
	struct walk walk = { .slab = &slab };

	(void)state;
	xt_slab_init(&slab, sizeof(struct object));
	for (uint64_t i = 0; i < 2000; i++) {
		struct object *object = xt_slab_take(&slab);
		object->number = i + 1;
	}
	xt_slab_walk(&slab, visit_and_give, &walk);
	assert_true(walk.live >= 1000);
	xt_slab_fini(&slab);
}

static void
test_large(void **state)
{
	struct xt_slab slab;
	void *a, *b;

	(void)state;
	xt_slab_init(&slab, 100000);
	a = xt_slab_take(&slab);
	b = xt_slab_take(&slab);
	assert_int_equal(slab.page_count, 2);
	memset(a, 1, 100000);
	memset(b, 2, 100000);
	xt_slab_give(&slab, a);
	xt_slab_give(&slab, b);
	assert_ptr_equal(xt_slab_take(&slab), b);
	xt_slab_fini(&slab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take_and_give),
		cmocka_unit_test(test_change_while_walking),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
