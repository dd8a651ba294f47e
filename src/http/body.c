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

	if (body->until_end) {
		*used = *data = n;
		body->left += n;
		return body->left > body->max ? XT_ELIMIT : 0;
	}
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

/* Appends to one of the two, as far as the budget allows. */
static int
keep(struct xt_http_body *body, struct xt_buf *buf, const char *p, size_t n)
{
	size_t before = body->head.n + body->data.n, after = before + n;

	if (!xt_budget_grow(body->budget, before, after))
		return XT_ELIMIT;
	if (xt_buf_append(buf, p, n) == 0)
		return 0;
	xt_budget_shrink(body->budget, after, before);
	return XT_ENOMEM;
}

int
xt_http_body_keep(struct xt_http_body *body, const char *p, size_t n)
{
	return keep(body, &body->data, p, n);
}

void
xt_http_body_free(struct xt_http_body *body)
{
	if (!body)
		return;
	xt_budget_shrink(body->budget, body->head.n + body->data.n, 0);
	xt_buf_fini(&body->head);
	xt_buf_fini(&body->data);
	xt_free(body);
}

int
xt_http_body_new(struct xt_http_body **out, const struct xt_http_body *body, struct xt_str head)
{
	struct xt_http_body *kept = xt_malloc(sizeof *kept);
	int error;

	if (!kept)
		return XT_ENOMEM;
	*kept = *body;
	error = keep(kept, &kept->head, head.p, head.n);
	if (error < 0)
		xt_http_body_free(kept);
	else
		*out = kept;
	return error;
}
