/*
 * fuzz_deflate.c - anything is inflated, in one piece and in pieces, with the same outcome and never past the limit; what is
 * deflated comes back, with a window that is kept and without.
 *
 * Input: a byte of options, a byte of the limit, eight bytes of piece sizes, then the bytes.
 */
#include <stdlib.h>

#include "base/panic.h"
#include "codec/deflate.h"
#include "crosstalk.h"

#define OPTIONS   10
#define INPUT_MAX 20000
#define FRESH     0x08
#define CEILING   (8u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	unsigned bits, level;
	bool fresh;
	size_t limit;
	const uint8_t *sizes;
	struct xt_str bytes;
};

/* In pieces; each a copy of its exact size, so that a step outside is seen. */
static int
inflate_in(struct xt_inflater *inflater, const struct input *in, struct xt_str all, bool whole,
	struct xt_buf *out)
{
	size_t at = 0;
	int result = 0;

	for (size_t i = 0; result == 0; i++) {
		size_t n = whole ? all.n : in->sizes[i % 8];
		char *copy;
		if (n > all.n - at || (i >= 8 && n == 0))
			n = all.n - at;
		copy = malloc(n ? n : 1);
		XT_ASSERT(copy);
		if (n)
			memcpy(copy, all.p + at, n);
		at += n;
		result = xt_inflate(
			inflater, i == 0 && in->fresh, copy, n, at == all.n, in->limit, out);
		free(copy);
		XT_ASSERT(out->n <= in->limit);
		if (at == all.n)
			break;
	}
	return result;
}

/*
 * With the largest window nothing lies too far back for one and not for the other; a state that goes over the limit, or
 * finds what is not valid, may do so at another byte, but not with another outcome.
 */
static void
check_anything(struct xt_deflate_pool *pool, const struct input *in)
{
	struct xt_inflater *one = xt_inflater_take(pool, 15), *other = xt_inflater_take(pool, 15);
	struct xt_buf whole = { 0 }, pieces = { 0 };
	int result = inflate_in(one, in, in->bytes, true, &whole);

	XT_ASSERT(result == 0 || result == XT_ELIMIT || result == XT_EPROTO);
	XT_ASSERT(inflate_in(other, in, in->bytes, false, &pieces) == result);
	XT_ASSERT(result < 0 || xt_str_eq(xt_buf_str(&whole), xt_buf_str(&pieces)));
	xt_buf_fini(&whole);
	xt_buf_fini(&pieces);
	xt_inflater_give(pool, one);
	xt_inflater_give(pool, other);
}

static void
check_message(struct xt_deflater *deflater, struct xt_inflater *inflater, const struct input *in,
	struct xt_str message)
{
	struct xt_buf packed = { 0 }, back = { 0 };

	XT_ASSERT(xt_deflate(deflater, in->fresh, message.p, message.n, &packed) == 0);
	XT_ASSERT(packed.n > 0 && packed.n <= message.n + message.n / 8 + 64);
	XT_ASSERT(inflate_in(inflater, in, xt_buf_str(&packed), false, &back) == 0);
	XT_ASSERT(xt_str_eq(xt_buf_str(&back), message));
	xt_buf_fini(&packed);
	xt_buf_fini(&back);
}

/* As three messages, the last of them the first once more. */
static void
check_trip(struct xt_deflate_pool *pool, const struct input *in)
{
	struct xt_deflater *deflater = xt_deflater_take(pool, in->bits, in->level);
	struct xt_inflater *inflater = xt_inflater_take(pool, in->bits);
	struct input all = *in;
	size_t half = in->bytes.n / 2;

	all.limit = in->bytes.n;
	check_message(deflater, inflater, &all, xt_str_of(in->bytes.p, half));
	check_message(deflater, inflater, &all, xt_str_of(in->bytes.p + half, in->bytes.n - half));
	check_message(deflater, inflater, &all, xt_str_of(in->bytes.p, half));
	xt_deflater_give(pool, deflater);
	xt_inflater_give(pool, inflater);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xt_deflate_pool *pool;
	struct input in;

	if (size < OPTIONS || size > INPUT_MAX)
		return 0;
	in = (struct input){
		.bits = 8 + (data[0] & 7u),
		.level = 1 + (data[0] >> 4) % 9u,
		.fresh = data[0] & FRESH,
		.limit = (size_t)data[1] * data[1] * 4,
		.sizes = data + 2,
		.bytes = xt_str_of(data + OPTIONS, size - OPTIONS),
	};
	pool = xt_deflate_pool_new(CEILING);
	XT_ASSERT(pool);
	check_anything(pool, &in);
	check_trip(pool, &in);
	XT_ASSERT(xt_deflate_pool_used(pool) == 0);
	xt_deflate_pool_free(pool);
	return 0;
}
