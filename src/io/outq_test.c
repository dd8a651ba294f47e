/* outq_test.c - what goes in comes out in order, however it is cut; references are given back. */
#include "io/outq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"

struct model {
	struct xt_outq_pool pool;
	struct xt_outq queue;
	struct xt_buf expected;
	unsigned char next;
	unsigned short seed[3];
};

static size_t
random_below(struct model *m, size_t n)
{
	return (size_t)nrand48(m->seed) % n;
}

static void
write_next(struct model *m, char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)m->next++;
	assert_int_equal(xt_buf_append(&m->expected, p, n), 0);
}

static void
put_block(struct model *m, size_t reserved, size_t n)
{
	char *room = xt_outq_reserve(&m->pool, &m->queue, reserved);

	assert_non_null(room);
	write_next(m, room, n);
	xt_outq_commit(&m->queue, n);
}

static void
put_bytes(struct model *m, size_t n)
{
	char text[300] = { 0 };
	struct xt_bytes *bytes = xt_bytes_copy(xt_str_of(text, n + 2));

	/* All but the first byte and the last. */
	write_next(m, text + 1, n);
	xt_bytes_unref(bytes);
	bytes = xt_bytes_copy(xt_str_of(text, n + 2));
	assert_int_equal(xt_outq_add(&m->pool, &m->queue, bytes, 1, n + 1), 0);
	assert_int_equal(bytes->refs, n ? 2 : 1);
	xt_bytes_unref(bytes);
}

/* What the next send would take, compared; then `n` of it are gone. */
static void
take(struct model *m, size_t most)
{
	struct iovec iov[XT_OUTQ_IOV];
	int count = xt_outq_peek(&m->queue, iov);
	size_t n = 0;

	for (int i = 0; i < count; i++) {
		assert_true(n + iov[i].iov_len <= m->expected.n);
		if (iov[i].iov_len)
			assert_memory_equal(iov[i].iov_base, m->expected.p + n, iov[i].iov_len);
		n += iov[i].iov_len;
	}
	if (count < XT_OUTQ_IOV)
		assert_int_equal(n, m->expected.n);
	if (most < n)
		n = most;
	xt_outq_sent(&m->pool, &m->queue, n);
	xt_buf_consume(&m->expected, n);
}

static void
model_fini(struct model *m)
{
	xt_outq_clear(&m->pool, &m->queue);
	assert_null(m->queue.last);
	xt_outq_pool_fini(&m->pool);
	xt_buf_fini(&m->expected);
}

static void
test_random(void **state)
{
	struct model m = { .seed = { 4, 5, 6 } };

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t reserved = random_below(&m, random_below(&m, 10) ? 200 : 9000);
		switch (random_below(&m, 4)) {
		case 0:
			put_block(&m, reserved, reserved);
			break;
		case 1:
			put_block(&m, reserved, random_below(&m, reserved + 1));
			break;
		case 2:
			put_bytes(&m, random_below(&m, 200));
			break;
		default:
			take(&m, random_below(&m, 3) ? random_below(&m, 3000) : SIZE_MAX);
		}
	}
	while (m.expected.n)
		take(&m, SIZE_MAX);
	take(&m, 0);
	assert_null(m.queue.last);
	model_fini(&m);
}

static void
test_blocks_are_gathered(void **state)
{
	struct model m = { .next = 0 };
	struct iovec iov[XT_OUTQ_IOV];

	(void)state;
	for (int i = 0; i < XT_OUTQ_BLOCK / 16; i++)
		put_block(&m, 16, 16);
	assert_int_equal(xt_outq_peek(&m.queue, iov), 1);
	put_block(&m, 1, 1);
	assert_int_equal(xt_outq_peek(&m.queue, iov), 2);
	assert_int_equal(xt_outq_peek(&(struct xt_outq){ 0 }, iov), 0);
	take(&m, SIZE_MAX);
	model_fini(&m);
}

static void
test_drop_unsent(void **state)
{
	struct model m = { .next = 0 };

	(void)state;
	assert_int_equal(xt_outq_drop_unsent(&m.pool, &m.queue), 0);
	/* Nothing has left: all goes. */
	put_bytes(&m, 10);
	put_block(&m, 20, 20);
	assert_int_equal(xt_outq_drop_unsent(&m.pool, &m.queue), 30);
	assert_null(m.queue.last);
	m.expected.n = 0;
	/* The first has begun: it stays, and what is queued after follows it. */
	put_bytes(&m, 10);
	put_bytes(&m, 10);
	put_block(&m, 20, 20);
	take(&m, 3);
	assert_int_equal(xt_outq_drop_unsent(&m.pool, &m.queue), 30);
	m.expected.n = 7;
	put_bytes(&m, 5);
	take(&m, SIZE_MAX);
	assert_null(m.queue.last);
	/* Only the one that has begun. */
	put_block(&m, 10, 10);
	take(&m, 9);
	assert_int_equal(xt_outq_drop_unsent(&m.pool, &m.queue), 0);
	take(&m, SIZE_MAX);
	assert_null(m.queue.last);
	model_fini(&m);
}

static void
test_too_much(void **state)
{
	struct model m = { .next = 0 };

	(void)state;
	assert_null(xt_outq_reserve(&m.pool, &m.queue, (size_t)1 << 31));
	assert_null(m.queue.last);
	model_fini(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_blocks_are_gathered),
		cmocka_unit_test(test_drop_unsent),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
