/* slab.c - pages of about 32 KiB, cut into equal places. */
#include "base/slab.h"

#include <string.h>

#include "base/heap.h"
#include "base/panic.h"

#define PAGE_BYTES (32u * 1024)

void
xt_slab_init(struct xt_slab *slab, size_t object_size)
{
	size_t size = (object_size + 7) & ~(size_t)7;

	*slab = (struct xt_slab){ .size = size,
		.per_page = size < PAGE_BYTES ? PAGE_BYTES / size : 1 };
}

void
xt_slab_fini(struct xt_slab *slab)
{
	for (size_t i = 0; i < slab->page_count; i++)
		xt_free(slab->pages[i]);
	xt_free(slab->pages);
	*slab = (struct xt_slab){ .size = slab->size, .per_page = slab->per_page };
}

static int
grow_index(struct xt_slab *slab)
{
	size_t cap = slab->page_cap ? slab->page_cap * 2 : 16;
	char **pages;

	if (slab->page_count < slab->page_cap)
		return 0;
	pages = xt_realloc(slab->pages, cap * sizeof *pages);
	if (!pages)
		return -1;
	slab->pages = pages;
	slab->page_cap = cap;
	return 0;
}

static void
push_free(struct xt_slab *slab, void *object)
{
	memcpy(object, &slab->free, sizeof slab->free);
	slab->free = object;
}

static int
add_page(struct xt_slab *slab)
{
	char *page;

	if (grow_index(slab) < 0)
		return -1;
	page = xt_calloc(slab->per_page, slab->size);
	if (!page)
		return -1;
	slab->pages[slab->page_count++] = page;
	for (size_t i = slab->per_page; i > 0; i--)
		push_free(slab, page + (i - 1) * slab->size);
	return 0;
}

void *
xt_slab_take(struct xt_slab *slab)
{
	void *object;

	if (!slab->free && add_page(slab) < 0)
		return NULL;
	object = slab->free;
	memcpy(&slab->free, object, sizeof slab->free);
	memset(object, 0, sizeof slab->free);
	slab->live++;
	return object;
}

void
xt_slab_give(struct xt_slab *slab, void *object)
{
	XT_ASSERT(slab->live > 0);
	slab->live--;
	memset(object, 0, slab->size);
	push_free(slab, object);
}

void
xt_slab_walk(struct xt_slab *slab, void (*visit)(void *ctx, void *object), void *ctx)
{
	/* Pages may be added meanwhile; those need no visit, but must not disturb. */
	for (size_t i = 0, pages = slab->page_count; i < pages; i++)
		for (size_t j = 0; j < slab->per_page; j++)
			visit(ctx, slab->pages[i] + j * slab->size);
}
