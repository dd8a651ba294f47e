/* lines_test.c - lines in, and what waits to go out, over pipes. */
#include "connect/lines.h"

#include "connect/outlet.h"
#include "connect/printed.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static struct lines
lines_of(int fds[2])
{
	struct lines lines;

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	lines_init(&lines, fds[0]);
	return lines;
}

static void
put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void
next_is(struct lines *lines, const char *expected)
{
	size_t n = 0;
	char *line = lines_take(lines, &n);

	if (!expected) {
		assert_null(line);
		return;
	}
	assert_non_null(line);
	assert_int_equal(n, strlen(expected));
	assert_memory_equal(line, expected, n);
}

static void
test_lines(void **state)
{
	int fds[2];
	struct lines lines = lines_of(fds);

	(void)state;
	next_is(&lines, NULL);
	put(fds[1], "one\n\nthr");
	lines_read(&lines, 100);
	next_is(&lines, "one");
	next_is(&lines, "");
	next_is(&lines, NULL);
	lines_read(&lines, 100); /* there is nothing: that is not the end */
	assert_false(lines.ended);
	put(fds[1], "ee\nfour");
	lines_read(&lines, 100);
	next_is(&lines, "three");
	next_is(&lines, NULL);
	close(fds[1]);
	lines_read(&lines, 100);
	assert_true(lines.ended && lines.error == 0);
	next_is(&lines, "four");
	next_is(&lines, NULL);
	lines_fini(&lines);
	close(fds[0]);
}

/* Many reads for one line, each byte looked at once. */
static void
test_long_line(void **state)
{
	static char block[50001];
	int fds[2];
	struct lines lines = lines_of(fds);
	size_t n;

	(void)state;
	memset(block, 'x', sizeof block - 1);
	for (int i = 0; i < 20; i++) {
		put(fds[1], block);
		lines_read(&lines, 1000000);
		next_is(&lines, NULL);
		assert_int_equal(lines.seen, lines.n);
	}
	put(fds[1], "\n");
	lines_read(&lines, 1000000);
	assert_false(lines.ended);
	assert_non_null(lines_take(&lines, &n));
	assert_int_equal(n, 1000000);
	lines_fini(&lines);
	close(fds[0]);
	close(fds[1]);
}

static void
test_too_long(void **state)
{
	int fds[2];
	struct lines lines = lines_of(fds);

	(void)state;
	put(fds[1], "12345");
	lines_read(&lines, 4);
	lines_read(&lines, 4);
	assert_true(lines.ended);
	assert_int_equal(lines.error, EMSGSIZE);
	next_is(&lines, NULL); /* half a line is none */
	lines_fini(&lines);
	close(fds[0]);
	close(fds[1]);
}

static void
test_outlet(void **state)
{
	char got[8192];
	int fds[2];
	struct outlet outlet;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(outlet_init(&outlet, fds[1]), 0);
	for (int i = 0; i < 5000; i++)
		fprintf(outlet.stream, "%d\n", i % 10);
	fflush(outlet.stream);
	assert_int_equal(outlet_waiting(&outlet), 10000);
	outlet_write(&outlet);
	assert_int_equal(outlet_waiting(&outlet), 10000 - 4096);
	fputs("end\n", outlet.stream);
	fflush(outlet.stream);
	for (int i = 0; i < 2; i++)
		outlet_write(&outlet);
	assert_int_equal(outlet_waiting(&outlet), 0);
	assert_int_equal(read(fds[0], got, sizeof got), 8192);
	assert_int_equal(read(fds[0], got, sizeof got), 10004 - 8192);
	assert_memory_equal(got + (10004 - 8192 - 6), "9\nend\n", 6);
	close(fds[0]);
	fputs("nobody reads\n", outlet.stream);
	fflush(outlet.stream);
	outlet_write(&outlet);
	assert_int_equal(outlet.error, EPIPE);
	assert_int_equal(outlet_waiting(&outlet), 0);
	outlet_fini(&outlet);
	close(fds[1]);
}

static int
ignore_pipes(void **state)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)state;
	return sigaction(SIGPIPE, &ignore, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_outlet),
	};

	return cmocka_run_group_tests(tests, ignore_pipes, NULL);
}
