/* cors_test.c - who may read answers: a list of origins, all, or nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/fixture.h"

#define H "Host: a\r\n"

static void
hello(struct xt_exchange *x, void *ctx)
{
	(void)ctx;
	xt_exchange_reply(x, 200, XT_STR("text/plain"), XT_STR("hello"));
}

static size_t
ignore(struct xt_conn *conn, char *p, size_t n)
{
	(void)conn;
	(void)p;
	return n;
}

static void
closed(struct xt_conn *conn, enum xt_close why)
{
	(void)conn;
	(void)why;
}

static void
take(struct xt_exchange *x, void *ctx)
{
	static const struct xt_stream taken = { .name = "taken", .recv = ignore, .closed = closed };

	(void)ctx;
	xt_exchange_takeover(x, 200, XT_STR("text/event-stream"), true, &taken, NULL);
}

static const struct xt_route routes[] = {
	{ .path = XT_STR_INIT("/hello"), .methods = XT_GET, .handle = hello },
	{ .path = XT_STR_INIT("/body"), .methods = XT_POST, .max_body = 100, .handle = hello },
	{ .path = XT_STR_INIT("/own/"), .prefix = true, .own_methods = true, .handle = hello },
	{ .path = XT_STR_INIT("/take"), .methods = XT_GET, .handle = take },
	{ .handle = NULL },
};

static struct xt_http_config config;
static struct fixture f;

static int
setup(void **state)
{
	(void)state;
	config = (struct xt_http_config){ .routes = routes };
	fixture_init(&f, &config);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fixture_fini(&f);
	return 0;
}

#define PREFLIGHT \
	"OPTIONS /body HTTP/1.1\r\n" H "Access-Control-Request-Method: POST\r\n" \
	"Access-Control-Request-Headers: content-type, x-y\r\nOrigin: "

static void
assert_field(const struct answer *answer, const char *name, const char *value)
{
	const char *is = answer_field(answer, name);

	if (!value)
		assert_null(is);
	else if (!is || strcmp(is, value) != 0)
		fail_msg("%s: %s, not %s", name, is ? is : "(none)", value);
}

static struct answer
ask(const char *text)
{
	fixture_send(&f, text);
	return fixture_answer(&f, true);
}

static void
test_list(void **state)
{
	static const struct xt_str origins[] = { XT_STR_INIT("https://a.example"),
		XT_STR_INIT("http://b.example:8080") };
	struct answer answer;

	(void)state;
	config.cors_origins = origins;
	config.cors_origins_count = 2;
	answer = ask("GET /hello HTTP/1.1\r\n" H "Origin: http://b.example:8080\r\n\r\n");
	assert_field(&answer, "Access-Control-Allow-Origin", "http://b.example:8080");
	assert_field(&answer, "Vary", "Origin");
	assert_non_null(answer_field(&answer, "Access-Control-Expose-Headers"));
	answer_fini(&answer);
	answer = ask("GET /none HTTP/1.1\r\n" H "Origin: https://a.example\r\n\r\n");
	assert_int_equal(answer.status, 404);
	assert_field(&answer, "Access-Control-Allow-Origin", "https://a.example");
	answer_fini(&answer);
	answer = ask("GET /hello HTTP/1.1\r\n" H "Origin: https://a.example.evil\r\n\r\n");
	assert_field(&answer, "Access-Control-Allow-Origin", NULL);
	assert_field(&answer, "Vary", "Origin");
	answer_fini(&answer);
	answer = ask(PREFLIGHT "https://a.example\r\n\r\n");
	assert_int_equal(answer.status, 204);
	assert_field(&answer, "Access-Control-Allow-Origin", "https://a.example");
	assert_field(&answer, "Access-Control-Allow-Methods", "POST, OPTIONS");
	assert_field(&answer, "Access-Control-Allow-Headers", "content-type, x-y");
	assert_field(&answer, "Access-Control-Max-Age", "7200");
	answer_fini(&answer);
	answer = ask(PREFLIGHT "https://c.example\r\n\r\n");
	assert_int_equal(answer.status, 403);
	assert_field(&answer, "Access-Control-Allow-Origin", NULL);
	answer_fini(&answer);
	/* a takeover */
	answer = ask("GET /take HTTP/1.1\r\n" H "Origin: https://a.example\r\n\r\n");
	assert_field(&answer, "Access-Control-Allow-Origin", "https://a.example");
	answer_fini(&answer);
}

static void
test_any(void **state)
{
	static const struct xt_str origins[] = { XT_STR_INIT("*") };
	struct answer answer;

	(void)state;
	/* without configuration a preflight is an ordinary OPTIONS */
	answer = ask(PREFLIGHT "https://a.example\r\n\r\n");
	assert_field(&answer, "Access-Control-Allow-Methods", NULL);
	answer_fini(&answer);
	config.cors_origins = origins;
	config.cors_origins_count = 1;
	answer = ask("GET /hello HTTP/1.1\r\n" H "Origin: null\r\n\r\n");
	assert_field(&answer, "Access-Control-Allow-Origin", "*");
	assert_field(&answer, "Vary", NULL);
	answer_fini(&answer);
	answer = ask(PREFLIGHT "https://a.example\r\n\r\n");
	assert_int_equal(answer.status, 204);
	assert_field(&answer, "Access-Control-Allow-Origin", "*");
	answer_fini(&answer);
}

/* A handler that looks at methods itself is asked nothing; without a table all are allowed. */
static void
test_own_methods(void **state)
{
	static const struct xt_str origins[] = { XT_STR_INIT("*") };
	struct answer answer;

	(void)state;
	config.cors_origins = origins;
	config.cors_origins_count = 1;
	answer = ask("OPTIONS /own/x HTTP/1.1\r\n" H "Origin: https://a.example\r\n"
		     "Access-Control-Request-Method: DELETE\r\n\r\n");
	assert_int_equal(answer.status, 204);
	assert_field(
		&answer, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
	assert_field(&answer, "Access-Control-Allow-Headers", NULL);
	answer_fini(&answer);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_list),
		TEST(test_any),
		TEST(test_own_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
