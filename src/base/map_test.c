/* map_test.c - the hash against its reference vectors, the table against what was put in. */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "crosstalk.h"

static const struct xt_map_key key = { .k0 = 0x0706050403020100, .k1 = 0x0f0e0d0c0b0a0908 };

/* Bytes 0, 1, 2 … under the key 00 01 … 0f, as the official test of SipHash has them, but for 1-3. */
static void
test_hash(void **state)
{
	static const unsigned char vectors[][8] = {
		{ 0xdc, 0xc4, 0x0f, 0x05, 0x58, 0x01, 0xac, 0xab },
		{ 0x93, 0xca, 0x57, 0x7d, 0xf3, 0x9b, 0xf4, 0xc9 },
		{ 0x4d, 0xd4, 0xc7, 0x4d, 0x02, 0x9b, 0xcb, 0x82 },
		{ 0xfb, 0xf7, 0xdd, 0xe7, 0xb8, 0x0a, 0xf8, 0x8b },
		{ 0x28, 0x83, 0xd3, 0x88, 0x60, 0x57, 0x75, 0xcf },
		{ 0x67, 0x3b, 0x53, 0x49, 0x2f, 0xd5, 0xf9, 0xde },
		{ 0xa7, 0x22, 0x9f, 0xc5, 0x50, 0x2b, 0x0d, 0xc5 },
		{ 0x40, 0x11, 0xb1, 0x9b, 0x98, 0x7d, 0x92, 0xd3 },
		{ 0x8e, 0x9a, 0x29, 0x8d, 0x11, 0x95, 0x90, 0x36 },
	};
	char input[16];

	(void)state;
	for (size_t n = 0; n < sizeof vectors / sizeof vectors[0]; n++) {
		uint64_t hash = xt_map_hash(&key, xt_str_of(input, n));
		assert_memory_equal(&hash, vectors[n], 8);
		input[n] = (char)n;
	}
}

struct named {
	struct xt_map_node node;
	char name[16];
};

static void
name(struct named *object, int i)
{
	snprintf(object->name, sizeof object->name, "channel-%d", i);
	object->node.name = xt_str_from(object->name);
	object->node.hash = xt_map_hash(&key, object->node.name);
}

static const struct xt_map_node *
find(const struct xt_map *map, const struct named *object)
{
	return xt_map_find(map, object->node.hash, object->node.name);
}

static void
test_table(void **state)
{
	enum { COUNT = 1000 };
	static struct named objects[COUNT];
	struct xt_map map = { 0 };

	(void)state;
	name(&objects[0], 0);
	assert_null(find(&map, &objects[0]));
	for (int i = 0; i < COUNT; i++) {
		name(&objects[i], i);
		assert_null(find(&map, &objects[i]));
		assert_int_equal(xt_map_add(&map, &objects[i].node), 0);
	}
	assert_int_equal(map.count, COUNT);
	for (int i = 0; i < COUNT; i++)
		assert_ptr_equal(find(&map, &objects[i]), &objects[i].node);
	for (int i = 0; i < COUNT; i += 2)
		xt_map_remove(&map, &objects[i].node);
	for (int i = 0; i < COUNT; i++)
		assert_ptr_equal(find(&map, &objects[i]), i % 2 ? &objects[i].node : NULL);
	assert_int_equal(map.count, COUNT / 2);
	xt_map_fini(&map);
	assert_null(find(&map, &objects[1]));
}

static void
test_same_hash(void **state)
{
	struct named a, b;
	struct xt_map map = { 0 };

	(void)state;
	name(&a, 1);
	name(&b, 2);
	b.node.hash = a.node.hash;
	assert_int_equal(xt_map_add(&map, &a.node), 0);
	assert_null(find(&map, &b));
	assert_int_equal(xt_map_add(&map, &b.node), 0);
	assert_ptr_equal(find(&map, &a), &a.node);
	assert_ptr_equal(find(&map, &b), &b.node);
	xt_map_remove(&map, &a.node);
	assert_ptr_equal(find(&map, &b), &b.node);
	xt_map_fini(&map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_same_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
