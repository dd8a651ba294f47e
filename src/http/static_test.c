/* static_test.c - files of a root and of the binary: types, conditions, ranges, and no way out. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "crosstalk.h"
#include "http/fixture.h"
#include "http/mime.h"
#include "http/range.h"
#include "http/static.h"
#include "http/static_path.h"

#define H     "Host: a\r\n"
#define LARGE (1000u * 1000)

static char root[64];
static struct xt_static *files;
static struct xt_http_config config;
static struct fixture f;

static void
write_file(const char *name, const char *text, size_t n)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", root, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, n, file), n);
	fclose(file);
}

static void
make_directory(const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", root, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void
make_link(const char *target, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", root, name);
	assert_int_equal(symlink(target, path), 0);
}

static void
fill_root(void)
{
	char *large = malloc(LARGE), path[256];

	assert_non_null(large);
	for (size_t i = 0; i < LARGE; i++)
		large[i] = (char)('a' + i % 26);
	make_directory("in");
	make_directory("in/sub");
	make_directory("in/empty");
	make_directory("in/.git");
	make_directory("in/.well-known");
	write_file("secret.txt", "secret", 6);
	write_file("in/a.txt", "0123456789", 10);
	write_file("in/empty.bin", "", 0);
	write_file("in/page.html", "<p>page", 7);
	write_file("in/a b%.css", "css", 3);
	write_file("in/\xe6\x88\xbf.js", "js", 2);
	write_file("in/sub/index.html", "<p>sub", 6);
	write_file("in/.hidden", "hidden", 6);
	write_file("in/.git/config", "config", 6);
	write_file("in/.well-known/x", "known", 5);
	write_file("in/large.bin", large, LARGE);
	make_link("../secret.txt", "in/out.txt");
	make_link("..", "in/up");
	make_link("/etc/passwd", "in/passwd");
	make_link("a.txt", "in/alias.txt");
	make_link("loop", "in/loop");
	make_link("/proc/self/fd", "in/fd");
	snprintf(path, sizeof path, "%s/in/fifo", root);
	assert_int_equal(mkfifo(path, 0600), 0);
	free(large);
}

static int
setup(void **state)
{
	char path[80];

	(void)state;
	snprintf(root, sizeof root, "/tmp/xt_static_XXXXXX");
	assert_non_null(mkdtemp(root));
	fill_root();
	snprintf(path, sizeof path, "%s/in", root);
	assert_int_equal(xt_static_new(&files, path), 0);
	config = (struct xt_http_config){ .fallback = xt_static_handle, .fallback_ctx = files };
	fixture_init(&f, &config);
	return 0;
}

static int
teardown(void **state)
{
	char command[128];

	(void)state;
	fixture_fini(&f);
	xt_static_free(files);
	snprintf(command, sizeof command, "rm -r %s", root);
	return system(command);
}

static struct answer
ask(const char *method, const char *path, const char *fields)
{
	char text[1024];

	snprintf(text, sizeof text, "%s %s HTTP/1.1\r\n" H "%s\r\n", method, path, fields);
	fixture_send(&f, text);
	return fixture_answer(&f, method[0] != 'H');
}

static void
expect(const char *path, unsigned status, const char *type, const char *body)
{
	struct answer answer = ask("GET", path, "");

	if (answer.status != status)
		fail_msg("%s: %s", path, answer.bytes);
	if (type)
		assert_string_equal(answer_field(&answer, "content-type"), type);
	if (body)
		assert_string_equal(answer.body.p, body);
	answer_fini(&answer);
}

static void
test_files(void **state)
{
	(void)state;
	expect("/a.txt", 200, "text/plain; charset=utf-8", "0123456789");
	expect("/a.txt?query", 200, NULL, "0123456789");
	expect("/%61%2Etxt", 200, "text/plain; charset=utf-8", "0123456789");
	expect("/a%20b%25.css", 200, "text/css; charset=utf-8", "css");
	expect("/%E6%88%BF.js", 200, "text/javascript; charset=utf-8", "js");
	expect("/empty.bin", 200, "application/octet-stream", "");
	expect("/page", 200, "text/html; charset=utf-8", "<p>page");
	expect("/sub/", 200, "text/html; charset=utf-8", "<p>sub");
	expect("/.well-known/x", 200, NULL, "known");
	expect("/alias.txt", 200, NULL, "0123456789");
}

static void
test_refused(void **state)
{
	static const struct {
		const char *path;
		unsigned status;
	} rows[] = {
		{ "/none", 404 },
		{ "/a.txt/", 404 },
		{ "/a.txt/b", 404 },
		{ "/empty/", 404 },
		{ "/none/none/none.html", 404 },
		{ "//a.txt", 404 },
		{ "/sub//index.html", 404 },
		{ "/.hidden", 404 },
		{ "/.git/config", 404 },
		{ "/%2ehidden", 404 },
		{ "/..", 404 },
		{ "/../secret.txt", 404 },
		{ "/sub/../../secret.txt", 404 },
		{ "/sub/../a.txt", 404 },
		{ "/./a.txt", 404 },
		{ "/%2e%2e/secret.txt", 404 },
		{ "/..%2fsecret.txt", 400 },
		{ "/..%5csecret.txt", 404 },
		{ "/sub%2Findex.html", 400 },
		{ "/a.txt%00", 400 },
		{ "/a.txt%0", 400 },
		{ "/%zz", 400 },
		{ "/out.txt", 404 },
		{ "/up/secret.txt", 404 },
		{ "/up/", 404 },
		{ "/passwd", 404 },
		{ "/loop", 404 },
		{ "/fd/0", 404 },
		{ "/fifo", 404 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		expect(rows[i].path, rows[i].status, "application/json", NULL);
	assert_false(f.eof);
}

static void
test_long_names(void **state)
{
	char path[XT_STATIC_PATH_MAX + 64], out[XT_STATIC_PATH_MAX];
	size_t n;

	(void)state;
	memset(path, 'a', sizeof path);
	path[0] = '/';
	assert_int_equal(xt_static_path(xt_str_of(path, XT_STATIC_PATH_MAX - 32), out, &n), 0);
	assert_int_equal(n, XT_STATIC_PATH_MAX - 32);
	assert_int_equal(xt_static_path(xt_str_of(path, XT_STATIC_PATH_MAX - 31), out, &n), 404);
	path[900] = '\0';
	expect(path, 404, NULL, NULL);
}

static void
test_redirect(void **state)
{
	struct answer answer = ask("GET", "/sub?x=1", "");

	(void)state;
	assert_int_equal(answer.status, 301);
	assert_string_equal(answer_field(&answer, "location"), "/sub/?x=1");
	answer_fini(&answer);
}

static void
test_methods(void **state)
{
	struct answer answer = ask("POST", "/a.txt", "Content-Length: 0\r\n");

	(void)state;
	assert_int_equal(answer.status, 405);
	assert_string_equal(answer_field(&answer, "allow"), "GET, HEAD");
	answer_fini(&answer);
	answer = ask("POST", "/none", "Content-Length: 0\r\n");
	assert_int_equal(answer.status, 404);
	answer_fini(&answer);
	answer = ask("HEAD", "/large.bin", "Range: bytes=0-1\r\n");
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer_field(&answer, "content-length"), "1000000");
	answer_fini(&answer);
	expect("/a.txt", 200, NULL, "0123456789");
}

static void
test_conditions(void **state)
{
	char fields[256], etag[128];
	struct answer answer = ask("GET", "/a.txt", "");

	(void)state;
	assert_string_equal(answer_field(&answer, "cache-control"), "no-cache");
	assert_string_equal(answer_field(&answer, "x-content-type-options"), "nosniff");
	assert_null(answer_field(&answer, "content-security-policy"));
	snprintf(etag, sizeof etag, "%s", answer_field(&answer, "etag"));
	assert_true(etag[0] == '"' && strlen(etag) > 3);
	answer_fini(&answer);
	snprintf(fields, sizeof fields, "If-None-Match: \"x\", W/%s\r\n", etag);
	answer = ask("GET", "/a.txt", fields);
	assert_int_equal(answer.status, 304);
	assert_string_equal(answer_field(&answer, "etag"), etag);
	assert_null(answer_field(&answer, "content-length"));
	answer_fini(&answer);
	snprintf(fields, sizeof fields, "If-Range: %s\r\nRange: bytes=2-3\r\n", etag);
	answer = ask("GET", "/a.txt", fields);
	assert_int_equal(answer.status, 206);
	assert_string_equal(answer.body.p, "23");
	answer_fini(&answer);
	/* another content has another tag */
	write_file("in/a.txt", "0123456780", 10);
	answer = ask("GET", "/a.txt", fields);
	assert_int_equal(answer.status, 200);
	answer_fini(&answer);
}

