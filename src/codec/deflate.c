/*
 * deflate.c - zlib for one message after another, and the pool that its states come from.
 *
 *	take, borrow --> in use, by a connection or for one message --> give --> kept (a few of each size) or freed
 *
 * What a state needs is all counted when it is taken, also the window that zlib allocates for an inflater only when it
 * is first used: so no message fails for the ceiling in its middle.
 */
#include "codec/deflate.h"

#define ZLIB_CONST
#include <zlib.h>

#include "base/budget.h"
#include "base/heap.h"
#include "base/panic.h"
#include "crosstalk.h"

#define BITS_MIN 8
#define BITS_MAX 15
#define KEPT     2 /* free states of each kind and size that wait for their next user */

/* zlib's own structs are 5.8 KiB (deflate) and 7.0 KiB (inflate), and ours goes with them. */
#define DEFLATE_STRUCTS 6400
#define INFLATE_STRUCTS 7600

/* At the end of a message, and not sent with it (RFC 7692 7.2.1). */
static const char tail[] = { 0x00, 0x00, (char)0xFF, (char)0xFF };

#define TAIL sizeof tail

enum kind { DEFLATER, INFLATER, KINDS };

/* What both kinds share. */
struct state {
	z_stream z;
	struct state *next; /* while it is kept */
	size_t counted;     /* bytes of the budget; 0: it is borrowed */
	uint8_t kind, bits;
	uint8_t level; /* of a deflater */
	bool ended;    /* of an inflater: a final block ended with the last byte that came */
};

struct xt_deflater {
	struct state state;
};

struct xt_inflater {
	struct state state;
};

struct xt_deflate_pool {
	struct xt_budget in_use;
	struct state *kept[KINDS][BITS_MAX + 1];
	uint8_t kept_count[KINDS][BITS_MAX + 1];
	bool lent[KINDS];
};

/* Memory --------------------------------------------------------------------------------- */

static void *
allocate(void *ctx, uInt count, uInt size)
{
	(void)ctx;
	return xt_calloc(count, size);
}

static void
release(void *ctx, void *p)
{
	(void)ctx;
	xt_free(p);
}

/* zlib has no raw deflate for windows of 2^8: it makes do with the distance 1, in one of 2^9. */
static unsigned
zlib_bits(unsigned bits)
{
	return bits > BITS_MIN ? bits : BITS_MIN + 1;
}

/* Hash chains as many as the window has places; not fewer than 2^12, for blocks of a good size. */
static unsigned
memory_level(unsigned bits)
{
	return bits > 12 ? bits - 7 : 5;
}

/*
 * zconf.h: a deflater has 2^(bits + 2) and 2^(level + 9) bytes, an inflater 2^bits. So a deflater of 15 bits takes
 * 262 KiB, of 12 bits 38 KiB, of 9 bits 24 KiB; an inflater of 15 bits 39 KiB, of 12 bits 11 KiB.
 */
static size_t
size_of(enum kind kind, unsigned bits)
{
	if (kind == INFLATER)
		return INFLATE_STRUCTS + ((size_t)1 << bits);
	return DEFLATE_STRUCTS + ((size_t)1 << (zlib_bits(bits) + 2)) +
	       ((size_t)1 << (memory_level(bits) + 9));
}

/* States --------------------------------------------------------------------------------- */

static int
strategy(unsigned bits)
{
	return bits > BITS_MIN ? Z_DEFAULT_STRATEGY : Z_RLE;
}

static int
state_init(struct state *state, unsigned level)
{
	int bits = -(int)(state->kind == DEFLATER ? zlib_bits(state->bits) : state->bits);

	state->z.zalloc = allocate;
	state->z.zfree = release;
	state->level = (uint8_t)level;
	if (state->kind == INFLATER)
		return inflateInit2(&state->z, bits);
	return deflateInit2(&state->z, (int)level, Z_DEFLATED, bits, (int)memory_level(state->bits),
		strategy(state->bits));
}

static struct state *
state_new(enum kind kind, unsigned bits, unsigned level)
{
	struct state *state = xt_calloc(1, sizeof *state);

	if (!state)
		return NULL;
	state->kind = (uint8_t)kind;
	state->bits = (uint8_t)bits;
	if (state_init(state, level) == Z_OK)
		return state;
	xt_free(state);
	return NULL;
}

static void
state_free(struct state *state)
{
	if (state->kind == DEFLATER)
		deflateEnd(&state->z);
	else
		inflateEnd(&state->z);
	xt_free(state);
}

/* As new, at another level if need be. */
static void
state_reset(struct state *state, unsigned level)
{
	if (state->kind == INFLATER) {
		XT_ASSERT(inflateReset(&state->z) == Z_OK);
		state->ended = false;
		return;
	}
	XT_ASSERT(deflateReset(&state->z) == Z_OK);
	if (state->level == level)
		return;
	XT_ASSERT(deflateParams(&state->z, (int)level, strategy(state->bits)) == Z_OK);
	state->level = (uint8_t)level;
}

/* The pool ------------------------------------------------------------------------------- */

