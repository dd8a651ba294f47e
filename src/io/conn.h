/*
 * conn.h - a connection: a descriptor, the stream that reads it, and a queue of what is to be sent.
 *
 * A conn lives as long as its descriptor and belongs to one loop; only that loop's thread touches it.
 * Everything a turn of the loop queues for a connection leaves in one send at the end of the turn.
 * Nobody frees now: a close marks, the loop tells the stream (`closed`) and frees at the end of the turn.
 *
 *   OPEN --xt_conn_finish--> FINISHING (queue drains, then half-close, input is thrown away)
 *     |                          |  peer closed, or XT_CONN_LINGER_MS over
 *     +------xt_conn_close-------+--> CLOSED --end of turn--> stream->closed(), freed
 *
 * Order of input: whatever arrived is handed to the stream before the end that followed it, be that a FIN or
 * a reset, and also when a send has failed meanwhile. A paused stream keeps a broken connection for
 * XT_CONN_LINGER_MS at most.
 */
#ifndef XT_IO_CONN_H
#define XT_IO_CONN_H

#include <sys/types.h>

#include "base/bytes.h"
#include "base/str.h"
#include "io/close.h"

struct xt_conn;
struct xt_loop;

/* How long a finishing connection waits for the peer to close its side. */
#define XT_CONN_LINGER_MS 2000

/* Reading stops by itself while more than this waits to be sent, until half of it has gone. */
#define XT_CONN_HIGH_WATER (256u * 1024)

/*
 * What drives the bytes of a connection. One const table per kind; a connection changes its
 * stream with xt_conn_adopt() (an HTTP connection becomes a WebSocket).
 */
struct xt_stream {
	const char *name;

	/*
	 * Bytes arrived: `n` >= 1 of them at `p`, which may be changed in place and are gone after
	 * the call. Returns how many were used, 0 to n; if some, and neither paused nor with more
	 * than XT_CONN_HIGH_WATER to send, it is called again with the rest. What was not used is kept
	 * and comes again in front of the bytes that follow; a stream that uses nothing of a full
	 * buffer (XT_LOOP_RECV_SIZE) while it is not paused is closed as a protocol error.
	 */
	size_t (*recv)(struct xt_conn *conn, char *p, size_t n);

	/* All that was queued has been handed to the kernel. May queue more. NULL: not interested. */
	void (*drained)(struct xt_conn *conn);

	/* The deadline of xt_conn_expire_in() passed; it is cleared. Never NULL if one is set. */
	void (*expired)(struct xt_conn *conn);

	/*
	 * The peer sends no more (FIN); called once, after recv has seen all that came before. A
	 * paused stream is told at once when nothing waits for it, else after it has resumed. It can
	 * still send. NULL: the connection is closed (XT_CLOSE_PEER).
	 */
	void (*ended)(struct xt_conn *conn);

	/* The connection is over; the last call, exactly once. Frees the stream's own state. */
	void (*closed)(struct xt_conn *conn, enum xt_close why);
};

/*
 * Wraps `fd` (non-blocking; ownership moves, also on failure) and begins to read.
 * NULL: out of memory. `state` is the stream's own.
 */
struct xt_conn *xt_conn_new(
	struct xt_loop *loop, int fd, const struct xt_stream *stream, void *state);

struct xt_loop *xt_conn_loop(const struct xt_conn *conn);
void *xt_conn_state(const struct xt_conn *conn);

/*
 * Hands the connection to another stream, without a deadline. Called within recv, the bytes after those that
 * recv returns as used go to the new stream in the same turn; called elsewhere, what was kept goes to it
 * in this turn or the next, once it is not paused. A FIN that the stream before was told of is told again, but for a connection
 * without descriptor.
 */
void xt_conn_adopt(struct xt_conn *conn, const struct xt_stream *stream, void *state);

/*
 * Queue bytes; they leave at the end of the turn. Return 0, XT_ECLOSED when the connection is
 * finishing or closed or the peer is gone (not an error to report), XT_ENOMEM (the connection is closed then: a gap
 * in a byte stream can't be mended). xt_conn_send_bytes() takes its own reference, and sends
 * bytes `from` up to `to`, not included.
 */
int xt_conn_send(struct xt_conn *conn, const void *p, size_t n);
int xt_conn_send_bytes(struct xt_conn *conn, struct xt_bytes *bytes, size_t from, size_t to);

/*
 * Room for exactly up to `n` bytes at the end of the queue, to be written in place, and then
 * xt_conn_commit() with how many were; nothing else may be queued between. NULL as xt_conn_send() fails.
 */
char *xt_conn_reserve(struct xt_conn *conn, size_t n);
void xt_conn_commit(struct xt_conn *conn, size_t n);

/*
 * What is queued waits from now on, until there were as many uncorks as corks (at most 255); a finish lets it leave too.
 */
void xt_conn_cork(struct xt_conn *conn);
void xt_conn_uncork(struct xt_conn *conn);
bool xt_conn_is_corked(const struct xt_conn *conn);

/* Bytes queued that the kernel has not taken yet. */
size_t xt_conn_backlog(const struct xt_conn *conn);

/*
 * Drops what is queued but for the chunk that has begun to leave, so that a last word (a Close frame)
 * reaches a reader who was too slow for the rest. What is queued must be whole frames per call.
 */
void xt_conn_drop_unsent(struct xt_conn *conn);

/* Stop and go on reading. What was received but not used waits; resuming hands it to recv again. */
void xt_conn_pause(struct xt_conn *conn);
void xt_conn_resume(struct xt_conn *conn);
bool xt_conn_is_paused(const struct xt_conn *conn);

/* Whether what comes is received now: the stream is not paused, and not too much waits to be sent. */
bool xt_conn_reads(const struct xt_conn *conn);

/*
 * From now on it is read however much waits to be sent: for a peer that itself reads no further while nobody reads what it
 * sends. Its stream has a limit of its own for what waits.
 */
void xt_conn_read_always(struct xt_conn *conn);

/*
 * Calls stream->expired once, about `ms` from now (within a tenth of a second, a second when there are
 * very many connections); 0 clears. One deadline per connection: the last call wins. No effect once the
 * connection is finishing: it has a deadline of its own then.
 */
void xt_conn_expire_in(struct xt_conn *conn, uint32_t ms);

/* When the peer last gave a sign of life: bytes arrived, or the kernel took bytes of a backlog. Loop time, ms. */
uint64_t xt_conn_alive_at(const struct xt_conn *conn);

/* Sends what is queued, half-closes, waits a moment for the peer to close, and closes. */
void xt_conn_finish(struct xt_conn *conn, enum xt_close why);

/* Closes at the end of this turn, or of the next; what is queued is dropped. The first reason given stays. */
void xt_conn_close(struct xt_conn *conn, enum xt_close why);

/*
 * False once finish or close was called: nothing more is received, and nothing more can be sent. When a
 * reset made sending fail it is still true while what came before the reset is received.
 */
bool xt_conn_is_open(const struct xt_conn *conn);

/* The peer's address as text, "127.0.0.1:54321" or "unix". Asks the kernel; for logs. */
void xt_conn_peer(const struct xt_conn *conn, char *text, size_t size);

#endif