static void
test_ranges(void **state)
{
	struct answer answer = ask("GET", "/large.bin", "Range: bytes=100000-299999\r\n");

	(void)state;
	assert_int_equal(answer.status, 206);
	assert_string_equal(answer_field(&answer, "content-range"), "bytes 100000-299999/1000000");
	assert_int_equal(answer.body.n, 200000);
	for (size_t i = 0; i < answer.body.n; i++)
		assert_int_equal(answer.body.p[i], 'a' + (100000 + i) % 26);
	answer_fini(&answer);
	answer = ask("GET", "/a.txt", "Range: bytes=10-\r\n");
	assert_int_equal(answer.status, 416);
	assert_string_equal(answer_field(&answer, "content-range"), "bytes */10");
	answer_fini(&answer);
}

/* Which part of 10 bytes with the tag "t" a request gets. */
static void
test_select(void **state)
{
	static const struct {
		const char *fields;
		unsigned status;
		uint64_t from, to;
	} rows[] = {
		{ "", 200, 0, 10 },
		{ "Range: bytes=0-0\r\n", 206, 0, 1 },
		{ "Range: BYTES=0-\r\n", 206, 0, 10 },
		{ "Range: bytes=3-5\r\n", 206, 3, 6 },
		{ "Range: bytes= 3-5 \r\n", 206, 3, 6 },
		{ "Range: bytes=9-\r\n", 206, 9, 10 },
		{ "Range: bytes=9-18446744073709551614\r\n", 206, 9, 10 },
		{ "Range: bytes=-3\r\n", 206, 7, 10 },
		{ "Range: bytes=-10\r\n", 206, 0, 10 },
		{ "Range: bytes=-11\r\n", 206, 0, 10 },
		{ "Range: bytes=10-\r\n", 416, 0, 0 },
		{ "Range: bytes=10-20\r\n", 416, 0, 0 },
		{ "Range: bytes=-0\r\n", 416, 0, 0 },
		/* not of the form, so ignored */
		{ "Range: bytes=5-3\r\n", 200, 0, 10 },
		{ "Range: bytes=-\r\n", 200, 0, 10 },
		{ "Range: bytes=\r\n", 200, 0, 10 },
		{ "Range: bytes\r\n", 200, 0, 10 },
		{ "Range: 0-1\r\n", 200, 0, 10 },
		{ "Range: lines=0-1\r\n", 200, 0, 10 },
		{ "Range: bytes=a-b\r\n", 200, 0, 10 },
		{ "Range: bytes=1--2\r\n", 200, 0, 10 },
		{ "Range: bytes=+1-2\r\n", 200, 0, 10 },
		{ "Range: bytes=0-99999999999999999999999\r\n", 206, 0, 10 },
		{ "Range: bytes=0-1,3-4\r\n", 200, 0, 10 },
		/* conditions */
		{ "If-None-Match: \"t\"\r\n", 304, 0, 10 },
		{ "If-None-Match: W/\"t\"\r\n", 304, 0, 10 },
		{ "If-None-Match: *\r\n", 304, 0, 10 },
		{ "If-None-Match: \"a\",\"t\"\r\n", 304, 0, 10 },
		{ "If-None-Match: \"a\"\r\nIf-None-Match: \"t\"\r\n", 304, 0, 10 },
		{ "If-None-Match: t\r\n", 200, 0, 10 },
		{ "If-None-Match: \"a,t\"\r\n", 200, 0, 10 },
		{ "If-None-Match: \"t\"\r\nRange: bytes=1-2\r\n", 304, 0, 10 },
		{ "If-Match: \"t\"\r\n", 200, 0, 10 },
		{ "If-Match: *\r\n", 200, 0, 10 },
		{ "If-Match: \"x\"\r\n", 412, 0, 10 },
		{ "If-Match: W/\"t\"\r\n", 412, 0, 10 },
		{ "If-Range: \"t\"\r\nRange: bytes=1-2\r\n", 206, 1, 3 },
		{ "If-Range: \"x\"\r\nRange: bytes=1-2\r\n", 200, 0, 10 },
		{ "If-Range: W/\"t\"\r\nRange: bytes=1-2\r\n", 200, 0, 10 },
		{ "If-Range: Sat, 29 Oct 1994 19:43:31 GMT\r\nRange: bytes=1-2\r\n", 200, 0, 10 },
	};
	static const struct xt_http1_limits limits = { 4096, 4096 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct xt_http1_reader reader = { 0 };
		struct xt_http1_error error;
		struct xt_http1_head head;
		struct xt_request request = { .method = XT_GET, .head = &head };
		struct xt_range range;
		char text[512];
		int n = snprintf(
			text, sizeof text, "GET / HTTP/1.1\r\n" H "%s\r\n", rows[i].fields);
		assert_int_equal(
			xt_http1_head_read(&reader, text, (size_t)n, &limits, &head, &error), n);
		range = xt_range_select(&request, XT_STR("\"t\""), 10);
		if (range.status != rows[i].status)
			fail_msg("%s: %u", rows[i].fields, range.status);
		if (range.status != 206 && range.status != 200)
			continue;
		assert_int_equal(range.from, rows[i].from);
		assert_int_equal(range.to, rows[i].to);
	}
}

