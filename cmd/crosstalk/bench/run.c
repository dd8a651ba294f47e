/* run.c - the phases of a run: open, warm up, measure; and what is read from /proc before and after. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/clock.h"
#include "bench/progress.h"

#define OPENING 128                  /* handshakes under way while connections are opened */
#define TICK    (CLOCK_SECOND / 10)  /* how often the progress is shown */
#define TURN    (CLOCK_SECOND / 100) /* how long a turn may wait */

/* What was used before the measurement. */
struct before {
	struct usage own, server;
	struct machine machine;
	bool has_server, has_machine;
	uint64_t time;
};

struct run {
	struct bench *bench;
	struct before before;
	uint64_t begin, measure, end; /* when */
	uint64_t tick;                /* when the progress is shown next */
	struct progress progress;
};

/* ---- ends ---- */

void
bench_fail(struct bench *bench, int status, const char *why)
{
	if (bench->status == STATUS_OK)
		bench->status =
			command_fail(bench->command, status, "%s: %s", bench->scenario->name, why);
	bench->phase = PHASE_DONE;
}

static int
status_of(enum conn_end end)
{
	static const int statuses[] = {
		[CONN_UNREACHABLE] = STATUS_UNREACHABLE,
		[CONN_REFUSED] = STATUS_REFUSED,
		[CONN_LOST] = STATUS_LOST,
		[CONN_GOODBYE] = STATUS_LOST,
		[CONN_BROKEN] = STATUS_REFUSED,
	};

	return statuses[end];
}

void
bench_lost(struct conn *conn, enum conn_end end, const char *why)
{
	struct bench *bench = conn->bench;

	if (bench->phase == PHASE_DONE)
		return;
	if (bench->phase == PHASE_OPENING) {
		bench_fail(bench, status_of(end), why);
		return;
	}
	if (bench->count.lost++ == 0)
		snprintf(bench->result.why_lost, sizeof bench->result.why_lost, "%s", why);
	if (bench->scenario->opens && --bench->opened == 0)
		bench_fail(bench, STATUS_LOST, why);
}

/* ---- opening ---- */

bool
bench_connect(struct bench *bench, struct conn *conn)
{
	struct sockaddr_storage room;
	const struct sockaddr *from = origin_next(&bench->origin, &room);
	char why[160];

	if (conn_open(conn, from, bench->origin.size) == 0)
		return true;
	snprintf(why, sizeof why, "%s%s", strerror(errno),
		errno == EADDRNOTAVAIL
			? ": an address has no more ports, or is not ours; see --source"
		: errno == EMFILE ? ": more descriptors than this process may have (ulimit -Hn)"
				  : "");
	bench_fail(bench, STATUS_UNREACHABLE, why);
	return false;
}

void
bench_opened(struct conn *conn)
{
	conn->bench->opened++;
}

/* How many connections may be begun by now. The first is alone: what it makes a server get ready is not its own. */
static uint64_t
may_open(const struct bench *bench)
{
	uint64_t allowed = bench->opened ? bench->opened + OPENING : 1;

	if (bench->scenario->times_opening && bench->schedule.interval > 0)
		allowed = schedule_due(&bench->schedule, bench->now);
	return allowed < bench->options.connections ? allowed : bench->options.connections;
}

static void
open_more(struct bench *bench)
{
	uint64_t until = may_open(bench);

	while (bench->next < until && bench->phase == PHASE_OPENING)
		bench_connect(bench, &bench->conns[bench->next++]);
}

static void
show(struct run *run, const char *what, double share)
{
	struct bench *bench = run->bench;

	if (bench->now < run->tick)
		return;
	run->tick = bench->now + TICK;
	progress_show(&run->progress, &(struct progress_state){ .what = what,
					      .unit = bench->scenario->unit,
					      .share = share,
					      .now = bench->now,
					      .count = bench->count.messages });
}

static bool
add_memory(const struct bench *bench, uint64_t *bytes)
{
	*bytes = 0;
	for (size_t i = 0; i < bench->options.pids.n; i++)
		if (!usage_add_memory(bytes, bench->options.pids.p[i]))
			return false;
	return bench->options.pids.n > 0;
}

/* Memory counts from when the first connection is open. */
static void
note_memory(struct bench *bench)
{
	struct result *result = &bench->result;

	if (bench->opened > 0 && !result->has_memory)
		result->has_memory = add_memory(bench, &result->memory_before);
}

static void
open_all(struct run *run)
{
	struct bench *bench = run->bench;
	uint64_t wanted = bench->scenario->opens ? bench->options.connections : 0;
	uint64_t begin = clock_now();
	uint64_t patient = begin + (uint64_t)(bench->options.timeout * 1e9);

	schedule_begin(&bench->schedule, begin, bench->options.rate);
	while (bench->phase == PHASE_OPENING && bench->opened < wanted) {
		bench->now = clock_now();
		open_more(bench);
		loop_turn(&bench->loop, TURN);
		if (bench->options.pids.n > 0)
			note_memory(bench);
		show(run, "opening", (double)bench->opened / (double)wanted);
		if (bench->now > patient)
			bench_fail(bench, STATUS_TIMEOUT, "opening took too long (--timeout)");
	}
	bench->result.opening = wanted ? (double)(clock_now() - begin) / 1e9 : 0;
}

/* ---- what is used ---- */

