/* timer_test.c - the wheel against a plain array of due times. */
#include "io/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIMERS 200
#define TICK   8u

struct timer {
	struct xt_timer timer;
	struct model *model;
	uint64_t due; /* the end of the tick it belongs to; 0: not running */
	int fired;
};

struct model {
	struct xt_wheel wheel;
	uint64_t now;
	struct timer timers[TIMERS];
	unsigned short seed[3];
};

static struct xt_timer *fired[8];
static int fired_count;

static void
note(struct xt_timer *timer)
{
	assert_true(fired_count < 8);
	fired[fired_count++] = timer;
}

static void
fire(struct xt_timer *at)
{
	struct timer *timer = XT_CONTAINER(at, struct timer, timer);

	assert_true(timer->due != 0 && timer->due <= timer->model->now);
	timer->due = 0;
	timer->fired++;
}

static uint64_t
random_below(struct model *model, uint64_t n)
{
	return ((uint64_t)nrand48(model->seed) << 31 | (uint64_t)nrand48(model->seed)) % n;
}

/* Spans of every magnitude, up to about a day. */
static uint64_t
random_span(struct model *model)
{
	return random_below(model, 1ull << random_below(model, 27));
}

static void
start(struct model *model, struct timer *timer, uint64_t ms)
{
	xt_timer_start(&model->wheel, &timer->timer, model->now, ms);
	timer->due = (model->now + ms + TICK - 1) / TICK * TICK;
	/* The running tick is over. */
	if (timer->due < (model->now / TICK + 1) * TICK)
		timer->due = (model->now / TICK + 1) * TICK;
}

static uint64_t
first_due(const struct model *model)
{
	uint64_t first = 0;

	for (size_t i = 0; i < TIMERS; i++)
		if (model->timers[i].due && (!first || model->timers[i].due < first))
			first = model->timers[i].due;
	return first;
}

static void
check_wait(const struct model *model)
{
	uint64_t first = first_due(model);
	int64_t wait = xt_wheel_wait(&model->wheel, model->now);

	if (!first) {
		assert_int_equal(wait, -1);
		return;
	}
	/* Never late; exact when the finest level holds it; else it says when to look again. */
	assert_true(wait > 0 && (uint64_t)wait <= first - model->now);
	if (first / TICK - model->wheel.tick < XT_WHEEL_SLOTS - 1 &&
		first / TICK / 64 == model->wheel.tick / 64)
		assert_int_equal(wait, first - model->now);
}

static void
advance(struct model *model, uint64_t ms)
{
	size_t running = 0;

	model->now += ms;
	xt_wheel_run(&model->wheel, model->now);
	for (size_t i = 0; i < TIMERS; i++) {
		assert_true(model->timers[i].due == 0 || model->timers[i].due > model->now);
		running += model->timers[i].due != 0;
	}
	assert_int_equal(model->wheel.count, running);
}

static void
model_init(struct model *model, uint64_t now)
{
	*model = (struct model){ .now = now, .seed = { 1, 2, 3 } };
	xt_wheel_init(&model->wheel, now);
	xt_wheel_run(&model->wheel, now);
	for (size_t i = 0; i < TIMERS; i++) {
		xt_timer_init(&model->timers[i].timer, fire);
		model->timers[i].model = model;
	}
}

static void
test_random(void **state)
{
	static struct model model;
	uint64_t begin;

	(void)state;
	model_init(&model, 123456789);
	begin = model.now;
	for (int i = 0; i < 20000 && model.now - begin < (1ull << 28); i++) {
		struct timer *timer = &model.timers[random_below(&model, TIMERS)];
		switch (random_below(&model, 4)) {
		case 0:
			xt_timer_stop(&model.wheel, &timer->timer);
			timer->due = 0;
			break;
		case 1:
			advance(&model, random_below(&model, 2) ? random_below(&model, 100)
								: random_span(&model) / 16);
			break;
		case 2:
			if (model.wheel.count)
				advance(&model, (uint64_t)xt_wheel_wait(&model.wheel, model.now));
			break;
		default:
			start(&model, timer, random_span(&model));
		}
		check_wait(&model);
	}
	xt_wheel_fini(&model.wheel);
	assert_int_equal(model.wheel.count, 0);
	for (size_t i = 0; i < TIMERS; i++)
		xt_timer_stop(NULL, &model.timers[i].timer); /* harmless */
}

