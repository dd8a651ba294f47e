/* bytes.c - the three ways in which shared bytes hold their memory. */
#include "base/bytes.h"

#include "base/heap.h"
#include "base/panic.h"

struct wrapped {
	struct xt_bytes bytes;
	void (*done)(void *owner);
};

static void
release_plain(struct xt_bytes *bytes)
{
	xt_free(bytes);
}

static void
release_owned(struct xt_bytes *bytes)
{
	xt_free(bytes->owner);
	xt_free(bytes);
}

static void
release_wrapped(struct xt_bytes *bytes)
{
	struct wrapped *wrapped = XT_CONTAINER(bytes, struct wrapped, bytes);

	if (wrapped->done)
		wrapped->done(bytes->owner);
	xt_free(wrapped);
}

struct xt_bytes *
xt_bytes_copy(struct xt_str s)
{
	struct xt_bytes *bytes = xt_malloc(sizeof *bytes + s.n);
	char *data;

	if (!bytes)
		return NULL;
	data = (char *)(bytes + 1);
	if (s.n)
		memcpy(data, s.p, s.n);
	*bytes = (struct xt_bytes){ .refs = 1, .p = data, .n = s.n, .release = release_plain };
	return bytes;
}

struct xt_bytes *
xt_bytes_own(char *heap, size_t n)
{
	struct xt_bytes *bytes = xt_malloc(sizeof *bytes);

	if (!bytes) {
		xt_free(heap);
		return NULL;
	}
	*bytes = (struct xt_bytes){
		.refs = 1, .p = heap ? heap : "", .n = n, .release = release_owned, .owner = heap
	};
	return bytes;
}

struct xt_bytes *
xt_bytes_wrap(struct xt_str s, void (*done)(void *owner), void *owner)
{
	struct wrapped *wrapped = xt_malloc(sizeof *wrapped);

	if (!wrapped)
		return NULL;
	wrapped->done = done;
	wrapped->bytes = (struct xt_bytes){
		.refs = 1, .p = s.p, .n = s.n, .release = release_wrapped, .owner = owner
	};
	return &wrapped->bytes;
}

void
xt_bytes_unref(struct xt_bytes *bytes)
{
	if (bytes && --bytes->refs == 0)
		bytes->release(bytes);
}
