/* options_test.c - command lines, good and bad, and the limits of their numbers. */
#include "connect/options.h"

#include "connect/printed.h"

static const struct command command = { .name = "connect" };

#define WORDS 16

/* Reads "a b c" as the words of a command line. */
static int
read_words(struct connect_options *options, const char *line)
{
	static char copy[256];
	char *argv[WORDS + 2] = { (char[]){ "connect" } }, *rest = copy;
	int argc = 1;

	snprintf(copy, sizeof copy, "%s", line);
	while (argc < WORDS && (argv[argc] = strsep(&rest, " ")))
		argc++;
	return options_read(options, &command, argc, argv);
}

static struct connect_options
good(const char *line)
{
	struct connect_options options;

	if (read_words(&options, line) != STATUS_OK)
		fail_msg("refused: %s", line);
	return options;
}

static void
test_defaults(void **state)
{
	struct connect_options options = good("ws://a/b");

	(void)state;
	assert_string_equal(options.url, "ws://a/b");
	assert_int_equal(options.form, FORM_TEXT);
	assert_int_equal(options.color, PALETTE_AUTO);
	assert_null(options.headers.p);
	assert_false(options.json || options.reconnect || options.insecure || options.channel);
	assert_int_equal(
		options.once | options.ping_ms | options.timeout_ms | options.max_message, 0);
	assert_true(options.wait_ms == OPTIONS_UNSAID);
	options_fini(&options);
}

static void
test_urls(void **state)
{
	static const struct {
		const char *given, *url;
	} urls[] = {
		{ "localhost:8000/c/room", "ws://localhost:8000/c/room" },
		{ "[::1]:8000", "ws://[::1]:8000" },
		{ "wss://a", "wss://a" },
		{ "https://a/?x=1", "https://a/?x=1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		struct connect_options options = good(urls[i].given);
		assert_string_equal(options.url, urls[i].url);
		options_fini(&options);
	}
}

static void
test_lists(void **state)
{
	struct connect_options options =
		good("--send one --header A:1 u --send two --header B:2 --subprotocol x");

	(void)state;
	assert_int_equal(options.sends.n, 2);
	assert_string_equal(options.sends.p[0], "one");
	assert_string_equal(options.sends.p[1], "two");
	assert_null(options.sends.p[2]);
	assert_string_equal(options.headers.p[1], "B:2");
	assert_null(options.headers.p[2]);
	assert_string_equal(options.subprotocols.p[0], "x");
	options_fini(&options);
}

static void
test_values(void **state)
{
	struct connect_options options =
		good("--ping 0.5 --timeout 86400 --wait 2 --once 3 --max-message 64KiB --hex u");

	(void)state;
	assert_int_equal(options.ping_ms, 500);
	assert_int_equal(options.timeout_ms, 86400000);
	assert_int_equal(options.wait_ms, 2000);
	assert_int_equal(options.once, 3);
	assert_int_equal(options.max_message, 65536);
	assert_int_equal(options.form, FORM_HEX);
	options_fini(&options);
	options = good(
		"--hex --text --wait forever --redirects 50 --max-message 2GiB --color never u");
	assert_int_equal(options.form, FORM_TEXT);
	assert_true(options.wait_ms == OPTIONS_FOREVER);
	assert_int_equal(options.redirects, 50);
	assert_true(options.max_message == (uint64_t)1 << 31);
	assert_int_equal(options.color, PALETTE_NEVER);
	options_fini(&options);
	options = good("--since k3-1 --wait 0 u");
	assert_true(options.channel);
	assert_int_equal(options.wait_ms, 0);
	options_fini(&options);
}

static void
test_wrong(void **state)
{
	static const char *const lines[] = { "--", "a b", "--fly u", "--ping u", "--ping 0 u",
		"--ping x u", "--ping -1 u", "--ping 1s u", "--ping nan u", "--ping inf u",
		"--timeout 86401 u", "--wait ever u", "--once 0 u", "--once 1x u", "--once -1 u",
		"--redirects 51 u", "--redirects -1 u", "--max-message 0 u", "--max-message 3GiB u",
		"--max-message 2147483649 u", "--max-message 1k u",
		"--max-message 99999999999999999999 u", "--color red u", "--json --no-json u",
		"--cert a u", "--key a u", "--insecure --ca a u" };
	struct connect_options options;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		if (read_words(&options, lines[i]) != STATUS_USAGE)
			fail_msg("taken: %s", lines[i]);
		options_fini(&options);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
