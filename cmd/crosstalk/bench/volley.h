/*
 * volley.h - messages that are made before the measurement, one behind the other as they are on the wire, so that many
 * leave with one send: masked frames of a WebSocket, or requests that publish.
 */
#ifndef CROSSTALK_BENCH_VOLLEY_H
#define CROSSTALK_BENCH_VOLLEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VOLLEY_BYTES (256u << 10)

struct conn;

struct volley {
	char *bytes;
	size_t size;    /* of one message */
	size_t count;   /* of messages */
	size_t mark_at; /* in each */
	uint64_t mask;  /* of the mark, as it lies in memory */
};

/* What the messages are; `size` is their payload, `count` how many may leave together. */
struct volley_kind {
	size_t size, count;
	bool binary;
};

/* 0, or -1: out of memory. */
int volley_init_frames(
	struct volley *volley, const struct volley_kind *kind, const uint8_t mask[4]);
int volley_init_requests(struct volley *volley, const struct volley_kind *kind, struct conn *conn);
void volley_fini(struct volley *volley);

/* Writes a number into message `index` of those that leave next. The payload has MARK_SIZE bytes at least. */
void volley_mark(struct volley *volley, size_t index, uint32_t number);

/* Sends `n` messages, `n` at most `count` if they are marked. False: the connection has ended. */
bool volley_send(const struct volley *volley, struct conn *conn, uint64_t n);

#endif
