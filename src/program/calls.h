/*
 * calls.h - what other threads of the program ask of a worker: notes on a list, each the caller's own memory, so that
 * leaving one can't fail.
 */
#ifndef XT_PROGRAM_CALLS_H
#define XT_PROGRAM_CALLS_H

#include <pthread.h>

#include "base/list.h"
#include "io/loop.h"

struct xt_call {
	struct xt_list link;
	void (*run)(struct xt_call *call); /* on the worker's thread */
};

/* Of one worker. */
struct xt_calls {
	pthread_mutex_t lock;
	struct xt_list waiting; /* struct xt_call, under the lock */
	struct xt_list all;     /* struct xt_subscription of this worker; under the lock */
	struct xt_loop *loop;
	struct xt_watch bell; /* an event descriptor */
};

/* Before the loop runs. 0 or XT_ESYS; to be ended in any case, once the loop has ended. */
int xt_calls_init(struct xt_calls *calls, struct xt_loop *loop);
void xt_calls_fini(struct xt_calls *calls);

/* Any thread. */
void xt_calls_leave(struct xt_calls *calls, struct xt_call *call);

/* Runs all that wait; also when the loop has ended. */
void xt_calls_run(struct xt_calls *calls);

#endif
