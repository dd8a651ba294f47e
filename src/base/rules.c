/* rules.c - the rules of a path that has none of its own. */
#include "base/rules.h"

const struct xt_rules xt_rules_none = { .compression = XT_RULES_UNSET };
