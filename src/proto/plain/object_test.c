/* object_test.c - the JSON of every kind of payload, read back with another parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <jansson.h>

#include "codec/base64.h"
#include "proto/plain/object.h"

#define ID   "k3v9x0a1-42"
#define TIME 1763700000123
#define NONE XT_STR("")

static struct xt_position
position(const char *text)
{
	struct xt_position position;

	assert_true(xt_position_parse(xt_str_from(text), &position));
	return position;
}

/* The object of a message, behind what the buffer held. */
static void
write_message(struct xt_buf *out, enum xt_kind kind, struct xt_str payload, struct xt_str type)
{
	struct xt_message *message = xt_message_new(kind, payload, type, 7);

	assert_non_null(message);
	message->id = position(ID);
	message->time = TIME;
	assert_int_equal(xt_object_message(out, message), 0);
	xt_message_unref(message);
}

static json_t *
parse(const struct xt_buf *text)
{
	json_error_t error;
	json_t *object =
		json_loadb(text->p, text->n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

	if (!object)
		fail_msg("%s: %.*s", error.text, (int)text->n, text->p);
	assert_true(json_is_object(object));
	assert_null(memchr(text->p, '\n', text->n));
	assert_null(memchr(text->p, '\r', text->n));
	return object;
}

/* The object of a message, parsed; what all have in common is checked. */
static json_t *
object_of(enum xt_kind kind, struct xt_str payload, struct xt_str type, size_t fields)
{
	struct xt_buf out = { 0 };
	json_t *object;

	write_message(&out, kind, payload, type);
	object = parse(&out);
	xt_buf_fini(&out);
	assert_string_equal(json_string_value(json_object_get(object, "id")), ID);
	assert_int_equal(json_integer_value(json_object_get(object, "time")), TIME);
	assert_non_null(json_object_get(object, "data"));
	assert_int_equal(json_object_size(object), fields);
	return object;
}

static void
check_string(const json_t *value, struct xt_str expected)
{
	assert_true(json_is_string(value));
	assert_int_equal(json_string_length(value), expected.n);
	assert_memory_equal(json_string_value(value), expected.p, expected.n);
}

static void
test_text(void **state)
{
	static const struct xt_str texts[] = {
		XT_STR_INIT(""),
		XT_STR_INIT("hello"),
		XT_STR_INIT("she said \"no\" \\ and / 'left'"),
		XT_STR_INIT("\x01\x02\x07\b\t\n\v\f\r\x1b\x1f\x7f"),
		XT_STR_INIT("a\0b\0"),
		XT_STR_INIT("lines\r\nand\rlines\nand\n"),
		XT_STR_INIT("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xe2\x80\xa8 \xef\xbb\xbf"),
		XT_STR_INIT("{\"not\":\"an object\"}</script>"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		json_t *object = object_of(XT_KIND_TEXT, texts[i], NONE, 3);
		check_string(json_object_get(object, "data"), texts[i]);
		json_decref(object);
	}
}

static void
test_json(void **state)
{
	static const struct xt_str texts[] = {
		XT_STR_INIT("{\r\n\t\"a\" : [ 1,\n2.5 , null ],\r\"b\":\"x\\ny\"\n}\n"),
		XT_STR_INIT("[]"),
		XT_STR_INIT("\"a string \\u00e9 \\\"\""),
		XT_STR_INIT("\n12\r\n"),
		XT_STR_INIT("true"),
		XT_STR_INIT("null"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		json_t *object = object_of(XT_KIND_JSON, texts[i], XT_STR("application/json"), 4);
		json_t *expected = json_loadb(texts[i].p, texts[i].n, JSON_DECODE_ANY, NULL);
		assert_non_null(expected);
		assert_true(json_equal(json_object_get(object, "data"), expected));
		check_string(json_object_get(object, "type"), XT_STR("application/json"));
		json_decref(expected);
		json_decref(object);
	}
}

/* Numbers that no parser could hold pass as they are. */
static void
test_json_is_kept(void **state)
{
	static const char number[] = "1.10e+400";
	struct xt_buf out = { 0 };

	(void)state;
	write_message(&out, XT_KIND_JSON, XT_STR("[\n1.10e+400]"), NONE);
	assert_non_null(memmem(out.p, out.n, number, sizeof number - 1));
	xt_buf_fini(&out);
}

static void
test_binary(void **state)
{
	char bytes[256];

	(void)state;
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)i;
	for (size_t n = 0; n <= sizeof bytes; n++) {
		struct xt_buf expected = { 0 };
		json_t *object = object_of(XT_KIND_BINARY, xt_str_of(bytes, n), NONE, 4);
		assert_int_equal(xt_base64_append(&expected, xt_str_of(bytes, n)), 0);
		check_string(json_object_get(object, "data"), xt_buf_str(&expected));
		check_string(json_object_get(object, "encoding"), XT_STR("base64"));
		json_decref(object);
		xt_buf_fini(&expected);
	}
}

static void
test_type(void **state)
{
	char longest[XT_MESSAGE_TYPE_MAX];
	const struct xt_str types[] = {
		XT_STR("text/plain"),
		XT_STR("text/plain; charset=\"utf-8\"; a=\"\\\\\""),
		XT_STR("text/\xc3\xa9\t"),
		{ longest, sizeof longest },
	};

	(void)state;
	memset(longest, 't', sizeof longest);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		json_t *object = object_of(XT_KIND_TEXT, XT_STR("x"), types[i], 4);
		check_string(json_object_get(object, "type"), types[i]);
		json_decref(object);
	}
}

/* The example of docs/channel.md, letter by letter, behind what was there. */
static void
test_documented(void **state)
{
	static const char expected[] = ",{\"id\":\"" ID "\",\"time\":1763700000123,"
				       "\"data\":\"hello\",\"type\":\"text/plain\"}";
	struct xt_buf out = { 0 };

	(void)state;
	assert_int_equal(xt_buf_append_str(&out, XT_STR(",")), 0);
	write_message(&out, XT_KIND_TEXT, XT_STR("hello"), XT_STR("text/plain"));
	assert_int_equal(out.n, sizeof expected - 1);
	assert_memory_equal(out.p, expected, out.n);
	xt_buf_fini(&out);
}

static void
test_open(void **state)
{
	struct xt_buf out = { 0 };
	json_t *object;

	(void)state;
	assert_int_equal(xt_object_open(&out, position("k3v9x0a1-0")), 0);
	object = parse(&out);
	assert_int_equal(json_object_size(object), 2);
	assert_string_equal(json_string_value(json_object_get(object, "event")), "open");
	assert_string_equal(json_string_value(json_object_get(object, "next")), "k3v9x0a1-0");
	json_decref(object);
	xt_buf_fini(&out);
}

static void
test_lost(void **state)
{
	struct xt_buf out = { 0 };
	json_t *object;

	(void)state;
	assert_int_equal(xt_object_lost(&out, position("a-1"), position("b-9")), 0);
	object = parse(&out);
	assert_int_equal(json_object_size(object), 4);
	assert_string_equal(json_string_value(json_object_get(object, "event")), "lost");
	assert_string_equal(json_string_value(json_object_get(object, "notice")), XT_LOST_WORDS);
	assert_string_equal(json_string_value(json_object_get(object, "since")), "a-1");
	assert_string_equal(json_string_value(json_object_get(object, "next")), "b-9");
	json_decref(object);
	xt_buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_is_kept),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_type),
		cmocka_unit_test(test_documented),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
