/*
 * fuzz_http1.c - a request head and its chunked body: cut anywhere, the outcome must be that of the
 * whole, and what was accepted must keep the promises of codec/http1.h.
 *
 * The first byte of the input chooses the limits and how it is cut.
 */
#include <stdlib.h>

#include "base/panic.h"
#include "codec/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *
copy_of(const void *p, size_t n)
{
	void *copy = malloc(n ? n : 1);

	XT_ASSERT(copy);
	if (n)
		memcpy(copy, p, n);
	return copy;
}

/* ---- heads ----------------------------------------------------------------------------- */

static void
check_within(struct xt_str s, const char *p, size_t n)
{
	if (s.n == 0 || (s.n == 1 && s.p[0] == '/')) /* "/" stands for an empty path */
		return;
	XT_ASSERT(s.p >= p && s.p + s.n <= p + n);
}

static void
check_head(const struct xt_http1_head *head, const char *p, size_t n)
{
	XT_ASSERT(head->size == n && head->fields_count <= XT_HTTP1_FIELDS);
	XT_ASSERT(p[n - 2] == '\r' && p[n - 1] == '\n');
	XT_ASSERT(xt_http1_is_token(head->method));
	XT_ASSERT(head->path.n > 0 && (head->path.p[0] == '/' || head->path.p[0] == '*'));
	XT_ASSERT(!(head->chunked && head->has_length));
	XT_ASSERT(head->minor == 1 || (head->minor == 0 && !head->chunked && !head->upgrade));
	check_within(head->method, p, n);
	check_within(head->target, p, n);
	check_within(head->path, p, n);
	check_within(head->query, p, n);
	check_within(head->host, p, n);
	for (size_t i = 0; i < head->fields_count; i++) {
		const struct xt_http1_field *field = &head->fields[i];
		check_within(field->name, p, n);
		check_within(field->value, p, n);
		XT_ASSERT(xt_http1_is_token(field->name));
		XT_ASSERT(!memchr(field->value.p, '\r', field->value.n));
		XT_ASSERT(!memchr(field->value.p, '\n', field->value.n));
		XT_ASSERT(!memchr(field->value.p, '\0', field->value.n));
	}
}

static ssize_t
read_head(const char *p, size_t n, size_t step, const struct xt_http1_limits *limits,
	struct xt_http1_error *error)
{
	struct xt_http1_reader reader = { 0 };
	static struct xt_http1_head head;
	ssize_t used = 0;

	for (size_t have = step; used == 0; have += step) {
		size_t m = have < n ? have : n;
		char *copy = copy_of(p, m);
		used = xt_http1_head_read(&reader, copy, m, limits, &head, error);
		if (used > 0)
			check_head(&head, copy, (size_t)used);
		free(copy);
		if (m == n)
			break;
	}
	return used;
}

/* ---- chunks ---------------------------------------------------------------------------- */

struct body {
	char *data;
	size_t n, used;
	bool done, failed;
};

static struct body
read_chunks(const char *p, size_t n, size_t step, struct xt_http1_error *error)
{
	struct xt_http1_chunks chunks = { 0 };
	struct body body = { .data = malloc(n + 1) };

	XT_ASSERT(body.data);
	while (body.used < n && !chunks.done && !body.failed) {
		size_t m = step < n - body.used ? step : n - body.used, data = 0;
		char *copy = copy_of(p + body.used, m);
		ssize_t used = xt_http1_chunks_read(&chunks, copy, m, &data, error);
		if (used >= 0) {
			XT_ASSERT((size_t)used == m || chunks.done);
			XT_ASSERT(data <= (size_t)used);
			memcpy(body.data + body.n, copy, data);
			body.n += data;
			body.used += (size_t)used;
		}
		body.failed = used < 0;
		free(copy);
	}
	body.done = chunks.done;
	XT_ASSERT(body.failed || chunks.total == body.n);
	return body;
}

static void
try_chunks(const char *p, size_t n, size_t step)
{
	struct xt_http1_error a = { 0 }, b = { 0 };
	struct body whole = read_chunks(p, n, n ? n : 1, &a);
	struct body cut = read_chunks(p, n, step, &b);

	XT_ASSERT(whole.failed == cut.failed && a.words == b.words && a.status == b.status);
	XT_ASSERT(whole.done == cut.done);
	if (!whole.failed) {
		XT_ASSERT(whole.n == cut.n && whole.used == cut.used);
		XT_ASSERT(memcmp(whole.data, cut.data, whole.n) == 0);
	}
	free(whole.data);
	free(cut.data);
}

/* The request, and when its body is chunked that too. */
static void
try_head(const char *p, size_t n, size_t step, const struct xt_http1_limits *limits)
{
	struct xt_http1_error a = { 0 }, b = { 0 };
	ssize_t whole = read_head(p, n, n ? n : 1, limits, &a);
	ssize_t cut = read_head(p, n, step, limits, &b);

	XT_ASSERT(whole == cut && a.words == b.words && a.status == b.status);
	XT_ASSERT(whole >= 0 || (a.words && a.status >= 400));
	if (whole >= 0)
		try_chunks(p + whole, n - (size_t)whole, step);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct xt_http1_limits limits[] = { { 16384, 8192 }, { 64, 16 } };
	uint8_t choice = size > 0 ? data[0] : 0;
	const char *p = (const char *)data + (size > 0);
	size_t n = size - (size > 0);

	try_head(p, n, 1 + (choice & 15u), &limits[choice >> 7]);
	try_chunks(p, n, 1 + (choice & 15u));
	return 0;
}
