/* reader.h - the ways to listen to a channel. */
#ifndef CROSSTALK_BENCH_READER_H
#define CROSSTALK_BENCH_READER_H

#include "bench/bench.h"

/* A `connected` of connections: listens as --subscribe says. `opened` and `message` follow, of long polls too. */
void reader_connect(struct conn *conn);

/*
 * An `answer` of connections that listen by long polling: tells of its messages, and asks again
 * unless it polls. */
void reader_answer(struct conn *conn, const struct http_answer *answer);

/* Asks once, unless it has been asked and there is no answer yet. */
void reader_poll(struct conn *conn);

/* Remembers what to ask for next, if the answer says so. */
void reader_take_position(struct conn *conn, const struct http_answer *answer);

/* Asks for what follows the position; waits at most `wait` seconds for it, 0: not at all. */
void reader_ask(struct conn *conn, unsigned wait);

#endif
