/*
 * serve.c - "crosstalk serve": the server, until a signal ends it.
 *
 * The library handles no signals. They are blocked in every thread but one, which takes them with
 * sigwait(): the first SIGTERM or SIGINT begins the drain, a SIGINT after that ends the process at once.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "crosstalk.h"

#define ERROR_SIZE 1024
#define LINE_SIZE  2048

enum {
	OPTION_CONFIG = 256,
	OPTION_DATA,
	OPTION_SET,
	OPTION_KEY, /* and above: a key of the configuration */
};

/* In the order of the options from OPTION_KEY on. */
static const char *const keys[] = { "listen", "workers", "root", "log.level", "open",
	"tls.certificate", "tls.key" };

static const struct option options[] = {
	{ "listen", required_argument, NULL, OPTION_KEY },
	{ "workers", required_argument, NULL, OPTION_KEY + 1 },
	{ "root", required_argument, NULL, OPTION_KEY + 2 },
	{ "log-level", required_argument, NULL, OPTION_KEY + 3 },
	{ "open", no_argument, NULL, OPTION_KEY + 4 },
	{ "cert", required_argument, NULL, OPTION_KEY + 5 },
	{ "key", required_argument, NULL, OPTION_KEY + 6 },
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "data", required_argument, NULL, OPTION_DATA },
	{ "set", required_argument, NULL, OPTION_SET },
	{ 0 },
};

/* ---- command line ---- */

static int
apply_file(const struct command *command, struct xt_config *config, int option)
{
	char error[ERROR_SIZE];

	if (option == OPTION_CONFIG && xt_config_load(config, optarg, error, sizeof error) < 0)
		return command_fail(command, STATUS_REFUSED, "%s", error);
	return STATUS_OK;
}

/* --set KEY=VALUE: any key. Its name is cut out of the argument. */
static int
apply_set(const struct command *command, struct xt_config *config)
{
	char *equals = strchr(optarg, '='), error[ERROR_SIZE];
	int status = STATUS_OK;

	if (!equals)
		return command_usage(command, "--set needs KEY=VALUE");
	*equals = '\0';
	if (xt_config_set(config, optarg, equals + 1, error, sizeof error) < 0)
		status = command_usage(command, "%s", error);
	*equals = '=';
	return status;
}

static int
apply_flag(const struct command *command, struct xt_config *config, int option)
{
	char error[ERROR_SIZE];

	if (option == OPTION_DATA)
		return command_usage(
			command, "--data comes in a later version: all state is in memory");
	if (option == OPTION_SET)
		return apply_set(command, config);
	if (option >= OPTION_KEY && xt_config_set(config, keys[option - OPTION_KEY],
					    optarg ? optarg : "true", error, sizeof error) < 0)
		return command_usage(command, "%s", error);
	return STATUS_OK;
}

/* Walks over the options: first for files, then for flags, which win wherever they stand. */
static int
walk(const struct command *command, struct xt_config *config, int argc, char **argv,
	int (*apply)(const struct command *, struct xt_config *, int))
{
	int option, status;

	optind = 1;
	while ((option = command_option(command, argc, argv, options)) != OPTION_END) {
		if (option == OPTION_BAD)
			return STATUS_USAGE;
		status = apply(command, config, option);
		if (status != STATUS_OK)
			return status;
	}
	return optind < argc ? command_usage(command, "%s is too much", argv[optind]) : STATUS_OK;
}

/* ---- log ---- */

static void
write_log(void *ctx, enum xt_log_level level, const char *line)
{
	static const char *const names[] = {
		[XT_LOG_ERROR] = "error",
		[XT_LOG_WARN] = "warn",
		[XT_LOG_INFO] = "info",
		[XT_LOG_DEBUG] = "debug",
	};
	char out[LINE_SIZE], stamp[32];
	struct timespec now;
	struct tm tm;
	int n;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(out, sizeof out, "%s.%03ldZ %-5s %s\n", stamp, now.tv_nsec / 1000000,
		names[level], line);
	if (n >= (int)sizeof out) {
		n = sizeof out - 1;
		out[n - 1] = '\n';
	}
	if (write(STDERR_FILENO, out, (size_t)n) < 0) /* one write: lines of threads do not mix */
		return;
}

/* ---- signals ---- */

static void
fill_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1); /* from ourselves: the server has stopped, see taker_end() */
}

