/*
 * connect.h - what the parts of `crosstalk connect` share: one run of it, from the first attempt to the exit status.
 *
 *	connect.c   the command: options, what is made and freed
 *	talk.c      the WebSocket: its events, sending, closing, what the end means
 *	words.c     what is printed: messages to their readers, and our own words
 *	turn.c      waiting: sockets, signals, times
 *	terminal.c  a person: lines are edited, and may be commands
 *	pipe.c      a script: lines in, lines out
 */
#ifndef CROSSTALK_CONNECT_CONNECT_H
#define CROSSTALK_CONNECT_CONNECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "command.h"
#include "connect/editor.h"
#include "connect/lines.h"
#include "connect/options.h"
#include "connect/outlet.h"
#include "connect/palette.h"
#include "connect/view.h"
#include "crosstalk.h"

#define CONNECT_WAITING_MAX \
	(1u << 20) /* bytes that may wait on either way before a reader is stopped */
#define CONNECT_LINE_MAX (32u << 20)

struct connect {
	const struct command *command;
	struct connect_options options;

	struct xt_loop *loop;
	struct xt_websocket *ws; /* NULL: there is none any more */
	bool open;               /* messages can be sent */
	bool was_open;           /* at least once */
	bool closing;            /* it was us who wanted it to end, in order */
	bool done;               /* nothing more comes; `status` holds */
	int status;
	int error;                  /* what went wrong last; 0: nothing */
	uint64_t messages;          /* that came */
	char last_id[64];           /* of the channel */
	uint64_t ping_sent;         /* when, in microseconds; 0: no answer is due */
	uint64_t ping_at, wait_end; /* when to do so, in milliseconds; 0: never */
	bool last_ping;             /* the answer to it is the end */

	struct view view;
	const struct palette *words; /* the colours of our own words */
	bool interactive;
	struct editor *editor; /* the terminal's, while there is one */

	struct lines input; /* in a pipe … */
	bool input_over;    /* … and what follows its last line was begun */
	struct outlet output;
	bool paused; /* because too much waits for its reader */

	int signals; /* a descriptor: signalfd(2) */
	int signal;  /* the one that ended it; 0: none */
};

/* ---- talk.c ---- */

/* Begins to connect. STATUS_OK, or another after it has said why. */
int connect_open(struct connect *connect);

/*
 * Sends a message; or a line that a person wrote, as what it stands for in a form; or a ping. NULL, or a static
 * sentence of why it was not sent.
 */
const char *connect_send(struct connect *connect, enum xt_kind kind, const char *p, size_t n);
const char *connect_send_line(struct connect *connect, enum form form, const char *line);
const char *connect_ping(struct connect *connect, const char *text);

/* Pings; the answer ends it in order, and so does a silence that is too long, counted from the last sign of life. */
void connect_last_ping(struct connect *connect);
void connect_last_ping_wait(struct connect *connect);

/* Ends it in order: the closing handshake, if there is somebody to shake hands with. */
void connect_close(struct connect *connect, unsigned code, const char *reason);

void connect_watch_frames(struct connect *connect, bool on);

/* The first failure is what the exit status says. */
void connect_fail(struct connect *connect, int status);

/* ---- words.c ---- */

/* Where the next messages go; what was printed appears at the end of the turn. */
FILE *connect_stream(struct connect *connect);
void connect_flush(struct connect *connect);

/* A sentence about what happens; --quiet leaves it out. What a peer says in it is escaped. */
void connect_note(struct connect *connect, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A sentence about what went wrong. */
void connect_warn(struct connect *connect, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A frame, in a line. */
void connect_show_frame(struct connect *connect, const struct xt_frame *frame);

/* ---- turn.c ---- */

/* Signals arrive through `connect->signals` from now on. 0, or below. */
int connect_take_signals(struct connect *connect);

/* Waits until something happens and lets it happen. True: standard input, if it was asked for, can be read. */
bool connect_turn(struct connect *connect, bool input);

uint64_t connect_now_us(void);

/* ---- terminal.c, pipe.c ---- */

void terminal_run(struct connect *connect);
void pipe_run(struct connect *connect);

#endif
