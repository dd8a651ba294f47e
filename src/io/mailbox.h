/*
 * mailbox.h - letters between workers: by value, through bounded rings, with one wake-up when the receiver sleeps.
 *
 * Two lanes keep it free of deadlock. Requests (to a channel's home) may cause further letters; replies and
 * deliveries (from the home) cause none. A worker always reads the second lane. While it can't deliver what
 * it has to send (the receiver's ring is full, so the letters wait in its own overflow) it does not read its
 * sockets, and while replies wait it does not read requests either: pressure travels back to the
 * publisher's TCP connection, and what waits is bounded by what was already under way.
 */
#ifndef XT_IO_MAILBOX_H
#define XT_IO_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

struct xt_loop;

enum xt_lane { XT_LANE_REQUEST, XT_LANE_REPLY, XT_LANES };

#define XT_LETTER_BODY     56
#define XT_MAILBOX_LETTERS 4096 /* in each lane; a power of two */

/* What travels. `open` runs on the receiver's thread; the body is whatever both sides agree on. */
struct xt_letter {
	void (*open)(const struct xt_letter *letter);
	union {
		void *pointers[XT_LETTER_BODY / 8];
		uint64_t words[XT_LETTER_BODY / 8];
		char bytes[XT_LETTER_BODY];
	} body;
};

/* From the thread of `from` to `to`. Never fails: when the ring is full the letter waits with the sender. */
void xt_mail_post(struct xt_loop *from, struct xt_loop *to, enum xt_lane lane,
	const struct xt_letter *letter);

/* From any other thread, into the request lane. 0, or XT_EAGAIN when the ring is full. */
int xt_mail_submit(struct xt_loop *to, const struct xt_letter *letter);

/*
 * True when no letter waits here to be opened or to be sent on. For the end: once the threads of all loops
 * are joined, turns of each of them on one thread until all are idle open what was still under way.
 */
bool xt_mail_is_idle(const struct xt_loop *loop);

#endif
