/* close_code_test.c - every reason has a code that a Close frame may carry, the one of docs/channel.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crosstalk_ws.h"
#include "transport/ws/close_code.h"

static const struct {
	enum xt_close why;
	uint16_t code;
} rows[] = {
	{ XT_CLOSE_PEER, 1000 },
	{ XT_CLOSE_DONE, 1000 },
	{ XT_CLOSE_HEARTBEAT, 1008 },
	{ XT_CLOSE_PROTOCOL, 1002 },
	{ XT_CLOSE_TEXT, 1007 },
	{ XT_CLOSE_TOO_BIG, 1009 },
	{ XT_CLOSE_UNSUPPORTED, 1003 },
	{ XT_CLOSE_SLOW, 1013 },
	{ XT_CLOSE_LOST, 4410 },
	{ XT_CLOSE_REFUSED, 1008 },
	{ XT_CLOSE_LIMIT, 1013 },
	{ XT_CLOSE_SHUTDOWN, 1001 },
	{ XT_CLOSE_FAULT, 1011 },
};

static void
test_documented(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(xt_ws_code_of(rows[i].why), rows[i].code);
}

static void
test_all_may_be_sent(void **state)
{
	(void)state;
	for (unsigned why = 0; why < XT_CLOSE_COUNT; why++)
		assert_true(xt_ws_close_code_valid(xt_ws_code_of((enum xt_close)why)));
}

/* What the codec fails with is noted as a reason that has the same code. */
static void
test_there_and_back(void **state)
{
	static const uint16_t codes[] = { XT_WS_PROTOCOL_ERROR, XT_WS_BAD_DATA, XT_WS_TOO_BIG };

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		assert_int_equal(xt_ws_code_of(xt_ws_close_of(codes[i])), codes[i]);
	assert_int_equal(xt_ws_close_of(XT_WS_NORMAL), XT_CLOSE_PROTOCOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documented),
		cmocka_unit_test(test_all_may_be_sent),
		cmocka_unit_test(test_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
