/* history_test.c - a history file: whose it is, what is kept of it. */
#include "connect/history.h"

#include "connect/printed.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/crosstalk-history-XXXXXX";

struct seen {
	size_t n;
	char first[64], last[64];
};

static void
see(void *ctx, const char *line)
{
	struct seen *seen = ctx;

	snprintf(seen->n++ == 0 ? seen->first : seen->last, sizeof seen->last, "%s", line);
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void
test_place(void **state)
{
	char expected[128], *path;

	(void)state;
	setenv("XDG_STATE_HOME", "relative", 1);
	setenv("HOME", folder, 1);
	path = history_path();
	snprintf(expected, sizeof expected, "%s/.local/state/crosstalk/history", folder);
	assert_string_equal(path, expected);
	free(path);
	snprintf(expected, sizeof expected, "%s/state", folder);
	setenv("XDG_STATE_HOME", expected, 1);
	path = history_path();
	snprintf(expected, sizeof expected, "%s/state/crosstalk/history", folder);
	assert_string_equal(path, expected);
	free(path);
	snprintf(expected, sizeof expected, "%s/state/crosstalk", folder);
	assert_int_equal(mode_of(expected), 0700);
	unsetenv("XDG_STATE_HOME");
	unsetenv("HOME");
	assert_null(history_path());
}

static void
test_file(void **state)
{
	struct seen seen = { 0 };
	char path[128];

	(void)state;
	snprintf(path, sizeof path, "%s/a", folder);
	history_load(path, see, &seen); /* not there yet */
	assert_int_equal(seen.n, 0);
	history_append(path, "one");
	history_append(path, " secret");
	history_append(path, "gr\xc3\xbc\xc3\x9f");
	assert_int_equal(mode_of(path), 0600);
	chmod(path, 0644);
	history_append(path, "three");
	assert_int_equal(mode_of(path), 0600);
	history_load(path, see, &seen);
	assert_int_equal(seen.n, 3);
	assert_string_equal(seen.first, "one");
	assert_string_equal(seen.last, "three");
}

static void
test_limit(void **state)
{
	struct seen seen = { 0 };
	char path[128], line[32];
	struct stat before, after;

	(void)state;
	snprintf(path, sizeof path, "%s/b", folder);
	for (int i = 1; i <= 2 * HISTORY_LINES; i++) {
		snprintf(line, sizeof line, "%d", i);
		history_append(path, line);
	}
	stat(path, &before);
	history_load(path, see, &seen);
	assert_int_equal(seen.n, HISTORY_LINES);
	assert_string_equal(seen.first, "1001");
	assert_string_equal(seen.last, "2000");
	stat(path, &after);
	assert_int_equal(before.st_size, after.st_size);
	history_append(path, "one too many");
	seen.n = 0;
	history_load(path, see, &seen);
	assert_string_equal(seen.first, "1002");
	assert_string_equal(seen.last, "one too many");
	stat(path, &after);
	assert_true(after.st_size < before.st_size);
	assert_int_equal(mode_of(path), 0600);
	seen.n = 0;
	history_load(path, see, &seen);
	assert_int_equal(seen.n, HISTORY_LINES);
	assert_string_equal(seen.first, "1002");
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int
remove_folder(void **state)
{
	static const char *const all[] = { "a", "b", ".local/state/crosstalk", ".local/state",
		".local", "state/crosstalk", "state" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, all[i]);
		remove(path);
	}
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
