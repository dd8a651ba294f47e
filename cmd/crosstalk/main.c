/* main.c - the program: a table of subcommands. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "crosstalk.h"

static const struct command *const commands[] = {
	&command_serve,
	&command_check,
	&command_pub,
	&command_sub,
	&command_connect,
	&command_bench,
};

#define COMMANDS (sizeof commands / sizeof *commands)

static int
print_overview(FILE *to)
{
	fputs("Crosstalk " XT_VERSION ": a real-time message server. A channel is a URL.\n\n"
	      "Usage: crosstalk COMMAND [OPTIONS]\n\n",
		to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\ncrosstalk help COMMAND says more; crosstalk --version says which this is.\n", to);
	return to == stderr ? STATUS_USAGE : STATUS_OK;
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int
unknown(const char *name)
{
	fprintf(stderr, "crosstalk: %s is not %s\nTry: crosstalk --help\n", name,
		*name == '-' ? "an option here" : "a command");
	return STATUS_USAGE;
}

static int
help(const char *name)
{
	const struct command *command;

	if (!name)
		return print_overview(stdout);
	command = find_command(name);
	return command ? command_help(command) : unknown(name);
}

static bool
is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

/* Whether help is asked for anywhere before a "--". */
static bool
wants_help(char **words)
{
	for (; *words && strcmp(*words, "--") != 0; words++)
		if (is_one_of(*words, "--help", "-h", "-?"))
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2)
		return print_overview(stderr);
	if (is_one_of(argv[1], "help", "--help", "-h"))
		return help(argc > 2 ? argv[2] : NULL);
	if (is_one_of(argv[1], "version", "--version", "-V"))
		return puts("crosstalk " XT_VERSION) == EOF ? STATUS_REFUSED : STATUS_OK;
	command = find_command(argv[1]);
	if (command && wants_help(argv + 2))
		return command_help(command);
	return command ? command->run(command, argc - 1, argv + 1) : unknown(argv[1]);
}
