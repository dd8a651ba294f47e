/* options.c - the options of `crosstalk bench`: a table of how each is read, and into what. */
#include "bench/options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct rule {
	const char *name;
	int argument;
	const char *(*read)(void *field, const char *text); /* NULL, or what is wrong, static */
	size_t offset;
};

/* ---- values ---- */

static const char *
set_flag(void *field, const char *text)
{
	(void)text;
	*(bool *)field = true;
	return NULL;
}

static const char *
read_text(void *field, const char *text)
{
	*(const char **)field = text;
	return NULL;
}

/* A decimal number from 1 to `most`; `*end` is what follows. */
static bool
read_number(const char *text, uint64_t most, uint64_t *value, char **end)
{
	errno = 0;
	*value = strtoull(text, end, 10);
	return *text >= '0' && *text <= '9' && errno == 0 && *value > 0 && *value <= most;
}

static const char *
read_connections(void *field, const char *text)
{
	char *end;

	return read_number(text, CONNECTIONS_MAX, field, &end) && !*end
		       ? NULL
		       : "a number from 1 to 1000000";
}

static const char *
read_in_flight(void *field, const char *text)
{
	char *end;

	return read_number(text, IN_FLIGHT_MAX, field, &end) && !*end ? NULL
								      : "a number from 1 to 16384";
}

static const char *
read_size(void *field, const char *text)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = { { "", 1 }, { "B", 1 }, { "KB", 1000 }, { "KiB", 1024 }, { "MB", 1000000 },
		{ "MiB", 1 << 20 } };
	uint64_t value;
	char *end;

	if (strcmp(text, "0") == 0) {
		*(uint64_t *)field = 0;
		return NULL;
	}
	if (read_number(text, SIZE_MAX_PAYLOAD, &value, &end)) {
		for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
			if (strcmp(end, units[i].name) != 0 ||
				value * units[i].bytes > SIZE_MAX_PAYLOAD)
				continue;
			*(uint64_t *)field = value * units[i].bytes;
			return NULL;
		}
	}
	return "a size, such as 64 or 16KiB, at most 16MiB";
}

static bool
read_decimal(const char *text, double least, double most, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return *text >= '0' && *text <= '9' && !*end && *value >= least && *value <= most;
}

static const char *
read_rate(void *field, const char *text)
{
	return read_decimal(text, 0.001, 1e9, field) ? NULL : "a number a second, more than 0";
}

static const char *
read_seconds(void *field, const char *text)
{
	return read_decimal(text, 0.05, 86400, field) ? NULL : "seconds, 0.05 to 86400";
}

static const char *
read_warmup(void *field, const char *text)
{
	return read_decimal(text, 0, 86400, field) ? NULL : "seconds, 0 to 86400";
}

static const char *
read_subscribe(void *field, const char *text)
{
	static const char *const words[] = { "ws", "sse", "longpoll", "poll" };

	for (int i = 0; i < 4; i++) {
		if (strcmp(text, words[i]) == 0) {
			*(enum subscribe *)field = (enum subscribe)i;
			return NULL;
		}
	}
	return "ws, sse, longpoll or poll";
}

static const char *
read_publish(void *field, const char *text)
{
	bool known = strcmp(text, "ws") == 0 || strcmp(text, "post") == 0;

	*(const char **)field = text;
	return known || strstr(text, "://") ? NULL : "ws, post or a URL";
}

#define PIDS_OFFSET offsetof(struct options, pids)

/* Numbers with commas between. */
static const char *
read_pids(void *field, const char *text)
{
	struct options *options = (void *)((char *)field - PIDS_OFFSET);
	uint64_t value;
	char *end;

	for (;; text = end + 1) {
		if (options->pids.n == OPTIONS_PIDS || !read_number(text, INT_MAX, &value, &end) ||
			(*end && *end != ','))
			return "process ids with commas between, at most 64";
		options->pids.p[options->pids.n++] = (pid_t)value;
		if (!*end)
			return NULL;
	}
}

static const char *
read_cpu(void *field, const char *text)
{
	double value;

	if (!read_decimal(text, 0, 1023, &value) || strchr(text, '.'))
		return "the number of a CPU, from 0 on";
	*(int *)field = (int)value;
	return NULL;
}

static const char *
add_header(void *field, const char *text)
{
	struct texts *texts = field;

	if (!strchr(text, ':') || strpbrk(text, "\r\n") || texts->n == OPTIONS_HEADERS)
		return "\"Name: value\", at most 32 of them";
	texts->p[texts->n++] = text;
	return NULL;
}

/* ---- the table ---- */

#define FIELD(name) offsetof(struct options, name)

static const struct rule rules[] = {
	{ "connections", required_argument, read_connections, FIELD(connections) },
	{ "in-flight", required_argument, read_in_flight, FIELD(in_flight) },
	{ "size", required_argument, read_size, FIELD(size) },
	{ "binary", no_argument, set_flag, FIELD(binary) },
	{ "rate", required_argument, read_rate, FIELD(rate) },
	{ "seconds", required_argument, read_seconds, FIELD(seconds) },
	{ "warmup", required_argument, read_warmup, FIELD(warmup) },
	{ "timeout", required_argument, read_seconds, FIELD(timeout) },
	{ "publish", required_argument, read_publish, FIELD(publish) },
	{ "subscribe", required_argument, read_subscribe, FIELD(subscribe) },
	{ "pid", required_argument, read_pids, FIELD(pids) },
	{ "cpu", required_argument, read_cpu, FIELD(cpu) },
	{ "source", required_argument, read_text, FIELD(source) },
	{ "header", required_argument, add_header, FIELD(headers) },
	{ "json", no_argument, set_flag, FIELD(json) },
	{ "quiet", no_argument, set_flag, FIELD(quiet) },
};

#define RULES (sizeof rules / sizeof *rules)

static int
take_option(struct options *options, const struct command *command, int option)
{
	const struct rule *rule;
	const char *wrong;

	if (option == OPTION_BAD)
		return STATUS_USAGE;
	rule = &rules[option - 256];
	wrong = rule->read((char *)options + rule->offset, optarg);
	return wrong ? command_usage(command, "--%s %s: %s", rule->name, optarg, wrong) : STATUS_OK;
}

static int
take_words(struct options *options, const struct command *command, int argc, char **argv)
{
	if (argc < 1)
		return command_usage(
			command, "what to measure: echo, fanout, idle, churn, poll or quantum");
	if (argc != 2)
		return command_usage(command, argc < 2 ? "URL is missing" : "one URL only");
	options->scenario = argv[0];
	options->url = argv[1];
	return STATUS_OK;
}

int
bench_options_read(struct options *options, const struct command *command, int argc, char **argv)
{
	struct option table[RULES + 1] = { 0 };
	int option, status;

	*options = (struct options){ .connections = OPTIONS_UNSAID,
		.in_flight = OPTIONS_UNSAID,
		.size = 64,
		.seconds = 5,
		.warmup = 1,
		.timeout = 30,
		.publish = "ws",
		.cpu = -1 };
	for (size_t i = 0; i < RULES; i++)
		table[i] = (struct option){ rules[i].name, rules[i].argument, NULL, 256 + (int)i };
	optind = 1;
	while ((option = command_option(command, argc, argv, table)) != OPTION_END) {
		status = take_option(options, command, option);
		if (status != STATUS_OK)
			return status;
	}
	return take_words(options, command, argc - optind, argv + optind);
}
