/*
 * loop.h - one worker's event loop: wait, read, letters, timers, tasks, write, free.
 *
 * A turn:
 *   1. wait for descriptors (epoll), or the next timer, or a letter
 *   2. one receive per readable connection, into the loop's one buffer -> stream->recv
 *   3. letters from other workers (mailbox.h)
 *   4. timers and deadlines that passed
 *   5. tasks: what was put off to the end of the turn (a channel's fan-out), a slice of each
 *   6. one send per connection that has something to send
 *   7. closed connections are told and freed
 *
 * Everything that hangs on a loop is touched on its thread only, but for xt_loop_wake() and the mailbox.
 */
#ifndef XT_IO_LOOP_H
#define XT_IO_LOOP_H

#include <stdbool.h>

#include "base/counter.h"
#include "base/list.h"
#include "crosstalk.h"
#include "io/close.h"
#include "io/timer.h"

/* The receive buffer, and so the most that a stream can be asked to look at again at once. */
#define XT_LOOP_RECV_SIZE (256u * 1024)

struct xt_loop;
struct xt_mailbox;

struct xt_io_stats {
	xt_counter accepted, accept_errors, open, bytes_in, bytes_out, receives, sends;
	xt_counter tls_handshakes, tls_resumed, tls_failures;
	xt_counter closes[XT_CLOSE_COUNT];
};

extern const struct xt_metric xt_io_metrics[];
extern const size_t xt_io_metrics_count;

/*
 * xt_loop_new(), _free(), _run(), _run_clients(), _stop(), _turn(), _wake(), _call(), _fd() and _wait_ms() are public (crosstalk.h). Freeing closes what
 * is open and tells each stream; tasks and timers do not run any more; letters not opened yet are
 * dropped (see xt_mail_is_idle()).
 */

/* Closes every connection (XT_CLOSE_SHUTDOWN), tells its stream and frees it, at once. Not within a turn. */
void xt_loop_close_all(struct xt_loop *loop);

/*
 * Who lives on a loop beyond its connections (a client): xt_loop_run_clients() runs until none is left. `leave` is
 * called when the loop is freed, before the connections are closed: it removes the guest, and all that is its own.
 */
struct xt_guest {
	struct xt_list link;
	void (*leave)(struct xt_guest *guest);
};

int xt_loop_lodge(
	struct xt_loop *loop, struct xt_guest *guest); /* 0; XT_ECLOSED: it is being freed */
void xt_guest_remove(struct xt_guest *guest);

/* The time at the beginning of this turn, in ms; never goes back. */
uint64_t xt_loop_now(const struct xt_loop *loop);

/*
 * While throttled (calls are counted) the loop takes nothing new: it reads no sockets, accepts nothing,
 * looks at no watch and opens no requests of the mailbox. Tasks, replies, timers, deadlines and sends go on, so what
 * was taken gets done. It sleeps when there is nothing of those to do: somebody among them must unthrottle.
 */
void xt_loop_throttle(struct xt_loop *loop);
void xt_loop_unthrottle(struct xt_loop *loop);

struct xt_wheel *xt_loop_timers(struct xt_loop *loop);
struct xt_mailbox *xt_loop_mailbox(struct xt_loop *loop);
struct xt_io_stats *xt_loop_stats(struct xt_loop *loop);

/* How many connections are open on this loop. */
size_t xt_loop_conns(const struct xt_loop *loop);

/*
 * Something to do once at the end of this turn, or, when posted by a task, of the next (which then
 * doesn't wait). The struct is the caller's and must stay until it ran or was cancelled.
 */
struct xt_task {
	struct xt_list link; /* xt_list_init() before first use */
	void (*run)(struct xt_task *task);
};

void xt_loop_post(struct xt_loop *loop, struct xt_task *task); /* already posted: no effect */
void xt_task_cancel(struct xt_task *task);

/*
 * Another descriptor to wait on: a listener, an event descriptor, a socket that is being connected. `ready` is called
 * once a turn while it is readable, or with `room` while it can be written, and may unwatch any watch; after that
 * `ready` is not called again and the struct can go.
 */
struct xt_watch {
	int fd;
	bool room; /* tells of room to write too */
	void (*ready)(struct xt_watch *watch);
};

int xt_loop_watch(struct xt_loop *loop, struct xt_watch *watch); /* 0 or XT_ESYS */
void xt_loop_unwatch(struct xt_loop *loop, struct xt_watch *watch);

#endif
