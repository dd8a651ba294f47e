/*
 * ws.h - WebSocket (RFC 6455) from a client's side, as far as measuring needs it: no compression is offered, UTF-8 is not
 * looked at, and one masking key, chosen at random, serves the whole run.
 */
#ifndef CROSSTALK_BENCH_WS_H
#define CROSSTALK_BENCH_WS_H

#include <stdbool.h>
#include <stdint.h>

struct conn;

/* The key of handshakes, what answers it, and the key that masks: the same for all connections of a run. */
struct ws_keys {
	char key[25], accept[32];
	uint8_t mask[4];
};

/* 0, or -1. */
int ws_keys_init(struct ws_keys *keys);

/* A `connected`: asks for a WebSocket. `opened` follows. */
void ws_connect(struct conn *conn);

/* Begins the closing handshake; `ended` follows with CONN_GOODBYE. */
void ws_close(struct conn *conn);

#endif
