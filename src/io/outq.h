/*
 * outq.h - what a connection has still to send: a ring of chunks, each a slice of shared bytes or a
 * small block to copy into. Empty, it is one NULL pointer in the connection.
 */
#ifndef XT_IO_OUTQ_H
#define XT_IO_OUTQ_H

#include <sys/uio.h>

#include "base/bytes.h"

/* Small output of a turn is gathered in blocks of this size, which the loop keeps for the next. */
#define XT_OUTQ_BLOCK 4096

/* The most slices that one send takes. */
#define XT_OUTQ_IOV 64

struct xt_chunk {
	struct xt_chunk *next;  /* the last chunk's next is the first */
	struct xt_bytes *bytes; /* NULL: an own block follows the struct */
	const char *p;          /* what is still to be sent */
	uint32_t n;
	uint32_t room; /* own block: bytes free after p + n */
	bool pooled;   /* own block of XT_OUTQ_BLOCK */
	bool begun;    /* some of it has been sent: the rest must follow */
};

/* Chunks and blocks that wait to be used again; one per loop. */
struct xt_outq_pool {
	struct xt_chunk *slices, *blocks;
	size_t slice_count, block_count;
};

struct xt_outq {
	struct xt_chunk *last;
};

void xt_outq_pool_fini(struct xt_outq_pool *pool);

/* 0 or XT_ENOMEM. xt_outq_add() takes its own reference; n of it from p. */
int xt_outq_add(struct xt_outq_pool *pool, struct xt_outq *queue, struct xt_bytes *bytes,
	size_t from, size_t to);

/* Room for `n` bytes at the end of the queue; NULL: out of memory. */
char *xt_outq_reserve(struct xt_outq_pool *pool, struct xt_outq *queue, size_t n);
void xt_outq_commit(struct xt_outq *queue, size_t n);

/* The first slices of the queue; returns how many. */
int xt_outq_peek(const struct xt_outq *queue, struct iovec iov[XT_OUTQ_IOV]);

/* `n` bytes of the front were sent. */
void xt_outq_sent(struct xt_outq_pool *pool, struct xt_outq *queue, size_t n);

/* The first `n` bytes count as begun: xt_outq_drop_unsent() leaves the chunks that they lie in. */
void xt_outq_hold(struct xt_outq *queue, size_t n);

/* Drops every chunk of which nothing was sent yet; returns how many bytes went with them. */
size_t xt_outq_drop_unsent(struct xt_outq_pool *pool, struct xt_outq *queue);
void xt_outq_clear(struct xt_outq_pool *pool, struct xt_outq *queue);

#endif
