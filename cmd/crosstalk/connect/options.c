/* options.c - the options of `crosstalk connect`: a table of how each is read, and into what. */
#include "connect/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX   86400.0
#define MESSAGE_MAX   ((uint64_t)1 << 31)
#define REDIRECTS_MAX 50u

struct rule {
	const char *name;
	int argument;
	/*
	 * NULL, or a static sentence of what is wrong; `field` is where the value goes, `text` the argument, or the
	 * name of an option without one.
	 */
	const char *(*read)(void *field, const char *text);
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

/* Forms are options of their own, and named by them. */
static const char *
set_form(void *field, const char *name)
{
	static const char *const names[] = {
		[FORM_TEXT] = "text",
		[FORM_BINARY] = "binary",
		[FORM_HEX] = "hex",
		[FORM_BASE64] = "base64",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			*(enum form *)field = (enum form)i;
	return NULL;
}

static const char *
read_text(void *field, const char *text)
{
	*(const char **)field = text;
	return NULL;
}

static const char *
add_text(void *field, const char *text)
{
	struct texts *texts = field;
	const char **grown = realloc(texts->p, (texts->n + 2) * sizeof *grown);

	if (!grown)
		return "out of memory";
	texts->p = grown;
	texts->p[texts->n++] = text;
	texts->p[texts->n] = NULL;
	return NULL;
}

static const char *
read_when(void *field, const char *text)
{
	static const char *const words[] = { "auto", "always", "never" };

	for (int i = 0; i < 3; i++) {
		if (strcmp(text, words[i]) == 0) {
			*(enum palette_when *)field = (enum palette_when)i;
			return NULL;
		}
	}
	return "auto, always or never";
}

static const char *
read_seconds(void *field, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (*text < '0' || *text > '9' || *end || !(seconds > 0 && seconds <= SECONDS_MAX))
		return "seconds, more than 0, at most 86400";
	*(uint64_t *)field = (uint64_t)(seconds * 1000 + 0.999);
	return NULL;
}

static const char *
read_wait(void *field, const char *text)
{
	bool forever = strcmp(text, "forever") == 0;

	if (!forever && strcmp(text, "0") != 0)
		return read_seconds(field, text);
	*(uint64_t *)field = forever ? OPTIONS_FOREVER : 0;
	return NULL;
}

/* A decimal number; `*end` is what follows. False when there is none or it is too large. */
static bool
read_number(const char *text, uint64_t *value, char **end)
{
	errno = 0;
	*value = strtoull(text, end, 10);
	return *text >= '0' && *text <= '9' && errno == 0;
}

static const char *
read_once(void *field, const char *text)
{
	char *end;

	if (!read_number(text, field, &end) || *end || *(uint64_t *)field == 0)
		return "a number from 1 on";
	return NULL;
}

static const char *
read_redirects(void *field, const char *text)
{
	char *end;

	if (!read_number(text, field, &end) || *end || *(uint64_t *)field > REDIRECTS_MAX)
		return "a number from 0 to 50";
	return NULL;
}

/* As in the server's configuration: bytes, or with a unit. */
static const char *
read_size(void *field, const char *text)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = { { "", 1 }, { "B", 1 }, { "KB", 1000 }, { "KiB", 1 << 10 }, { "MB", 1000000 },
		{ "MiB", 1 << 20 }, { "GB", 1000000000 }, { "GiB", 1 << 30 } };
	char *end;
	uint64_t value;

	if (read_number(text, &value, &end) && value > 0 && value <= MESSAGE_MAX) {
		for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
			if (strcmp(end, units[i].name) == 0 &&
				value * units[i].bytes <= MESSAGE_MAX) {
				*(uint64_t *)field = value * units[i].bytes;
				return NULL;
			}
		}
	}
	return "a size, such as 64KiB or 16MiB, at most 2GiB";
}

/* ---- the table ---- */

#define FIELD(name) offsetof(struct connect_options, name)

