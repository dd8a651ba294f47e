/*
 * command.h - a subcommand of the program: a row of the table in main.c, a file of its own.
 *
 * Subcommands return the exit status of the process and say on standard error why it is not 0.
 */
#ifndef CROSSTALK_COMMAND_H
#define CROSSTALK_COMMAND_H

#include <getopt.h>

enum status {
	STATUS_OK = 0,
	STATUS_REFUSED = 1,     /* the server, or what it was told, said no */
	STATUS_USAGE = 2,       /* the command line is not of its form */
	STATUS_UNREACHABLE = 3, /* no connection to the server */
	STATUS_CLOSED = 4,      /* `connect`: closed by the peer, with a code that is no good end */
	STATUS_LOST = 5,        /* `connect`: it vanished; `bench`: some did */
	STATUS_TIMEOUT = 6,     /* `connect`: it took too long */
};

struct command {
	const char *name;
	const char *synopsis; /* what follows "crosstalk NAME" */
	const char *summary;  /* half a line, for the list */
	const char *details; /* options and what else there is to know, for "crosstalk help NAME" */
	int (*run)(const struct command *command, int argc,
		char **argv); /* argv[0]: NAME; no --help */
};

extern const struct command command_serve, command_check, command_pub, command_sub, command_connect,
	command_bench;

/* Prints "crosstalk NAME: " and the sentence to standard error; returns `status`. */
int command_fail(const struct command *command, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with STATUS_USAGE, and where help is. */
int command_usage(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints the help to standard output; returns STATUS_OK. */
int command_help(const struct command *command);

/* Who reads our output may leave: that is an error of the next write, not the end by a signal. */
void command_ignore_pipes(void);

#define OPTION_END (-1)
#define OPTION_BAD '?'

/*
 * The next option by getopt_long(): its `val`, from 256 on; `optarg` is its argument. OPTION_END
 * after the last, and then what is no option begins at argv[optind]. What is not in `options` or
 * lacks its argument is said to the user: OPTION_BAD.
 */
int command_option(
	const struct command *command, int argc, char **argv, const struct option *options);

#endif
