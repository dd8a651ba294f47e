/* fuzz_base64.c - any bytes there and back; whatever is taken is what would have been written. */
#include <stdlib.h>

#include "base/panic.h"
#include "codec/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_encode(struct xt_str in)
{
	struct xt_buf text = { 0 };

	XT_ASSERT(xt_base64_append(&text, in) == 0);
	XT_ASSERT(text.n == XT_BASE64_SIZE(in.n));
	XT_ASSERT(xt_base64_decode(xt_buf_str(&text), text.p) == (ssize_t)in.n);
	XT_ASSERT(in.n == 0 || memcmp(text.p, in.p, in.n) == 0);
	xt_buf_fini(&text);
}

static void
check_decode(struct xt_str text)
{
	char *plain = malloc(XT_BASE64_ROOM(text.n) + 1);
	struct xt_buf again = { 0 };
	ssize_t n;

	XT_ASSERT(plain);
	n = xt_base64_decode(text, plain);
	if (n >= 0) {
		XT_ASSERT(xt_base64_append(&again, xt_str_of(plain, (size_t)n)) == 0);
		XT_ASSERT(xt_str_eq(xt_buf_str(&again), text));
	}
	xt_buf_fini(&again);
	free(plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_encode(xt_str_of(data, size));
	check_decode(xt_str_of(data, size));
	return 0;
}
