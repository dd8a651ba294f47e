/* fuzz_percent.c - percent-encoding and queries: there and back, and never out of bounds. */
#include <stdlib.h>

#include "base/panic.h"
#include "codec/percent.h"
#include "codec/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_decode(struct xt_str in, char *out, bool (*decode)(struct xt_str, char *, size_t *))
{
	size_t n = SIZE_MAX, again = SIZE_MAX;
	bool good = decode(in, out, &n);
	char *copy = malloc(in.n + 1);

	XT_ASSERT(n <= in.n && copy);
	if (!good)
		XT_ASSERT(in.p[n] == '%');
	/* in place */
	memcpy(copy, in.n ? in.p : "", in.n);
	XT_ASSERT(decode(xt_str_of(copy, in.n), copy, &again) == good && again == n);
	if (good && n > 0)
		XT_ASSERT(memcmp(copy, out, n) == 0);
	free(copy);
}

static void
try_encode(struct xt_str in, size_t (*encode)(struct xt_str, char *))
{
	char *out = malloc(3 * in.n + 1), *back = malloc(3 * in.n + 1);
	size_t n, m;

	XT_ASSERT(out && back);
	n = encode(in, out);
	XT_ASSERT(n <= 3 * in.n);
	XT_ASSERT(xt_percent_decode_form(xt_str_of(out, n), back, &m));
	XT_ASSERT(m == in.n && (m == 0 || memcmp(back, in.p, m) == 0));
	free(out);
	free(back);
}

/* A name that decodes is found, at its pair or at one before it. */
static void
try_query(struct xt_str in, char *out)
{
	struct xt_str rest = in;
	struct xt_query_pair pair, found;
	size_t n;

	while (xt_query_next(&rest, &pair)) {
		XT_ASSERT(pair.name.p >= in.p && pair.name.p + pair.name.n <= in.p + in.n);
		XT_ASSERT(pair.has_value || pair.value.n == 0);
		if (xt_percent_decode_form(pair.name, out, &n)) {
			XT_ASSERT(xt_query_find(in, xt_str_of(out, n), &found));
			XT_ASSERT(found.name.p <= pair.name.p);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xt_str in = xt_str_of(data, size);
	char *out = malloc(size ? size : 1);

	XT_ASSERT(out);
	try_decode(in, out, xt_percent_decode);
	try_decode(in, out, xt_percent_decode_form);
	try_encode(in, xt_percent_encode_path);
	try_encode(in, xt_percent_encode_segment);
	try_query(in, out);
	free(out);
	return 0;
}
