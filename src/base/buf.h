/*
 * buf.h - bytes that grow: one contiguous heap block, owned by whoever holds the struct.
 *
 * A buffer of zeros is a valid empty one. Functions that may need memory return XT_ENOMEM and
 * leave the buffer as it was; callers that append many small pieces reserve once and then use
 * the `_put` functions, which cannot fail.
 */
#ifndef XT_BASE_BUF_H
#define XT_BASE_BUF_H

#include "base/str.h"

struct xt_buf {
	char *p;
	size_t n;   /* bytes in use */
	size_t cap; /* bytes allocated */
};

/* Frees the block; the buffer is empty and usable again. */
void xt_buf_fini(struct xt_buf *buf);

/* Makes room for `more` bytes after the used ones; grows by half at least. 0 or XT_ENOMEM. */
int xt_buf_reserve(struct xt_buf *buf, size_t more);

/* 0 or XT_ENOMEM. */
int xt_buf_append(struct xt_buf *buf, const void *p, size_t n);
int xt_buf_append_str(struct xt_buf *buf, struct xt_str s);
int xt_buf_printf(struct xt_buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Drops the first `n` bytes; what follows moves down. */
void xt_buf_consume(struct xt_buf *buf, size_t n);

/* The block and its length, out of the buffer: the caller frees it. The buffer is empty after. */
char *xt_buf_take(struct xt_buf *buf, size_t *n);

static inline struct xt_str
xt_buf_str(const struct xt_buf *buf)
{
	return (struct xt_str){ .p = buf->p, .n = buf->n };
}

/* Append to what xt_buf_reserve() made room for. */
static inline void
xt_buf_put(struct xt_buf *buf, const void *p, size_t n)
{
	if (n)
		memcpy(buf->p + buf->n, p, n);
	buf->n += n;
}

static inline void
xt_buf_put_str(struct xt_buf *buf, struct xt_str s)
{
	xt_buf_put(buf, s.p, s.n);
}

static inline void
xt_buf_put_char(struct xt_buf *buf, char c)
{
	buf->p[buf->n++] = c;
}

/* Writes `value` in decimal (at most 20 bytes) to reserved room. */
void xt_buf_put_u64(struct xt_buf *buf, uint64_t value);

#endif