static const struct rule rules[] = {
	{ "text", no_argument, set_form, FIELD(form) },
	{ "binary", no_argument, set_form, FIELD(form) },
	{ "hex", no_argument, set_form, FIELD(form) },
	{ "base64", no_argument, set_form, FIELD(form) },
	{ "send", required_argument, add_text, FIELD(sends) },
	{ "once", required_argument, read_once, FIELD(once) },
	{ "wait", required_argument, read_wait, FIELD(wait_ms) },
	{ "header", required_argument, add_text, FIELD(headers) },
	{ "cookie", required_argument, add_text, FIELD(cookies) },
	{ "origin", required_argument, read_text, FIELD(origin) },
	{ "subprotocol", required_argument, add_text, FIELD(subprotocols) },
	{ "proxy", required_argument, read_text, FIELD(proxy) },
	{ "redirects", required_argument, read_redirects, FIELD(redirects) },
	{ "no-compression", no_argument, set_flag, FIELD(no_compression) },
	{ "max-message", required_argument, read_size, FIELD(max_message) },
	{ "timeout", required_argument, read_seconds, FIELD(timeout_ms) },
	{ "ping", required_argument, read_seconds, FIELD(ping_ms) },
	{ "reconnect", no_argument, set_flag, FIELD(reconnect) },
	{ "channel", no_argument, set_flag, FIELD(channel) },
	{ "since", required_argument, read_text, FIELD(since) },
	{ "ca", required_argument, read_text, FIELD(ca) },
	{ "cert", required_argument, read_text, FIELD(certificate) },
	{ "key", required_argument, read_text, FIELD(key) },
	{ "server-name", required_argument, read_text, FIELD(server_name) },
	{ "insecure", no_argument, set_flag, FIELD(insecure) },
	{ "json", no_argument, set_flag, FIELD(json) },
	{ "no-json", no_argument, set_flag, FIELD(no_json) },
	{ "show-frames", no_argument, set_flag, FIELD(frames) },
	{ "time", no_argument, set_flag, FIELD(time) },
	{ "color", required_argument, read_when, FIELD(color) },
	{ "no-history", no_argument, set_flag, FIELD(no_history) },
	{ "quiet", no_argument, set_flag, FIELD(quiet) },
};

#define RULES (sizeof rules / sizeof *rules)

static void
fill_options(struct option *options)
{
	for (size_t i = 0; i < RULES; i++)
		options[i] =
			(struct option){ rules[i].name, rules[i].argument, NULL, 256 + (int)i };
	options[RULES] = (struct option){ 0 };
}

static int
take_option(struct connect_options *options, const struct command *command, int option)
{
	const struct rule *rule;
	const char *wrong;

	if (option == OPTION_BAD)
		return STATUS_USAGE;
	rule = &rules[option - 256];
	wrong = rule->read((char *)options + rule->offset, rule->argument ? optarg : rule->name);
	if (wrong)
		return command_usage(
			command, "--%s %s: %s", rule->name, optarg ? optarg : "", wrong);
	return STATUS_OK;
}

/* ---- all of it ---- */

static int
take_url(struct connect_options *options, const struct command *command, const char *text)
{
	const char *scheme = strstr(text, "://") ? "" : "ws://";

	if (asprintf(&options->url, "%s%s", scheme, text) < 0) {
		options->url = NULL;
		return command_fail(command, STATUS_REFUSED, "out of memory");
	}
	return STATUS_OK;
}

static int
check_together(const struct connect_options *options, const struct command *command)
{
	if (options->json && options->no_json)
		return command_usage(command, "--json and --no-json do not go together");
	if (!options->certificate != !options->key)
		return command_usage(command, "--cert and --key go together");
	if (options->insecure && options->ca)
		return command_usage(command, "--insecure and --ca do not go together");
	return STATUS_OK;
}

int
options_read(struct connect_options *options, const struct command *command, int argc, char **argv)
{
	struct option table[RULES + 1];
	int option, status;

	*options = (struct connect_options){ .wait_ms = OPTIONS_UNSAID };
	fill_options(table);
	optind = 1;
	while ((option = command_option(command, argc, argv, table)) != OPTION_END) {
		status = take_option(options, command, option);
		if (status != STATUS_OK)
			return status;
	}
	if (argc - optind != 1)
		return command_usage(command, argc == optind ? "URL is missing" : "one URL only");
	options->channel |= options->since != NULL;
	status = check_together(options, command);
	return status == STATUS_OK ? take_url(options, command, argv[optind]) : status;
}

static void
texts_fini(struct texts *texts)
{
	free(texts->p);
	*texts = (struct texts){ 0 };
}

void
options_fini(struct connect_options *options)
{
	free(options->url);
	options->url = NULL;
	texts_fini(&options->headers);
	texts_fini(&options->cookies);
	texts_fini(&options->subprotocols);
	texts_fini(&options->sends);
}
