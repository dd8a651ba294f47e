/* fuzz_http1_response.c - the head of a response: cut anywhere, the outcome must be that of the whole. */
#include <stdlib.h>

#include "base/panic.h"
#include "codec/http1_response.h"
#include "crosstalk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct xt_http1_response *response, const char *p, size_t n)
{
	XT_ASSERT(response->size == n && response->fields_count <= XT_HTTP1_FIELDS);
	XT_ASSERT(response->status >= 100 && response->status <= 999 && response->minor <= 1);
	for (size_t i = 0; i < response->fields_count; i++) {
		const struct xt_http1_field *field = &response->fields[i];
		XT_ASSERT(xt_http1_is_token(field->name));
		XT_ASSERT(field->name.p >= p && field->value.p + field->value.n <= p + n);
		XT_ASSERT(!memchr(field->value.p, '\r', field->value.n));
		XT_ASSERT(!memchr(field->value.p, '\n', field->value.n));
		XT_ASSERT(!memchr(field->value.p, '\0', field->value.n));
	}
}

/* Bytes arrive `step` at a time, each time in a block of exactly their size. */
static ssize_t
read_in(const uint8_t *data, size_t size, size_t step)
{
	struct xt_http1_response_reader reader = { 0 };
	struct xt_http1_response response;
	const char *why = NULL;
	ssize_t got = 0;

	for (size_t n = 0; got == 0 && n < size;) {
		n = step < size - n ? n + step : size;
		char *block = malloc(n);
		XT_ASSERT(block);
		memcpy(block, data, n);
		got = xt_http1_response_read(&reader, block, n, &response, &why);
		XT_ASSERT(got >= 0 || (got == XT_EPROTO && why));
		if (got > 0)
			check(&response, block, (size_t)got);
		free(block);
	}
	return got;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > 65536)
		return 0;
	XT_ASSERT(read_in(data + 1, size - 1, size) == read_in(data + 1, size - 1, 1 + data[0]));
	return 0;
}
