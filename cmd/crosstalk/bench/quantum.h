/*
 * quantum.h - `bench quantum`: what one message a second costs with polling, long polling, server-sent events and
 * WebSocket, beside the table that was published with WebSocket in 2010 ("A quantum leap in scalability").
 */
#ifndef CROSSTALK_BENCH_QUANTUM_H
#define CROSSTALK_BENCH_QUANTUM_H

#define QUANTUM_CLIENTS 10000 /* that are opened at most, unless --connections says otherwise */

struct bench;

/* All runs, and the report. The status of the process; bench_release() follows. */
int quantum_run(struct bench *bench);

#endif
