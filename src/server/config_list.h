/* config_list.h - a list of owned strings in a configuration. */
#ifndef XT_SERVER_CONFIG_LIST_H
#define XT_SERVER_CONFIG_LIST_H

#include "server/config.h"

void xt_config_list_fini(struct xt_config_list *list);

/* 0 or XT_ENOMEM; `to` is to be ended in any case. */
int xt_config_list_copy(struct xt_config_list *to, const struct xt_config_list *from);

/* A view of the same strings at `out`, which has room for `list->n` of them. */
void xt_config_list_view(const struct xt_config_list *list, struct xt_str *out);

#endif