/* Sent in pieces, with the next request waiting; memory stays bounded while nobody reads. */
static void
test_large(void **state)
{
	struct answer answer;

	(void)state;
	fixture_write(
		&f, "GET /large.bin HTTP/1.1\r\n" H "\r\nGET /a.txt HTTP/1.1\r\n" H "\r\n", 68);
	for (int i = 0; i < 10; i++)
		xt_loop_turn(f.loop, 0);
	shutdown(f.fd, SHUT_WR);
	fixture_run(&f, 20);
	answer = fixture_answer(&f, true);
	assert_int_equal(answer.body.n, LARGE);
	for (size_t i = 0; i < LARGE; i++)
		assert_int_equal(answer.body.p[i], 'a' + i % 26);
	answer_fini(&answer);
	answer = fixture_answer(&f, true);
	assert_string_equal(answer.body.p, "0123456789");
	answer_fini(&answer);
	assert_true(f.eof);
}

/* What Content-Length promised is no longer there: the connection is cut, not filled up. */
static void
test_truncated(void **state)
{
	char path[128];

	(void)state;
	fixture_write(&f, "GET /large.bin HTTP/1.1\r\n" H "\r\n", 36);
	xt_loop_turn(f.loop, 0);
	xt_loop_turn(f.loop, 0);
	snprintf(path, sizeof path, "%s/in/large.bin", root);
	assert_int_equal(truncate(path, 1000), 0);
	fixture_run(&f, 20);
	assert_true(f.eof);
	assert_true(f.got.n < LARGE);
	f.got.n = 0;
}

