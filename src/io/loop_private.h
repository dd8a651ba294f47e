/* loop_private.h - what the files of io/ share about a loop and its connections; nobody else includes it. */
#ifndef XT_IO_LOOP_PRIVATE_H
#define XT_IO_LOOP_PRIVATE_H

#include "base/buf.h"
#include "base/slab.h"
#include "io/carrier.h"
#include "io/conn.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "io/outq.h"

/*
 * Deadlines and signs of life are counted in ticks of 16 ms since the loop began. 32 bits wrap after two
 * years; what is compared lies close together, so only differences are looked at.
 */
#define XT_TICK_SHIFT 4

enum xt_conn_state { XT_CONN_FREE, XT_CONN_OPEN, XT_CONN_FINISHING, XT_CONN_CLOSED };

/* Incomplete input, kept from one receive to the next; none for an idle connection. */
struct xt_kept {
	uint32_t n, cap;
	char bytes[];
};

struct xt_conn {
	struct xt_conn
		*next; /* on the loop's list of connections to look at at the end of the turn */
	const struct xt_stream *stream;
	void *state;
	struct xt_loop *loop;
	struct xt_outq out;
	struct xt_carrier *carrier; /* NULL: the plain socket */
	struct xt_kept *kept;
	int fd;
	uint32_t backlog;
	uint32_t deadline; /* tick, 0: none */
	uint32_t alive;    /* tick of the last sign of life */
	uint8_t phase;     /* enum xt_conn_state */
	uint8_t why;       /* enum xt_close, once it ends or is bound to */
	uint8_t interest;  /* what the poll waits for: XT_POLL_… */
	uint8_t corks;     /* while there are any, what is queued waits */
	bool touched : 1;  /* is on the loop's list */
	bool paused : 1;   /* the stream asked so */
	bool unseen : 1;   /* the stream has to look at `kept` before anything is received */
	bool resumed : 1;  /* is in loop->resumed */
	bool hungup : 1;   /* an end was seen behind bytes that wait to be read */
	bool ended : 1;    /* the peer's FIN was reached, and told … */
	bool untold : 1;   /* … but not to the stream that has come since */
	bool gone : 1;     /* nothing can be sent any more; what arrived before is still read */
	bool shut : 1;     /* we have half-closed */
	bool receiving : 1;
	bool greedy : 1; /* it is read, however much waits to be sent */
	bool ready : 1;  /* the carrier has something to receive that no poll tells of */
};

struct epoll_event;

struct xt_loop {
	int poll_fd;     /* everything that can be readable, and `writable` */
	int writable_fd; /* what has to be served even while nothing is read: room to send, the waker */
	int waker_fd; /* an event descriptor */
	struct xt_watch writable;
	struct epoll_event *events; /* while they are reported: those to come */
	int events_count;
	bool running, freeing;
	uint32_t throttles;
	uint64_t now, began;
	uint32_t tick;
	uint32_t sweep_at,
		swept_at; /* ticks: when deadlines are looked at next (0: never), and were last */
	struct xt_conn *touched_first, *touched_last;
	struct xt_buf resumed; /* of struct xt_conn *: have kept bytes to be read again */
	struct xt_slab conns;
	struct xt_wheel timers;
	struct xt_list tasks;
	struct xt_list guests;
	struct xt_outq_pool pool;
	struct xt_mailbox *mailbox;
	char *receive;           /* XT_LOOP_RECV_SIZE bytes */
	uint64_t turns;          /* counts them */
	struct xt_tls_loop *tls; /* what its connections with TLS share; NULL: there was none yet */
	struct xt_io_stats stats;
};

/* loop.c */
/* As xt_loop_new(), with lanes of so many letters, a power of two from 2 on: for tests. */
int xt_loop_new_sized(struct xt_loop **loop, size_t letters);
/* The poll has waited: what time is it. */
void xt_loop_woke(struct xt_loop *loop);
/* False while it is throttled or its letters can't be delivered: no input is taken. */
bool xt_loop_is_reading(const struct xt_loop *loop);
/* A connection has a deadline at this tick. */
void xt_loop_sweep_by(struct xt_loop *loop, uint32_t tick);

/* mailbox.c */
struct xt_mailbox *xt_mailbox_new(size_t letters);
void xt_mailbox_free(struct xt_mailbox *box);
void xt_mailbox_run(struct xt_loop *loop);
bool xt_mailbox_is_congested(const struct xt_mailbox *box);
/* From now on a sender rings. False: there is a letter to open, do not sleep. */
bool xt_mailbox_sleep(const struct xt_loop *loop);
void xt_mailbox_awake(struct xt_mailbox *box);

/* tls_conn.c; NULL is fine */
void xt_tls_loop_free(struct xt_tls_loop *own);

/* conn.c: what the files of a connection share; and xt_conn_rewait() of carrier.h */
void xt_conn_touch(struct xt_conn *conn); /* it is looked at at the end of the turn */
void xt_conn_set_deadline(struct xt_conn *conn, uint32_t ms);
bool xt_conn_is_ending(const struct xt_conn *conn); /* then the deadline is the connection's own */
bool xt_conn_wants_input(const struct xt_conn *conn);
void xt_conn_drop_kept(struct xt_conn *conn);
bool xt_conn_has_output(const struct xt_conn *conn);
void xt_conn_flush(struct xt_conn *conn);
void xt_conn_lose(struct xt_conn *conn, enum xt_close why); /* nothing can be sent any more */

/* conn*.c: what the poll and the loop call; and xt_conn_writable() of carrier.h */
void xt_conn_readable(struct xt_conn *conn); /* something may be received */
void xt_conn_hangup(struct xt_conn *conn,
	bool broken); /* an end was seen while not reading; broken: of both sides */
void xt_conn_reread(struct xt_conn *conn);   /* hands kept bytes to the stream again */
void xt_conn_sweep(struct xt_conn *conn);    /* its deadline, if it passed */
void xt_conn_end_turn(struct xt_conn *conn); /* flush, or tell and free */

/*
 * poll_<os>.c: the seam to the kernel. Interest is level-triggered. Room to send is waited for apart
 * from all else, so that a loop that does not read can wait for it without being woken by input. What is waited
 * for is named in carrier.h.
 */
int xt_poll_open(struct xt_loop *loop);
void xt_poll_close(struct xt_loop *loop);
int xt_poll_watch(struct xt_loop *loop, struct xt_watch *watch);
void xt_poll_unwatch(struct xt_loop *loop, struct xt_watch *watch);
int xt_poll_add(struct xt_conn *conn); /* waits for conn->interest; 0 or XT_ESYS */
int xt_poll_update(struct xt_conn *conn, unsigned interest); /* and sets it; 0 or XT_ESYS */
void xt_poll_remove(struct xt_conn *conn);
/* Waits up to `ms` (-1: for ever) and calls the functions of conn.c and the watches. */
void xt_poll_wait(struct xt_loop *loop, int ms);
/* The same for room to send and the waker only. */
void xt_poll_wait_writable(struct xt_loop *loop, int ms);
/* From any thread or signal handler. */
void xt_poll_wake(struct xt_loop *loop);

#endif
