/*
 * mailbox.c - bounded rings with many senders and one receiver (after Dmitry Vyukov's bounded queue):
 * each slot carries the turn in which it may be written or read, so neither side takes a lock.
 */
#include "io/mailbox.h"

#include "base/heap.h"
#include "base/panic.h"
#include "crosstalk.h"
#include "io/loop_private.h"

/* Letters opened of one lane before the sockets are looked at again. */
#define LETTERS_A_TURN 1024

struct slot {
	/* position: free for the sender who claims it; position + 1: holds a letter. */
	_Atomic size_t turn;
	struct xt_letter letter;
};

struct ring {
	_Alignas(64) _Atomic size_t tail; /* senders claim here */
	_Alignas(64) size_t head;         /* the receiver's alone */
	size_t mask;
	struct slot *slots;
};

/* Letters that found the ring of their receiver full. */
struct overflow {
	struct xt_list link;
	struct xt_loop *to;
	enum xt_lane lane;
	struct xt_buf letters;
	size_t done; /* bytes of `letters` that went */
};

struct xt_mailbox {
	struct ring lanes[XT_LANES];
	_Alignas(64) atomic_bool sleeping;
	struct xt_list overflows;
	size_t waiting[XT_LANES]; /* letters in `overflows`, by lane */
};

static int
ring_init(struct ring *ring, size_t letters)
{
	/* With a single slot, full and free would look the same. */
	XT_ASSERT(letters > 1 && (letters & (letters - 1)) == 0);
	ring->mask = letters - 1;
	ring->slots = xt_calloc(letters, sizeof *ring->slots);
	if (!ring->slots)
		return XT_ENOMEM;
	for (size_t i = 0; i < letters; i++)
		atomic_store_explicit(&ring->slots[i].turn, i, memory_order_relaxed);
	return 0;
}

struct xt_mailbox *
xt_mailbox_new(size_t letters)
{
	struct xt_mailbox *box = xt_calloc_line(sizeof *box);

	if (!box)
		return NULL;
	xt_list_init(&box->overflows);
	for (int lane = 0; lane < XT_LANES; lane++) {
		if (ring_init(&box->lanes[lane], letters) < 0) {
			xt_mailbox_free(box);
			return NULL;
		}
	}
	return box;
}

void
xt_mailbox_free(struct xt_mailbox *box)
{
	if (!box)
		return;
	xt_list_each (at, after, &box->overflows) {
		struct overflow *overflow = XT_LIST_ENTRY(at, struct overflow, link);
		xt_buf_fini(&overflow->letters);
		xt_free(overflow);
	}
	for (int lane = 0; lane < XT_LANES; lane++)
		xt_free(box->lanes[lane].slots);
	xt_free_line(box);
}

static bool
ring_push(struct ring *ring, const struct xt_letter *letter)
{
	size_t at = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	for (;;) {
		struct slot *slot = &ring->slots[at & ring->mask];
		size_t turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
		if (turn == at) {
			if (!atomic_compare_exchange_weak_explicit(&ring->tail, &at, at + 1,
				    memory_order_relaxed, memory_order_relaxed))
				continue;
			slot->letter = *letter;
			/* Sequentially consistent, against `sleeping`: see xt_mailbox_sleep(). */
			atomic_store(&slot->turn, at + 1);
			return true;
		}
		if ((ptrdiff_t)(turn - at) < 0)
			return false;
		at = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	}
}

static bool
ring_has_letter(const struct ring *ring)
{
	const struct slot *slot = &ring->slots[ring->head & ring->mask];

	return atomic_load(&slot->turn) == ring->head + 1;
}

static bool
ring_pop(struct ring *ring, struct xt_letter *letter)
{
	struct slot *slot = &ring->slots[ring->head & ring->mask];

	if (atomic_load_explicit(&slot->turn, memory_order_acquire) != ring->head + 1)
		return false;
	*letter = slot->letter;
	atomic_store_explicit(&slot->turn, ring->head + ring->mask + 1, memory_order_release);
	ring->head++;
	return true;
}

static bool
deliver(struct xt_loop *to, enum xt_lane lane, const struct xt_letter *letter)
{
	struct xt_mailbox *box = to->mailbox;

	if (!ring_push(&box->lanes[lane], letter))
		return false;
	if (atomic_load(&box->sleeping) && atomic_exchange(&box->sleeping, false))
		xt_loop_wake(to);
	return true;
}

static struct overflow *
overflow_find(struct xt_mailbox *box, struct xt_loop *to, enum xt_lane lane)
{
	xt_list_each (at, after, &box->overflows) {
		struct overflow *overflow = XT_LIST_ENTRY(at, struct overflow, link);
		if (overflow->to == to && overflow->lane == lane)
			return overflow;
	}
	return NULL;
}