static bool
add_server(const struct bench *bench, struct usage *usage)
{
	*usage = (struct usage){ 0 };
	for (size_t i = 0; i < bench->options.pids.n; i++)
		if (!usage_add(usage, bench->options.pids.p[i]))
			return false;
	return bench->options.pids.n > 0;
}

static void
note(const struct bench *bench, struct before *at)
{
	at->has_server = add_server(bench, &at->server);
	/* The whole machine can be told apart only when the server's share is known; else our own core, if it is ours. */
	at->has_machine = usage_machine(&at->machine, at->has_server ? -1 : bench->options.cpu);
	usage_own(&at->own);
	at->time = clock_now();
}

static void
compare(struct run *run)
{
	struct bench *bench = run->bench;
	struct result *result = &bench->result;
	const struct before *before = &run->before;
	struct before after;
	double ns;

	note(bench, &after);
	ns = (double)(after.time - before->time);
	result->seconds = ns / 1e9;
	result->own = usage_since(&before->own, &after.own);
	result->has_server = before->has_server && after.has_server;
	if (result->has_server)
		result->server = usage_since(&before->server, &after.server);
	if (before->has_machine && after.has_machine)
		result->steal = (double)(after.machine.steal - before->machine.steal) / ns;
	result->others = -1;
	if (before->has_machine && (result->has_server || bench->options.cpu >= 0)) {
		result->others = (double)(after.machine.busy - before->machine.busy) / ns -
				 result_share(result, &result->own) -
				 result_share(result, &result->server);
		if (result->others < 0)
			result->others = 0;
	}
	result->count = bench->count;
	if (result->has_memory)
		result->has_memory = add_memory(bench, &result->memory_after);
}

/* ---- measuring ---- */

static void
start_measuring(struct run *run)
{
	struct bench *bench = run->bench;

	if (!bench->scenario->times_opening) {
		bench->count = (struct count){ 0 };
		memset(&bench->latency, 0, sizeof bench->latency);
	}
	note(bench, &run->before);
	bench->phase = PHASE_MEASURE;
	run->measure = run->before.time;
	run->end = run->measure + (uint64_t)(bench->options.seconds * 1e9);
}

/* Tells connections in turn of messages that are due. One that has been told of some knows of them all. */
static void
release_due(struct bench *bench)
{
	uint64_t connections = bench->options.connections, due;

	if (bench->schedule.interval <= 0 || !bench->scenario->due)
		return;
	due = schedule_due(&bench->schedule, bench->now);
	if (due > bench->released + connections)
		bench->released = due - connections;
	while (bench->released < due)
		bench->scenario->due(&bench->conns[bench->released++ % connections]);
}

static uint64_t
until_next(const struct run *run)
{
	const struct bench *bench = run->bench;
	uint64_t end = bench->phase == PHASE_MEASURE ? run->end : run->measure;
	uint64_t wait = end > bench->now ? end - bench->now : 0, next;

	if (wait > TURN)
		wait = TURN;
	if (bench->schedule.interval > 0 && bench->scenario->due) {
		next = schedule_time(&bench->schedule, bench->released);
		next = next > bench->now ? next - bench->now : 0;
		wait = next < wait ? next : wait;
	}
	return wait;
}

static void
turn(struct run *run)
{
	struct bench *bench = run->bench;

	loop_turn(&bench->loop, until_next(run));
	bench->now = clock_now();
	release_due(bench);
	if (bench->scenario->turn)
		bench->scenario->turn(bench);
	if (bench->phase == PHASE_WARMUP && bench->now >= run->measure)
		start_measuring(run);
	if (bench->phase == PHASE_MEASURE && bench->now >= run->end)
		bench->phase = PHASE_DONE;
	show(run, bench->phase == PHASE_WARMUP ? "warming up" : "measuring",
		(double)(bench->now - run->begin) /
			(double)((run->end ? run->end : run->measure) - run->begin));
}

static void
measure(struct run *run)
{
	struct bench *bench = run->bench;

	bench->phase = PHASE_WARMUP;
	run->begin = bench->now = clock_now();
	run->measure = run->begin + (uint64_t)(bench->options.warmup * 1e9);
	if (bench->scenario->times_opening)
		run->measure = run->begin;
	schedule_begin(&bench->schedule, run->begin, bench->options.rate);
	bench->scenario->begin(bench);
	while (bench->phase != PHASE_DONE)
		turn(run);
	if (run->end)
		compare(run);
}

/* ---- signals ---- */

/* The first ends the measurement early: what was measured so far is shown. */
static void
on_signal(struct source *source, uint32_t events)
{
	struct bench *bench =
		(struct bench *)(void *)((char *)source - offsetof(struct bench, signals));
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof info) != sizeof info)
		return;
	if (bench->phase != PHASE_MEASURE)
		bench_fail(bench, STATUS_REFUSED, "interrupted before there was anything to tell");
	bench->phase = PHASE_DONE;
}

static void
take_signals(struct bench *bench)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	bench->signals.ready = on_signal;
	bench->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (bench->signals.fd >= 0)
		loop_add(&bench->loop, &bench->signals, EPOLLIN);
}

int
bench_run(struct bench *bench)
{
	struct run run = { .bench = bench };

	take_signals(bench);
	progress_init(&run.progress, bench->options.quiet);
	bench->result.has_memory = false;
	open_all(&run);
	if (bench->phase == PHASE_OPENING)
		measure(&run);
	progress_fini(&run.progress);
	if (bench->signals.fd >= 0)
		close(bench->signals.fd);
	return bench->status;
}
