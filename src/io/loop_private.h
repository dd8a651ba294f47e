/* loop_private.h - what the files of io/ share about a loop and its connections; nobody else includes it. */
#ifndef XT_IO_LOOP_PRIVATE_H
#define XT_IO_LOOP_PRIVATE_H

#include "base/buf.h"
#include "base/slab.h"
#include "io/conn.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "io/outq.h"

/* Deadlines and signs of life are counted in ticks of 16 ms since the loop began: 32 bits last two years. */
#define XT_TICK_SHIFT 4

enum xt_conn_state { XT_CONN_FREE, XT_CONN_OPEN, XT_CONN_FINISHING, XT_CONN_CLOSED };

/* Incomplete input, kept from one receive to the next; none for an idle connection. */
struct xt_kept {
	uint32_t n, cap;
	char bytes[];
};

struct xt_conn {
	struct xt_conn *next; /* on the loop's list of connections to look at at the end of the turn */
	const struct xt_stream *stream;
	void *state;
	struct xt_loop *loop;
	struct xt_outq out;
	struct xt_kept *kept;
	int fd;
	uint32_t backlog;
	uint32_t deadline; /* tick, 0: none */
	uint32_t alive;	   /* tick of the last sign of life */
	uint8_t phase;	   /* enum xt_conn_state */
	uint8_t why;	   /* enum xt_close, once it ends */
	uint8_t interest;  /* what the poll waits for: XT_POLL_… */
	bool touched : 1;  /* is on the loop's list */
	bool paused : 1;   /* the stream asked so */
	bool resumed : 1;  /* is in loop->resumed */
	bool ended : 1;	   /* the peer's FIN was seen, and told */
	bool shut : 1;	   /* we have half-closed */
	bool receiving : 1;
};

struct xt_loop {
	struct xt_watch waker; /* an event descriptor */
	int poll_fd;
	bool running;
	uint64_t now, began;
	uint32_t tick;
	uint32_t sweep_at, swept_at; /* ticks: when deadlines are looked at next, and were last */
	uint32_t sweep_earliest;     /* while a sweep walks: the first deadline still ahead */
	bool sweep_any;
	struct xt_conn *touched_first, *touched_last;
	struct xt_buf resumed; /* of struct xt_conn *: have kept bytes to be read again */
	struct xt_slab conns;
	struct xt_wheel timers;
	struct xt_list tasks;
	struct xt_outq_pool pool;
	struct xt_mailbox *mailbox;
	char *receive; /* XT_LOOP_RECV_SIZE bytes */
	struct xt_io_stats stats;
};

/* mailbox.c */
struct xt_mailbox *xt_mailbox_new(void);
void xt_mailbox_free(struct xt_mailbox *box);
void xt_mailbox_run(struct xt_mailbox *box);
bool xt_mailbox_is_congested(const struct xt_mailbox *box);
bool xt_mailbox_sleep(struct xt_mailbox *box);
void xt_mailbox_awake(struct xt_mailbox *box);

/* conn.c: what the poll and the loop call */
void xt_conn_readable(struct xt_conn *conn);	   /* something may be received */
void xt_conn_writable(struct xt_conn *conn);	   /* the kernel has room again */
void xt_conn_hangup(struct xt_conn *conn);	   /* the peer's FIN was seen while not reading */
void xt_conn_broken(struct xt_conn *conn);	   /* error or reset */
void xt_conn_reread(struct xt_conn *conn);	   /* hands kept bytes to the stream again */
void xt_conn_sweep(struct xt_conn *conn);	   /* its deadline, if it passed */
void xt_conn_end_turn(struct xt_conn *conn);	   /* flush, or tell and free */

/*
 * poll_<os>.c: the seam to the kernel. Interest is level-triggered; error and hang-up are always told.
 */
enum { XT_POLL_READ = 1, XT_POLL_WRITE = 2, XT_POLL_HANGUP = 4 };

int xt_poll_open(struct xt_loop *loop);
void xt_poll_close(struct xt_loop *loop);
int xt_poll_watch(struct xt_loop *loop, struct xt_watch *watch);
void xt_poll_unwatch(struct xt_loop *loop, struct xt_watch *watch);
int xt_poll_add(struct xt_conn *conn);	  /* waits for conn->interest */
void xt_poll_update(struct xt_conn *conn); /* conn->interest has changed */
/* Waits up to `ms` (-1: for ever) and calls the functions of conn.c and the watches. */
void xt_poll_wait(struct xt_loop *loop, int ms);
/* Waits for a letter only, up to `ms`: sockets are left alone while the mailbox is congested. */
void xt_poll_wait_letter(struct xt_loop *loop, int ms);
/* An event descriptor's own number, from any thread or signal handler. */
int xt_poll_waker_open(void);
void xt_poll_waker_ring(int fd);
void xt_poll_waker_clear(int fd);

#endif
