/*
 * sub.c - "crosstalk sub": print what is published on a channel.
 *
 *   stream(NDJSON) -> lines -> message -> standard output
 *      ^ lost, dead, server away: wait (longer each time, and by chance), then on from the last id
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "client.h"
#include "command.h"
#include "message.h"

#define DEAD_AFTER   60.0   /* seconds without a byte; the server sends a heartbeat every 25 */
#define BACKOFF_MIN  500u   /* milliseconds before the first attempt to come back … */
#define BACKOFF_MAX  30000u /* … doubling up to this */
#define RETRY_STATUS 500    /* HTTP statuses from here on may pass by themselves */

enum {
	OPTION_URL = 256,
	OPTION_SINCE,
	OPTION_HISTORY,
	OPTION_JSON,
	OPTION_COUNT,
};

static const struct option options[] = {
	{ "url", required_argument, NULL, OPTION_URL },
	{ "since", required_argument, NULL, OPTION_SINCE },
	{ "history", required_argument, NULL, OPTION_HISTORY },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "count", required_argument, NULL, OPTION_COUNT },
	{ 0 },
};

struct sub {
	const struct command *command;
	const char *base, *channel, *since, *history;
	bool json;
	uint64_t count; /* messages still wanted; UINT64_MAX: all */

	struct client client;
	char last[MESSAGE_ID_MAX]; /* where to go on from; empty: as the options say */
	char *line;                /* a line that has not ended yet */
	size_t n, size;
	bool ever;         /* the stream was accepted once */
	double last_byte;  /* seconds */
	int status;        /* when `done` */
	bool done;         /* no more attempts */
	unsigned failures; /* attempts in a row that brought nothing */
};

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
finish(struct sub *sub, int status)
{
	sub->done = true;
	sub->status = status;
}

/* ---- lines ---- */

static void
print_message(struct sub *sub, const struct message *message, const char *line, size_t n)
{
	if (sub->json)
		fwrite(line, 1, n, stdout);
	else
		fwrite(message->payload, 1, message->n, stdout);
	putchar('\n');
	if (--sub->count == 0)
		finish(sub, STATUS_OK);
}

static void
take_message(struct sub *sub, const struct message *message, const char *line, size_t n)
{
	if (message->kind == MESSAGE_OTHER)
		return;
	if (message->kind == MESSAGE_LOST)
		command_fail(sub->command, STATUS_OK, "messages were lost: %s", message->notice);
	if (message->kind == MESSAGE_DATA)
		print_message(sub, message, line, n);
	if (*message->id)
		snprintf(sub->last, sizeof sub->last, "%s", message->id);
	sub->failures = 0;
}

/* An empty line is a heartbeat. */
static void
take_line(struct sub *sub, const char *line, size_t n)
{
	struct message message;

	if (n == 0)
		return;
	if (message_read(&message, line, n))
		take_message(sub, &message, line, n);
	else
		finish(sub, command_fail(sub->command, STATUS_REFUSED, "not a message: %.*s",
				    (int)(n < 200 ? n : 200), line));
	message_fini(&message);
}

static bool
keep_tail(struct sub *sub, const char *p, size_t n)
{
	if (n == 0)
		return true;
	if (n > sub->size - sub->n) {
		size_t size = (sub->n + n) * 2;
		char *grown = realloc(sub->line, size);
		if (!grown)
			return false;
		sub->line = grown;
		sub->size = size;
	}
	memcpy(sub->line + sub->n, p, n);
	sub->n += n;
	return true;
}

/* Cuts into lines; what has not ended is kept. */
static void
take_bytes(struct sub *sub, const char *p, size_t n)
{
	const char *end;

	while (!sub->done && (end = memchr(p, '\n', n))) {
		size_t length = (size_t)(end - p);
		if (sub->n == 0) {
			take_line(sub, p, length);
		} else if (keep_tail(sub, p, length)) {
			take_line(sub, sub->line, sub->n);
			sub->n = 0;
		} else {
			break;
		}
		p = end + 1;
		n -= length + 1;
	}
	if (!sub->done && !keep_tail(sub, p, n))
		finish(sub, command_fail(sub->command, STATUS_REFUSED, "out of memory"));
}

/* ---- the stream ---- */

/* Returning less than it was given ends the transfer. */
static size_t
on_bytes(char *p, size_t size, size_t count, void *data)
{
	struct sub *sub = data;
	size_t n = size * count;
	long status = 0;

	sub->last_byte = seconds();
	curl_easy_getinfo(sub->client.easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		client_keep(&sub->client, p, n);
		return n;
	}
	sub->ever = true;
	take_bytes(sub, p, n);
	if (fflush(stdout) == EOF || ferror(stdout)) /* who read it has left: nothing to say */
		finish(sub, errno == EPIPE ? STATUS_OK : STATUS_REFUSED);
	return sub->done ? 0 : n;
}

/* libcurl calls this at least once a second; other than 0 ends the transfer. */
static int
on_tick(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct sub *sub = data;

	(void)a, (void)b, (void)c, (void)d;
	return seconds() - sub->last_byte > DEAD_AFTER;
}

