/* http.h - requests of HTTP/1.1 as text, and answers read with as little work as they allow. */
#ifndef CROSSTALK_BENCH_HTTP_H
#define CROSSTALK_BENCH_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "crosstalk.h"

#define HTTP_REQUEST_MAX 16384

struct conn;
struct target;

/* Borrowed until who was told of it returns. */
struct http_answer {
	int status;
	struct xt_str
		head; /* the fields, each with its line end; without the first and the empty line */
	struct xt_str body;
};

/*
 * Writes a request for `target`, with `extra` (whole lines) and what --header says behind its own fields. `query` is appended
 * to the path's, or NULL. Returns its size; 0 when it does not fit.
 */
size_t http_request(const struct conn *conn, char out[HTTP_REQUEST_MAX], const char *method,
	const char *query, const char *extra);

/* Reads a head up to the empty line: its size, 0 when it is not all there. Status 0: it is none. */
size_t http_read_head(const char *p, size_t n, struct http_answer *answer);

/* The value of a field, without blanks around it; n is 0 when there is none. */
struct xt_str http_field(const struct http_answer *answer, const char *name);

/* A `read` of connections: whole answers, told by `answer`. */
size_t http_read(struct conn *conn, char *p, size_t n);

#endif
