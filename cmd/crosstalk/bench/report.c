/* report.c - see report.h. */
#include "bench/report.h"

#include <string.h>

/* ---- figures ---- */

const char *
report_number(char out[32], double value)
{
	char digits[32];
	int n = snprintf(digits, sizeof digits, "%.0f", value), at = 0;

	for (int i = 0; i < n && at < 30; i++) {
		if (i > 0 && (n - i) % 3 == 0 && digits[i - 1] != '-')
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
	return out;
}

const char *
report_time(char out[32], double ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	size_t unit = 0;

	for (; unit < 3 && ns >= 999.5; unit++)
		ns /= 1000;
	snprintf(out, 32, "%.*f %s",
		ns >= 99.95 || unit == 0 ? 0
		: ns >= 9.995            ? 1
					 : 2,
		ns, units[unit]);
	return out;
}

const char *
report_bytes(char out[32], double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB" };
	size_t unit = 0;

	for (; unit < 3 && bytes >= 1024; unit++)
		bytes /= 1024;
	snprintf(out, 32, "%.*f %s", unit == 0 ? 0 : 2, bytes, units[unit]);
	return out;
}

static double
per(double what, uint64_t each)
{
	return each ? what / (double)each : 0;
}

/* ---- for people ---- */

static bool
is_idle(const struct result *result)
{
	return strcmp(result->scenario, "idle") == 0;
}

static void
print_title(FILE *to, const struct result *result)
{
	char a[32], b[32];

	fprintf(to, "%s %s\n", result->scenario, result->url);
	fprintf(to, "  %s connections, %s in flight, %s",
		report_number(a, (double)result->connections),
		report_number(b, (double)result->in_flight), result->subscribe);
	fprintf(to, ", %s", report_bytes(a, (double)result->size));
	if (result->rate > 0)
		fprintf(to, ", %s/s asked for", report_number(a, result->rate));
	fprintf(to, ", %.2f s\n\n", result->seconds);
}

static void
print_counts(FILE *to, const struct result *result)
{
	const struct count *count = &result->count;
	double seconds = result->seconds > 0 ? result->seconds : 1;
	char a[32], b[32];

	fprintf(to, "  %-11s %s", result->unit, report_number(a, (double)count->messages));
	if (!is_idle(result))
		fprintf(to, ", %s/s", report_number(b, (double)count->messages / seconds));
	if (result->opening > 0)
		fprintf(to, "; opened in %.2f s", result->opening);
	fputc('\n', to);
	if (count->published)
		fprintf(to, "  published   %s, %s/s\n", report_number(a, (double)count->published),
			report_number(b, (double)count->published / seconds));
	fprintf(to, "  traffic     %s/s", report_bytes(a, (double)count->received_bytes / seconds));
	fprintf(to, " in, %s/s out\n", report_bytes(b, (double)count->sent_bytes / seconds));
}

static void
print_latency(FILE *to, const struct histogram *latency)
{
	static const struct {
		const char *name;
		double share;
	} rows[] = { { "p50", .5 }, { "p90", .9 }, { "p99", .99 }, { "p99.9", .999 },
		{ "max", 1 } };
	char text[32];

	fputs("  latency    ", to);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		fprintf(to, " %s %s%s", rows[i].name,
			report_time(text, (double)histogram_percentile(latency, rows[i].share)),
			i < 4 ? "," : "\n");
}

#define BAR  40
#define ROWS 12

/* Each row twice as wide as the one above. */
static void
print_bars(FILE *to, const struct histogram *latency, const struct palette *palette)
{
	static const char full[BAR + 1] = "########################################";
	uint64_t from = 1;
	char text[32];

	while (from * 2 <= latency->least)
		from *= 2;
	for (int row = 0; row < ROWS && from <= latency->most; row++, from *= 2) {
		uint64_t to_value = row == ROWS - 1 ? UINT64_MAX : from * 2;
		uint64_t n = histogram_between(latency, row == 0 ? 0 : from, to_value);
		double share = per((double)n, latency->count);
		int bar = (int)(share * BAR + 0.5);
		fprintf(to, "  %11s %s%.*s%s %.2f %%\n", report_time(text, (double)from),
			palette->in, bar == 0 && n > 0 ? 1 : bar, full, palette->reset,
			share * 100);
	}
}

/* What connections were opened with was used before the measurement: it is not told by the piece. */
static void
print_usage(FILE *to, const char *who, const struct result *result, const struct usage *usage)
{
	uint64_t each = result->count.messages;
	char a[32], b[32], c[32];

	fprintf(to, "  %-11s ", who);
	if (!is_idle(result))
		fprintf(to, "%s CPU each: %s user, %s system; ",
			report_time(a, per((double)usage->total, each)),
			report_time(b, per((double)usage->user, each)),
			report_time(c, per((double)usage->system, each)));
	fprintf(to, "%.1f %% of a core\n", result_share(result, usage) * 100);
}

static void
print_memory(FILE *to, const struct result *result)
{
	double each = result_memory(result);
	char a[32], b[32];

	fprintf(to, "  memory      %s each; the server's own now: %s\n",
		report_bytes(a, each > 0 ? each : 0),
		report_bytes(b, (double)result->memory_after));
}

static void
print_verdict(FILE *to, const struct result *result, const struct palette *palette)
{
	static const struct {
		unsigned verdict;
		const char *words;
	} rows[] = {
		{ VERDICT_GENERATOR, "this program was the bottleneck: the server could do more" },
		{ VERDICT_DISTURBED, "others used the machine meanwhile: measure again" },
		{ VERDICT_BEHIND, "the rate that was asked for was not reached" },
	};
	unsigned verdict = result_judge(result);

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (verdict & rows[i].verdict)
			fprintf(to, "  %s! %s%s\n", palette->bad, rows[i].words, palette->reset);
	if (verdict & VERDICT_DISTURBED)
		fprintf(to, "    stolen %.0f %%, other programs %.0f %% of a core\n",
			result->steal * 100, result->others > 0 ? result->others * 100 : 0);
	if (verdict & VERDICT_INCOMPLETE)
		fprintf(to, "  %s! lost %llu connections (%s), missing %llu, refused %llu%s\n",
			palette->bad, (unsigned long long)result->count.lost,
			*result->why_lost ? result->why_lost : "none",
			(unsigned long long)result->count.missing,
			(unsigned long long)result->count.refused, palette->reset);
}

void
report_print(FILE *to, const struct result *result, const struct report_style *style)
{
	print_title(to, result);
	print_counts(to, result);
	print_latency(to, result->latency);
	if (style->bars)
		print_bars(to, result->latency, style->palette);
	print_usage(to, "generator", result, &result->own);
	if (result->has_server)
		print_usage(to, "server", result, &result->server);
	if (result->has_memory && is_idle(result))
		print_memory(to, result);
	print_verdict(to, result, style->palette);
}

/* ---- for programs ---- */

/* A URL is ASCII without blanks, or bytes that are passed on as they are. */
static void
print_string(FILE *to, const char *name, const char *text)
{
	fprintf(to, "\"%s\":\"", name);
	for (; *text; text++) {
		if ((unsigned char)*text < ' ')
			fprintf(to, "\\u%04x", (unsigned)(unsigned char)*text);
		else
			fprintf(to, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	}
	fputs("\",", to);
}

static void
print_usage_json(FILE *to, const char *who, const struct result *result, const struct usage *usage)
{
	uint64_t each = result->count.messages;

	fprintf(to, "\"%s\":{\"cores\":%.4f,\"cpu_us\":%.4f,\"user_us\":%.4f,\"system_us\":%.4f},",
		who, result_share(result, usage), per((double)usage->total / 1000, each),
		per((double)usage->user / 1000, each), per((double)usage->system / 1000, each));
}

static void
print_latency_json(FILE *to, const struct histogram *latency)
{
	static const struct {
		const char *name;
		double share;
	} rows[] = { { "p50", .5 }, { "p90", .9 }, { "p99", .99 }, { "p99_9", .999 },
		{ "max", 1 } };

	fprintf(to, "\"latency_us\":{\"min\":%.3f,\"mean\":%.3f", (double)latency->least / 1000,
		histogram_mean(latency) / 1000);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		fprintf(to, ",\"%s\":%.3f", rows[i].name,
			(double)histogram_percentile(latency, rows[i].share) / 1000);
	fputs("},", to);
}

static void
print_counts_json(FILE *to, const struct result *result)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "connections", result->connections },
		{ "in_flight", result->in_flight },
		{ "size", result->size },
		{ "messages", result->count.messages },
		{ "published", result->count.published },
		{ "bytes_in", result->count.received_bytes },
		{ "bytes_out", result->count.sent_bytes },
		{ "lost", result->count.lost },
		{ "missing", result->count.missing },
		{ "strange", result->count.strange },
		{ "refused", result->count.refused },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		fprintf(to, "\"%s\":%llu,", rows[i].name, (unsigned long long)rows[i].value);
}

