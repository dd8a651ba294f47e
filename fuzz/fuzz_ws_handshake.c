/*
 * fuzz_ws_handshake.c - a server's answer to a client's opening handshake: what is agreed on was asked for. The first byte
 * says what was asked; the answer's key is put in place of "KEY", so that it can be right.
 */
#include "base/buf.h"
#include "base/panic.h"
#include "codec/ws_handshake.h"
#include "crosstalk.h"

#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const subprotocols[] = { "v2", "v1", NULL };

static void
put_answer(struct xt_buf *out, struct xt_str s)
{
	while (s.n > 0) {
		if (xt_str_starts(s, XT_STR("KEY"))) {
			XT_ASSERT(xt_buf_append_str(out, XT_STR(ACCEPT)) == 0);
			s = xt_str_skip(s, 3);
		} else {
			XT_ASSERT(xt_buf_append(out, s.p, 1) == 0);
			s = xt_str_skip(s, 1);
		}
	}
}

static void
check_agreed(const struct xt_ws_agreed *agreed, const struct xt_ws_asked *asked)
{
	const struct xt_permessage *how = &agreed->permessage;

	XT_ASSERT(!agreed->deflate || asked->wish);
	if (asked->subprotocols)
		XT_ASSERT(xt_str_eq(agreed->subprotocol, XT_STR("v1")) ||
			  xt_str_eq(agreed->subprotocol, XT_STR("v2")));
	else
		XT_ASSERT(agreed->subprotocol.n == 0);
	if (!agreed->deflate)
		return;
	XT_ASSERT(how->server_bits >= 8 && how->server_bits <= asked->wish->server_bits);
	XT_ASSERT(how->client_bits >= 8 && how->client_bits <= 15);
	XT_ASSERT(how->server_no_takeover || !asked->wish->server_no_takeover);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xt_permessage wish = { .server_bits = 15, .client_bits = 15 };
	struct xt_ws_asked asked = { .key = "dGhlIHNhbXBsZSBub25jZQ==" };
	struct xt_http1_response_reader reader = { 0 };
	struct xt_http1_response response;
	struct xt_ws_agreed agreed;
	struct xt_buf answer = { 0 };
	const char *why = NULL;
	int error;

	if (size < 1 || size > 65536)
		return 0;
	asked.subprotocols = data[0] & 1 ? subprotocols : NULL;
	asked.wish = data[0] & 2 ? &wish : NULL;
	wish.server_no_takeover = data[0] & 4;
	wish.server_bits = data[0] & 8 ? 10 : 15;
	put_answer(&answer, xt_str_of(data + 1, size - 1));
	if (answer.n > 0 &&
		xt_http1_response_read(&reader, answer.p, answer.n, &response, &why) > 0) {
		error = xt_ws_handshake_check(&response, &asked, &agreed, &why);
		XT_ASSERT(error == 0 || why);
		if (error == 0)
			check_agreed(&agreed, &asked);
	}
	xt_buf_fini(&answer);
	return 0;
}
