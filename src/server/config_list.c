/* config_list.c - lists of owned strings. */
#include "server/config_list.h"

#include "base/heap.h"

void
xt_config_list_fini(struct xt_config_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		xt_free(list->v[i]);
	xt_free(list->v);
}

int
xt_config_list_copy(struct xt_config_list *to, const struct xt_config_list *from)
{
	*to = (struct xt_config_list){ 0 };
	if (from->n == 0)
		return 0;
	to->v = xt_calloc(from->n, sizeof *to->v);
	if (!to->v)
		return XT_ENOMEM;
	for (; to->n < from->n; to->n++) {
		to->v[to->n] = xt_strdup(from->v[to->n]);
		if (!to->v[to->n])
			return XT_ENOMEM;
	}
	return 0;
}

void
xt_config_list_view(const struct xt_config_list *list, struct xt_str *out)
{
	for (size_t i = 0; i < list->n; i++)
		out[i] = xt_str_from(list->v[i]);
}
