/* health.h - whether the server lives, and whether it wants more work. */
#ifndef XT_ADMIN_HEALTH_H
#define XT_ADMIN_HEALTH_H

#include <stdatomic.h>

#include "http/exchange.h"

/* /healthz: 200 while the process answers at all. */
void xt_health_live(struct xt_exchange *x, void *ctx);

/* /readyz: 200, or 503 once `ctx`, an atomic_bool, says that the server is going. */
void xt_health_ready(struct xt_exchange *x, void *ctx);

#endif
