/* usage.h - CPU time: of this program, of the server, of the machine; and the server's memory. All from /proc. */
#ifndef CROSSTALK_BENCH_USAGE_H
#define CROSSTALK_BENCH_USAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Nanoseconds. The sum is exact; its parts are in the kernel's ticks, and so good for shares. */
struct usage {
	uint64_t total, user, system;
};

/* Nanoseconds of all CPUs, or of one. */
struct machine {
	uint64_t busy, steal;
};

void usage_own(struct usage *usage);

/* Adds what a process with its threads has used. False: there is no such process. */
bool usage_add(struct usage *usage, pid_t pid);

/* Adds the bytes that belong to the process alone. False: they can't be read. */
bool usage_add_memory(uint64_t *bytes, pid_t pid);

/* `cpu` -1: all. */
bool usage_machine(struct machine *machine, int cpu);

/* `after` less `before`, its parts made to add up to the sum. */
struct usage usage_since(const struct usage *before, const struct usage *after);

#endif
