/* later.c - stands in for what is not in the tree yet: TLS and compression. Goes when they come. */
#include <stdio.h>

#include "codec/deflate.h"
#include "codec/permessage.h"
#include "crosstalk.h"
#include "io/tls.h"

#define LATER __attribute__((weak))

LATER int
xt_tls_client_new(struct xt_tls_client **client, const struct xt_tls_client_options *options,
	char *error, size_t size)
{
	(void)options;
	*client = NULL;
	snprintf(error, size, "TLS is not in this version yet");
	return XT_EINVAL;
}

LATER void
xt_tls_client_free(struct xt_tls_client *client)
{
	(void)client;
}

LATER int
xt_tls_connect(
	struct xt_conn *conn, struct xt_tls_client *client, const char *host, struct xt_str alpn)
{
	(void)conn;
	(void)client;
	(void)host;
	(void)alpn;
	return XT_EINVAL;
}

LATER const char *
xt_tls_error(const struct xt_conn *conn)
{
	(void)conn;
	return "";
}

LATER size_t
xt_permessage_offer(const struct xt_permessage *wish, char text[XT_PERMESSAGE_TEXT])
{
	(void)wish;
	text[0] = '\0';
	return 0;
}

LATER int
xt_permessage_agree(struct xt_str answer, const struct xt_permessage *wish,
	struct xt_permessage *agreed, const char **why)
{
	(void)answer;
	(void)wish;
	(void)agreed;
	*why = "";
	return XT_EPROTO;
}

LATER struct xt_deflate_pool *
xt_deflate_pool_new(size_t ceiling)
{
	(void)ceiling;
	return NULL;
}

LATER void
xt_deflate_pool_free(struct xt_deflate_pool *pool)
{
	(void)pool;
}

LATER struct xt_deflater *
xt_deflater_take(struct xt_deflate_pool *pool, unsigned bits, unsigned level)
{
	(void)pool;
	(void)bits;
	(void)level;
	return NULL;
}

LATER void
xt_deflater_give(struct xt_deflate_pool *pool, struct xt_deflater *deflater)
{
	(void)pool;
	(void)deflater;
}

LATER struct xt_inflater *
xt_inflater_take(struct xt_deflate_pool *pool, unsigned bits)
{
	(void)pool;
	(void)bits;
	return NULL;
}

LATER void
xt_inflater_give(struct xt_deflate_pool *pool, struct xt_inflater *inflater)
{
	(void)pool;
	(void)inflater;
}

LATER int
xt_deflate(struct xt_deflater *deflater, bool fresh, const char *p, size_t n, struct xt_buf *out)
{
	(void)deflater;
	(void)fresh;
	(void)p;
	(void)n;
	(void)out;
	return XT_ENOMEM;
}

LATER int
xt_inflate(struct xt_inflater *inflater, bool fresh, const char *p, size_t n, bool last,
	size_t limit, struct xt_buf *out)
{
	(void)inflater;
	(void)fresh;
	(void)p;
	(void)n;
	(void)last;
	(void)limit;
	(void)out;
	return XT_EPROTO;
}