static struct overflow *
overflow_new(struct xt_mailbox *box, struct xt_loop *to, enum xt_lane lane)
{
	struct overflow *overflow = xt_calloc(1, sizeof *overflow);

	/* A letter can't be dropped and its sender can't wait: without memory for it nothing can go on. */
	XT_ASSERT(overflow);
	overflow->to = to;
	overflow->lane = lane;
	xt_list_append(&box->overflows, &overflow->link);
	return overflow;
}

void
xt_mail_post(
	struct xt_loop *from, struct xt_loop *to, enum xt_lane lane, const struct xt_letter *letter)
{
	struct xt_mailbox *box = from->mailbox;
	/* Letters keep their order: none overtakes those that wait. */
	struct overflow *overflow = box->waiting[lane] ? overflow_find(box, to, lane) : NULL;
	int grown;

	if (!overflow) {
		if (deliver(to, lane, letter))
			return;
		overflow = overflow_new(box, to, lane);
	}
	grown = xt_buf_append(&overflow->letters, letter, sizeof *letter);
	XT_ASSERT(grown == 0);
	box->waiting[lane]++;
}

int
xt_mail_submit(struct xt_loop *to, const struct xt_letter *letter)
{
	return deliver(to, XT_LANE_REQUEST, letter) ? 0 : XT_EAGAIN;
}

/* While more comes than goes the front would grow for ever. */
static void
overflow_shrink(struct overflow *overflow)
{
	if (overflow->done < overflow->letters.n / 2)
		return;
	xt_buf_consume(&overflow->letters, overflow->done);
	overflow->done = 0;
}

/* Sends what waits, as far as there is room; frees the overflow when it is empty. */
static void
overflow_retry(struct xt_mailbox *box, struct overflow *overflow)
{
	struct xt_letter letter;

	while (overflow->done < overflow->letters.n) {
		memcpy(&letter, overflow->letters.p + overflow->done, sizeof letter);
		if (!deliver(overflow->to, overflow->lane, &letter)) {
			overflow_shrink(overflow);
			return;
		}
		overflow->done += sizeof letter;
		box->waiting[overflow->lane]--;
	}
	xt_list_remove(&overflow->link);
	xt_buf_fini(&overflow->letters);
	xt_free(overflow);
}

/* Requests that we wait to send are no reason to stop here: two workers would wait for each other. */
static bool
takes_requests(const struct xt_loop *loop)
{
	return loop->throttles == 0 && !loop->mailbox->waiting[XT_LANE_REPLY];
}

void
xt_mailbox_run(struct xt_loop *loop)
{
	struct xt_mailbox *box = loop->mailbox;
	struct xt_letter letter;

	if (xt_mailbox_is_congested(box)) {
		xt_list_each (at, after, &box->overflows)
			overflow_retry(box, XT_LIST_ENTRY(at, struct overflow, link));
	}
	for (int i = 0; i < LETTERS_A_TURN && ring_pop(&box->lanes[XT_LANE_REPLY], &letter); i++)
		letter.open(&letter);
	for (int i = 0; i < LETTERS_A_TURN && takes_requests(loop); i++) {
		if (!ring_pop(&box->lanes[XT_LANE_REQUEST], &letter))
			break;
		letter.open(&letter);
	}
}

bool
xt_mailbox_is_congested(const struct xt_mailbox *box)
{
	return box->waiting[XT_LANE_REQUEST] || box->waiting[XT_LANE_REPLY];
}

/*
 * The receiver says that it sleeps and then looks once more; the sender writes and then looks whether it
 * sleeps. All four are sequentially consistent, so at least one of them sees the other.
 */
bool
xt_mailbox_sleep(const struct xt_loop *loop)
{
	struct xt_mailbox *box = loop->mailbox;

	atomic_store(&box->sleeping, true);
	if (!ring_has_letter(&box->lanes[XT_LANE_REPLY]) &&
		!(takes_requests(loop) && ring_has_letter(&box->lanes[XT_LANE_REQUEST])))
		return true;
	atomic_store(&box->sleeping, false);
	return false;
}

void
xt_mailbox_awake(struct xt_mailbox *box)
{
	atomic_store_explicit(&box->sleeping, false, memory_order_relaxed);
}

bool
xt_mail_is_idle(const struct xt_loop *loop)
{
	const struct xt_mailbox *box = loop->mailbox;

	return !xt_mailbox_is_congested(box) && !ring_has_letter(&box->lanes[XT_LANE_REQUEST]) &&
	       !ring_has_letter(&box->lanes[XT_LANE_REPLY]);
}
