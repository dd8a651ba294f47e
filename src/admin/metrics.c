/* metrics.c - writing the tables of counters as text. */
#include "admin/metrics.h"

#include "base/buf.h"
#include "crosstalk.h"

static int
put_head(struct xt_buf *out, const struct xt_metric *metric)
{
	return xt_buf_printf(out, "# HELP crosstalk_%s %s\n# TYPE crosstalk_%s %s\n", metric->name,
		metric->help, metric->name,
		metric->kind == XT_METRIC_COUNTER ? "counter" : "gauge");
}

static int
put_sample(struct xt_buf *out, const struct xt_metric *metric, size_t worker, const void *stats)
{
	const xt_counter *counter = (const void *)((const char *)stats + metric->offset);
	unsigned long long value = xt_counter_read(counter);

	if (metric->label)
		return xt_buf_printf(out, "crosstalk_%s{worker=\"%zu\",%s=\"%s\"} %llu\n",
			metric->name, worker, metric->label, metric->value, value);
	return xt_buf_printf(
		out, "crosstalk_%s{worker=\"%zu\"} %llu\n", metric->name, worker, value);
}

static int
put_source(struct xt_buf *out, const struct xt_metric_source *source, size_t workers)
{
	int error = 0;

	for (size_t i = 0; i < source->count && error == 0; i++) {
		const struct xt_metric *metric = &source->rows[i];
		if (i == 0 || strcmp(metric->name, source->rows[i - 1].name) != 0)
			error = put_head(out, metric);
		for (size_t w = 0; w < workers && error == 0; w++)
			error = put_sample(out, metric, w, source->stats[w]);
	}
	return error;
}

static int
put_process(struct xt_buf *out, const struct xt_metrics *metrics)
{
	return xt_buf_printf(out,
		"# HELP crosstalk_build_info The version that runs.\n"
		"# TYPE crosstalk_build_info gauge\n"
		"crosstalk_build_info{version=\"%s\"} 1\n"
		"# HELP crosstalk_start_time_seconds When the server started, in seconds since "
		"1970 UTC.\n"
		"# TYPE crosstalk_start_time_seconds gauge\n"
		"crosstalk_start_time_seconds %llu.%03llu\n",
		XT_VERSION, (unsigned long long)metrics->started_ms / 1000,
		(unsigned long long)metrics->started_ms % 1000);
}

void
xt_metrics_handle(struct xt_exchange *x, void *ctx)
{
	const struct xt_metrics *metrics = ctx;
	struct xt_buf out = { 0 };
	int error = put_process(&out, metrics);

	for (size_t i = 0; i < metrics->source_count && error == 0; i++)
		error = put_source(&out, &metrics->sources[i], metrics->workers);
	xt_exchange_header(x, XT_STR("Cache-Control"), XT_STR("no-store"));
	if (error < 0)
		xt_exchange_no_memory(x);
	else
		xt_exchange_reply(x, 200, XT_STR("text/plain; version=0.0.4; charset=utf-8"),
			xt_buf_str(&out));
	xt_buf_fini(&out);
}
