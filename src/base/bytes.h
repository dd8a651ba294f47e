/*
 * bytes.h - immutable bytes that several out queues of one worker share by reference.
 *
 * The count is not atomic: bytes never leave the worker that made them. What crosses between
 * workers is a message (hub/message.h), and xt_bytes_wrap() can lend its payload to a queue.
 */
#ifndef XT_BASE_BYTES_H
#define XT_BASE_BYTES_H

#include "base/str.h"

struct xt_bytes {
	uint32_t refs;
	const char *p;
	size_t n;
	/* Called when the last reference goes, to free this struct and what `p` belongs to. */
	void (*release)(struct xt_bytes *);
	void *owner; /* for `release` */
};

/* A copy of `s`, with one reference. NULL: out of memory. */
struct xt_bytes *xt_bytes_copy(struct xt_str s);

/* Takes over a heap block (from xt_buf_take(); NULL when `n` is 0). On failure returns NULL and frees the block. */
struct xt_bytes *xt_bytes_own(char *heap, size_t n);

/* Points at bytes that live as long as `owner` does; `done(owner)` is called at the end (may be NULL). */
struct xt_bytes *xt_bytes_wrap(struct xt_str s, void (*done)(void *owner), void *owner);

static inline struct xt_bytes *
xt_bytes_ref(struct xt_bytes *bytes)
{
	bytes->refs++;
	return bytes;
}

/* NULL is fine. */
void xt_bytes_unref(struct xt_bytes *bytes);

#endif
