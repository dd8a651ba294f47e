/* metrics.h - the counters of all layers and workers in Prometheus' text format 0.0.4. */
#ifndef XT_ADMIN_METRICS_H
#define XT_ADMIN_METRICS_H

#include "base/counter.h"
#include "http/exchange.h"

/* A layer's table, and its counters on each worker. */
struct xt_metric_source {
	const struct xt_metric *rows; /* those of one name stand together */
	size_t count;
	const void *const *stats; /* one per worker */
};

struct xt_metrics {
	const struct xt_metric_source *sources;
	size_t source_count;
	size_t workers;
	uint64_t started_ms; /* since 1970 UTC */
};

/* /metrics; `ctx` is an xt_metrics. Reads what other threads write: each number is whole, all together are not one moment. */
void xt_metrics_handle(struct xt_exchange *x, void *ctx);

#endif
