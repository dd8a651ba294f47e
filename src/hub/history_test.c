/* history_test.c - a history against the simplest model of one: an array of all that was ever added. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hub/history.h"

#define STEPS 3000

static struct xt_message *
message_of(size_t size, uint64_t offset, uint64_t time)
{
	static const char bytes[512];
	struct xt_message *message =
		xt_message_new(XT_KIND_TEXT, xt_str_of(bytes, size), (struct xt_str){ 0 }, 0);

	message->id.offset = offset;
	message->time = time;
	return message;
}

static void
add(struct xt_history *history, const struct xt_history_limits *limits, size_t size,
	uint64_t offset, uint64_t time)
{
	struct xt_message *message = message_of(size, offset, time);

	assert_int_equal(xt_history_add(history, limits, message), 0);
	xt_message_unref(message);
}

struct model {
	size_t weights[STEPS];
	uint64_t times[STEPS];
	size_t first, count; /* kept: [first, count) */
};

static size_t
model_bytes(const struct model *model)
{
	size_t bytes = 0;

	for (size_t i = model->first; i < model->count; i++)
		bytes += model->weights[i];
	return bytes;
}

static void
model_limit(struct model *model, const struct xt_history_limits *limits)
{
	while (model->first < model->count && (model->count - model->first > limits->messages ||
						      model_bytes(model) > limits->bytes))
		model->first++;
}

static void
model_expire(struct model *model, uint64_t age_ms, uint64_t now)
{
	while (model->first < model->count && now - model->times[model->first] >= age_ms)
		model->first++;
}

static void
assert_same(const struct xt_history *history, const struct model *model)
{
	assert_int_equal(history->count, model->count - model->first);
	assert_int_equal(history->bytes, model_bytes(model));
	for (size_t i = 0; i < history->count; i++)
		assert_int_equal(xt_history_at(history, i)->id.offset, model->first + i + 1);
}

static void
run_model(const struct xt_history_limits *limits, unsigned seed)
{
	struct xt_history history = { 0 };
	struct model *model = calloc(1, sizeof *model);
	uint64_t now = 1000;

	srandom(seed);
	while (model->count < STEPS) {
		size_t size = (size_t)random() % 400;
		now += (uint64_t)random() % 10;
		add(&history, limits, size, model->count + 1, now);
		model->weights[model->count] = sizeof(struct xt_message) + size;
		model->times[model->count++] = now;
		model_limit(model, limits);
		if (random() % 4 == 0) {
			now += (uint64_t)random() % 100;
			xt_history_expire(&history, limits, now);
			model_expire(model, limits->age_ms, now);
		}
		if (random() % 500 == 0) {
			xt_history_clear(&history);
			model->first = model->count;
		}
		assert_same(&history, model);
	}
	xt_history_clear(&history);
	free(model);
}

static void
test_against_model(void **state)
{
	static const struct xt_history_limits rows[] = {
		{ 100, 1 << 20, 1 << 20 },
		{ 1, 1 << 20, 1 << 20 },
		{ 8, 1 << 20, 1 << 20 },
		{ 9, 1 << 20, 1 << 20 },
		{ 1 << 20, 5000, 1 << 20 },
		{ 1 << 20, 200, 1 << 20 }, /* many messages alone are larger */
		{ 1 << 20, 1 << 20, 300 },
		{ 64, 9000, 500 },
		{ 0, 1 << 20, 1 << 20 },
		{ 10, 0, 1 << 20 },
		{ 10, 1 << 20, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
		run_model(&rows[i], i);
}

/* What does not fit takes all with it, so that offsets stay consecutive; and leaves no ring behind. */
static void
test_too_large(void **state)
{
	static const struct xt_history_limits limits = { 10, 300, UINT64_MAX };
	struct xt_history history = { 0 };

	(void)state;
	add(&history, &limits, 10, 1, 0);
	assert_int_equal(history.count, 1);
	add(&history, &limits, 500, 2, 0);
	assert_int_equal(history.count, 0);
	assert_int_equal(history.bytes, 0);
	xt_history_expire(&history, &limits, 1);
	assert_null(history.ring);
	add(&history, &limits, 10, 3, 0);
	assert_int_equal(xt_history_at(&history, 0)->id.offset, 3);
	xt_history_clear(&history);
}

static void
test_age(void **state)
{
	static const struct xt_history_limits limits = { 10, 10000, 100 };
	static const struct xt_history_limits unlimited = { 10, 10000, UINT64_MAX };
	struct xt_history history = { 0 };

	(void)state;
	add(&history, &limits, 1, 1, 1000);
	add(&history, &limits, 1, 2, 1050);
	xt_history_expire(&history, &limits, 1099);
	assert_int_equal(history.count, 2);
	xt_history_expire(&history, &limits, 1100);
	assert_int_equal(history.count, 1);
	/* the clock was set back */
	xt_history_expire(&history, &limits, 10);
	assert_int_equal(history.count, 1);
	xt_history_expire(&history, &unlimited, UINT64_MAX - 1);
	assert_int_equal(history.count, 1);
	xt_history_expire(&history, &limits, 1150);
	assert_int_equal(history.count, 0);
	assert_null(history.ring);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_model),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
