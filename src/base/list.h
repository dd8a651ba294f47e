/*
 * list.h - an intrusive, doubly linked, circular list. The head and each link are the same struct;
 * a link that is on no list points at itself, so removing twice is harmless.
 */
#ifndef XT_BASE_LIST_H
#define XT_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/panic.h"

struct xt_list {
	struct xt_list *next, *prev;
};

#define XT_LIST_ENTRY(link, type, member) XT_CONTAINER(link, type, member)

/* Walks `head`; `at` may be removed meanwhile, its successor not. */
#define xt_list_each(at, after, head) \
	for (struct xt_list *at = (head)->next, *after = at->next; at != (head); \
		at = after, after = at->next)

static inline void
xt_list_init(struct xt_list *link)
{
	link->next = link->prev = link;
}

static inline bool
xt_list_empty(const struct xt_list *head)
{
	return head->next == head;
}

/* Puts `link` before `head`: at the end of the list. */
static inline void
xt_list_append(struct xt_list *head, struct xt_list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

static inline void
xt_list_remove(struct xt_list *link)
{
	link->next->prev = link->prev;
	link->prev->next = link->next;
	xt_list_init(link);
}

/* Moves all of `from` to the end of `to`; `from` is empty after. */
static inline void
xt_list_splice(struct xt_list *to, struct xt_list *from)
{
	if (xt_list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	xt_list_init(from);
}

#endif
