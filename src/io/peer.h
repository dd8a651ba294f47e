/* peer.h - for the tests: a connection whose stream notes what it is told, and its peer, in one thread. */
#ifndef XT_IO_PEER_H
#define XT_IO_PEER_H

#include "base/buf.h"
#include "io/loop_private.h"

enum peer_kind { PEER_UNIX, PEER_TCP };

struct peer {
	struct xt_loop *loop;
	struct xt_conn *conn; /* NULL once it is closed */
	int fd;               /* the peer's end, non-blocking; -1: closed */
	struct xt_buf got;    /* what recv used */
	int recvs, drained, expired, ended, closed;
	enum xt_close why;
	size_t limit; /* recv uses no more than this at once; 0: all */
	bool stuck;   /* recv uses nothing */
	bool echo;
	/* Called at the end of each, if set. */
	void (*on_recv)(struct peer *);
	void (*on_drained)(struct peer *);
	void (*on_expired)(struct peer *);
	void (*on_ended)(struct peer *);
	void (*on_closed)(struct peer *);
	struct peer *other;
};

extern const struct xt_stream peer_stream;         /* takes note of a FIN */
extern const struct xt_stream peer_closing_stream; /* without `ended` */

void peer_open(struct peer *peer, struct xt_loop *loop, enum peer_kind kind);
void peer_open_with(struct peer *peer, struct xt_loop *loop, enum peer_kind kind,
	const struct xt_stream *stream);
/* Closes the peer's end, and has the connection closed too. */
void peer_fini(struct peer *peer);

void peer_write(struct peer *peer, const void *p, size_t n); /* all of it, in one write */
void peer_write_text(struct peer *peer, const char *text);
void peer_close(struct peer *peer);
void peer_half_close(struct peer *peer);
void peer_reset(struct peer *peer); /* RST; unix: what reads as one */

/* Turns the loop until the peer's end has read `n` bytes more, or its end: returns how many came. */
size_t peer_read(struct peer *peer, char *p, size_t n);
/* True when the peer's end is at its end. */
bool peer_at_end(struct peer *peer);

/* Turns the loop until `*what` is not below `least`, or the test fails. */
void peer_turn_until(struct peer *peer, const int *what, int least);
void peer_turn_until_got(struct peer *peer, size_t n);
void peer_turns(struct peer *peer, int turns); /* that do not wait */
bool peer_got(const struct peer *peer, const char *text);

/* What is counted in ticks (deadlines, signs of life) believes that so much time has passed. */
void peer_pass(struct peer *peer, uint32_t ms);

#endif
