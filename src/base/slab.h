/*
 * slab.h - many objects of one size: dense pages, a free list, and a walk over all of them.
 *
 * Freed objects are zeroed, so a walk can tell them apart when a live one never has a zero in a field
 * that its owner looks at.
 */
#ifndef XT_BASE_SLAB_H
#define XT_BASE_SLAB_H

#include <stddef.h>

struct xt_slab {
	size_t size; /* of an object, a multiple of 8 */
	size_t per_page;
	char **pages;
	size_t page_count, page_cap;
	void *free; /* the first word of a free object points at the next */
	size_t live;
};

void xt_slab_init(struct xt_slab *slab, size_t object_size);
void xt_slab_fini(struct xt_slab *slab);

/* All zero. NULL: out of memory. */
void *xt_slab_take(struct xt_slab *slab);
void xt_slab_give(struct xt_slab *slab, void *object);

/*
 * Calls `visit` for every place, free ones too (all zero, but for the first word);
 * `visit` may take and give.
 */
void xt_slab_walk(struct xt_slab *slab, void (*visit)(void *ctx, void *object), void *ctx);

#endif
