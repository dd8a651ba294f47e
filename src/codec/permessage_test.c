/* permessage_test.c - what is offered, and what comes of it, on both sides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "codec/permessage.h"
#include "crosstalk.h"

#define PMD "permessage-deflate"
#define SNT "server_no_context_takeover"
#define CNT "client_no_context_takeover"
#define SMW "server_max_window_bits"
#define CMW "client_max_window_bits"

/* Which of them the tests wish: the names of the table below. */
static const struct xt_permessage all = { false, false, 15, 15 };
static const struct xt_permessage none_kept = { true, true, 15, 15 };
static const struct xt_permessage small = { false, false, 10, 11 };
static const struct xt_permessage smallest = { true, true, 8, 8 };

/* The server ------------------------------------------------------------------------------ */

static const struct {
	const struct xt_permessage *wish;
	const char *offers;
	const char *answer; /* NULL: declined */
	struct xt_permessage agreed;
} accepted[] = {
	/* nothing is asked for */
	{ &all, PMD, PMD, { false, false, 15, 15 } },
	{ &none_kept, PMD, PMD "; " SNT "; " CNT, { true, true, 15, 15 } },
	/* 7.1.1: without a value, in any order, with any blanks */
	{ &all, PMD "; " SNT, PMD "; " SNT, { true, false, 15, 15 } },
	{ &all, PMD "; " CNT, PMD "; " CNT, { false, true, 15, 15 } },
	{ &all, PMD ";" CNT "\t; " SNT " ", PMD "; " SNT "; " CNT, { true, true, 15, 15 } },
	{ &none_kept, PMD "; " SNT, PMD "; " SNT "; " CNT, { true, true, 15, 15 } },
	{ &all, PMD "; " SNT "=1", NULL, { 0 } },
	{ &all, PMD "; " SNT "=", NULL, { 0 } },
	{ &all, PMD "; " CNT "=true", NULL, { 0 } },
	{ &all, PMD "; " CNT "=\"\"", NULL, { 0 } },
	/* 7.1.2.1 */
	{ &all, PMD "; " SMW "=8", PMD "; " SMW "=8", { false, false, 8, 15 } },
	{ &all, PMD "; " SMW "=15", PMD "; " SMW "=15", { false, false, 15, 15 } },
	{ &all, PMD "; " SMW " = 10", PMD "; " SMW "=10", { false, false, 10, 15 } },
	{ &all, PMD "; " SMW, NULL, { 0 } },
	{ &all, PMD "; " SMW "=", NULL, { 0 } },
	{ &all, PMD "; " SMW "=7", NULL, { 0 } },
	{ &all, PMD "; " SMW "=16", NULL, { 0 } },
	{ &all, PMD "; " SMW "=0", NULL, { 0 } },
	{ &all, PMD "; " SMW "=08", NULL, { 0 } },
	{ &all, PMD "; " SMW "=010", NULL, { 0 } },
	{ &all, PMD "; " SMW "=+9", NULL, { 0 } },
	{ &all, PMD "; " SMW "=-9", NULL, { 0 } },
	{ &all, PMD "; " SMW "=9.0", NULL, { 0 } },
	{ &all, PMD "; " SMW "=0x9", NULL, { 0 } },
	{ &all, PMD "; " SMW "=9 9", NULL, { 0 } },
	{ &all, PMD "; " SMW "=18446744073709551625", NULL, { 0 } },
	{ &small, PMD "; " CMW "; " SMW "=9", PMD "; " SMW "=9; " CMW "=11",
		{ false, false, 9, 11 } },
	{ &small, PMD "; " CMW "; " SMW "=12", PMD "; " SMW "=10; " CMW "=11",
		{ false, false, 10, 11 } },
	/* 7.1.2.2 */
	{ &all, PMD "; " CMW, PMD, { false, false, 15, 15 } },
	{ &all, PMD "; " CMW "=15", PMD, { false, false, 15, 15 } },
	{ &all, PMD "; " CMW "=8", PMD "; " CMW "=8", { false, false, 15, 8 } },
	{ &all, PMD "; " CMW "=14", PMD "; " CMW "=14", { false, false, 15, 14 } },
	{ &all, PMD "; " CMW "=", NULL, { 0 } },
	{ &all, PMD "; " CMW "=7", NULL, { 0 } },
	{ &all, PMD "; " CMW "=16", NULL, { 0 } },
	{ &all, PMD "; " CMW "=09", NULL, { 0 } },
	{ &small, PMD "; " CMW "=10", PMD "; " SMW "=10; " CMW "=10", { false, false, 10, 10 } },
	{ &small, PMD "; " CMW "=12", PMD "; " SMW "=10; " CMW "=11", { false, false, 10, 11 } },
	/* who does not offer it can't be told */
	{ &small, PMD, NULL, { 0 } },
	{ &small, PMD ", " PMD "; " CMW, PMD "; " SMW "=10; " CMW "=11", { false, false, 10, 11 } },
	{ &smallest, PMD "; " CMW, PMD "; " SNT "; " CNT "; " SMW "=8; " CMW "=8",
		{ true, true, 8, 8 } },
	/* RFC 6455 9.1: a quoted string of a token */
	{ &all, PMD "; " SMW "=\"10\"", PMD "; " SMW "=10", { false, false, 10, 15 } },
	{ &all, PMD "; " SMW "=\"1\\0\"", PMD "; " SMW "=10", { false, false, 10, 15 } },
	{ &all, PMD "; " SMW "=\"\\1\\0\"", PMD "; " SMW "=10", { false, false, 10, 15 } },
	{ &all, PMD "; " CMW "=\"9\"; " SMW "=\"15\"", PMD "; " SMW "=15; " CMW "=9",
		{ false, false, 15, 9 } },
	{ &all, PMD "; " SMW "=\"\"", NULL, { 0 } },
	{ &all, PMD "; " SMW "=\"010\"", NULL, { 0 } },
	{ &all, PMD "; " SMW "=\"10", NULL, { 0 } },
	{ &all, PMD "; " SMW "=10\"", NULL, { 0 } },
	{ &all, PMD "; " SMW "=\"10\\\"", NULL, { 0 } },
	{ &all, PMD "; " SMW "=\"", NULL, { 0 } },
	{ &all, PMD "; " SMW "=\"10\"0", NULL, { 0 } },
	{ &all, PMD "; " SMW "=\" 10\"", NULL, { 0 } },
	{ &all, PMD "; " SMW "=\"1000000000\"", NULL, { 0 } },
	{ &all, PMD "; " SMW "=\"10;" CMW "\"", NULL, { 0 } },
	{ &all, PMD "; " SMW "=\"10,\", " PMD, PMD, { false, false, 15, 15 } },
	/* 7.1: repeated, unknown, misspelt */
	{ &all, PMD "; " SNT "; " SNT, NULL, { 0 } },
	{ &all, PMD "; " CNT "; " CNT, NULL, { 0 } },
	{ &all, PMD "; " SMW "=10; " SMW "=10", NULL, { 0 } },
	{ &all, PMD "; " CMW "; " CMW, NULL, { 0 } },
	{ &all, PMD "; " CMW "; " CMW "=10", NULL, { 0 } },
	{ &all, PMD "; unknown", NULL, { 0 } },
	{ &all, PMD "; unknown=1", NULL, { 0 } },
	{ &all, PMD "; " SNT "; unknown", NULL, { 0 } },
	{ &all, PMD "; Server_no_context_takeover", NULL, { 0 } },
	{ &all, PMD "; " SNT "2", NULL, { 0 } },
	{ &all, PMD ";", NULL, { 0 } },
	{ &all, PMD "; ; " SNT, NULL, { 0 } },
	{ &all, PMD "; =10", NULL, { 0 } },
	/* 5.2: the first that is acceptable, other extensions passed over */
	{ &all, "", NULL, { 0 } },
	{ &all, ",, ,", NULL, { 0 } },
	{ &all, "permessage-foo", NULL, { 0 } },
	{ &all, PMD "x", NULL, { 0 } },
	{ &all, "x" PMD, NULL, { 0 } },
	{ &all, "permessage-bzip2; level=9, " PMD, PMD, { false, false, 15, 15 } },
	{ &all, PMD "; unknown, " PMD, PMD, { false, false, 15, 15 } },
	{ &all, PMD "; " SMW "=10, " PMD, PMD "; " SMW "=10", { false, false, 10, 15 } },
	{ &all, PMD "; " SMW "=7, " PMD "; " SMW "=16, " PMD "; " SMW "=9", PMD "; " SMW "=9",
		{ false, false, 9, 15 } },
	{ &all, PMD "; " SMW ", foo; a=\"x,y\", " PMD "; " CNT, PMD "; " CNT,
		{ false, true, 15, 15 } },
	{ &all, "foo; a=\"" PMD "\", " PMD "; " SNT, PMD "; " SNT, { true, false, 15, 15 } },
};

