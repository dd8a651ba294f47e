/* heap.c - the allocator of the thread, and malloc() where there is none. */
#include "base/heap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LINE 64

/* The one thing that is not handed down as an argument: every allocation would have to carry it. */
static _Thread_local const struct xt_allocator *current;

const struct xt_allocator *
xt_heap_enter(const struct xt_allocator *allocator)
{
	const struct xt_allocator *before = current;

	current = allocator;
	return before;
}

static void *
resize(void *p, size_t n)
{
	return current->resize(current->ctx, p, n);
}

void *
xt_malloc(size_t n)
{
	if (n == 0)
		n = 1;
	return current ? resize(NULL, n) : malloc(n);
}

void *
xt_calloc(size_t count, size_t size)
{
	size_t n;
	void *p;

	if (!current)
		return calloc(count ? count : 1, size ? size : 1);
	if (__builtin_mul_overflow(count, size, &n))
		return NULL;
	p = xt_malloc(n);
	return p ? memset(p, 0, n) : NULL;
}

void *
xt_realloc(void *p, size_t n)
{
	if (n == 0)
		n = 1;
	return current ? resize(p, n) : realloc(p, n);
}

void
xt_free(void *p)
{
	if (!p)
		return;
	if (current)
		resize(p, 0);
	else
		free(p);
}

/* What was allocated stands in the word before the line. */
void *
xt_calloc_line(size_t n)
{
	char *block = xt_calloc(1, n + LINE + sizeof block);
	char *line;

	if (!block)
		return NULL;
	line = block + sizeof block;
	line += LINE - (uintptr_t)line % LINE;
	memcpy(line - sizeof block, &block, sizeof block);
	return line;
}

void
xt_free_line(void *p)
{
	char *block;

	if (!p)
		return;
	memcpy(&block, (char *)p - sizeof block, sizeof block);
	xt_free(block);
}

char *
xt_strndup(const char *p, size_t n)
{
	char *copy = xt_malloc(n + 1);

	if (!copy)
		return NULL;
	if (n)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}

char *
xt_strdup(const char *cstring)
{
	return xt_strndup(cstring, strlen(cstring));
}
