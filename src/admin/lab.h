/* lab.h - what the /lab page asks the server about itself. */
#ifndef XT_ADMIN_LAB_H
#define XT_ADMIN_LAB_H

#include "http/exchange.h"

/*
 * A route's handler: {"request_bytes":N}, the bytes of this request's line and fields as received, so that
 * a page can count what its browser sends and does not show.
 */
void xt_lab_headers(struct xt_exchange *x, void *ctx);

#endif
