/* order_test.c - what a typed line means. */
#include "connect/order.h"

#include "connect/printed.h"

static const struct {
	const char *line;
	enum order_kind kind;
	const char *text;
	unsigned code;
	int on;
} good[] = {
	{ "", ORDER_SEND, "", 0, 0 },
	{ "hello /quit", ORDER_SEND, "hello /quit", 0, 0 },
	{ " /quit", ORDER_SEND, " /quit", 0, 0 },
	{ "//quit", ORDER_SEND, "/quit", 0, 0 },
	{ "//", ORDER_SEND, "/", 0, 0 },
	{ "///", ORDER_SEND, "//", 0, 0 },
	{ "/quit", ORDER_QUIT, "", 0, 0 },
	{ "/help", ORDER_HELP, "", 0, 0 },
	{ "/close", ORDER_CLOSE, "", 1000, 0 },
	{ "/close 1000", ORDER_CLOSE, "", 1000, 0 },
	{ "/close 3000 bye bye", ORDER_CLOSE, "bye bye", 3000, 0 },
	{ "/close 4999  x", ORDER_CLOSE, "x", 4999, 0 },
	{ "/ping", ORDER_PING, "", 0, 0 },
	{ "/ping are you there", ORDER_PING, "are you there", 0, 0 },
	{ "/text", ORDER_TEXT, "", 0, 0 },
	{ "/text  two blanks", ORDER_TEXT, " two blanks", 0, 0 },
	{ "/binary x", ORDER_BINARY, "x", 0, 0 },
	{ "/hex 00 ff", ORDER_HEX, "00 ff", 0, 0 },
	{ "/base64 AA==", ORDER_BASE64, "AA==", 0, 0 },
	{ "/json on", ORDER_JSON, "", 0, 1 },
	{ "/json off", ORDER_JSON, "", 0, 0 },
	{ "/frames on", ORDER_FRAMES, "", 0, 1 },
	{ "/file a b.txt", ORDER_FILE, "a b.txt", 0, 0 },
};

static const char *const wrong[] = { "/", "/x", "/QUIT", "/quitt", "/quit now", "/help me",
	"/close x", "/close 999", "/close 1001", "/close 1005", "/close 2999", "/close 5000",
	"/close 1000x", "/close -1000", "/close 18446744073709552616", "/json", "/json yes",
	"/frames", "/file", "/file " };

static void
test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct order order = order_read(good[i].line);
		if (order.kind != good[i].kind)
			fail_msg(
				"%s: %d, not %d", good[i].line, (int)order.kind, (int)good[i].kind);
		assert_string_equal(order.text, good[i].text);
		assert_int_equal(order.code, good[i].code);
		assert_int_equal(order.on, good[i].on);
	}
}

static void
test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct order order = order_read(wrong[i]);
		if (order.kind != ORDER_WRONG)
			fail_msg("taken: %s", wrong[i]);
		assert_true(strlen(order.text) > 0);
	}
}

/* RFC 6455 5.5: 125 bytes. */
static void
test_limits(void **state)
{
	char line[200];

	(void)state;
	snprintf(line, sizeof line, "/ping %0125d", 0);
	assert_int_equal(order_read(line).kind, ORDER_PING);
	snprintf(line, sizeof line, "/ping %0126d", 0);
	assert_int_equal(order_read(line).kind, ORDER_WRONG);
	snprintf(line, sizeof line, "/close 4000 %0123d", 0);
	assert_int_equal(order_read(line).kind, ORDER_CLOSE);
	snprintf(line, sizeof line, "/close 4000 %0124d", 0);
	assert_int_equal(order_read(line).kind, ORDER_WRONG);
}

static void
test_complete(void **state)
{
	size_t next = 0;

	(void)state;
	assert_string_equal(order_complete("/f", &next), "/file");
	assert_string_equal(order_complete("/f", &next), "/frames");
	assert_null(order_complete("/f", &next));
	next = 0;
	assert_null(order_complete("/zzz", &next));
}

/* Each command of the table is in the help, and is one. */
static void
test_help(void **state)
{
	struct printed printed;
	size_t next = 0;
	const char *name;

	(void)state;
	order_help(printed_begin(&printed), 2);
	fclose(printed.to);
	while ((name = order_complete("/", &next))) {
		char begin[32];
		snprintf(begin, sizeof begin, "\n  %s ", name);
		assert_true(strncmp(printed.text, begin + 1, strlen(begin) - 1) == 0 ||
			    strstr(printed.text, begin));
	}
	assert_true(next >= 11);
	free(printed.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
