/* outq.c - appending to, looking at and taking from the ring of chunks. */
#include "io/outq.h"

#include "base/heap.h"
#include "base/panic.h"
#include "crosstalk.h"

/* What a pool keeps at most: enough for a slice of a fan-out, little when idle. */
#define KEEP_SLICES 1024
#define KEEP_BLOCKS 64

/* A chunk counts in 32 bits; what is longer is queued in pieces. */
#define CHUNK_MAX (1u << 30)

static struct xt_chunk *
pop(struct xt_chunk **stack, size_t *count)
{
	struct xt_chunk *chunk = *stack;

	if (chunk) {
		*stack = chunk->next;
		(*count)--;
	}
	return chunk;
}

static void
free_stack(struct xt_chunk *chunk)
{
	while (chunk) {
		struct xt_chunk *next = chunk->next;
		xt_free(chunk);
		chunk = next;
	}
}

void
xt_outq_pool_fini(struct xt_outq_pool *pool)
{
	free_stack(pool->slices);
	free_stack(pool->blocks);
	*pool = (struct xt_outq_pool){ 0 };
}

static struct xt_chunk *
slice_new(struct xt_outq_pool *pool)
{
	struct xt_chunk *chunk = pop(&pool->slices, &pool->slice_count);

	return chunk ? chunk : xt_malloc(sizeof *chunk);
}

static struct xt_chunk *
block_new(struct xt_outq_pool *pool, size_t n)
{
	bool pooled = n <= XT_OUTQ_BLOCK;
	size_t room = pooled ? XT_OUTQ_BLOCK : n;
	struct xt_chunk *chunk = pooled ? pop(&pool->blocks, &pool->block_count) : NULL;

	if (n > CHUNK_MAX)
		return NULL;
	if (!chunk)
		chunk = xt_malloc(sizeof *chunk + room);
	if (chunk)
		*chunk = (struct xt_chunk){
			.p = (char *)(chunk + 1), .room = (uint32_t)room, .pooled = pooled
		};
	return chunk;
}

static void
chunk_free(struct xt_outq_pool *pool, struct xt_chunk *chunk)
{
	if (chunk->bytes) {
		xt_bytes_unref(chunk->bytes);
		if (pool->slice_count < KEEP_SLICES) {
			chunk->next = pool->slices;
			pool->slices = chunk;
			pool->slice_count++;
			return;
		}
	} else if (chunk->pooled && pool->block_count < KEEP_BLOCKS) {
		chunk->next = pool->blocks;
		pool->blocks = chunk;
		pool->block_count++;
		return;
	}
	xt_free(chunk);
}

static void
append(struct xt_outq *queue, struct xt_chunk *chunk)
{
	if (queue->last) {
		chunk->next = queue->last->next;
		queue->last->next = chunk;
	} else {
		chunk->next = chunk;
	}
	queue->last = chunk;
}

static int
add_piece(struct xt_outq_pool *pool, struct xt_outq *queue, struct xt_bytes *bytes, size_t from,
	size_t n)
{
	struct xt_chunk *chunk = slice_new(pool);

	if (!chunk)
		return XT_ENOMEM;
	*chunk = (struct xt_chunk){
		.bytes = xt_bytes_ref(bytes), .p = bytes->p + from, .n = (uint32_t)n
	};
	append(queue, chunk);
	return 0;
}

int
xt_outq_add(struct xt_outq_pool *pool, struct xt_outq *queue, struct xt_bytes *bytes, size_t from,
	size_t to)
{
	XT_ASSERT(from <= to && to <= bytes->n);
	while (from < to) {
		size_t n = to - from < CHUNK_MAX ? to - from : CHUNK_MAX;
		if (add_piece(pool, queue, bytes, from, n) < 0)
			return XT_ENOMEM;
		from += n;
	}
	return 0;
}

/* The end of a chunk's own block, which follows the struct: `p` moves forward as bytes are sent. */
static char *
block_end(struct xt_chunk *chunk)
{
	char *start = (char *)(chunk + 1);

	return start + (chunk->p - start) + chunk->n;
}

char *
xt_outq_reserve(struct xt_outq_pool *pool, struct xt_outq *queue, size_t n)
{
	struct xt_chunk *last = queue->last;

	if (!last || last->bytes || last->room < n) {
		last = block_new(pool, n);
		if (!last)
			return NULL;
		append(queue, last);
	}
	return block_end(last);
}

void
xt_outq_commit(struct xt_outq *queue, size_t n)
{
	struct xt_chunk *last = queue->last;

	XT_ASSERT(last && !last->bytes && n <= last->room);
	last->n += (uint32_t)n;
	last->room -= (uint32_t)n;
}

int
xt_outq_peek(const struct xt_outq *queue, struct iovec iov[XT_OUTQ_IOV])
{
	struct xt_chunk *chunk;
	int count = 0;

	if (!queue->last)
		return 0;
	chunk = queue->last;
	do {
		chunk = chunk->next;
		/* The const goes: an iovec serves reading too, sendmsg() only reads. */
		iov[count].iov_base = (void *)(uintptr_t)chunk->p;
		iov[count].iov_len = chunk->n;
		count++;
	} while (chunk != queue->last && count < XT_OUTQ_IOV);
	return count;
}

static struct xt_chunk *
take_first(struct xt_outq *queue)
{
	struct xt_chunk *first = queue->last->next;

	if (first == queue->last)
		queue->last = NULL;
	else
		queue->last->next = first->next;
	return first;
}

static void
drop_first(struct xt_outq_pool *pool, struct xt_outq *queue)
{
	chunk_free(pool, take_first(queue));
}

void
xt_outq_sent(struct xt_outq_pool *pool, struct xt_outq *queue, size_t n)
{
	while (queue->last) {
		struct xt_chunk *first = queue->last->next;
		if (n < first->n) {
			first->begun |= n > 0;
			first->p += n;
			first->n -= (uint32_t)n;
			return;
		}
		n -= first->n;
		drop_first(pool, queue);
	}
	XT_ASSERT(n == 0);
}

void
xt_outq_hold(struct xt_outq *queue, size_t n)
{
	struct xt_chunk *chunk = queue->last;

	while (chunk && n > 0) {
		chunk = chunk->next;
		chunk->begun = true;
		n -= n < chunk->n ? n : chunk->n;
	}
}

/* Chunks that were begun stand in front. */
size_t
xt_outq_drop_unsent(struct xt_outq_pool *pool, struct xt_outq *queue)
{
	struct xt_outq begun = { 0 };
	size_t dropped = 0;

	while (queue->last) {
		struct xt_chunk *first = queue->last->next;
		if (!first->begun) {
			dropped += first->n;
			drop_first(pool, queue);
		} else {
			append(&begun, take_first(queue));
		}
	}
	*queue = begun;
	return dropped;
}

void
xt_outq_clear(struct xt_outq_pool *pool, struct xt_outq *queue)
{
	while (queue->last)
		drop_first(pool, queue);
}
