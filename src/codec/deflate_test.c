/* deflate_test.c - messages there and back, limits, what is not valid, and what the pool counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/heap.h"
#include "codec/deflate.h"
#include "crosstalk.h"

#define MIB      (1u << 20)
#define ROOM     (16u * MIB)
#define BYTES(b) (b), sizeof(b) - 1

static int
setup(void **state)
{
	*state = xt_deflate_pool_new(ROOM);
	return *state ? 0 : -1;
}

/* Everything went back. */
static int
teardown(void **state)
{
	assert_int_equal(xt_deflate_pool_used(*state), 0);
	xt_deflate_pool_free(*state);
	return 0;
}

/* Words that repeat now and then, the same for the same seed. */
static struct xt_buf
text_of(size_t n, unsigned seed)
{
	static const char *const words[] = { "score ", "goal ", "minute ", "player ", "card ",
		"42 " };
	struct xt_buf text = { 0 };

	assert_int_equal(xt_buf_reserve(&text, n + 8), 0);
	while (text.n < n) {
		seed = seed * 1103515245u + 12345;
		if (seed >> 28 == 0)
			xt_buf_put_char(&text, (char)(seed >> 16));
		else
			xt_buf_put_str(&text, xt_str_from(words[(seed >> 16) % 6]));
	}
	text.n = n;
	return text;
}

/* Inflates in pieces of so many bytes. */
static int
inflate_in(struct xt_inflater *inflater, bool fresh, struct xt_str in, size_t piece, size_t limit,
	struct xt_buf *out)
{
	int result = 0;
	size_t at = 0;

	do {
		size_t n = in.n - at < piece ? in.n - at : piece;
		result = xt_inflate(
			inflater, fresh && at == 0, in.p + at, n, at + n == in.n, limit, out);
		at += n;
	} while (result == 0 && at < in.n);
	return result;
}

static void
check_same(const struct xt_buf *found, const struct xt_buf *expected)
{
	assert_int_equal(found->n, expected->n);
	assert_true(xt_str_eq(xt_buf_str(found), xt_buf_str(expected)));
}

/* There and back ---------------------------------------------------------------------------- */

static void
check_trip(struct xt_deflate_pool *pool, unsigned bits, unsigned level, bool fresh)
{
	static const size_t sizes[] = { 0, 1, 5, 100, 0, 300, 5000, 70000, 1, 0, 200000 };
	static const size_t pieces[] = { 1, 7, 1000, SIZE_MAX };
	struct xt_deflater *deflater = xt_deflater_take(pool, bits, level);
	struct xt_inflater *inflater = xt_inflater_take(pool, bits);

	assert_non_null(deflater);
	assert_non_null(inflater);
	for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct xt_buf text = text_of(sizes[i], i % 4), packed = { 0 }, back = { 0 };
		assert_int_equal(xt_deflate(deflater, fresh, text.p, text.n, &packed), 0);
		assert_true(packed.n > 0);
		assert_int_equal(inflate_in(inflater, fresh, xt_buf_str(&packed), pieces[i % 4],
					 text.n, &back),
			0);
		check_same(&back, &text);
		xt_buf_fini(&text);
		xt_buf_fini(&packed);
		xt_buf_fini(&back);
	}
	xt_deflater_give(pool, deflater);
	xt_inflater_give(pool, inflater);
}

static void
test_there_and_back(void **state)
{
	for (unsigned bits = 8; bits <= 15; bits++)
		for (unsigned level = 1; level <= 9; level += 4) {
			check_trip(*state, bits, level, false);
			check_trip(*state, bits, level, true);
		}
}

/* RFC 7692 7.2.3.1 and 2: "Hello", and once more with the window kept. */
static void
test_examples(void **state)
{
	struct xt_deflater *deflater = xt_deflater_take(*state, 15, 1);
	struct xt_buf out = { 0 };

	assert_int_equal(xt_deflate(deflater, false, BYTES("Hello"), &out), 0);
	assert_int_equal(out.n, 7);
	assert_memory_equal(out.p, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
	out.n = 0;
	assert_int_equal(xt_deflate(deflater, false, BYTES("Hello"), &out), 0);
	assert_int_equal(out.n, 5);
	assert_memory_equal(out.p, "\xf2\x00\x11\x00\x00", 5);
	out.n = 0;
	assert_int_equal(xt_deflate(deflater, true, BYTES("Hello"), &out), 0);
	assert_int_equal(out.n, 7);
	out.n = 0;
	/* 7.2.3.6 */
	assert_int_equal(xt_deflate(deflater, false, "", 0, &out), 0);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.p[0], 0);
	xt_buf_fini(&out);
	xt_deflater_give(*state, deflater);
}