/* The thread that takes the signals. */
struct taker {
	pthread_t thread;
	struct xt_server *server;
	atomic_bool done;
};

static void *
take_signals(void *arg)
{
	struct taker *taker = arg;
	bool stopping = false;
	sigset_t set;
	int number;

	fill_set(&set);
	while (sigwait(&set, &number) == 0 && !atomic_load(&taker->done)) {
		/* Supervisors may say SIGTERM more than once; a person who types ^C again is out of patience. */
		if (number == SIGINT && stopping)
			_exit(128 + number);
		if (number == SIGHUP)
			xt_server_reload(taker->server, NULL, 0); /* the log says what came of it */
		if (number != SIGINT && number != SIGTERM)
			continue;
		stopping = true;
		xt_server_stop(taker->server);
	}
	return NULL;
}

static void
taker_end(struct taker *taker)
{
	atomic_store(&taker->done, true);
	pthread_kill(taker->thread, SIGUSR1);
	pthread_join(taker->thread, NULL);
}

static void
block_signals(void)
{
	sigset_t set;

	command_ignore_pipes();
	fill_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* ---- the server ---- */

static void
print_listeners(const struct xt_server *server)
{
	for (size_t i = 0; i < xt_server_listeners(server); i++)
		printf("listening on %s\n", xt_server_listener_url(server, i));
	fflush(stdout);
}

/* Serves until a signal; the thread that takes signals has ended when this returns. */
static int
serve_until_signal(const struct command *command, struct xt_server *server)
{
	struct taker taker = { .server = server };
	int code;

	if (pthread_create(&taker.thread, NULL, take_signals, &taker) != 0)
		return command_fail(command, STATUS_REFUSED, "no thread for signals");
	print_listeners(server);
	code = xt_server_wait(server);
	taker_end(&taker);
	return code == 0 ? STATUS_OK : STATUS_REFUSED;
}

static int
serve(const struct command *command, const struct xt_config *config)
{
	static const struct xt_log_sink sink = { .write = write_log };
	struct xt_server *server = NULL;
	char error[ERROR_SIZE];
	int status;

	block_signals();
	if (xt_server_new(&server, config, &sink, error, sizeof error) < 0 ||
		xt_server_start(server, error, sizeof error) < 0)
		status = command_fail(command, STATUS_REFUSED, "%s", error);
	else
		status = serve_until_signal(command, server);
	xt_server_free(server);
	return status;
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct xt_config *config = xt_config_new();
	int status;

	if (!config)
		return command_fail(command, STATUS_REFUSED, "out of memory");
	status = walk(command, config, argc, argv, apply_file);
	if (status == STATUS_OK)
		status = walk(command, config, argc, argv, apply_flag);
	if (status == STATUS_OK)
		status = serve(command, config);
	xt_config_free(config);
	return status;
}

const struct command command_serve = {
	.name = "serve",
	.synopsis = "[OPTIONS]",
	.summary = "run the server",
	.details =
		"  --listen URL       where to accept connections, may be repeated: "
		"http://HOST:PORT,\n"
		"                     https://HOST:PORT, unix:/PATH; an IPv6 address in brackets; "
		"port 0:\n"
		"                     the system chooses one.\n"
		"                     Default: http://127.0.0.1:8000\n"
		"  --cert FILE        for https: a certificate with its chain (PEM), and\n"
		"  --key FILE         its key; may be repeated, in the same order\n"
		"  --config FILE      read keys from a YAML file; flags win over it\n"
		"  --workers N        worker threads, 0 to 256. Default 0: one per core\n"
		"  --root DIR         serve the files of this directory\n"
		"  --open             allow anyone who can reach a listener; without it only this\n"
		"                     machine's own addresses are listened on\n"
		"  --log-level LEVEL  error, warn, info or debug. Default: info\n"
		"  --set KEY=VALUE    any key of docs/configuration.md: limits.message=64KiB,\n"
		"                     paths./c/chat/.frame=1KiB; more than one may be given\n\n"
		"Prints \"listening on URL\" for each listener once it accepts connections. "
		"SIGTERM and\n"
		"SIGINT let clients leave, then it exits with 0; SIGINT again ends it at once. "
		"SIGHUP "
		"reads\n"
		"changed certificates; the server looks for them every second by itself.\n",
	.run = run,
};
