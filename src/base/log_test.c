/* log_test.c - which lines reach the sink, and how; and a sentence for each error. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct sink {
	int lines;
	enum xt_log_level level;
	char last[2000];
};

static void
take_line(void *ctx, enum xt_log_level level, const char *line)
{
	struct sink *sink = ctx;

	sink->lines++;
	sink->level = level;
	assert_true(strlen(line) < sizeof sink->last);
	memcpy(sink->last, line, strlen(line) + 1);
}

static void
test_levels(void **state)
{
	struct sink sink = { .lines = 0 };
	struct xt_log log = { .sink = { take_line, &sink }, .level = XT_LOG_WARN };

	(void)state;
	xt_log(&log, XT_LOG_INFO, "not wanted");
	assert_int_equal(sink.lines, 0);
	xt_log(&log, XT_LOG_WARN, "%s: %d", "wanted", 7);
	assert_int_equal(sink.lines, 1);
	assert_int_equal(sink.level, XT_LOG_WARN);
	assert_string_equal(sink.last, "wanted: 7");
	xt_log(&log, XT_LOG_ERROR, "graver");
	assert_int_equal(sink.lines, 2);
	log.sink.write = NULL;
	xt_log(&log, XT_LOG_ERROR, "discarded");
	assert_int_equal(sink.lines, 2);
}

static void
test_long_line(void **state)
{
	struct sink sink = { .lines = 0 };
	struct xt_log log = { .sink = { take_line, &sink }, .level = XT_LOG_DEBUG };

	(void)state;
	xt_log(&log, XT_LOG_DEBUG, "%01000d", 1);
	assert_int_equal(strlen(sink.last), 1000);
	assert_int_equal(sink.last[999], '1');
	xt_log(&log, XT_LOG_DEBUG, "%01001d", 1);
	assert_int_equal(strlen(sink.last), 1000);
	assert_int_equal(sink.last[999], '0');
}

static void
test_errors(void **state)
{
	(void)state;
	for (int error = -50; error < 50; error++) {
		assert_non_null(xt_strerror(error));
		assert_int_equal(strcmp(xt_strerror(error), "unknown error") == 0, error < XT_ESYS);
		assert_int_equal(strcmp(xt_strerror(error), "no error") == 0, error >= 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
