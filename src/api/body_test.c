/* body_test.c - what a POST's Content-Type and body make of it: text, JSON, binary, or a refusal in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/body.h"
#include "codec/json.h"
#include "http/fixture.h"

/* Answers "KIND|TYPE|PAYLOAD". */
static void
post(struct xt_exchange *x, void *ctx)
{
	static const char *const kinds[] = { "text", "binary", "json" };
	struct xt_message *message = xt_api_message(x);
	struct xt_str type, payload;
	struct xt_buf out = { 0 };

	(void)ctx;
	if (!message)
		return;
	type = xt_message_type(message);
	payload = xt_message_payload(message);
	assert_int_equal(message->origin, 0);
	assert_int_equal(
		xt_buf_printf(&out, "%s|%.*s|", kinds[message->kind], (int)type.n, type.p), 0);
	assert_int_equal(xt_buf_append_str(&out, payload), 0);
	xt_message_unref(message);
	xt_exchange_reply(x, 200, XT_STR("text/plain"), xt_buf_str(&out));
	xt_buf_fini(&out);
}

static const struct xt_route routes[] = {
	{ .path = XT_STR_INIT("/"), .methods = XT_POST, .max_body = 1u << 20, .handle = post },
	{ .handle = NULL },
};

/* `type` NULL: no Content-Type at all. */
static struct answer
ask(struct fixture *f, const char *type, struct xt_str body)
{
	struct xt_buf text = { 0 };

	assert_int_equal(xt_buf_printf(&text, "POST / HTTP/1.1\r\nHost: a\r\n"), 0);
	if (type)
		assert_int_equal(xt_buf_printf(&text, "Content-Type: %s\r\n", type), 0);
	assert_int_equal(xt_buf_printf(&text, "Content-Length: %zu\r\n\r\n", body.n), 0);
	assert_int_equal(xt_buf_append_str(&text, body), 0);
	fixture_write(f, text.p, text.n);
	fixture_run(f, 0);
	xt_buf_fini(&text);
	return fixture_answer(f, true);
}

static void
check(struct fixture *f, const char *type, struct xt_str body, const char *kind)
{
	struct answer answer = ask(f, type, body);
	char head[256];
	size_t n = (size_t)snprintf(head, sizeof head, "%s|%s|", kind, type ? type : "");

	if (answer.status != 200 || answer.body.n != n + body.n)
		fail_msg("%s: %s", type, answer.bytes);
	assert_memory_equal(answer.body.p, head, n);
	if (body.n)
		assert_memory_equal(answer.body.p + n, body.p, body.n);
	answer_fini(&answer);
}

static void
test_kinds(void **state)
{
	static const struct {
		const char *type;
		struct xt_str body;
		const char *kind;
	} rows[] = {
		{ NULL, XT_STR_INIT("hello"), "text" },
		{ NULL, XT_STR_INIT(""), "text" },
		{ NULL, XT_STR_INIT("{\"a\":1}"), "text" },
		{ NULL, XT_STR_INIT("\xff\xfe"), "binary" },
		{ NULL, XT_STR_INIT("a\0b"), "text" },
		{ "text/plain", XT_STR_INIT("gr\xc3\xbc\xc3\x9f"), "text" },
		{ "text/plain; charset=latin1", XT_STR_INIT("gr\xfc\xdf"), "binary" },
		{ "application/x-www-form-urlencoded", XT_STR_INIT("a=b"), "text" },
		{ "application/json", XT_STR_INIT("{\"a\":[1,\n2]}"), "json" },
		{ "Application/JSON; charset=utf-8", XT_STR_INIT(" null "), "json" },
		{ "application/geo+json", XT_STR_INIT("\"x\""), "json" },
		{ "application/problem+JSON ;a=b", XT_STR_INIT("1e5"), "json" },
		{ "application/jsonx", XT_STR_INIT("{"), "text" },
		{ "text/json", XT_STR_INIT("{"), "text" },
		{ "application/octet-stream", XT_STR_INIT("text"), "binary" },
		{ "application/octet-stream; a=b", XT_STR_INIT(""), "binary" },
		{ "image/png", XT_STR_INIT("\x89PNG"), "binary" },
		{ "IMAGE/svg", XT_STR_INIT("<svg/>"), "binary" },
		{ "audio/ogg", XT_STR_INIT("x"), "binary" },
		{ "video/mp4", XT_STR_INIT("x"), "binary" },
		{ "font/woff2", XT_STR_INIT("x"), "binary" },
		{ "images/png", XT_STR_INIT("x"), "text" },
		{ "image", XT_STR_INIT("x"), "text" },
		/* RFC 6839 3.1: a suffix says more than the type in front of it */
		{ "image/x+json", XT_STR_INIT("[]"), "json" },
	};
	struct xt_http_config config = { .routes = routes };
	struct fixture f;

	(void)state;
	fixture_init(&f, &config);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check(&f, rows[i].type, rows[i].body, rows[i].kind);
	fixture_fini(&f);
}

static void
check_refused(struct fixture *f, const char *type, struct xt_str body, const char *code,
	const char *words)
{
	struct answer answer = ask(f, type, body);

	assert_int_equal(answer.status, 400);
	if (!strstr(answer.body.p, code) || !strstr(answer.body.p, words))
		fail_msg("%s %s: %s", code, words, answer.body.p);
	answer_fini(&answer);
}

static void
test_bad_json(void **state)
{
	struct xt_http_config config = { .routes = routes };
	char deep[2 * (XT_JSON_DEPTH_MAX + 1)];
	struct fixture f;

	(void)state;
	fixture_init(&f, &config);
	check_refused(&f, "application/json", XT_STR("{\"a\":}"), "bad_json", "at byte 5");
	check_refused(&f, "application/json", XT_STR(""), "bad_json", "at byte 0");
	check_refused(&f, "application/a+json", XT_STR("[1,2"), "bad_json", "at byte 4");
	check_refused(&f, "application/json", XT_STR("\"\xff\""), "bad_json", "at byte 1");
	check_refused(&f, "application/json", XT_STR("1 2"), "bad_json", "another Content-Type");
	/* 128 arrays within each other are allowed, 129 are not */
	memset(deep, '[', XT_JSON_DEPTH_MAX + 1);
	memset(deep + XT_JSON_DEPTH_MAX + 1, ']', XT_JSON_DEPTH_MAX + 1);
	check_refused(
		&f, "application/json", xt_str_of(deep, sizeof deep), "bad_json", "at byte 128");
	check(&f, "application/json", xt_str_of(deep + 1, sizeof deep - 2), "json");
	fixture_fini(&f);
}

static void
test_type_limits(void **state)
{
	struct xt_http_config config = { .routes = routes };
	char type[XT_MESSAGE_TYPE_MAX + 2] = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f, &config);
	memset(type, 't', XT_MESSAGE_TYPE_MAX);
	check(&f, type, XT_STR("x"), "text");
	type[XT_MESSAGE_TYPE_MAX] = 't';
	check_refused(&f, type, XT_STR("x"), "bad_request", "longer than 127 bytes");
	check_refused(&f, "text/\xff", XT_STR("x"), "bad_request", "not UTF-8");
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_bad_json),
		cmocka_unit_test(test_type_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