/* No reference farther than the window: an inflater with no larger one is content, piece by piece. */
static void
test_window(void **state)
{
	for (unsigned bits = 8; bits <= 15; bits++) {
		struct xt_deflater *deflater = xt_deflater_take(*state, bits, 9);
		struct xt_inflater *inflater = xt_inflater_take(*state, bits);
		struct xt_buf text = text_of(100000, 3), packed = { 0 }, back = { 0 };

		/* what repeats after a whole window can't be referred to */
		memcpy(text.p + (1u << bits) + 1, text.p, 100);
		assert_int_equal(xt_deflate(deflater, true, text.p, text.n, &packed), 0);
		assert_int_equal(
			inflate_in(inflater, true, xt_buf_str(&packed), 1, text.n, &back), 0);
		check_same(&back, &text);
		xt_buf_fini(&text);
		xt_buf_fini(&packed);
		xt_buf_fini(&back);
		xt_deflater_give(*state, deflater);
		xt_inflater_give(*state, inflater);
	}
}

static void
test_smallest_bits(void **state)
{
	(void)state;
	assert_int_equal(xt_deflate_bits(0), 9);
	assert_int_equal(xt_deflate_bits(512 - 262), 9);
	assert_int_equal(xt_deflate_bits(512 - 261), 10);
	assert_int_equal(xt_deflate_bits(16384 - 262), 14);
	assert_int_equal(xt_deflate_bits(16384 - 261), 15);
	assert_int_equal(xt_deflate_bits(SIZE_MAX / 2), 15);
}

/* What is not ours -------------------------------------------------------------------------- */

static const struct {
	const char *name, *in;
	size_t in_n;
	int result;
	const char *out;
} streams[] = {
	{ "7.2.3.1", BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), 0, "Hello" },
	{ "7.2.3.3: stored", BYTES("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), 0, "Hello" },
	{ "7.2.3.4: a final block", BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), 0, "Hello" },
	{ "a final block, and nothing behind", BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00"), 0, "Hello" },
	{ "two final blocks", BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
		0, "HelloHello" },
	{ "7.2.3.5: two blocks", BYTES("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), 0,
		"Hello" },
	{ "7.2.3.6: empty", BYTES("\x00"), 0, "" },
	{ "empty, with a fixed block before", BYTES("\x02\x00"), 0, "" },
	{ "empty, final", BYTES("\x01"), 0, "" },
	{ "nothing at all", BYTES(""), XT_EPROTO, "" },
	{ "block type 3", BYTES("\x06"), XT_EPROTO, "" },
	{ "stored, lengths that differ", BYTES("\x00\x05\x00\xff\xff\x48\x65\x6c\x6c\x6f\x00"),
		XT_EPROTO, "" },
	{ "stored, cut", BYTES("\x00\x0a\x00\xf5\xff\x48\x65"), XT_EPROTO, NULL },
	{ "cut within a block", BYTES("\xf2\x48\xcd"), XT_EPROTO, NULL },
	{ "refers to before the beginning", BYTES("\xf2\x00\x11\x00\x00"), XT_EPROTO, NULL },
	{ "refers to before a final block",
		BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x00\x11\x00\x00"), XT_EPROTO, NULL },
	{ "zlib's header", BYTES("\x78\x9c\xf2\x48\xcd\xc9\xc9\x07\x00"), XT_EPROTO, NULL },
	{ "not compressed", BYTES("Hello"), XT_EPROTO, NULL },
};

static void
test_streams(void **state)
{
	for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++)
		for (size_t piece = 1; piece <= streams[i].in_n + 1; piece++) {
			struct xt_inflater *inflater = xt_inflater_take(*state, 15);
			struct xt_buf out = { 0 };
			int result = inflate_in(inflater, true,
				xt_str_of(streams[i].in, streams[i].in_n), piece, 100, &out);
			if (result != streams[i].result)
				fail_msg("%s: %d", streams[i].name, result);
			if (result == 0 && streams[i].out)
				assert_true(
					xt_str_eq(xt_buf_str(&out), xt_str_from(streams[i].out)));
			xt_buf_fini(&out);
			xt_inflater_give(*state, inflater);
		}
}

/* 7.2.3.2: the window of the message before, also after one that ended in a final block. */
static void
test_takeover(void **state)
{
	struct xt_inflater *inflater = xt_inflater_take(*state, 15);
	struct xt_buf out = { 0 };

	assert_int_equal(
		xt_inflate(inflater, true, BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), true, 99, &out),
		0);
	assert_int_equal(
		xt_inflate(inflater, false, BYTES("\xf2\x00\x11\x00\x00"), true, 99, &out), 0);
	assert_true(xt_str_eq(xt_buf_str(&out), XT_STR("HelloHello")));
	assert_int_equal(xt_inflate(inflater, false, BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
				 true, 99, &out),
		0);
	assert_int_equal(
		xt_inflate(inflater, false, BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), true, 99, &out),
		0);
	assert_int_equal(out.n, 20);
	assert_int_equal(xt_inflate(inflater, true, BYTES("\xf2\x00\x11\x00\x00"), true, 99, &out),
		XT_EPROTO);
	xt_buf_fini(&out);
	xt_inflater_give(*state, inflater);
}

