/* compression_test.c - frames to one and to all, read back by a peer that has only what was agreed on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/heap.h"
#include "crosstalk.h"
#include "crosstalk_ws.h"
#include "transport/ws/compression.h"

#define MIB       (1u << 20)
#define THRESHOLD 64
#define TEXT_SIZE 600

struct fixture {
	struct xt_sessions sessions;
	struct xt_session *session;
	struct xt_ws_compression compression;
	struct xt_inflater *peer; /* its window, as large as was agreed on */
	char text[TEXT_SIZE];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	f->sessions.deflate = xt_deflate_pool_new(MIB);
	f->sessions.config.compression_threshold = THRESHOLD;
	f->session = calloc(1, sizeof *f->session);
	f->session->sessions = &f->sessions;
	f->session->compression = 1;
	f->session->max_message = 1000;
	f->compression.agreed = (struct xt_permessage){ .server_bits = 10, .client_bits = 12 };
	f->peer = xt_inflater_take(f->sessions.deflate, 10);
	for (unsigned i = 0, x = 1; i < TEXT_SIZE; i++)
		f->text[i] = "goals and cards "[(x = x * 1103515245u + 12345) >> 28];
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	xt_counter_add(&f->sessions.stats.compression.connections, 1);
	xt_ws_compression_end(&f->compression, f->session);
	xt_ws_compression_end(&f->compression, f->session);
	assert_int_equal(xt_counter_read(&f->sessions.stats.compression.connections), 0);
	xt_inflater_give(f->sessions.deflate, f->peer);
	assert_int_equal(xt_deflate_pool_used(f->sessions.deflate), 0);
	xt_deflate_pool_free(f->sessions.deflate);
	free(f->session);
	free(f);
	return 0;
}

static struct xt_payload
payload_of(struct fixture *f, size_t n)
{
	return (struct xt_payload){ xt_str_of(f->text, n), XT_KIND_BINARY };
}

/* Reads the one frame that `out` holds, and empties it. Whether it was compressed. */
static bool
check_frame(struct fixture *f, struct xt_buf *out, size_t n)
{
	struct xt_ws_reader reader;
	struct xt_ws_event event;
	struct xt_buf plain = { 0 };

	xt_ws_reader_init(&reader, XT_WS_CLIENT, XT_WS_RSV1, 10000);
	assert_int_equal(xt_ws_read(&reader, out->p, out->n, &event), out->n);
	assert_int_equal(event.kind, XT_WS_DATA);
	assert_true(event.first && event.last);
	if (event.rsv)
		assert_int_equal(
			xt_inflate(f->peer, false, event.p, event.n, true, 10000, &plain), 0);
	else
		assert_int_equal(xt_buf_append(&plain, event.p, event.n), 0);
	assert_true(xt_str_eq(xt_buf_str(&plain), xt_str_of(f->text, n)));
	xt_buf_fini(&plain);
	xt_buf_fini(out);
	return event.rsv != 0;
}

static bool
send_own(struct fixture *f, size_t n)
{
	struct xt_payload payload = payload_of(f, n);
	struct xt_buf out = { 0 };

	assert_int_equal(xt_ws_frame_own(&f->compression, f->session, &payload, &out), 0);
	return check_frame(f, &out, n);
}

static bool
send_shared(struct fixture *f, unsigned bits, size_t n)
{
	struct xt_payload payload = payload_of(f, n);
	struct xt_buf out = { 0 };

	assert_int_equal(xt_ws_frame_shared(f->session, bits, &payload, &out), 0);
	f->compression.stale = true;
	return check_frame(f, &out, n);
}

static void
test_threshold(void **state)
{
	assert_false(send_own(*state, 0));
	assert_false(send_own(*state, THRESHOLD - 1));
	assert_true(send_own(*state, THRESHOLD));
	assert_false(send_shared(*state, 10, THRESHOLD - 1));
	assert_true(send_shared(*state, 10, THRESHOLD));
}

static size_t
packed_out(const struct fixture *f)
{
	return xt_counter_read(&f->sessions.stats.compression.out.packed_bytes);
}

