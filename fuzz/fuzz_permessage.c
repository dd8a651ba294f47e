/*
 * fuzz_permessage.c - whatever is offered and answered, both sides come to the same, and no farther than they wished.
 *
 * Input: a byte for each side's wish, one byte of choice, then the text of an offer or of an answer.
 */
#include "base/panic.h"
#include "codec/permessage.h"
#include "crosstalk.h"

#define OPTIONS   3
#define INPUT_MAX 4096
#define ANSWER    0x01

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Three bits for each window, one for each takeover. */
static struct xt_permessage
wish_of(uint8_t byte)
{
	return (struct xt_permessage){
		.server_no_takeover = byte & 0x40,
		.client_no_takeover = byte & 0x80,
		.server_bits = (uint8_t)(8 + (byte & 7)),
		.client_bits = (uint8_t)(8 + (byte >> 3 & 7)),
	};
}

static void
check_within(const struct xt_permessage *agreed, const struct xt_permessage *wish)
{
	XT_ASSERT(agreed->server_bits >= 8 && agreed->server_bits <= wish->server_bits);
	XT_ASSERT(agreed->client_bits >= 8 && agreed->client_bits <= wish->client_bits);
	XT_ASSERT(agreed->server_no_takeover || !wish->server_no_takeover);
	XT_ASSERT(agreed->client_no_takeover || !wish->client_no_takeover);
}

static void
check_same(const struct xt_permessage *a, const struct xt_permessage *b)
{
	XT_ASSERT(a->server_no_takeover == b->server_no_takeover);
	XT_ASSERT(a->client_no_takeover == b->client_no_takeover);
	XT_ASSERT(a->server_bits == b->server_bits && a->client_bits == b->client_bits);
}

/* What is agreed on reads as an answer, to a client that leaves all open, that says the same. */
static void
check_answer(const struct xt_permessage *agreed, const char *text)
{
	const struct xt_permessage open = { .server_bits = 15, .client_bits = 15 };
	struct xt_permessage read;
	const char *why;

	XT_ASSERT(strlen(text) < XT_PERMESSAGE_TEXT);
	XT_ASSERT(xt_permessage_agree(xt_str_from(text), &open, &read, &why) == 1);
	check_same(agreed, &read);
}

static void
check_offers(struct xt_str offers, const struct xt_permessage *wish)
{
	char text[XT_PERMESSAGE_TEXT];
	struct xt_permessage agreed;

	if (!xt_permessage_accept(offers, wish, &agreed, text))
		return;
	check_within(&agreed, wish);
	check_answer(&agreed, text);
}

static void
check_agree(struct xt_str answer, const struct xt_permessage *wish)
{
	struct xt_permessage agreed;
	char text[XT_PERMESSAGE_TEXT];
	const char *why = NULL;
	int result = xt_permessage_agree(answer, wish, &agreed, &why);

	XT_ASSERT(result == 0 || result == 1 || (result == XT_EPROTO && why));
	if (result != 1)
		return;
	check_within(&agreed, wish);
	xt_permessage_text(&agreed, text);
	check_answer(&agreed, text);
}

/* Our own two sides always agree, unless the server wants a small window that was not offered, which ours always is. */
static void
check_both(const struct xt_permessage *client, const struct xt_permessage *server)
{
	char offer[XT_PERMESSAGE_TEXT], text[XT_PERMESSAGE_TEXT];
	struct xt_permessage here, there;
	const char *why;

	xt_permessage_offer(client, offer);
	XT_ASSERT(xt_permessage_accept(xt_str_from(offer), server, &here, text));
	XT_ASSERT(xt_permessage_agree(xt_str_from(text), client, &there, &why) == 1);
	check_same(&here, &there);
	check_within(&here, client);
	check_within(&here, server);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xt_permessage one, other;
	struct xt_str text;

	if (size < OPTIONS || size > INPUT_MAX)
		return 0;
	one = wish_of(data[0]);
	other = wish_of(data[1]);
	text = xt_str_of(data + OPTIONS, size - OPTIONS);
	if (data[2] & ANSWER)
		check_agree(text, &one);
	else
		check_offers(text, &one);
	check_both(&one, &other);
	return 0;
}
