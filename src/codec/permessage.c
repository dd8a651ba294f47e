/*
 * permessage.c - offers and answers of permessage-deflate: the parameters are read in one way, and each side judges them.
 *
 * Names are compared as they are written: neither RFC 6455 9.1 nor RFC 7692 7 lets their case vary.
 */
#include "codec/permessage.h"

#include <stdio.h>

#include "base/panic.h"
#include "codec/http1.h"
#include "crosstalk.h"

#define EXTENSION XT_STR("permessage-deflate")
#define VALUE_MAX \
	3 /* bytes of a value that are looked at: one more than a number of bits may have */

enum parameter { SERVER_NO_TAKEOVER, CLIENT_NO_TAKEOVER, SERVER_BITS, CLIENT_BITS, PARAMETERS };

/* RFC 7692 7.1: there are four. */
static const struct {
	struct xt_str name;
	bool may_have_value, must_have_value;
} table[PARAMETERS] = {
	[SERVER_NO_TAKEOVER] = { XT_STR_INIT("server_no_context_takeover"), false, false },
	[CLIENT_NO_TAKEOVER] = { XT_STR_INIT("client_no_context_takeover"), false, false },
	[SERVER_BITS] = { XT_STR_INIT("server_max_window_bits"), true, true },
	/* 7.1.2.2: in an offer the value may be missing */
	[CLIENT_BITS] = { XT_STR_INIT("client_max_window_bits"), true, false },
};

struct parameters {
	bool given[PARAMETERS];
	uint8_t bits[PARAMETERS]; /* 0: no value */
};

/* ---- reading ---------------------------------------------------------------------------- */

/*
 * RFC 6455 9.1: a value may be a quoted string, if what it stands for is a token. Its first bytes go to `out`; one that has
 * more is not ours. False: not well-formed.
 */
static bool
unquote(struct xt_str s, char out[VALUE_MAX], size_t *n)
{
	size_t i = 1;

	*n = 0;
	for (; i < s.n && s.p[i] != '"' && *n < VALUE_MAX; i++) {
		if (s.p[i] == '\\' && ++i == s.n)
			return false;
		out[(*n)++] = s.p[i];
	}
	return i + 1 == s.n && s.p[i] == '"';
}

/* RFC 7692 7.1.2: a decimal number without leading zeros, 8 to 15. */
static bool
read_bits(struct xt_str text, uint8_t *bits)
{
	char plain[VALUE_MAX];
	uint64_t value;
	size_t n;

	if (text.n && text.p[0] == '"') {
		if (!unquote(text, plain, &n))
			return false;
		text = xt_str_of(plain, n);
	}
	if (!xt_str_u64(text, XT_PERMESSAGE_BITS_MAX, &value) || text.p[0] == '0' ||
		value < XT_PERMESSAGE_BITS_MIN)
		return false;
	*bits = (uint8_t)value;
	return true;
}

static bool
find_parameter(struct xt_str name, enum parameter *found)
{
	for (unsigned i = 0; i < PARAMETERS; i++) {
		*found = (enum parameter)i;
		if (xt_str_eq(name, table[i].name))
			return true;
	}
	return false;
}

/* RFC 7692 7.1: not a name of this extension, the same name twice, or a value that is not valid: false. */
static bool
read_parameter(struct xt_str value, struct parameters *parameters)
{
	struct xt_str name = xt_str_trim(xt_str_cut(&value, '='));
	enum parameter which;

	if (!find_parameter(name, &which) || parameters->given[which])
		return false;
	parameters->given[which] = true;
	if (!value.p)
		return !table[which].must_have_value;
	return table[which].may_have_value &&
	       read_bits(xt_str_trim(value), &parameters->bits[which]);
}

static bool
read_parameters(struct xt_str rest, struct parameters *parameters)
{
	*parameters = (struct parameters){ 0 };
	while (rest.p)
		if (!read_parameter(xt_str_trim(xt_http1_parameter_cut(&rest)), parameters))
			return false;
	return true;
}

/* Whether `extension` is this one; `*rest` is what follows its name. */
static bool
is_deflate(struct xt_str extension, struct xt_str *rest)
{
	*rest = extension;
	return xt_str_eq(xt_str_trim(xt_http1_parameter_cut(rest)), EXTENSION);
}