struct xt_deflate_pool *
xt_deflate_pool_new(size_t ceiling)
{
	struct xt_deflate_pool *pool = xt_calloc(1, sizeof *pool);

	if (pool)
		pool->in_use.max = ceiling;
	return pool;
}

static struct state *
take_kept(struct xt_deflate_pool *pool, enum kind kind, unsigned bits)
{
	struct state *state = pool->kept[kind][bits];

	if (!state)
		return NULL;
	pool->kept[kind][bits] = state->next;
	pool->kept_count[kind][bits]--;
	return state;
}

void
xt_deflate_pool_free(struct xt_deflate_pool *pool)
{
	struct state *state;

	if (!pool)
		return;
	XT_ASSERT(pool->in_use.used == 0);
	for (unsigned kind = 0; kind < KINDS; kind++)
		for (unsigned bits = 0; bits <= BITS_MAX; bits++)
			while ((state = take_kept(pool, (enum kind)kind, bits)) != NULL)
				state_free(state);
	xt_free(pool);
}

size_t
xt_deflate_pool_used(const struct xt_deflate_pool *pool)
{
	return pool->in_use.used;
}

bool
xt_deflate_pool_has_room(
	const struct xt_deflate_pool *pool, unsigned deflate_bits, unsigned inflate_bits)
{
	return pool->in_use.max - pool->in_use.used >=
	       size_of(DEFLATER, deflate_bits) + size_of(INFLATER, inflate_bits);
}

/* A kept one, or a new one; nobody counted it yet. */
static struct state *
find(struct xt_deflate_pool *pool, enum kind kind, unsigned bits, unsigned level)
{
	struct state *state;

	XT_ASSERT(bits >= BITS_MIN && bits <= BITS_MAX);
	state = take_kept(pool, kind, bits);
	if (!state)
		return state_new(kind, bits, level);
	state_reset(state, level);
	return state;
}

static struct state *
take(struct xt_deflate_pool *pool, enum kind kind, unsigned bits, unsigned level)
{
	size_t size = size_of(kind, bits);
	struct state *state;

	if (!xt_budget_take(&pool->in_use, size))
		return NULL;
	state = find(pool, kind, bits, level);
	if (state)
		state->counted = size;
	else
		xt_budget_give(&pool->in_use, size);
	return state;
}

static struct state *
borrow(struct xt_deflate_pool *pool, enum kind kind, unsigned bits, unsigned level)
{
	struct state *state;

	XT_ASSERT(!pool->lent[kind]);
	state = find(pool, kind, bits, level);
	if (!state)
		return NULL;
	state->counted = 0;
	pool->lent[kind] = true;
	return state;
}

static void
give(struct xt_deflate_pool *pool, struct state *state)
{
	struct state **kept = &pool->kept[state->kind][state->bits];

	if (state->counted)
		xt_budget_give(&pool->in_use, state->counted);
	else
		pool->lent[state->kind] = false;
	if (pool->kept_count[state->kind][state->bits] == KEPT) {
		state_free(state);
		return;
	}
	pool->kept_count[state->kind][state->bits]++;
	state->next = *kept;
	*kept = state;
}

/* A struct of one member begins where that does: NULL stays NULL. */
struct xt_deflater *
xt_deflater_take(struct xt_deflate_pool *pool, unsigned bits, unsigned level)
{
	return (struct xt_deflater *)take(pool, DEFLATER, bits, level);
}

struct xt_deflater *
xt_deflater_borrow(struct xt_deflate_pool *pool, unsigned bits, unsigned level)
{
	return (struct xt_deflater *)borrow(pool, DEFLATER, bits, level);
}

void
xt_deflater_give(struct xt_deflate_pool *pool, struct xt_deflater *deflater)
{
	if (deflater)
		give(pool, &deflater->state);
}

struct xt_inflater *
xt_inflater_take(struct xt_deflate_pool *pool, unsigned bits)
{
	return (struct xt_inflater *)take(pool, INFLATER, bits, 0);
}

struct xt_inflater *
xt_inflater_borrow(struct xt_deflate_pool *pool, unsigned bits)
{
	return (struct xt_inflater *)borrow(pool, INFLATER, bits, 0);
}

void
xt_inflater_give(struct xt_deflate_pool *pool, struct xt_inflater *inflater)
{
	if (inflater)
		give(pool, &inflater->state);
}

/* Deflate -------------------------------------------------------------------------------- */

#define LOOKAHEAD 262 /* of its window zlib's deflate never refers to the last so many bytes */

unsigned
xt_deflate_bits(size_t n)
{
	unsigned bits = BITS_MIN + 1;

	while (bits < BITS_MAX && n + LOOKAHEAD > (size_t)1 << bits)
		bits++;
	return bits;
}

/* Room that most messages fit into at once, and more than the 6 bytes below which zlib flushes twice. */
static size_t
first_room(size_t n)
{
	return n < 16384 ? n + n / 8 + 64 : n / 2;
}