static const char *
make_url(const struct sub *sub, struct channel_url *url)
{
	const char *since = *sub->last ? sub->last : sub->since;
	const char *wrong = channel_url_make(url, sub->base, sub->channel);

	if (!wrong)
		wrong = channel_url_add(url, "stream", "ndjson");
	if (!wrong && since)
		wrong = channel_url_add(url, "since", since);
	if (!wrong && !since && sub->history)
		wrong = channel_url_add(url, "history", sub->history);
	return wrong;
}

/* What to do after an attempt has ended with this HTTP status, 0 for none. */
static void
judge(struct sub *sub, long status)
{
	bool may_pass = status == 200 || (sub->ever && (status < 400 || status >= RETRY_STATUS));

	if (!sub->done && !may_pass)
		finish(sub, client_fail(sub->command, &sub->client, status));
}

/* One attempt, until the stream ends. */
static void
attempt(struct sub *sub)
{
	struct channel_url url;
	const char *wrong = make_url(sub, &url);

	if (wrong) {
		finish(sub, command_usage(sub->command, "%s", wrong));
		return;
	}
	if (client_init(&sub->client, &url) < 0) {
		finish(sub, command_fail(sub->command, STATUS_REFUSED, "out of memory"));
		return;
	}
	sub->n = 0; /* half a line of the attempt before comes again */
	sub->last_byte = seconds();
	curl_easy_setopt(sub->client.easy, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(sub->client.easy, CURLOPT_WRITEDATA, sub);
	curl_easy_setopt(sub->client.easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(sub->client.easy, CURLOPT_XFERINFOFUNCTION, on_tick);
	curl_easy_setopt(sub->client.easy, CURLOPT_XFERINFODATA, sub);
	judge(sub, client_perform(&sub->client));
	client_fini(&sub->client);
}

/* Half of it is chance, so that the readers of a server that restarts do not all come at once. */
static unsigned
backoff(unsigned failures)
{
	unsigned top = failures < 6 ? BACKOFF_MIN << failures : BACKOFF_MAX, chance = 0;

	if (getrandom(&chance, sizeof chance, 0) < 0)
		chance = (unsigned)time(NULL);
	return top / 2 + chance % (top / 2 + 1);
}

static void
wait_and_say(struct sub *sub)
{
	unsigned ms = backoff(sub->failures++);
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	command_fail(
		sub->command, STATUS_OK, "the connection is lost, again in %.1f s", ms / 1000.0);
	nanosleep(&pause, NULL);
}

static int
follow(struct sub *sub)
{
	while (!sub->done) {
		attempt(sub);
		if (!sub->done)
			wait_and_say(sub);
	}
	free(sub->line);
	return sub->status;
}

/* ---- command line ---- */

/* A decimal number from 1 on; 0 when it is none. */
static uint64_t
read_count(const char *text)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 ? value : 0;
}

static int
take_option(struct sub *sub, int option)
{
	if (option == OPTION_BAD)
		return STATUS_USAGE;
	if (option == OPTION_URL)
		sub->base = optarg;
	if (option == OPTION_SINCE)
		sub->since = optarg;
	if (option == OPTION_HISTORY)
		sub->history = optarg;
	if (option == OPTION_JSON)
		sub->json = true;
	if (option == OPTION_COUNT && (sub->count = read_count(optarg)) == 0)
		return command_usage(sub->command, "--count %s is not a number from 1 on", optarg);
	return STATUS_OK;
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct sub sub = { .command = command, .base = CLIENT_DEFAULT_URL, .count = UINT64_MAX };
	int option, status;

	while ((option = command_option(command, argc, argv, options)) != OPTION_END) {
		status = take_option(&sub, option);
		if (status != STATUS_OK)
			return status;
	}
	if (argc - optind != 1)
		return command_usage(
			command, optind == argc ? "CHANNEL is missing" : "one CHANNEL only");
	if (sub.since && sub.history)
		return command_usage(command, "--since and --history do not go together");
	sub.channel = argv[optind];
	command_ignore_pipes();
	return follow(&sub);
}

const struct command command_sub = {
	.name = "sub",
	.synopsis = "[OPTIONS] CHANNEL",
	.summary = "print what is published on a channel",
	.details =
		"Prints the payload of each message and a line end. CHANNEL is a name "
		"(sport/football/42)\n"
		"or its full URL. A lost connection is taken up again where it ended; what was "
		"lost meanwhile\n"
		"is said on standard error.\n\n"
		"  --url URL     the server, http://HOST:PORT or unix:/PATH. Default: "
		"http://127.0.0.1:8000\n"
		"  --since ID    begin after this message\n"
		"  --history N   begin with the last N messages\n"
		"  --json        print each message as a JSON object, with its id, time and type\n"
		"  --count N     end after N messages\n\n"
		"Exit status: 0 done, 1 refused, 2 wrong usage, 3 no connection.\n",
	.run = run,
};