/* ---- writing ---------------------------------------------------------------------------- */

static size_t
put(char text[XT_PERMESSAGE_TEXT], size_t at, const char *name, unsigned bits)
{
	int n = bits ? snprintf(text + at, XT_PERMESSAGE_TEXT - at, "; %s=%u", name, bits)
		     : snprintf(text + at, XT_PERMESSAGE_TEXT - at, "; %s", name);

	XT_ASSERT(n > 0 && (size_t)n < XT_PERMESSAGE_TEXT - at);
	return at + (size_t)n;
}

static size_t
write(const struct parameters *parameters, char text[XT_PERMESSAGE_TEXT])
{
	size_t n = EXTENSION.n;

	memcpy(text, EXTENSION.p, n + 1);
	for (unsigned i = 0; i < PARAMETERS; i++)
		if (parameters->given[i])
			n = put(text, n, table[i].name.p, parameters->bits[i]);
	return n;
}

size_t
xt_permessage_text(const struct xt_permessage *agreed, char text[XT_PERMESSAGE_TEXT])
{
	struct parameters parameters = {
		.given = {
			[SERVER_NO_TAKEOVER] = agreed->server_no_takeover,
			[CLIENT_NO_TAKEOVER] = agreed->client_no_takeover,
			[SERVER_BITS] = agreed->server_bits < XT_PERMESSAGE_BITS_MAX,
			[CLIENT_BITS] = agreed->client_bits < XT_PERMESSAGE_BITS_MAX,
		},
		.bits = {
			[SERVER_BITS] = agreed->server_bits,
			[CLIENT_BITS] = agreed->client_bits,
		},
	};

	return write(&parameters, text);
}

static bool
is_valid(const struct xt_permessage *wish)
{
	return wish->server_bits >= XT_PERMESSAGE_BITS_MIN &&
	       wish->server_bits <= XT_PERMESSAGE_BITS_MAX &&
	       wish->client_bits >= XT_PERMESSAGE_BITS_MIN &&
	       wish->client_bits <= XT_PERMESSAGE_BITS_MAX;
}

/* ---- the server's side ------------------------------------------------------------------ */

static uint8_t
smaller(uint8_t a, uint8_t b)
{
	return a < b ? a : b;
}

/* The answer to what is offered. False: no answer would keep to the wish. */
static bool
answer(const struct parameters *offer, const struct xt_permessage *wish, struct parameters *out)
{
	*out = *offer;
	/* 7.1.1: both may be answered whether they were offered or not; what was offered must be answered */
	out->given[SERVER_NO_TAKEOVER] |= wish->server_no_takeover;
	out->given[CLIENT_NO_TAKEOVER] |= wish->client_no_takeover;
	/* 7.1.2.1: accepted with the same or a smaller value; may be answered though not offered */
	out->bits[SERVER_BITS] = offer->given[SERVER_BITS]
					 ? smaller(offer->bits[SERVER_BITS], wish->server_bits)
					 : wish->server_bits;
	out->given[SERVER_BITS] |= wish->server_bits < XT_PERMESSAGE_BITS_MAX;
	/* 7.1.2.2: a client that does not offer it can't be told to use a smaller window */
	if (!offer->given[CLIENT_BITS])
		return wish->client_bits == XT_PERMESSAGE_BITS_MAX;
	out->bits[CLIENT_BITS] = offer->bits[CLIENT_BITS]
					 ? smaller(offer->bits[CLIENT_BITS], wish->client_bits)
					 : wish->client_bits;
	/* nothing to say: the client offered the choice, and this is what it does anyway */
	out->given[CLIENT_BITS] = out->bits[CLIENT_BITS] < XT_PERMESSAGE_BITS_MAX;
	return true;
}

bool
xt_permessage_accept(struct xt_str offers, const struct xt_permessage *wish,
	struct xt_permessage *agreed, char text[XT_PERMESSAGE_TEXT])
{
	struct parameters offer, chosen;
	struct xt_str extension, rest;