static void
check_agreed(const struct xt_permessage *found, const struct xt_permessage *expected)
{
	assert_int_equal(found->server_no_takeover, expected->server_no_takeover);
	assert_int_equal(found->client_no_takeover, expected->client_no_takeover);
	assert_int_equal(found->server_bits, expected->server_bits);
	assert_int_equal(found->client_bits, expected->client_bits);
}

static void
test_accept(void **state)
{
	char text[XT_PERMESSAGE_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
		struct xt_permessage agreed;
		bool yes = xt_permessage_accept(
			xt_str_from(accepted[i].offers), accepted[i].wish, &agreed, text);
		if (yes != (accepted[i].answer != NULL))
			fail_msg("%s: %s", accepted[i].offers, yes ? text : "declined");
		if (!yes)
			continue;
		assert_string_equal(text, accepted[i].answer);
		check_agreed(&agreed, &accepted[i].agreed);
	}
}

/* The client ------------------------------------------------------------------------------ */

static void
test_offer(void **state)
{
	static const struct {
		const struct xt_permessage *wish;
		const char *text;
	} rows[] = {
		{ &all, PMD "; " CMW },
		{ &none_kept, PMD "; " SNT "; " CNT "; " CMW },
		{ &small, PMD "; " SMW "=10; " CMW "=11" },
		{ &smallest, PMD "; " SNT "; " CNT "; " SMW "=8; " CMW "=8" },
	};
	char text[XT_PERMESSAGE_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(xt_permessage_offer(rows[i].wish, text), strlen(rows[i].text));
		assert_string_equal(text, rows[i].text);
	}
}