/* Whether zlib had more to write than there was room for. */
static bool
deflate_on(z_stream *z, struct xt_buf *out)
{
	size_t room = out->cap - out->n;
	int result;

	z->avail_out = room < UINT32_MAX ? (uInt)room : UINT32_MAX;
	z->next_out = (Bytef *)out->p + out->n;
	result = deflate(z, Z_SYNC_FLUSH);
	XT_ASSERT(result == Z_OK || result == Z_BUF_ERROR);
	out->n = (size_t)((char *)z->next_out - out->p);
	return z->avail_out == 0;
}

int
xt_deflate(struct xt_deflater *deflater, bool fresh, const char *p, size_t n, struct xt_buf *out)
{
	z_stream *z = &deflater->state.z;
	size_t room = first_room(n);

	XT_ASSERT(n <= UINT32_MAX);
	if (fresh)
		state_reset(&deflater->state, deflater->state.level);
	/* 7.2.3.6: no message at all is one empty block; zlib would not flush twice in a row */
	if (n == 0)
		return xt_buf_append(out, "", 1);
	z->next_in = (const Bytef *)p;
	z->avail_in = (uInt)n;
	do {
		if (xt_buf_reserve(out, room) < 0)
			return XT_ENOMEM;
		room = 4096;
	} while (deflate_on(z, out));
	XT_ASSERT(out->n >= TAIL && memcmp(out->p + out->n - TAIL, tail, TAIL) == 0);
	out->n -= TAIL; /* 7.2.1: step 3 */
	return 0;
}

/* Inflate -------------------------------------------------------------------------------- */

/* How many bytes to make room for next: a few times what came, and never more than may come. */
static size_t
inflate_room(size_t in, size_t left)
{
	size_t room = in < 16384 ? 4 * in + 256 : 65536;

	return room < left ? room : left;
}

/*
 * Where zlib writes next: behind what `out` has; when that has reached the limit, to `probe`, which shows whether there
 * is more. 0 or XT_ENOMEM.
 */
static int
make_room(z_stream *z, struct xt_buf *out, size_t limit, char *probe)
{
	size_t left = limit - out->n, room;

	if (left == 0) {
		z->next_out = (Bytef *)probe;
		z->avail_out = 1;
		return 0;
	}
	if (out->cap == out->n && xt_buf_reserve(out, inflate_room(z->avail_in, left)) < 0)
		return XT_ENOMEM;
	room = out->cap - out->n < left ? out->cap - out->n : left;
	z->next_out = (Bytef *)out->p + out->n;
	z->avail_out = room < UINT32_MAX ? (uInt)room : UINT32_MAX;
	return 0;
}

/* One call of zlib. XT_EAGAIN: there is more to do. */
static int
inflate_once(struct state *state, size_t limit, struct xt_buf *out)
{
	z_stream *z = &state->z;
	char probe;
	bool probing = out->n == limit;
	uInt room;
	int result;

	if (make_room(z, out, limit, &probe) < 0)
		return XT_ENOMEM;
	room = z->avail_out;
	result = inflate(z, Z_SYNC_FLUSH);
	if (probing && z->avail_out < room)
		return XT_ELIMIT;
	out->n += room - z->avail_out;
	if (result == Z_STREAM_END) {
		/* 7.2.3.4: a final block ends a stream, not the message: another stream may follow */
		XT_ASSERT(inflateReset(z) == Z_OK);
		state->ended = z->avail_in == 0;
		return state->ended ? 0 : XT_EAGAIN;
	}
	if (result == Z_MEM_ERROR)
		return XT_ENOMEM;
	/* no progress without input or room is not an error */
	if (result != Z_OK && result != Z_BUF_ERROR)
		return XT_EPROTO;
	return z->avail_in > 0 || z->avail_out == 0 ? XT_EAGAIN : 0;
}

static int
inflate_piece(struct state *state, const char *p, size_t n, size_t limit, struct xt_buf *out)
{
	int result;

	XT_ASSERT(n <= UINT32_MAX);
	if (n == 0)
		return 0;
	state->ended = false;
	state->z.next_in = (const Bytef *)p;
	state->z.avail_in = (uInt)n;
	do
		result = inflate_once(state, limit, out);
	while (result == XT_EAGAIN);
	return result;
}

/* zlib.h: 128 after the end of a block, 64 within the last one, below that how many bits wait. */
static bool
is_between_blocks(const struct state *state)
{
	return state->ended || state->z.data_type == 128;
}

int
xt_inflate(struct xt_inflater *inflater, bool fresh, const char *p, size_t n, bool last,
	size_t limit, struct xt_buf *out)
{
	struct state *state = &inflater->state;
	int result;

	if (out->n > limit)
		return XT_ELIMIT;
	if (fresh)
		state_reset(state, 0);
	result = inflate_piece(state, p, n, limit, out);
	if (result < 0 || !last)
		return result;
	/* 7.2.2: step 1; a stream that has ended (RFC 1951 3.2.3: BFINAL) needs no end */
	if (!state->ended)
		result = inflate_piece(state, tail, TAIL, limit, out);
	if (result == 0 && !is_between_blocks(state))
		return XT_EPROTO;
	state->ended = false;
	return result;
}
