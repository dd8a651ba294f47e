/* fixture.h - for the tests of http/: a server on a real loop, and a peer at the end of a socket pair. */
#ifndef XT_HTTP_FIXTURE_H
#define XT_HTTP_FIXTURE_H

#include "base/buf.h"
#include "http/server.h"

struct fixture {
	struct xt_loop *loop;
	struct xt_http_server *server;
	struct xt_budget unfinished; /* without end, unless the configuration has another */
	int fd;                      /* the peer's end, -1: closed */
	struct xt_buf got;           /* what the peer received and has not looked at */
	bool eof;                    /* the server has closed or half-closed */
};

/* `config` outlives the fixture; what is zero in its limits gets a value. */
void fixture_init(struct fixture *f, struct xt_http_config *config);
void fixture_fini(struct fixture *f);

/* Another connection to the same server; what was there is closed. */
void fixture_connect(struct fixture *f);

/* Turns the loop until nothing happens, for at least `ms`, and receives what comes. */
void fixture_run(struct fixture *f, int ms);

void fixture_write(struct fixture *f, const void *p, size_t n);
void fixture_send(struct fixture *f, const char *text); /* writes and runs */

/* An answer, cut out of what was received. */
struct answer {
	unsigned status;
	struct xt_str head, body; /* the head with the last CRLF of its fields */
	char *bytes;
};

/*
 * The next answer; fails when there is none. `body`: false for the answer to a HEAD. Without
 * Content-Length the body is all that came.
 */
struct answer fixture_answer(struct fixture *f, bool body);
void answer_fini(struct answer *answer);

/* The value of a field, NULL: none. Static, until the next call. */
const char *answer_field(const struct answer *answer, const char *name);

/* Sends, and checks status and body (NULL: any) of the one answer. */
void fixture_ask(struct fixture *f, const char *text, unsigned status, const char *body);

#endif
