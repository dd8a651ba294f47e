/* loop.h - what waits: epoll on one thread, and the one buffer that everything is received into. */
#ifndef CROSSTALK_BENCH_LOOP_H
#define CROSSTALK_BENCH_LOOP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#define LOOP_BUFFER (1u << 20)

/* What has a descriptor; part of what it is for. */
struct source {
	int fd;
	void (*ready)(struct source *source, uint32_t events);
};

struct loop {
	int epoll;
	char *buffer; /* LOOP_BUFFER bytes */
};

int loop_init(struct loop *loop); /* 0, or -1: see errno; loop_fini() follows in any case */
void loop_fini(struct loop *loop);

/* Begins, changes and ends with the descriptor's closing. 0, or -1: see errno. */
int loop_add(struct loop *loop, struct source *source, uint32_t events);
int loop_change(struct loop *loop, struct source *source, uint32_t events);

/* One turn; waits at most `ns` nanoseconds. */
void loop_turn(struct loop *loop, uint64_t ns);

#endif