static const struct {
	const struct xt_permessage *wish;
	const char *answer;
	int result;
	struct xt_permessage agreed;
} answered[] = {
	{ &all, "", 0, { 0 } },
	{ &all, " , ", 0, { 0 } },
	{ &all, PMD, 1, { false, false, 15, 15 } },
	{ &all, PMD "; " SNT, 1, { true, false, 15, 15 } },
	{ &all, PMD "; " CNT, 1, { false, true, 15, 15 } },
	{ &all, PMD "; " SMW "=9", 1, { false, false, 9, 15 } },
	{ &all, PMD "; " CMW "=8", 1, { false, false, 15, 8 } },
	{ &all, PMD "; " CMW "=15", 1, { false, false, 15, 15 } },
	{ &all, PMD "; " CMW "=\"12\"", 1, { false, false, 15, 12 } },
	{ &all, PMD "; " SNT "; " CNT "; " SMW "=8; " CMW "=9", 1, { true, true, 8, 9 } },
	{ &none_kept, PMD "; " SNT, 1, { true, true, 15, 15 } },
	{ &none_kept, PMD "; " SNT "; " CNT, 1, { true, true, 15, 15 } },
	{ &small, PMD "; " SMW "=10", 1, { false, false, 10, 11 } },
	{ &small, PMD "; " SMW "=8; " CMW "=11", 1, { false, false, 8, 11 } },
	/* not what was offered */
	{ &all, "permessage-foo", XT_EPROTO, { 0 } },
	{ &all, PMD ", " PMD, XT_EPROTO, { 0 } },
	{ &all, PMD ", foo", XT_EPROTO, { 0 } },
	{ &all, "foo, " PMD, XT_EPROTO, { 0 } },
	{ &none_kept, PMD, XT_EPROTO, { 0 } },
	{ &none_kept, PMD "; " CNT, XT_EPROTO, { 0 } },
	{ &small, PMD, XT_EPROTO, { 0 } },
	{ &small, PMD "; " SMW "=11", XT_EPROTO, { 0 } },
	{ &small, PMD "; " SMW "=10; " CMW "=12", XT_EPROTO, { 0 } },
	/* 7.1.2.2: an answer without the value */
	{ &all, PMD "; " CMW, XT_EPROTO, { 0 } },
	/* 7.1: unknown, repeated, ill-valued */
	{ &all, PMD "; unknown", XT_EPROTO, { 0 } },
	{ &all, PMD "; " SNT "; " SNT, XT_EPROTO, { 0 } },
	{ &all, PMD "; " CMW "=10; " CMW "=10", XT_EPROTO, { 0 } },
	{ &all, PMD "; " SNT "=1", XT_EPROTO, { 0 } },
	{ &all, PMD "; " SMW, XT_EPROTO, { 0 } },
	{ &all, PMD "; " SMW "=7", XT_EPROTO, { 0 } },
	{ &all, PMD "; " SMW "=16", XT_EPROTO, { 0 } },
	{ &all, PMD "; " SMW "=010", XT_EPROTO, { 0 } },
	{ &all, PMD "; " CMW "=07", XT_EPROTO, { 0 } },
	{ &all, PMD "; " CMW "=\"12", XT_EPROTO, { 0 } },
	{ &all, PMD ";", XT_EPROTO, { 0 } },
};

