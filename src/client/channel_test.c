/* channel_test.c - what a client of a channel asks for, and what it makes of the objects that come. */
#include "client/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
begin(struct xt_channel_place *place, const char *text, const char *since)
{
	struct xt_url url;
	const char *why;

	assert_int_equal(xt_url_parse(&url, xt_str_from(text), NULL, &why), 0);
	assert_int_equal(xt_channel_init(place, &url, since), 0);
	xt_url_fini(&url);
}

static void
check_query(const struct xt_channel_place *place, const char *own, const char *wanted)
{
	struct xt_buf out = { 0 };

	assert_int_equal(xt_channel_query(place, xt_str_from(own), &out), 0);
	assert_true(xt_str_eq(xt_buf_str(&out), xt_str_from(wanted)));
	xt_buf_fini(&out);
}

static void
test_query(void **state)
{
	struct xt_channel_place place;

	(void)state;
	begin(&place, "ws://a/c/n%C3%A9/m", NULL);
	assert_string_equal(place.name, "n\xc3\xa9/m");
	check_query(&place, "", "format=json");
	check_query(&place, "history=3&since=a-1&x", "format=json&history=3&since=a-1&x");
	xt_channel_fini(&place);
	begin(&place, "ws://a/other", "a-1");
	assert_null(place.name);
	check_query(&place, "format=payload&history=3&since=b-2&x=y", "format=json&since=a-1&x=y");
	xt_channel_fini(&place);
}

static void
check(struct xt_channel_place *place, const char *text, int error, enum xt_channel_kind kind)
{
	struct xt_channel_object object;

	assert_int_equal(xt_channel_read(place, xt_str_from(text), &object), error);
	if (error == 0)
		assert_int_equal(object.kind, kind);
	xt_buf_fini(&object.bytes);
}

static void
check_message(struct xt_channel_place *place, const char *text, enum xt_kind kind, const char *data)
{
	struct xt_channel_object object;

	assert_int_equal(xt_channel_read(place, xt_str_from(text), &object), 0);
	assert_int_equal(object.kind, XT_CHANNEL_MESSAGE);
	assert_int_equal(object.data.kind, kind);
	assert_true(xt_str_eq(xt_str_of(object.data.p, object.data.n), xt_str_from(data)));
	assert_string_equal(object.data.id, place->last);
	assert_string_equal(object.data.channel, "n");
	xt_buf_fini(&object.bytes);
}

static void
test_objects(void **state)
{
	struct xt_channel_place place;

	(void)state;
	begin(&place, "ws://a/c/n", NULL);
	check(&place, "{\"event\":\"open\",\"next\":\"e-4\"}", 0, XT_CHANNEL_EVENT);
	assert_string_equal(place.last, "e-4");
	check(&place, "{\"event\":\"open\",\"next\":\"e-9\"}", 0, XT_CHANNEL_EVENT);
	assert_string_equal(place.last, "e-4");
	check(&place, "{\"id\":\"e-4\",\"data\":\"x\"}", 0, XT_CHANNEL_DUPLICATE);
	check_message(&place, "{\"id\":\"e-5\",\"data\":\"x\\n\"}", XT_KIND_TEXT, "x\n");
	check_message(&place, "{\"id\":\"e-6\",\"data\":\"eA==\",\"encoding\":\"base64\"}",
		XT_KIND_BINARY, "x");
	check_message(&place, "{\"id\":\"e-7\",\"data\": [1, 2] }", XT_KIND_JSON, "[1, 2]");
	check_message(&place, "{\"id\":\"e-8\",\"data\":\"x\",\"type\":\"application/json\"}",
		XT_KIND_JSON, "\"x\"");
	check_message(&place, "{\"id\":\"e-9\",\"data\":\"x\",\"type\":\"a/b+json; c=d\"}",
		XT_KIND_JSON, "\"x\"");
	check_message(&place, "{\"id\":\"f-1\",\"data\":\"another epoch\"}", XT_KIND_TEXT,
		"another epoch");
	check(&place, "{\"event\":\"lost\",\"notice\":\"gone\",\"next\":\"f-20\"}", 0,
		XT_CHANNEL_LOST);
	assert_string_equal(place.last, "f-20");
	check(&place, "{\"event\":\"lost\",\"next\":\"nonsense\"}", 0, XT_CHANNEL_LOST);
	assert_string_equal(place.last, "f-20");
	check(&place, "{\"event\":\"unheard of\"}", 0, XT_CHANNEL_EVENT);
	xt_channel_fini(&place);
}

static void
test_wrong(void **state)
{
	static const char *const texts[] = { "", "x", "[]", "{}", "{\"id\":\"e-1\"}",
		"{\"data\":\"x\"}", "{\"id\":1,\"data\":\"x\"}", "{\"id\":\"\",\"data\":\"x\"}",
		"{\"id\":\"e-1\",\"data\":\"*\",\"encoding\":\"base64\"}",
		"{\"id\":\"e-99999999999999999999999999999999\",\"data\":\"x\"}" };
	struct xt_channel_place place;

	(void)state;
	begin(&place, "ws://a/c/n", "e-0");
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		check(&place, texts[i], XT_EPROTO, 0);
		assert_string_equal(place.last, "e-0");
	}
	xt_channel_fini(&place);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
