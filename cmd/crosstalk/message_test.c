/* message_test.c - lines of a stream, good and bad. */
#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *line;
	enum message_kind kind;
	const char *id, *payload;
} good[] = {
	{ "{\"id\":\"e-1\",\"time\":1,\"data\":\"hi\"}", MESSAGE_DATA, "e-1", "hi" },
	{ " { \"id\" : \"e-1\" , \"data\" : \"\" } ", MESSAGE_DATA, "e-1", "" },
	{ "{\"data\":\"a\\n\\u00e9\\\"}\",\"id\":\"e-2\"}", MESSAGE_DATA, "e-2", "a\n\xc3\xa9\"}" },
	{ "{\"id\":\"e-3\",\"data\":{\"a\":[1.10,\"}]\"]},\"type\":\"application/json\"}",
		MESSAGE_DATA, "e-3", "{\"a\":[1.10,\"}]\"]}" },
	{ "{\"id\":\"e-4\",\"data\":123456789012345678901234567890}", MESSAGE_DATA, "e-4",
		"123456789012345678901234567890" },
	{ "{\"id\":\"e-5\",\"data\":null}", MESSAGE_DATA, "e-5", "null" },
	{ "{\"id\":\"e-6\",\"data\":\"s\",\"type\":\"application/json; charset=utf-8\"}",
		MESSAGE_DATA, "e-6", "\"s\"" },
	{ "{\"id\":\"e-6\",\"data\":\"s\",\"type\":\"application/geo+json\"}", MESSAGE_DATA, "e-6",
		"\"s\"" },
	{ "{\"id\":\"e-7\",\"data\":\"s\",\"type\":\"text/plain\"}", MESSAGE_DATA, "e-7", "s" },
	{ "{\"id\":\"e-8\",\"data\":\"Zm9vYg==\",\"encoding\":\"base64\"}", MESSAGE_DATA, "e-8",
		"foob" },
	{ "{\"id\":\"e-9\",\"data\":\"Zm9vYmE=\",\"encoding\":\"base64\"}", MESSAGE_DATA, "e-9",
		"fooba" },
	{ "{\"id\":\"e-9\",\"data\":\"\",\"encoding\":\"base64\"}", MESSAGE_DATA, "e-9", "" },
	{ "{\"event\":\"open\",\"next\":\"e-0\"}", MESSAGE_OPEN, "e-0", NULL },
	{ "{\"event\":\"lost\",\"next\":\"e-5\",\"notice\":\"gone\"}", MESSAGE_LOST, "e-5", NULL },
	{ "{\"event\":\"new\"}", MESSAGE_OTHER, "", NULL },
};

static const char *const bad[] = { "", "x", "[]", "\"a\"", "{", "{\"id\"", "{\"id\":}",
	"{\"id\":\"e\"", "{\"id\":\"e\",}", "{\"id\":\"e-1\"}", "{\"data\":\"a", "{\"data\":[1}",
	"{\"data\":\"\\x\"}", "{\"data\":\"*\",\"encoding\":\"base64\"}", "{\"data\":[\"}" };

static void
test_good(void **state)
{
	struct message message;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		if (!message_read(&message, good[i].line, strlen(good[i].line)))
			fail_msg("refused: %s", good[i].line);
		assert_int_equal(message.kind, good[i].kind);
		assert_string_equal(message.id, good[i].id);
		if (good[i].payload) {
			assert_int_equal(message.n, strlen(good[i].payload));
			assert_memory_equal(message.payload, good[i].payload, message.n);
		}
		message_fini(&message);
	}
}

static void
test_bad(void **state)
{
	struct message message;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (message_read(&message, bad[i], strlen(bad[i])))
			fail_msg("taken: %s", bad[i]);
		message_fini(&message);
	}
}

static void
test_notice_and_nul(void **state)
{
	static const char lost[] = "{\"event\":\"lost\",\"notice\":\"too old\"}";
	static const char nul[] = "{\"data\":\"a\\u0000b\"}";
	struct message message;

	(void)state;
	assert_true(message_read(&message, lost, strlen(lost)));
	assert_string_equal(message.notice, "too old");
	message_fini(&message);
	assert_true(message_read(&message, nul, strlen(nul)));
	assert_int_equal(message.n, 3);
	assert_memory_equal(message.payload, "a\0b", 3);
	message_fini(&message);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_notice_and_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
