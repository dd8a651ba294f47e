/* buf.c - growing a contiguous block of bytes. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/heap.h"
#include "crosstalk.h"

void
xt_buf_fini(struct xt_buf *buf)
{
	xt_free(buf->p);
	*buf = (struct xt_buf){ 0 };
}

int
xt_buf_reserve(struct xt_buf *buf, size_t more)
{
	size_t need, cap;
	char *p;

	if (more <= buf->cap - buf->n)
		return 0;
	if (__builtin_add_overflow(buf->n, more, &need) || need > SIZE_MAX / 2)
		return XT_ENOMEM;
	cap = buf->cap + buf->cap / 2;
	if (cap < need)
		cap = need;
	p = xt_realloc(buf->p, cap);
	if (!p)
		return XT_ENOMEM;
	buf->p = p;
	buf->cap = cap;
	return 0;
}

int
xt_buf_append(struct xt_buf *buf, const void *p, size_t n)
{
	if (xt_buf_reserve(buf, n) < 0)
		return XT_ENOMEM;
	xt_buf_put(buf, p, n);
	return 0;
}

int
xt_buf_append_str(struct xt_buf *buf, struct xt_str s)
{
	return xt_buf_append(buf, s.p, s.n);
}

int
xt_buf_printf(struct xt_buf *buf, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return XT_EINVAL;
	if (xt_buf_reserve(buf, (size_t)n + 1) < 0)
		return XT_ENOMEM;
	va_start(args, format);
	vsnprintf(buf->p + buf->n, (size_t)n + 1, format, args);
	va_end(args);
	buf->n += (size_t)n;
	return 0;
}

void
xt_buf_consume(struct xt_buf *buf, size_t n)
{
	if (n == 0)
		return;
	memmove(buf->p, buf->p + n, buf->n - n);
	buf->n -= n;
}

char *
xt_buf_take(struct xt_buf *buf, size_t *n)
{
	char *p = buf->p;

	*n = buf->n;
	*buf = (struct xt_buf){ 0 };
	return p;
}

void
xt_buf_put_u64(struct xt_buf *buf, uint64_t value)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[sizeof digits - ++n] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	xt_buf_put(buf, digits + sizeof digits - n, n);
}