static void
test_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof answered / sizeof answered[0]; i++) {
		struct xt_permessage agreed;
		const char *why = NULL;
		int result = xt_permessage_agree(
			xt_str_from(answered[i].answer), answered[i].wish, &agreed, &why);
		if (result != answered[i].result)
			fail_msg("%s: %d %s", answered[i].answer, result, why ? why : "");
		if (result == 1)
			check_agreed(&agreed, &answered[i].agreed);
		if (result < 0)
			assert_non_null(why);
	}
}

static void
test_text(void **state)
{
	char text[XT_PERMESSAGE_TEXT];

	(void)state;
	assert_int_equal(xt_permessage_text(&all, text), strlen(PMD));
	assert_string_equal(text, PMD);
	xt_permessage_text(&smallest, text);
	assert_string_equal(text, PMD "; " SNT "; " CNT "; " SMW "=8; " CMW "=8");
}

/* Whatever the two wish, they come to the same, and within both wishes. */
static void
check_both(const struct xt_permessage *client, const struct xt_permessage *server)
{
	char offer[XT_PERMESSAGE_TEXT], text[XT_PERMESSAGE_TEXT];
	struct xt_permessage here, there;
	const char *why;

	xt_permessage_offer(client, offer);
	assert_true(xt_permessage_accept(xt_str_from(offer), server, &here, text));
	assert_int_equal(xt_permessage_agree(xt_str_from(text), client, &there, &why), 1);
	check_agreed(&here, &there);
	assert_true(
		here.server_bits <= client->server_bits && here.server_bits <= server->server_bits);
	assert_true(
		here.client_bits <= client->client_bits && here.client_bits <= server->client_bits);
	assert_true(here.server_no_takeover ||
		    !(client->server_no_takeover || server->server_no_takeover));
	assert_true(here.client_no_takeover ||
		    !(client->client_no_takeover || server->client_no_takeover));
}

static void
test_both_sides(void **state)
{
	static const uint8_t bits[] = { 8, 9, 12, 14, 15 };
	struct xt_permessage wishes[4 * 5 * 5];
	size_t n = 0;

	(void)state;
	for (unsigned flags = 0; flags < 4; flags++)
		for (size_t i = 0; i < 25; i++)
			wishes[n++] = (struct xt_permessage){ (flags & 1) != 0, (flags & 2) != 0,
				bits[i / 5], bits[i % 5] };
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			check_both(&wishes[i], &wishes[j]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_offer),
		cmocka_unit_test(test_agree),
		cmocka_unit_test(test_both_sides),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