static const char *
truth(unsigned value)
{
	return value ? "true" : "false";
}

void
report_print_json(FILE *to, const struct result *result)
{
	unsigned verdict = result_judge(result);

	fputc('{', to);
	print_string(to, "scenario", result->scenario);
	print_string(to, "url", result->url);
	print_string(to, "subscribe", result->subscribe);
	print_string(to, "unit", result->unit);
	print_counts_json(to, result);
	fprintf(to, "\"seconds\":%.6f,\"opening_seconds\":%.6f,\"rate_asked\":%.3f,\"rate\":%.3f,",
		result->seconds, result->opening, result->rate,
		result->seconds > 0 ? (double)result->count.messages / result->seconds : 0);
	print_latency_json(to, result->latency);
	print_usage_json(to, "generator", result, &result->own);
	if (result->has_server)
		print_usage_json(to, "server", result, &result->server);
	if (result->has_memory)
		fprintf(to, "\"memory\":{\"before\":%llu,\"after\":%llu,\"per_connection\":%.1f},",
			(unsigned long long)result->memory_before,
			(unsigned long long)result->memory_after, result_memory(result));
	fprintf(to, "\"machine\":{\"steal\":%.4f,\"others\":", result->steal);
	fprintf(to, result->others < 0 ? "null}," : "%.4f},", result->others);
	fprintf(to, "\"generator_limited\":%s,\"disturbed\":%s,\"behind\":%s}\n",
		truth(verdict & VERDICT_GENERATOR), truth(verdict & VERDICT_DISTURBED),
		truth(verdict & VERDICT_BEHIND));
}