/* Limits ------------------------------------------------------------------------------------ */

/* At the limit and one past it, in any pieces; never more in memory. */
static void
test_limit(void **state)
{
	static const size_t sizes[] = { 1, 100, 4096, 100000 };
	static const size_t pieces[] = { 1, 100, SIZE_MAX };

	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 3; j++) {
			struct xt_deflater *deflater = xt_deflater_take(*state, 15, 6);
			struct xt_inflater *inflater = xt_inflater_take(*state, 15);
			struct xt_buf text = text_of(sizes[i], 1), packed = { 0 }, back = { 0 };
			struct xt_str in;

			assert_int_equal(xt_deflate(deflater, true, text.p, text.n, &packed), 0);
			in = xt_buf_str(&packed);
			assert_int_equal(
				inflate_in(inflater, true, in, pieces[j], sizes[i], &back), 0);
			check_same(&back, &text);
			back.n = 0;
			assert_int_equal(
				inflate_in(inflater, true, in, pieces[j], sizes[i] - 1, &back),
				XT_ELIMIT);
			assert_true(back.n <= sizes[i] - 1);
			xt_buf_fini(&text);
			xt_buf_fini(&packed);
			xt_buf_fini(&back);
			xt_deflater_give(*state, deflater);
			xt_inflater_give(*state, inflater);
		}
}

/* 64 MiB of zeros in 64 KiB: what is kept of it is as much as the limit, whatever follows. */
static void
test_bomb(void **state)
{
	size_t size = 64u * MIB, limit = MIB;
	struct xt_deflater *deflater = xt_deflater_take(*state, 15, 9);
	struct xt_inflater *inflater = xt_inflater_take(*state, 15);
	struct xt_buf packed = { 0 }, back = { 0 };
	char *zeros = calloc(1, size);

	assert_non_null(zeros);
	assert_int_equal(xt_deflate(deflater, true, zeros, size, &packed), 0);
	free(zeros);
	assert_true(packed.n < 100000);
	assert_int_equal(
		xt_inflate(inflater, true, packed.p, packed.n, true, limit, &back), XT_ELIMIT);
	assert_true(back.n <= limit && back.cap <= 2 * limit);
	xt_buf_fini(&packed);
	xt_buf_fini(&back);
	xt_deflater_give(*state, deflater);
	xt_inflater_give(*state, inflater);
}

/* The limit is of the whole buffer, so that a message in pieces has one. */
static void
test_limit_is_of_the_buffer(void **state)
{
	struct xt_inflater *inflater = xt_inflater_take(*state, 15);
	struct xt_buf out = { 0 };

	assert_int_equal(xt_buf_append(&out, "123456", 6), 0);
	assert_int_equal(
		xt_inflate(inflater, true, BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), true, 5, &out),
		XT_ELIMIT);
	assert_int_equal(
		xt_inflate(inflater, true, BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), true, 10, &out),
		XT_ELIMIT);
	out.n = 6;
	assert_int_equal(
		xt_inflate(inflater, true, BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), true, 11, &out),
		0);
	xt_buf_fini(&out);
	xt_inflater_give(*state, inflater);
}

/* The pool ---------------------------------------------------------------------------------- */

