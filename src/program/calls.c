/* calls.c - a list under a lock, and a bell that wakes the worker. */
#include "program/calls.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "crosstalk.h"

static void
rung(struct xt_watch *bell)
{
	uint64_t rings;
	ssize_t ignored = read(bell->fd, &rings, sizeof rings);

	(void)ignored; /* what counts is the list */
	xt_calls_run(XT_CONTAINER(bell, struct xt_calls, bell));
}

int
xt_calls_init(struct xt_calls *calls, struct xt_loop *loop)
{
	*calls = (struct xt_calls){ .loop = loop };
	xt_list_init(&calls->waiting);
	xt_list_init(&calls->all);
	pthread_mutex_init(&calls->lock, NULL);
	calls->bell = (struct xt_watch){
		.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.ready = rung,
	};
	if (calls->bell.fd < 0)
		return XT_ESYS;
	return xt_loop_watch(loop, &calls->bell);
}

void
xt_calls_fini(struct xt_calls *calls)
{
	if (!calls->loop)
		return;
	if (calls->bell.fd >= 0)
		close(calls->bell.fd);
	pthread_mutex_destroy(&calls->lock);
}

void
xt_calls_leave(struct xt_calls *calls, struct xt_call *call)
{
	uint64_t one = 1;
	ssize_t ignored;

	pthread_mutex_lock(&calls->lock);
	xt_list_append(&calls->waiting, &call->link);
	pthread_mutex_unlock(&calls->lock);
	ignored = write(calls->bell.fd, &one, sizeof one);
	(void)ignored; /* full: it rings already */
}

static struct xt_call *
take(struct xt_calls *calls)
{
	struct xt_call *call = NULL;

	pthread_mutex_lock(&calls->lock);
	if (!xt_list_empty(&calls->waiting)) {
		call = XT_LIST_ENTRY(calls->waiting.next, struct xt_call, link);
		xt_list_remove(&call->link);
	}
	pthread_mutex_unlock(&calls->lock);
	return call;
}

void
xt_calls_run(struct xt_calls *calls)
{
	struct xt_call *call;

	while ((call = take(calls)))
		call->run(call);
}
