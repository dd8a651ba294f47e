/* check.c - "crosstalk check": is this configuration file valid? */
#include <stdio.h>

#include "command.h"
#include "crosstalk.h"

enum { OPTION_CONFIG = 256 };

static const struct option options[] = {
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ 0 },
};

static int
check_file(const struct command *command, const char *path)
{
	struct xt_config *config = xt_config_new();
	char error[1024];
	int code;

	if (!config)
		return command_fail(command, STATUS_REFUSED, "out of memory");
	code = xt_config_load(config, path, error, sizeof error);
	if (code == 0)
		code = xt_config_check(config, error, sizeof error);
	if (code == 0)
		printf("%s: ok\n", path);
	else
		fprintf(stderr, "%s\n", error);
	xt_config_free(config);
	return code == 0 ? STATUS_OK : STATUS_REFUSED;
}

static int
run(const struct command *command, int argc, char **argv)
{
	const char *path = NULL;
	int option;

	while ((option = command_option(command, argc, argv, options)) != OPTION_END) {
		if (option == OPTION_BAD)
			return STATUS_USAGE;
		path = optarg;
	}
	if (optind < argc)
		return command_usage(command, "%s is too much", argv[optind]);
	if (!path)
		return command_usage(command, "--config FILE is missing");
	return check_file(command, path);
}

const struct command command_check = {
	.name = "check",
	.synopsis = "--config FILE",
	.summary = "check a configuration file",
	.details = "Prints \"FILE: ok\", or the file, line and key that is wrong and what is "
		   "allowed there.\n\n"
		   "  --config FILE   the YAML file that crosstalk serve would be given\n\n"
		   "Exit status: 0 valid, 1 not valid, 2 wrong usage.\n",
	.run = run,
};
