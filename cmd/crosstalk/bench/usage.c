/* usage.c - see usage.h. */
#include "bench/usage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/clock.h"

static uint64_t
tick(void)
{
	return CLOCK_SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
}

static uint64_t
ns_of(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * CLOCK_SECOND + (uint64_t)t->tv_usec * 1000;
}

void
usage_own(struct usage *usage)
{
	struct rusage rusage;
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	getrusage(RUSAGE_SELF, &rusage);
	usage->total = (uint64_t)t.tv_sec * CLOCK_SECOND + (uint64_t)t.tv_nsec;
	usage->user = ns_of(&rusage.ru_utime);
	usage->system = ns_of(&rusage.ru_stime);
}

/* The whole of a small file of /proc, NUL-ended. */
static bool
read_file(const char *path, char *out, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t n = file ? fread(out, 1, size - 1, file) : 0;

	if (file)
		fclose(file);
	out[n] = '\0';
	return n > 0;
}

/* proc(5): the first number of schedstat is the time on a CPU in nanoseconds. */
static uint64_t
threads_total(pid_t pid)
{
	char path[300], text[128];
	uint64_t total = 0;
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", (int)pid,
			entry->d_name);
		if (*entry->d_name != '.' && read_file(path, text, sizeof text))
			total += strtoull(text, NULL, 10);
	}
	if (tasks)
		closedir(tasks);
	return total;
}

bool
usage_add(struct usage *usage, pid_t pid)
{
	unsigned long long user, system;
	char path[64], text[1024];
	const char *p;
	uint64_t total;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	/* The name, in parentheses, may hold anything; field 3 follows the last of them. */
	if (!read_file(path, text, sizeof text) || !(p = strrchr(text, ')')) ||
		sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
			&system) != 2)
		return false;
	total = threads_total(pid);
	usage->user += user * tick();
	usage->system += system * tick();
	usage->total += total ? total : (user + system) * tick();
	return true;
}

bool
usage_add_memory(uint64_t *bytes, pid_t pid)
{
	char path[64], text[4096];
	const char *clean, *dirty;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	if (!read_file(path, text, sizeof text) || !(clean = strstr(text, "Private_Clean:")) ||
		!(dirty = strstr(text, "Private_Dirty:")))
		return false;
	*bytes += 1024 * (strtoull(clean + 14, NULL, 10) + strtoull(dirty + 14, NULL, 10));
	return true;
}

bool
usage_machine(struct machine *machine, int cpu)
{
	unsigned long long user, nice, system, idle, wait, irq, softirq, steal;
	static const char path[] = "/proc/stat";
	char text[65536], name[32];
	const char *line;

	if (cpu < 0)
		snprintf(name, sizeof name, "cpu ");
	else
		snprintf(name, sizeof name, "\ncpu%d ", cpu);
	if (!read_file(path, text, sizeof text) || !(line = strstr(text, name)) ||
		sscanf(line + strlen(name), "%llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice,
			&system, &idle, &wait, &irq, &softirq, &steal) != 8)
		return false;
	machine->busy = (user + nice + system + irq + softirq) * tick();
	machine->steal = steal * tick();
	return true;
}

static uint64_t
less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

struct usage
usage_since(const struct usage *before, const struct usage *after)
{
	struct usage since = { .total = less(after->total, before->total) };
	uint64_t user = less(after->user, before->user);
	uint64_t system = less(after->system, before->system);

	if (user + system > 0)
		since.user =
			(uint64_t)((double)since.total * (double)user / (double)(user + system));
	since.system = since.total - since.user;
	return since;
}
