/* command.c - what all subcommands say in the same way: errors, usage, help. */
#include "command.h"

#include <stdarg.h>
#include <signal.h>
#include <stdio.h>

static void say(const struct command *command, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void
say(const struct command *command, const char *format, va_list args)
{
	fprintf(stderr, "crosstalk %s: ", command->name);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int
command_fail(const struct command *command, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(command, format, args);
	va_end(args);
	return status;
}

int
command_usage(const struct command *command, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(command, format, args);
	va_end(args);
	fprintf(stderr, "Try: crosstalk help %s\n", command->name);
	return STATUS_USAGE;
}

int
command_help(const struct command *command)
{
	printf("Usage: crosstalk %s %s\n\n%s", command->name, command->synopsis, command->details);
	return STATUS_OK;
}

int
command_option(const struct command *command, int argc, char **argv, const struct option *options)
{
	int option = getopt_long(argc, argv, ":", options, NULL);

	if (option == ':')
		command_usage(command, "%s needs a value", argv[optind - 1]);
	else if (option == OPTION_BAD && optopt > 0 && optopt < 256)
		command_usage(command, "-%c is not an option here", optopt);
	else if (option == OPTION_BAD)
		command_usage(command, "%s is not an option here", argv[optind - 1]);
	return option == ':' ? OPTION_BAD : option;
}

void
command_ignore_pipes(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGPIPE, &ignore, NULL);
}
