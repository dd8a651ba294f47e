/* pub.c - "crosstalk pub": publish a message, or each line of standard input. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <jansson.h>

#include "client.h"
#include "command.h"

#define READ_SIZE 65536

enum {
	OPTION_URL = 256,
	OPTION_TYPE,
	OPTION_VERBOSE,
};

static const struct option options[] = {
	{ "url", required_argument, NULL, OPTION_URL },
	{ "type", required_argument, NULL, OPTION_TYPE },
	{ "verbose", no_argument, NULL, OPTION_VERBOSE },
	{ 0 },
};

struct pub {
	const struct command *command;
	const char *base, *type;
	const char *channel, *message; /* message NULL: all of standard input, "-": its lines */
	bool verbose;
	struct client client;
};

static void
print_id(const struct client *client)
{
	json_t *reply = json_loadb(client->reply, client->n, 0, NULL);
	const char *id = json_string_value(json_object_get(reply, "id"));

	if (id)
		puts(id);
	fflush(stdout);
	json_decref(reply);
}

static int
publish(struct pub *pub, const char *p, size_t n)
{
	struct client *client = &pub->client;
	long status;

	curl_easy_setopt(client->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
	curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, p);
	status = client_perform(client);
	if (status != 201)
		return client_fail(pub->command, client, status);
	if (pub->verbose)
		print_id(client);
	return STATUS_OK;
}

/* One message a line, as it arrives; the line end is not part of it. */
static int
publish_lines(struct pub *pub)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int status = STATUS_OK;

	while (status == STATUS_OK && (n = getline(&line, &size, stdin)) >= 0) {
		if (n > 0 && line[n - 1] == '\n')
			n--;
		status = publish(pub, line, (size_t)n);
	}
	free(line);
	return status;
}

/* All of standard input, new; NULL when out of memory. */
static char *
read_input(size_t *n)
{
	char *p = NULL, *grown;
	size_t size = 0, got;

	*n = 0;
	do {
		if (size - *n < READ_SIZE) {
			size = size * 2 + READ_SIZE;
			grown = realloc(p, size);
			if (!grown) {
				free(p);
				return NULL;
			}
			p = grown;
		}
		got = fread(p + *n, 1, READ_SIZE, stdin);
		*n += got;
	} while (got > 0);
	return p;
}

static int
publish_input(struct pub *pub)
{
	size_t n;
	char *p = read_input(&n);
	int status;

	if (!p)
		return command_fail(pub->command, STATUS_REFUSED, "out of memory");
	status = publish(pub, p, n);
	free(p);
	return status;
}

static int
publish_all(struct pub *pub)
{
	int status;

	if (!pub->message)
		return publish_input(pub);
	if (strcmp(pub->message, "-") != 0)
		return publish(pub, pub->message, strlen(pub->message));
	status = publish_lines(pub);
	if (status == STATUS_OK && ferror(stdin))
		return command_fail(pub->command, STATUS_REFUSED, "standard input cannot be read");
	return status;
}

/* Without --type the server is told none, not curl's own default. */
static int
set_type(struct pub *pub)
{
	char line[256];
	int n = snprintf(line, sizeof line, "Content-Type:%s%s", pub->type ? " " : "",
		pub->type ? pub->type : "");

	if (n >= (int)sizeof line || strpbrk(line, "\r\n"))
		return command_usage(pub->command, "--type is too long or holds a line end");
	return client_header(&pub->client, line) < 0
		       ? command_fail(pub->command, STATUS_REFUSED, "out of memory")
		       : STATUS_OK;
}

static int
connect_and_publish(struct pub *pub)
{
	struct channel_url url;
	const char *wrong = channel_url_make(&url, pub->base, pub->channel);
	int status;

	if (wrong)
		return command_usage(pub->command, "%s", wrong);
	if (client_init(&pub->client, &url) < 0)
		return command_fail(pub->command, STATUS_REFUSED, "out of memory");
	status = set_type(pub);
	if (status == STATUS_OK)
		status = publish_all(pub);
	client_fini(&pub->client);
	return status;
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct pub pub = { .command = command, .base = CLIENT_DEFAULT_URL };
	int option;

	while ((option = command_option(command, argc, argv, options)) != OPTION_END) {
		if (option == OPTION_BAD)
			return STATUS_USAGE;
		if (option == OPTION_URL)
			pub.base = optarg;
		if (option == OPTION_TYPE)
			pub.type = optarg;
		if (option == OPTION_VERBOSE)
			pub.verbose = true;
	}
	if (optind == argc)
		return command_usage(command, "CHANNEL is missing");
	if (argc - optind > 2)
		return command_usage(
			command, "%s is too much: quote a message of words", argv[optind + 2]);
	pub.channel = argv[optind];
	pub.message = argv[optind + 1]; /* NULL after the last */
	command_ignore_pipes();
	return connect_and_publish(&pub);
}

const struct command command_pub = {
	.name = "pub",
	.synopsis = "[OPTIONS] CHANNEL [MESSAGE|-]",
	.summary = "publish to a channel",
	.details = "Publishes MESSAGE; without it, all of standard input as one message; with -, "
		   "each line of\n"
		   "standard input as it arrives. CHANNEL is a name (sport/football/42) or its "
		   "full URL.\n\n"
		   "  --url URL     the server, http://HOST:PORT or unix:/PATH. Default: "
		   "http://127.0.0.1:8000\n"
		   "  --type T      the Content-Type, such as application/json. Default: none\n"
		   "  --verbose     print the id of each message\n\n"
		   "Exit status: 0 published, 1 refused, 2 wrong usage, 3 no connection.\n",
	.run = run,
};
