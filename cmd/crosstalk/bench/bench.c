/* bench.c - "crosstalk bench": how fast is a server of messages, and what does it cost? */
#include "bench/bench.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/quantum.h"
#include "bench/report.h"

#define SPARE 64 /* descriptors beside those of connections */

static const struct scenario *const scenarios[] = {
	&scenario_echo,
	&scenario_fanout,
	&scenario_idle,
	&scenario_churn,
	&scenario_poll,
};

#define SCENARIOS (sizeof scenarios / sizeof *scenarios)

/* ---- what was asked for ---- */

static int
choose_scenario(struct bench *bench)
{
	const struct options *options = &bench->options;

	bench->quantum = strcmp(options->scenario, "quantum") == 0;
	if (bench->quantum)
		bench->scenario = &scenario_fanout;
	for (size_t i = 0; i < SCENARIOS; i++)
		if (strcmp(options->scenario, scenarios[i]->name) == 0)
			bench->scenario = scenarios[i];
	if (!bench->scenario)
		return command_usage(bench->command,
			"%s: it is echo, fanout, idle, churn, poll or quantum", options->scenario);
	/* A long poll that waits for news is a reader like others. */
	if (bench->scenario == &scenario_poll && options->subscribe == SUBSCRIBE_LONGPOLL)
		bench->scenario = &scenario_fanout;
	return STATUS_OK;
}

static void
choose_numbers(struct bench *bench)
{
	struct options *options = &bench->options;
	const struct scenario *scenario = bench->scenario;

	if (options->connections == OPTIONS_UNSAID && bench->quantum)
		options->connections = QUANTUM_CLIENTS;
	if (options->connections == OPTIONS_UNSAID)
		options->connections = scenario->connections;
	if (scenario->in_flight_of_rate == 1)
		options->in_flight = 1;
	if (options->in_flight == OPTIONS_UNSAID)
		options->in_flight =
			options->rate > 0 ? scenario->in_flight_of_rate : scenario->in_flight;
}

static int
choose_addresses(struct bench *bench)
{
	const char *wrong = target_parse(&bench->target, bench->options.url);

	if (wrong)
		return command_usage(bench->command, "%s: %s", bench->options.url, wrong);
	if (bench->options.source)
		wrong = origin_parse(&bench->origin, bench->options.source);
	if (wrong)
		return command_usage(
			bench->command, "--source %s: %s", bench->options.source, wrong);
	wrong = target_resolve(&bench->target);
	if (wrong)
		return command_fail(
			bench->command, STATUS_UNREACHABLE, "%s: %s", bench->target.host, wrong);
	return STATUS_OK;
}

/* ---- what it needs ---- */

/* As many as the hard limit allows; what is missing then is said when it is. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int
check_descriptors(const struct bench *bench)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
		limit.rlim_cur < bench->options.connections + SPARE)
		return command_fail(bench->command, STATUS_USAGE,
			"this process may have %llu descriptors (ulimit -Hn): too few for %llu "
			"connections",
			(unsigned long long)limit.rlim_cur,
			(unsigned long long)bench->options.connections);
	return STATUS_OK;
}

static int
pin(const struct bench *bench)
{
	cpu_set_t set;

	prctl(PR_SET_TIMERSLACK, 1L, 0L, 0L, 0L); /* a schedule is no better than its timer */
	if (bench->options.cpu < 0)
		return STATUS_OK;
	CPU_ZERO(&set);
	CPU_SET((unsigned)bench->options.cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) < 0)
		return command_fail(bench->command, STATUS_USAGE,
			"--cpu %d: there is none, or not for us", bench->options.cpu);
	return STATUS_OK;
}

/* Who the server is does not matter here, and is not verified. */
static SSL_CTX *
make_tls(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (tls)
		SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
					      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					      SSL_MODE_RELEASE_BUFFERS);
	return tls;
}

static bool
make_conns(struct bench *bench, const struct conn_ops *ops)
{
	uint64_t n = bench->options.connections, room = bench->options.in_flight;
	uint64_t ring = lane_ring(room);

	bench->conns = calloc(n, sizeof *bench->conns);
	if (bench->options.rate <= 0)
		bench->times = calloc(n * ring, sizeof *bench->times);
	if (!bench->conns || (!bench->times && bench->options.rate <= 0))
		return false;
	for (uint64_t i = 0; i < n; i++)
		bench->conns[i] = (struct conn){
			.bench = bench,
			.ops = ops,
			.target = &bench->target,
			.index = (uint32_t)i,
			.lane = { .offset = i,
				.stride = n,
				.room = (uint32_t)room,
				.mask = (uint32_t)ring - 1,
				.times = bench->times ? bench->times + i * ring : NULL },
		};
	return true;
}

static int
prepare(struct bench *bench)
{
	const struct conn_ops *ops;
	int status = pin(bench);

	raise_descriptors();
	command_ignore_pipes();
	if (status == STATUS_OK)
		status = check_descriptors(bench);
	if (status != STATUS_OK)
		return status;
	bench->tls = make_tls();
	if (!bench->tls || loop_init(&bench->loop) < 0 || ws_keys_init(&bench->keys) < 0)
		return command_fail(bench->command, STATUS_REFUSED, "out of memory");
	ops = bench->scenario->prepare(bench);
	if (!ops)
		return bench->status;
	if (!make_conns(bench, ops))
		return command_fail(bench->command, STATUS_REFUSED, "out of memory");
	return STATUS_OK;
}

