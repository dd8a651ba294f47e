/* sse.h - server-sent events, read line by line. */
#ifndef CROSSTALK_BENCH_SSE_H
#define CROSSTALK_BENCH_SSE_H

struct conn;

/* A `connected`: asks for a stream. `opened` follows, and `message` for each event with a mark. */
void sse_connect(struct conn *conn);

#endif
