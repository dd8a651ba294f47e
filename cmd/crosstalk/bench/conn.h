/*
 * conn.h - a connection to the server: TCP, or TLS over it, that never waits.
 *
 *	CLOSED -> CONNECTING -> (SECURING) -> OPEN -> CLOSED
 *
 * What comes lies in the loop's buffer and is given to `read`, which says how much of it was used; what was not is kept,
 * and comes again with more behind it. An idle connection owns no buffer. What the kernel does not take at once is kept too.
 */
#ifndef CROSSTALK_BENCH_CONN_H
#define CROSSTALK_BENCH_CONN_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bench/lane.h"
#include "bench/loop.h"
#include "bench/target.h"

struct bench;
struct conn;
struct http_answer;

enum conn_state { CONN_CLOSED, CONN_CONNECTING, CONN_SECURING, CONN_OPEN };

/* Why a connection ended. */
enum conn_end {
	CONN_UNREACHABLE, /* no connection, or TLS failed */
	CONN_REFUSED,     /* the answer was not the one that was asked for */
	CONN_LOST,        /* it was open */
	CONN_GOODBYE,     /* the peer closed in order */
	CONN_BROKEN       /* the peer broke its protocol */
};

/* What a scenario does with a connection. Members that its protocol does not use may be NULL. */
struct conn_ops {
	void (*connected)(struct conn *conn); /* the socket is there: send the request */
	void (*opened)(struct conn *conn);    /* the handshake is done */
	void (*message)(struct conn *conn);   /* a whole message; conn->mark: its first bytes */
	void (*answer)(struct conn *conn, const struct http_answer *answer);
	void (*received)(struct conn *conn); /* all that came at once has been told */
	void (*ended)(struct conn *conn, enum conn_end end, const char *why); /* it is closed */
};

/* Returns the bytes used, or CONN_STOP when it has closed the connection itself. */
typedef size_t (*conn_read)(struct conn *conn, char *p, size_t n);
#define CONN_STOP SIZE_MAX

struct conn {
	struct source source;
	struct bench *bench;
	const struct target *target;
	const struct conn_ops *ops;
	conn_read read;
	SSL *tls;
	uint64_t mark;    /* of the message, mark.h; 0: it is shorter */
	uint64_t skip;    /* payload bytes of the frame in progress that have not come */
	struct lane lane; /* messages under way */
	uint32_t got;     /* messages since `received` was called */
	uint32_t index;   /* among its like */
	enum conn_state state;
	bool fin;          /* the frame in progress ends its message */
	bool ready;        /* was told of as open */
	bool waiting;      /* for the kernel to take more */
	bool uncounted;    /* its bytes */
	bool asked;        /* a poll that is not answered yet */
	bool closing;      /* our close frame is sent */
	uint16_t code;     /* of the peer's close frame; 0: none came */
	char position[48]; /* of a poll: what to ask for next; empty: from the beginning */
	uint64_t began;    /* when it was opened */
	char *kept, *out;  /* heap: received and not used; sent and not taken */
	uint32_t kept_n, kept_room;
	size_t out_n, out_room;
};

/* Begins to connect. `source`: the address to come from, or NULL. Calls `ended` later or never from within. 0, or -1: see errno. */
int conn_open(struct conn *conn, const struct sockaddr *source, socklen_t size);

/* Closes without a word to `ops`. A closed one is fine. */
void conn_close(struct conn *conn);

/* Closes and tells. */
void conn_end(struct conn *conn, enum conn_end end, const char *why);

/* Sends, or keeps for later. False: it has ended. */
bool conn_send(struct conn *conn, const char *p, size_t n);

#endif