void
bench_release(struct bench *bench)
{
	for (uint64_t i = 0; bench->conns && i < bench->options.connections; i++)
		conn_close(&bench->conns[i]);
	if (bench->scenario && bench->scenario->release)
		bench->scenario->release(bench);
	free(bench->conns);
	free(bench->times);
	volley_fini(&bench->volley);
	loop_fini(&bench->loop);
	SSL_CTX_free(bench->tls);
	bench->own = NULL;
	bench->conns = NULL;
	bench->times = NULL;
	bench->tls = NULL;
}

/* ---- what came of it ---- */

static void
describe(struct bench *bench)
{
	static const char *const ways[] = { "ws", "sse", "longpoll", "poll" };
	const struct options *options = &bench->options;
	struct result *result = &bench->result;
	bool polls = bench->scenario == &scenario_poll;

	result->scenario = bench->scenario->name;
	result->unit = bench->scenario->unit;
	result->url = bench->target.url;
	result->subscribe = polls ? "poll" : ways[options->subscribe];
	result->connections = options->connections;
	result->in_flight = options->in_flight;
	result->size = options->size;
	result->rate = bench->scenario->times_opening ? 0 : options->rate;
	result->latency = &bench->latency;
}

int
bench_measure(struct bench *bench)
{
	int status = prepare(bench);

	if (status != STATUS_OK)
		return status;
	describe(bench);
	return bench_run(bench);
}

static int
report(const struct bench *bench, int status)
{
	const struct palette *palette = palette_for(STDOUT_FILENO, PALETTE_AUTO);
	struct report_style style = { palette, isatty(STDOUT_FILENO) };

	if (bench->result.seconds <= 0)
		return status;
	if (bench->options.json)
		report_print_json(stdout, &bench->result);
	else
		report_print(stdout, &bench->result, &style);
	if (fflush(stdout) == EOF)
		return STATUS_REFUSED;
	return status == STATUS_OK && bench->count.lost ? STATUS_LOST : status;
}

static int
choose(struct bench *bench, int argc, char **argv)
{
	int status = bench_options_read(&bench->options, bench->command, argc, argv);

	if (status == STATUS_OK)
		status = choose_scenario(bench);
	if (status == STATUS_OK)
		status = choose_addresses(bench);
	if (status == STATUS_OK)
		choose_numbers(bench);
	return status;
}

static int
run(const struct command *command, int argc, char **argv)
{
	struct bench *bench = calloc(1, sizeof *bench);
	int status;

	if (!bench)
		return command_fail(command, STATUS_REFUSED, "out of memory");
	bench->command = command;
	bench->loop.epoll = -1;
	status = choose(bench, argc, argv);
	if (status == STATUS_OK && bench->quantum)
		status = quantum_run(bench);
	else if (status == STATUS_OK)
		status = report(bench, bench_measure(bench));
	bench_release(bench);
	free(bench);
	return status;
}

const struct command command_bench = {
	.name = "bench",
	.synopsis = "SCENARIO [OPTIONS] URL",
	.summary = "load a server, and measure it",
	.details =
		"Measures any server that speaks WebSocket, server-sent events or long polling.\n"
		"One thread; URL is ws, wss, http or https (certificates are not verified).\n"
		"\n"
		"Scenarios:\n"
		"  echo    messages to a WebSocket that sends them back, such as /echo\n"
		"  fanout  one publishes on a channel, /c/NAME, and all others listen\n"
		"  idle    open connections, hold them; with --pid: memory of each\n"
		"  churn   connect, handshake, one echo, close; and again\n"
		"  poll    ask a channel for news, again and again; with --subscribe longpoll:\n"
		"          the same as fanout\n"
		"  quantum polls, long polls, events and WebSocket side by side: one message a\n"
		"          second for 1,000, 10,000 and 100,000 clients, in bytes and latency;\n"
		"          --connections (10000) are opened at most, more are calculated\n"
		"\n"
		"Load:\n"
		"  --connections N     how many; of a fan-out: that listen. Default: 100, fanout\n"
		"                      and idle 1000, churn 50\n"
		"  --in-flight N       messages under way, of each connection (echo) or of the\n"
		"                      publisher (fanout). Default: 1\n"
		"  --size SIZE         of a message, such as 64 (default) or 16KiB\n"
		"  --binary            binary messages instead of text\n"
		"  --rate N            so many a second over all, on a schedule, and latency "
		"counted\n"
		"                      from when each was due; of idle: opened a second. Default: "
		"as\n"
		"                      fast as it goes\n"
		"  --seconds S         how long to measure. Default: 5\n"
		"  --warmup S          how long to wait before. Default: 1\n"
		"  --timeout S         how long opening all may take. Default: 30\n"
		"  --subscribe HOW     ws (default), sse, longpoll, or poll (once a second): "
		"fanout\n"
		"                      and idle\n"
		"  --publish HOW       ws (default), post, or a URL (ws: or http:): fanout\n"
		"  --header LINE       a header field, \"Name: value\"; may be repeated\n"
		"  --source ADDRESSES  come from these, in turn: 127.0.0.1-127.0.0.8. An address\n"
		"                      has about 28,000 ports for one server\n"
		"\n"
		"What is measured and shown:\n"
		"  --pid PID[,PID]     the server: CPU time of each message, memory of each\n"
		"                      connection, and whether others disturb the machine\n"
		"  --cpu N             run on this core, and leave the others to the server\n"
		"  --json              one JSON object; crosstalk-bench(1) says what is in it\n"
		"  --quiet             no progress bar\n"
		"\n"
		"Exit status: 0 measured, 1 refused, 2 wrong usage, 3 no connection,\n"
		"5 connections were lost, 6 opening took too long.\n",
	.run = run,
};
