/* handshake.c - looking things up in the request for a WebSocket, as C strings. */
#include "program/handshake.h"

#include "codec/percent.h"
#include "crosstalk.h"
#include "http/websocket.h"
#include "io/tls.h"

#define ADDRESS_SIZE 64
#define SUBJECT_SIZE 1024

int
xt_handshake_init(struct xt_handshake *handshake, struct xt_exchange *x, void *context)
{
	struct xt_str path = xt_exchange_request(x)->path;
	struct xt_buf *out = &handshake->path;

	*handshake = (struct xt_handshake){ .exchange = x, .context = context };
	if (xt_buf_reserve(out, path.n + 1) < 0)
		return XT_ENOMEM;
	if (!xt_percent_decode(path, out->p, &out->n) || memchr(out->p, '\0', out->n))
		return XT_EINVAL;
	xt_buf_put_char(out, '\0');
	return 0;
}

void
xt_handshake_fini(struct xt_handshake *handshake)
{
	xt_visitors_leave(handshake->visitor);
	xt_buf_fini(&handshake->path);
	xt_buf_fini(&handshake->found);
}

static const struct xt_request *
request_of(const struct xt_handshake *handshake)
{
	return xt_exchange_request(handshake->exchange);
}

/* Lends `found` as a C string: what a NUL would cut short is not lent. */
static const char *
lend(struct xt_buf *found)
{
	if (xt_buf_reserve(found, 1) < 0 || memchr(found->p, '\0', found->n))
		return NULL;
	found->p[found->n] = '\0';
	return found->p;
}

const char *
xt_handshake_path(const struct xt_handshake *handshake)
{
	return handshake->path.p;
}

const char *
xt_handshake_query(struct xt_handshake *handshake, const char *name)
{
	struct xt_buf *found = &handshake->found;

	if (xt_request_query(request_of(handshake), xt_str_from(name), found) != 1)
		return NULL;
	return lend(found);
}

const char *
xt_handshake_field(struct xt_handshake *handshake, const char *name)
{
	struct xt_str value = xt_request_field(request_of(handshake), xt_str_from(name));
	struct xt_buf *found = &handshake->found;

	found->n = 0;
	if (!value.p || xt_buf_append_str(found, value) < 0)
		return NULL;
	return lend(found);
}

const char *
xt_handshake_address(struct xt_handshake *handshake)
{
	struct xt_buf *found = &handshake->found;

	found->n = 0;
	if (xt_buf_reserve(found, ADDRESS_SIZE) < 0)
		return NULL;
	xt_conn_peer(xt_exchange_conn(handshake->exchange), found->p, ADDRESS_SIZE);
	return found->p;
}

const char *
xt_handshake_certificate(struct xt_handshake *handshake)
{
	struct xt_buf *found = &handshake->found;

	found->n = 0;
	if (xt_buf_reserve(found, SUBJECT_SIZE) < 0 ||
		!xt_tls_peer_subject(xt_exchange_conn(handshake->exchange), found->p, SUBJECT_SIZE))
		return NULL;
	return found->p;
}

/* RFC 6455 4.2.2: one of those that the client named, and it is named back as it was written. */
int
xt_handshake_choose(struct xt_handshake *handshake, const char *subprotocol)
{
	struct xt_str wanted = xt_str_from(subprotocol);
	struct xt_str chosen = xt_websocket_choose(request_of(handshake), &wanted, 1);

	if (chosen.n)
		handshake->subprotocol = chosen;
	return chosen.n > 0;
}

void
xt_handshake_set_context(struct xt_handshake *handshake, void *context)
{
	handshake->context = context;
}