/* Its own window makes the second short; after one for all it is no longer the peer's. */
static void
test_own_and_shared(void **state)
{
	struct fixture *f = *state;
	size_t first, again;

	for (unsigned round = 0; round < 3; round++) {
		size_t before = packed_out(f);
		assert_true(send_own(f, 200));
		first = packed_out(f) - before;
		assert_true(send_own(f, 200));
		again = packed_out(f) - before - first;
		assert_true(again < first / 2);
		assert_true(send_shared(f, 9, 300));
	}
	assert_int_equal(xt_counter_read(&f->sessions.stats.compression.memory),
		xt_deflate_pool_used(f->sessions.deflate));
}

/* What does not get smaller goes as it is, and what follows does not refer to it. */
static void
test_not_smaller(void **state)
{
	struct fixture *f = *state;
	char before[TEXT_SIZE];

	assert_true(send_own(f, TEXT_SIZE));
	memcpy(before, f->text, TEXT_SIZE);
	for (unsigned i = 0, x = 7; i < TEXT_SIZE; i++)
		f->text[i] = (char)((x = x * 1103515245u + 12345) >> 24);
	f->text[0] = 'x';
	assert_false(send_own(f, 100));
	assert_true(f->compression.stale);
	assert_false(send_shared(f, 10, 100));
	memcpy(f->text, before, TEXT_SIZE);
	assert_true(send_own(f, TEXT_SIZE));
	assert_false(f->compression.stale);
}

/* All memory is taken: messages out are compressed without a window of their own; in, as ever. */
static void
test_no_room(void **state)
{
	struct fixture *f = *state;
	struct xt_inflater *others[64] = { 0 };
	struct xt_buf packed = { 0 }, out = { 0 };
	struct xt_deflater *deflater;

	for (size_t i = 0; i < 64; i++)
		others[i] = xt_inflater_take(f->sessions.deflate, i < 32 ? 15 : 8);
	assert_null(others[63]);
	assert_true(send_own(f, TEXT_SIZE));
	assert_true(send_own(f, TEXT_SIZE));
	assert_null(f->compression.deflater);
	deflater = xt_deflater_borrow(f->sessions.deflate, 9, 1);
	assert_int_equal(xt_deflate(deflater, false, f->text, TEXT_SIZE, &packed), 0);
	xt_deflater_give(f->sessions.deflate, deflater);
	assert_int_equal(xt_ws_inflate(&f->compression, f->session, xt_buf_str(&packed), &out), 0);
	assert_true(xt_str_eq(xt_buf_str(&out), xt_str_of(f->text, TEXT_SIZE)));
	for (size_t i = 0; i < 64; i++)
		xt_inflater_give(f->sessions.deflate, others[i]);
	xt_buf_fini(&packed);
	xt_buf_fini(&out);
}

static void
test_limit(void **state)
{
	struct fixture *f = *state;
	struct xt_buf packed = { 0 }, out = { 0 };
	struct xt_deflater *deflater = xt_deflater_borrow(f->sessions.deflate, 12, 1);

	assert_int_equal(xt_deflate(deflater, false, f->text, TEXT_SIZE, &packed), 0);
	xt_deflater_give(f->sessions.deflate, deflater);
	f->session->max_message = TEXT_SIZE;
	assert_int_equal(xt_ws_inflate(&f->compression, f->session, xt_buf_str(&packed), &out), 0);
	out.n = 0;
	f->session->max_message = TEXT_SIZE - 1;
	assert_int_equal(
		xt_ws_inflate(&f->compression, f->session, xt_buf_str(&packed), &out), XT_ELIMIT);
	out.n = 0;
	assert_int_equal(
		xt_ws_inflate(&f->compression, f->session, XT_STR("\x06"), &out), XT_EPROTO);
	xt_buf_fini(&packed);
	xt_buf_fini(&out);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_threshold),
		EACH(test_own_and_shared),
		EACH(test_not_smaller),
		EACH(test_no_room),
		EACH(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
