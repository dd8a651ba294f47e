/*
 * heap.h - all of the library's memory: malloc and its kin, from the allocator of whoever is at work.
 *
 * A server or a client may have its embedder's allocator (struct xt_allocator). Its own threads carry it
 * from their start; a public function that a thread of the program calls enters it and leaves it again:
 *
 *	const struct xt_allocator *before = xt_heap_enter(server->allocator);
 *	…
 *	xt_heap_enter(before);
 *
 * So what one server allocates it frees with the same allocator, on whatever thread, and nothing is shared
 * between two servers of one process. A thread that has entered none uses malloc().
 */
#ifndef XT_BASE_HEAP_H
#define XT_BASE_HEAP_H

#include <stddef.h>

#include "crosstalk.h"

/* NULL: malloc(). Returns the one that the thread had before. */
const struct xt_allocator *xt_heap_enter(const struct xt_allocator *allocator);

/* As their namesakes of C: NULL when there is no memory. `n` 0 gives one byte. */
void *xt_malloc(size_t n);
void *xt_calloc(size_t count, size_t size);
void *xt_realloc(void *p, size_t n);
void xt_free(void *p); /* NULL is fine */

/* `n` zeroed bytes that begin at a cache line (64 bytes); to be freed with its own function. */
void *xt_calloc_line(size_t n);
void xt_free_line(void *p); /* NULL is fine */

/* The `n` bytes at `p`, with a NUL behind them. */
char *xt_strndup(const char *p, size_t n);
char *xt_strdup(const char *cstring);

#endif