static void
test_embedded(void **state)
{
	(void)state;
	assert_true(xt_static_files_count > 0);
	for (size_t i = 0; i < xt_static_files_count; i++) {
		const struct xt_static_file *file = &xt_static_files[i];
		char path[256], fields[128];
		struct answer answer;
		bool html = xt_str_starts(file->type, XT_STR("text/html"));
		snprintf(path, sizeof path, "%.*s", (int)file->path.n, file->path.p);
		answer = ask("GET", path, "");
		assert_int_equal(answer.status, 200);
		assert_true(xt_str_eq(answer.body, file->body));
		assert_int_equal(answer_field(&answer, "content-security-policy") != NULL, html);
		assert_int_equal(answer_field(&answer, "referrer-policy") != NULL, html);
		answer_fini(&answer);
		snprintf(fields, sizeof fields, "If-None-Match: %.*s\r\n", (int)file->etag.n,
			file->etag.p);
		answer = ask("GET", path, fields);
		assert_int_equal(answer.status, 304);
		answer_fini(&answer);
		/* the type in the table is the one that a file below the root would have */
		assert_true(xt_str_eq(file->type, xt_mime_of(file->path)));
	}
	expect("/", 200, "text/html; charset=utf-8", NULL);
	expect("/index", 200, "text/html; charset=utf-8", NULL);
}

static void
test_root(void **state)
{
	struct xt_static *none;

	(void)state;
	assert_int_equal(xt_static_new(&none, "/no/such/directory"), XT_ESYS);
	assert_int_equal(xt_static_new(&none, "/etc/passwd"), XT_ESYS);
	assert_int_equal(xt_static_new(&none, NULL), 0);
	xt_static_free(none);
	xt_static_free(NULL);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_files),
		TEST(test_refused),
		TEST(test_long_names),
		TEST(test_redirect),
		TEST(test_methods),
		TEST(test_conditions),
		TEST(test_ranges),
		cmocka_unit_test(test_select),
		TEST(test_large),
		TEST(test_truncated),
		TEST(test_embedded),
		cmocka_unit_test(test_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