	XT_ASSERT(is_valid(wish));
	/* 5.2: in the order of the client's preference */
	while (xt_http1_list_next(&offers, &extension)) {
		if (!is_deflate(extension, &rest) || !read_parameters(rest, &offer) ||
			!answer(&offer, wish, &chosen))
			continue;
		*agreed = (struct xt_permessage){
			.server_no_takeover = chosen.given[SERVER_NO_TAKEOVER],
			.client_no_takeover = chosen.given[CLIENT_NO_TAKEOVER],
			.server_bits = chosen.bits[SERVER_BITS],
			.client_bits = chosen.given[CLIENT_BITS] ? chosen.bits[CLIENT_BITS]
								 : XT_PERMESSAGE_BITS_MAX,
		};
		write(&chosen, text);
		return true;
	}
	return false;
}

/* ---- the client's side ------------------------------------------------------------------ */

size_t
xt_permessage_offer(const struct xt_permessage *wish, char text[XT_PERMESSAGE_TEXT])
{
	struct parameters offer = {
		.given = {
			[SERVER_NO_TAKEOVER] = wish->server_no_takeover,
			[CLIENT_NO_TAKEOVER] = wish->client_no_takeover,
			[SERVER_BITS] = wish->server_bits < XT_PERMESSAGE_BITS_MAX,
			[CLIENT_BITS] = true,
		},
		.bits = {
			[SERVER_BITS] = wish->server_bits,
			[CLIENT_BITS] = wish->client_bits < XT_PERMESSAGE_BITS_MAX ? wish->client_bits : 0,
		},
	};

	XT_ASSERT(is_valid(wish));
	return write(&offer, text);
}

/* Which rule an answer breaks, in static words; NULL: none. */
static const char *
check_answer(const struct parameters *answered, const struct xt_permessage *wish)
{
	/* 7.1.1.1: accepted by answering it */
	if (wish->server_no_takeover && !answered->given[SERVER_NO_TAKEOVER])
		return "server_no_context_takeover was offered and not answered";
	/* 7.1.2.1: with the same or a smaller value */
	if (wish->server_bits < XT_PERMESSAGE_BITS_MAX && !answered->given[SERVER_BITS])
		return "server_max_window_bits was offered and not answered";
	if (answered->bits[SERVER_BITS] > wish->server_bits)
		return "server_max_window_bits is larger than offered";
	/* 7.1.2.2: an answer always has a value, the same or a smaller one */
	if (answered->given[CLIENT_BITS] && !answered->bits[CLIENT_BITS])
		return "client_max_window_bits has no value";
	if (answered->bits[CLIENT_BITS] > wish->client_bits)
		return "client_max_window_bits is larger than offered";
	return NULL;
}

/* The one extension of an answer: 1: there it is; 0: there is none; or XT_EPROTO. */
static int
read_answer(struct xt_str list, struct parameters *answered, const char **why)
{
	struct xt_str extension, another, rest;

	if (!xt_http1_list_next(&list, &extension))
		return 0;
	*why = "an extension was answered that was not offered";
	if (!is_deflate(extension, &rest))
		return XT_EPROTO; /* RFC 6455 4.1: not in the client's offer */
	*why = "permessage-deflate was answered with a parameter that is unknown, repeated or not "
	       "valid";
	if (!read_parameters(rest, answered))
		return XT_EPROTO; /* 7.1 */
	*why = "more than one extension was answered";
	return xt_http1_list_next(&list, &another) ? XT_EPROTO : 1;
}

int
xt_permessage_agree(struct xt_str text, const struct xt_permessage *wish,
	struct xt_permessage *agreed, const char **why)
{
	struct parameters answered;
	int found = read_answer(text, &answered, why);

	XT_ASSERT(is_valid(wish));
	if (found <= 0)
		return found;
	*why = check_answer(&answered, wish);
	if (*why)
		return XT_EPROTO;
	*agreed = (struct xt_permessage){
		.server_no_takeover = answered.given[SERVER_NO_TAKEOVER],
		.client_no_takeover =
			answered.given[CLIENT_NO_TAKEOVER] || wish->client_no_takeover,
		.server_bits = answered.given[SERVER_BITS] ? answered.bits[SERVER_BITS]
							   : XT_PERMESSAGE_BITS_MAX,
		.client_bits = answered.given[CLIENT_BITS] ? answered.bits[CLIENT_BITS]
							   : wish->client_bits,
	};
	return 1;
}