/* One timer per level, at both of its edges, reached by waiting as often as wait() says. */
static void
test_levels(void **state)
{
	static struct model model;
	static const uint64_t ticks[] = { 0, 1, 62, 63, 64, 65, 4095, 4096, 4097, 262143, 262144,
		262145, 16777215, 16777216, 16777217 };

	(void)state;
	for (uint64_t offset = 0; offset < 3; offset++) {
		for (size_t i = 0; i < sizeof ticks / sizeof ticks[0]; i++) {
			int looks = 0;
			uint64_t due;
			model_init(&model, (262144 - 1 + offset) * TICK + 3);
			start(&model, &model.timers[0], ticks[i] * TICK);
			due = model.timers[0].due;
			while (!model.timers[0].fired) {
				check_wait(&model);
				advance(&model, (uint64_t)xt_wheel_wait(&model.wheel, model.now));
				assert_true(++looks <= 2 * XT_WHEEL_LEVELS);
			}
			assert_int_equal(model.now, due);
		}
	}
}

/* Beyond the coarsest level: placed as far as it reaches, told to look again, not fired early. */
static void
test_far(void **state)
{
	struct xt_wheel wheel;
	struct xt_timer timer;
	int64_t wait;

	(void)state;
	fired_count = 0;
	xt_wheel_init(&wheel, 1000);
	xt_timer_init(&timer, note);
	xt_timer_start(&wheel, &timer, 1000, 1ull << 40);
	wait = xt_wheel_wait(&wheel, 1000);
	assert_true(wait > 0 && wait <= (int64_t)1 << 33);
	xt_wheel_run(&wheel, 1000 + (1u << 20));
	assert_int_equal(fired_count, 0);
	xt_timer_stop(&wheel, &timer);
	assert_int_equal(xt_wheel_wait(&wheel, 1000), -1);
}

struct chain {
	struct xt_timer timer, other;
	struct xt_wheel *wheel;
	int runs;
};

static void
stop_other(struct xt_timer *timer)
{
	struct chain *chain = XT_CONTAINER(timer, struct chain, timer);

	chain->runs++;
	xt_timer_stop(chain->wheel, &chain->other);
	xt_timer_start(chain->wheel, timer, 100, 0);
}

static void
test_within_fire(void **state)
{
	struct xt_wheel wheel;
	struct chain chain = { .wheel = &wheel };

	(void)state;
	fired_count = 0;
	xt_wheel_init(&wheel, 100);
	xt_timer_init(&chain.timer, stop_other);
	xt_timer_init(&chain.other, note);
	xt_timer_start(&wheel, &chain.timer, 100, 10);
	xt_timer_start(&wheel, &chain.other, 100, 10);
	xt_wheel_run(&wheel, 112);
	/* It ran, stopped the other of its tick, and waits for the next one. */
	assert_int_equal(chain.runs, 1);
	assert_int_equal(fired_count, 0);
	assert_int_equal(wheel.count, 1);
	xt_wheel_run(&wheel, 112);
	assert_int_equal(chain.runs, 1);
	xt_wheel_run(&wheel, 120);
	assert_int_equal(chain.runs, 2);
	xt_timer_stop(&wheel, &chain.timer);
}

static void
test_move(void **state)
{
	struct xt_wheel wheel;
	struct xt_timer timer;

	(void)state;
	fired_count = 0;
	xt_wheel_init(&wheel, 0);
	xt_timer_init(&timer, note);
	xt_timer_stop(&wheel, &timer);
	xt_timer_start(&wheel, &timer, 0, 50);
	xt_timer_start(&wheel, &timer, 0, 500);
	assert_int_equal(wheel.count, 1);
	xt_wheel_run(&wheel, 499);
	assert_int_equal(fired_count, 0);
	xt_wheel_run(&wheel, 504);
	assert_int_equal(fired_count, 1);
	assert_ptr_equal(fired[0], &timer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_far),
		cmocka_unit_test(test_within_fire),
		cmocka_unit_test(test_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
