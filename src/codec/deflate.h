/*
 * deflate.h - the payloads of permessage-deflate (RFC 7692 7.2): a message is compressed, or decompressed piece by piece up
 * to a limit. Uses zlib; its states come from a pool, so that connections that are idle hold none unless their window
 * is to be carried over (context takeover), and so that the memory of all of them has a ceiling.
 */
#ifndef XT_CODEC_DEFLATE_H
#define XT_CODEC_DEFLATE_H

#include "base/buf.h"

struct xt_deflate_pool;
struct xt_deflater;
struct xt_inflater;

/*
 * `ceiling`: bytes of states in use, at most, counted as what they may need; a few that are free are kept beside. One
 * thread. NULL: out of memory.
 */
struct xt_deflate_pool *xt_deflate_pool_new(size_t ceiling);
void xt_deflate_pool_free(
	struct xt_deflate_pool *pool); /* after all states went back; NULL is fine */
size_t xt_deflate_pool_used(const struct xt_deflate_pool *pool);

/*
 * A state for a window of 2^bits bytes (8 to 15; `level` 1 to 9). NULL: out of memory, or over the ceiling. What was
 * taken goes back with its own function; NULL is fine there.
 */
struct xt_deflater *xt_deflater_take(struct xt_deflate_pool *pool, unsigned bits, unsigned level);
void xt_deflater_give(struct xt_deflate_pool *pool, struct xt_deflater *deflater);
struct xt_inflater *xt_inflater_take(struct xt_deflate_pool *pool, unsigned bits);
void xt_inflater_give(struct xt_deflate_pool *pool, struct xt_inflater *inflater);

/* Whether one more connection with these windows would stay below the ceiling. */
bool xt_deflate_pool_has_room(
	const struct xt_deflate_pool *pool, unsigned deflate_bits, unsigned inflate_bits);

/*
 * The same for one message that refers to none before, at once: it goes back before the next of its kind is borrowed.
 * The ceiling does not count the one that is out, so that it is there whatever the others hold. NULL: out of memory.
 */
struct xt_deflater *xt_deflater_borrow(struct xt_deflate_pool *pool, unsigned bits, unsigned level);
struct xt_inflater *xt_inflater_borrow(struct xt_deflate_pool *pool, unsigned bits);

/* The smallest window that still lets a message of `n` bytes refer to all of itself: a larger one only costs time. */
unsigned xt_deflate_bits(size_t n);

/*
 * Appends the whole message `p`, `n` (below 4 GiB), compressed, without the 00 00 ff ff of its end (7.2.1). It may refer to the messages
 * before, unless `fresh`: then the window is emptied first. 0 or XT_ENOMEM.
 */
int xt_deflate(
	struct xt_deflater *deflater, bool fresh, const char *p, size_t n, struct xt_buf *out);

/*
 * Appends what the next piece of a message (below 4 GiB) decompresses to; with `last` the message ends (7.2.2). `limit`: the bytes that
 * `out` may have after it. 0; XT_ELIMIT: it would be longer; XT_EPROTO: not valid; XT_ENOMEM. After an error the
 * state is of no use but to be given back. `fresh`: the first piece of a message that refers to none before.
 */
int xt_inflate(struct xt_inflater *inflater, bool fresh, const char *p, size_t n, bool last,
	size_t limit, struct xt_buf *out);

#endif