static void
test_ceiling(void **state)
{
	struct xt_deflate_pool *pool = xt_deflate_pool_new(MIB);
	struct xt_inflater *taken[64] = { 0 };
	size_t n = 0;

	(void)state;
	assert_true(xt_deflate_pool_has_room(pool, 12, 15));
	while (n < 64 && (taken[n] = xt_inflater_take(pool, 15)) != NULL)
		n++;
	assert_in_range(n, 24, 27); /* 39 KiB each */
	assert_true(xt_deflate_pool_used(pool) <= MIB);
	assert_false(xt_deflate_pool_has_room(pool, 12, 15));
	assert_null(xt_deflater_take(pool, 15, 1));
	/* one more of each kind may be borrowed, at any time */
	for (unsigned i = 0; i < 3; i++) {
		struct xt_inflater *inflater = xt_inflater_borrow(pool, 15);
		struct xt_deflater *deflater = xt_deflater_borrow(pool, 15, 1);
		assert_non_null(inflater);
		assert_non_null(deflater);
		xt_inflater_give(pool, inflater);
		xt_deflater_give(pool, deflater);
	}
	xt_inflater_give(pool, taken[--n]);
	assert_non_null(taken[n] = xt_inflater_take(pool, 15));
	for (size_t i = 0; i <= n; i++)
		xt_inflater_give(pool, taken[i]);
	assert_int_equal(xt_deflate_pool_used(pool), 0);
	assert_true(xt_deflate_pool_has_room(pool, 12, 15));
	xt_inflater_give(pool, NULL);
	xt_deflater_give(pool, NULL);
	xt_deflate_pool_free(pool);
	xt_deflate_pool_free(NULL);
}

/* What was used before is as new for the next, at the next one's level. */
static void
test_used_again(void **state)
{
	struct xt_deflater *deflater = xt_deflater_take(*state, 12, 9), *again;
	struct xt_inflater *inflater = xt_inflater_take(*state, 12);
	struct xt_buf text = text_of(3000, 1), fast = { 0 }, out = { 0 };

	assert_int_equal(xt_deflate(deflater, false, text.p, text.n, &out), 0);
	xt_deflater_give(*state, deflater);
	again = xt_deflater_take(*state, 12, 1);
	assert_ptr_equal(again, deflater);
	assert_int_equal(xt_deflate(again, false, text.p, text.n, &fast), 0);
	assert_true(fast.n > out.n);
	assert_int_equal(xt_inflate(inflater, false, out.p, out.n, true, text.n, &text), XT_ELIMIT);
	xt_inflater_give(*state, inflater);
	assert_ptr_equal(xt_inflater_take(*state, 12), inflater);
	out.n = 0;
	assert_int_equal(xt_inflate(inflater, false, fast.p, fast.n, true, text.n, &out), 0);
	check_same(&out, &text);
	xt_buf_fini(&text);
	xt_buf_fini(&fast);
	xt_buf_fini(&out);
	xt_deflater_give(*state, again);
	xt_inflater_give(*state, inflater);
}

/* All of it comes from the allocator of the thread, which may have no more. */
struct memory {
	size_t left; /* allocations that succeed */
	size_t now;
};

static void *
resize(void *ctx, void *p, size_t n)
{
	struct memory *memory = ctx;

	if (n == 0) {
		memory->now--;
		free(p);
		return NULL;
	}
	if (memory->left == 0)
		return NULL;
	memory->left--;
	memory->now += !p;
	return realloc(p, n);
}

/* 0, or that there was no memory; nothing else, and nothing is lost. */
static int
try_trip(struct xt_deflate_pool *pool, struct xt_buf *packed, struct xt_buf *back)
{
	struct xt_deflater *deflater = xt_deflater_take(pool, 15, 1);
	struct xt_inflater *inflater = xt_inflater_take(pool, 15);
	int result = deflater && inflater ? 0 : XT_ENOMEM;

	if (result == 0)
		result = xt_deflate(deflater, false, BYTES("all of it comes from there"), packed);
	if (result == 0)
		result = inflate_in(inflater, true, xt_buf_str(packed), 3, 1000, back);
	xt_deflater_give(pool, deflater);
	xt_inflater_give(pool, inflater);
	return result;
}

static void
test_allocator(void **state)
{
	struct memory memory = { 0 };
	struct xt_allocator allocator = { .resize = resize, .ctx = &memory };
	const struct xt_allocator *before = xt_heap_enter(&allocator);
	int result = XT_ENOMEM;
	size_t n;

	(void)state;
	for (n = 0; result == XT_ENOMEM && n < 100; n++) {
		struct xt_buf packed = { 0 }, back = { 0 };
		struct xt_deflate_pool *pool;
		memory.left = n;
		pool = xt_deflate_pool_new(MIB);
		if (pool)
			result = try_trip(pool, &packed, &back);
		xt_buf_fini(&packed);
		xt_buf_fini(&back);
		xt_deflate_pool_free(pool);
		assert_int_equal(memory.now, 0);
	}
	xt_heap_enter(before);
	assert_int_equal(result, 0);
	assert_true(n > 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_smallest_bits),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_takeover),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_limit_is_of_the_buffer),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_used_again),
		cmocka_unit_test(test_allocator),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
