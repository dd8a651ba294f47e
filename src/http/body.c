/* body.c - takes a request's body out of what arrives, and keeps what did not come at once. */

#include "crosstalk.h"
#include "base/heap.h"
#include "http/http_private.h"

int
xt_http_body_read(struct xt_http_body *body, char *p, size_t n, size_t *used, size_t *data,
	struct xt_http1_error *error)
{
	struct xt_http1_chunks *chunks = &body->chunks;
	ssize_t got;

	if (!body->chunked) {
		*used = *data = n < body->left ? n : (size_t)body->left;
		body->left -= *used;
		return body->left == 0;
	}
	got = xt_http1_chunks_read(chunks, p, n, data, error);
	if (got < 0)
		return XT_EPROTO;
	*used = (size_t)got;
	if (chunks->total > body->max || chunks->left > body->max - chunks->total)
		return XT_ELIMIT;
	return chunks->done;
}

void
xt_http_body_free(struct xt_http_body *body)
{
	if (!body)
		return;
	xt_buf_fini(&body->head);
	xt_buf_fini(&body->data);
	xt_free(body);
}

struct xt_http_body *
xt_http_body_new(const struct xt_http_body *body, struct xt_str head, struct xt_str data)
{
	struct xt_http_body *kept = xt_malloc(sizeof *kept);

	if (!kept)
		return NULL;
	*kept = *body;
	if (xt_buf_append_str(&kept->head, head) < 0 || xt_buf_append_str(&kept->data, data) < 0) {
		xt_http_body_free(kept);
		return NULL;
	}
	return kept;
}
