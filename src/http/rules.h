/* rules.h - a request against the rules of its path (base/rules.h): who is let in, and how much. */
#ifndef XT_HTTP_RULES_H
#define XT_HTTP_RULES_H

#include "http/exchange.h"
#include "io/visitors.h"

/*
 * The connection will stay, and counts on its path: 0, and `*visitor` is to be given to xt_visitors_leave() when it goes
 * (NULL: it does not count). Below 0: there are too many of that address; answered with 429.
 */
int xt_exchange_admit(struct xt_exchange *x, struct xt_visitor **visitor);

/* It brings a message of so many bytes. 0; below 0: they are too many; answered with 429. */
int xt_exchange_spend(struct xt_exchange *x, uint64_t bytes);

#endif
