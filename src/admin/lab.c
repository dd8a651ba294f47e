/* lab.c - counts a request's header for the page that compares transports. */
#include "admin/lab.h"

#include <stdio.h>

void
xt_lab_headers(struct xt_exchange *x, void *ctx)
{
	char text[64];
	int n = snprintf(
		text, sizeof text, "{\"request_bytes\":%zu}\n", xt_exchange_request(x)->head->size);

	(void)ctx;
	xt_exchange_header(x, XT_STR("Cache-Control"), XT_STR("no-store"));
	xt_exchange_reply(x, 200, XT_STR("application/json"), xt_str_of(text, (size_t)n));
}
