/* schedule_test.c - what is due when; what may leave on a lane, and how long it took, with a schedule and without. */
#include "bench/schedule.h"

#include "bench/lane.h"
#include "bench/mark.h"
#include "connect/printed.h"

static void
test_due(void **state)
{
	struct schedule schedule;

	(void)state;
	schedule_begin(&schedule, 5000, 1e6); /* one each microsecond */
	assert_int_equal(schedule_due(&schedule, 4999), 0);
	assert_int_equal(schedule_due(&schedule, 5000), 1);
	assert_int_equal(schedule_due(&schedule, 5999), 1);
	assert_int_equal(schedule_due(&schedule, 6000), 2);
	schedule_begin(&schedule, 5000, 0);
	assert_int_equal(schedule_due(&schedule, 10000000), 0);
}

/* Whatever the rate: a message is due from its time on, and not before. */
static void
test_due_and_time_agree(void **state)
{
	static const double rates[] = { 0.3, 7, 999.5, 33333.3, 3e6 };

	(void)state;
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		struct schedule schedule;
		schedule_begin(&schedule, UINT64_C(1) << 50, rates[i]);
		for (uint64_t index = 1; index < 2000; index += 7) {
			uint64_t time = schedule_time(&schedule, index);
			assert_int_equal(schedule_due(&schedule, time), index + 1);
			assert_int_equal(schedule_due(&schedule, time - 1), index);
		}
	}
}

/* Three lanes share one message a microsecond; the second has 1, 4, 7, … */
static void
test_lane_of_a_schedule(void **state)
{
	struct schedule schedule;
	struct lane lane = { .offset = 1, .stride = 3, .room = 2 };

	(void)state;
	schedule_begin(&schedule, 1000, 1e6);
	assert_int_equal(lane_room(&lane, &schedule, 1000), 0);
	assert_int_equal(lane_room(&lane, &schedule, 2000), 1);
	assert_int_equal(lane_room(&lane, &schedule, 4999), 1);
	assert_int_equal(lane_room(&lane, &schedule, 5000), 2);
	assert_int_equal(lane_room(&lane, &schedule, 90000), 2); /* no more than its room */
	lane_leave(&lane, 2, 90000);
	assert_int_equal(lane_room(&lane, &schedule, 90000), 0);
	/* Counted from when it was due, however late it left. */
	assert_int_equal(lane_return(&lane, &schedule, 100000), 100000 - 2000);
	assert_int_equal(lane_return(&lane, &schedule, 100000), 100000 - 5000);
	assert_int_equal(lane_room(&lane, &schedule, 100000), 2);
}

static void
test_lane_without_a_schedule(void **state)
{
	struct schedule schedule;
	uint64_t times[4];
	struct lane lane = { .stride = 1, .room = 3, .mask = 3, .times = times };

	(void)state;
	schedule_begin(&schedule, 0, 0);
	for (uint64_t turn = 0; turn < 10; turn++) {
		assert_int_equal(lane_room(&lane, &schedule, 0), 3);
		lane_leave(&lane, 1, turn * 100);
		lane_leave(&lane, 2, turn * 100 + 10);
		assert_int_equal(lane_room(&lane, &schedule, 0), 0);
		assert_int_equal(lane_return(&lane, &schedule, turn * 100 + 50), 50);
		assert_int_equal(lane_return(&lane, &schedule, turn * 100 + 60), 50);
		assert_int_equal(lane_return(&lane, &schedule, turn * 100 + 60), 50);
	}
}

static void
test_rings(void **state)
{
	static const uint64_t rings[][2] = { { 1, 1 }, { 2, 2 }, { 3, 4 }, { 4, 4 }, { 5, 8 },
		{ 16384, 16384 }, { 16383, 16384 } };

	(void)state;
	for (size_t i = 0; i < sizeof rings / sizeof *rings; i++)
		assert_int_equal(lane_ring(rings[i][0]), rings[i][1]);
}

static void
test_marks(void **state)
{
	static const uint32_t numbers[] = { 0, 1, 15, 16, 0x12345678, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		uint64_t mark = mark_encode(numbers[i]);
		char text[MARK_SIZE];
		memcpy(text, &mark, sizeof text);
		for (size_t k = 0; k < MARK_SIZE; k++)
			assert_true(text[k] >= 'a' && text[k] <= 'p');
		assert_true(mark_is_one(mark_load(text)));
		assert_int_equal(mark_decode(mark), numbers[i]);
	}
	assert_false(mark_is_one(mark_load("abcdefgq")));
	assert_false(mark_is_one(mark_load("`bcdefgh")));
	assert_false(mark_is_one(mark_load("{\"event\"")));
	assert_false(mark_is_one(0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_due_and_time_agree),
		cmocka_unit_test(test_lane_of_a_schedule),
		cmocka_unit_test(test_lane_without_a_schedule),
		cmocka_unit_test(test_rings),
		cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
