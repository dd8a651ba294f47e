/* health.c - answers for whoever watches the server. */
#include "admin/health.h"

void
xt_health_live(struct xt_exchange *x, void *ctx)
{
	(void)ctx;
	xt_exchange_header(x, XT_STR("Cache-Control"), XT_STR("no-store"));
	xt_exchange_reply(x, 200, XT_STR("text/plain; charset=utf-8"), XT_STR("ok\n"));
}

void
xt_health_ready(struct xt_exchange *x, void *ctx)
{
	const atomic_bool *going = ctx;

	xt_exchange_header(x, XT_STR("Cache-Control"), XT_STR("no-store"));
	if (atomic_load_explicit(going, memory_order_relaxed))
		xt_exchange_error(x, 503, "shutting_down", "the server is shutting down");
	else
		xt_exchange_reply(x, 200, XT_STR("text/plain; charset=utf-8"), XT_STR("ready\n"));
}
