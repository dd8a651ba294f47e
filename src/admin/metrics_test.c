/* metrics_test.c - Prometheus' text format: every name explained once, a sample for every worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "admin/metrics.h"
#include "base/map.h"
#include "crosstalk.h"
#include "http/fixture.h"
#include "hub/hub.h"

#define ROWS(rows) (rows), sizeof(rows) / sizeof(rows)[0]

struct stats {
	xt_counter open, sse, ws;
};

static const struct xt_metric rows[] = {
	{ "open", "Open now.", NULL, NULL, offsetof(struct stats, open), XT_METRIC_GAUGE },
	{ "sent_total", "Sent.", "way", "sse", offsetof(struct stats, sse), XT_METRIC_COUNTER },
	{ "sent_total", "Sent.", "way", "ws", offsetof(struct stats, ws), XT_METRIC_COUNTER },
};

static struct stats stats[2] = { { 1, 2, 3 }, { 4, UINT64_MAX, 0 } };
static const void *const all_stats[] = { &stats[0], &stats[1] };
static const struct xt_metric_source sources[] = { { ROWS(rows), all_stats } };
static struct xt_metrics metrics = {
	.sources = sources, .source_count = 1, .workers = 2, .started_ms = 1763700000007
};

static const struct xt_route routes[] = {
	{ .path = XT_STR_INIT("/metrics"),
		.methods = XT_GET,
		.handle = xt_metrics_handle,
		.ctx = &metrics },
	{ .handle = NULL },
};

static struct answer
ask(struct fixture *f)
{
	struct answer answer;

	fixture_send(f, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
	answer = fixture_answer(f, true);
	assert_int_equal(answer.status, 200);
	return answer;
}

static void
test_text(void **state)
{
	struct xt_http_config config = { .routes = routes };
	struct answer answer;
	struct fixture f;

	(void)state;
	fixture_init(&f, &config);
	answer = ask(&f);
	assert_string_equal(
		answer_field(&answer, "content-type"), "text/plain; version=0.0.4; charset=utf-8");
	assert_string_equal(answer_field(&answer, "cache-control"), "no-store");
	assert_string_equal(answer.body.p,
		"# HELP crosstalk_build_info The version that runs.\n"
		"# TYPE crosstalk_build_info gauge\n"
		"crosstalk_build_info{version=\"" XT_VERSION "\"} 1\n"
		"# HELP crosstalk_start_time_seconds When the server started, in seconds since "
		"1970 UTC.\n"
		"# TYPE crosstalk_start_time_seconds gauge\n"
		"crosstalk_start_time_seconds 1763700000.007\n"
		"# HELP crosstalk_open Open now.\n"
		"# TYPE crosstalk_open gauge\n"
		"crosstalk_open{worker=\"0\"} 1\n"
		"crosstalk_open{worker=\"1\"} 4\n"
		"# HELP crosstalk_sent_total Sent.\n"
		"# TYPE crosstalk_sent_total counter\n"
		"crosstalk_sent_total{worker=\"0\",way=\"sse\"} 2\n"
		"crosstalk_sent_total{worker=\"1\",way=\"sse\"} 18446744073709551615\n"
		"crosstalk_sent_total{worker=\"0\",way=\"ws\"} 3\n"
		"crosstalk_sent_total{worker=\"1\",way=\"ws\"} 0\n");
	answer_fini(&answer);
	fixture_fini(&f);
}

/* How often the text holds `line` at the begin of a line. */
static unsigned
count_lines(struct xt_str text, const char *line)
{
	struct xt_str rest = text;
	unsigned n = 0;

	while (rest.p)
		n += xt_str_starts(xt_str_cut(&rest, '\n'), xt_str_from(line));
	return n;
}

static void
check_row(struct xt_str text, const struct xt_metric *row)
{
	char line[160];

	snprintf(line, sizeof line, "# HELP crosstalk_%s ", row->name);
	assert_int_equal(count_lines(text, line), 1);
	snprintf(line, sizeof line, "# TYPE crosstalk_%s ", row->name);
	assert_int_equal(count_lines(text, line), 1);
	/* Prometheus' naming: counters, and nothing else, end in _total */
	assert_int_equal(
		strlen(row->name) > 6 && strcmp(row->name + strlen(row->name) - 6, "_total") == 0,
		row->kind == XT_METRIC_COUNTER);
	if (row->label)
		snprintf(line, sizeof line, "crosstalk_%s{worker=\"0\",%s=\"%s\"} ", row->name,
			row->label, row->value);
	else
		snprintf(line, sizeof line, "crosstalk_%s{worker=\"0\"} ", row->name);
	assert_int_equal(count_lines(text, line), 1);
}

/* The tables of the layers themselves: no name in two of them, no row twice. */
static void
test_real_tables(void **state)
{
	static struct xt_hub_stats hub;
	static struct xt_http_stats http;
	static struct xt_io_stats io;
	static const void *const at[] = { &hub, &http, &io };
	const struct xt_metric_source real[] = {
		{ xt_hub_metrics, xt_hub_metrics_count, &at[0] },
		{ xt_http_metrics, xt_http_metrics_count, &at[1] },
		{ xt_io_metrics, xt_io_metrics_count, &at[2] },
	};
	const struct xt_metrics before = metrics;
	struct xt_http_config config = { .routes = routes };
	struct answer answer;
	struct fixture f;

	(void)state;
	metrics.sources = real;
	metrics.source_count = 3;
	metrics.workers = 1;
	fixture_init(&f, &config);
	answer = ask(&f);
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < real[i].count; j++)
			check_row(answer.body, &real[i].rows[j]);
	answer_fini(&answer);
	fixture_fini(&f);
	metrics = before;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_real_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
