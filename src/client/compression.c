/* compression.c - a client's side of permessage-deflate (RFC 7692): one state for each direction, kept as long as it lasts. */
#include "client/client_private.h"

#define CEILING (4u << 20) /* of both states: far above what the largest windows take */
#define LEVEL   6

int
xt_client_compression_begin(struct compression *compression, const struct xt_permessage *how)
{
	*compression = (struct compression){ .agreed = true, .how = *how };
	compression->pool = xt_deflate_pool_new(CEILING);
	if (!compression->pool)
		return XT_ENOMEM;
	compression->deflater = xt_deflater_take(compression->pool, how->client_bits, LEVEL);
	compression->inflater = xt_inflater_take(compression->pool, how->server_bits);
	return compression->deflater && compression->inflater ? 0 : XT_ENOMEM;
}

void
xt_client_compression_fini(struct compression *compression)
{
	if (compression->pool) {
		xt_deflater_give(compression->pool, compression->deflater);
		xt_inflater_give(compression->pool, compression->inflater);
		xt_deflate_pool_free(compression->pool);
	}
	*compression = (struct compression){ 0 };
}

/* RFC 7692 7.1.1.2: without takeover each message begins with an empty window. */
int
xt_client_compress(struct compression *compression, struct xt_str message, struct xt_buf *out)
{
	return xt_deflate(compression->deflater, compression->how.client_no_takeover, message.p,
		message.n, out);
}

/* RFC 7692 7.1.1.1 */
int
xt_client_decompress(struct compression *compression, const struct xt_ws_event *piece, size_t limit,
	struct xt_buf *out)
{
	bool fresh = piece->first && compression->how.server_no_takeover;

	return xt_inflate(
		compression->inflater, fresh, piece->p, piece->n, piece->last, limit, out);
}
