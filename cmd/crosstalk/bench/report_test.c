/* report_test.c - figures as they are written, both reports word by word, and what a result is judged to mean. */
#include "bench/report.h"

#include "connect/printed.h"

static void
test_figures(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(report_number(out, 0), "0");
	assert_string_equal(report_number(out, 999), "999");
	assert_string_equal(report_number(out, 1000), "1,000");
	assert_string_equal(report_number(out, 1234567), "1,234,567");
	assert_string_equal(report_time(out, 12), "12 ns");
	assert_string_equal(report_time(out, 1234), "1.23 us");
	assert_string_equal(report_time(out, 12.34e6), "12.3 ms");
	assert_string_equal(report_time(out, 123.4e6), "123 ms");
	assert_string_equal(report_time(out, 999.9e3), "1.00 ms");
	assert_string_equal(report_time(out, 5e12), "5000 s");
	assert_string_equal(report_bytes(out, 512), "512 B");
	assert_string_equal(report_bytes(out, 1536), "1.50 KiB");
}

static struct histogram latency;

static struct result
echo_result(void)
{
	return (struct result){
		.scenario = "echo",
		.unit = "messages",
		.url = "ws://a/\"b",
		.subscribe = "ws",
		.connections = 100,
		.in_flight = 16,
		.size = 64,
		.seconds = 2,
		.opening = 0.25,
		.count = { .messages = 1000, .sent_bytes = 4096, .received_bytes = 2048 },
		.latency = &latency,
		.own = { 1000000000, 250000000, 750000000 },
		.server = { 2000000, 500000, 1500000 },
		.has_server = true,
		.others = 0.01,
	};
}

static int
fill_latency(void **state)
{
	(void)state;
	histogram_add(&latency, 1000, 900);
	histogram_add(&latency, 5000, 100);
	return 0;
}

static void
test_for_people(void **state)
{
	struct result result = echo_result();
	struct report_style style = { &palette_plain, true };
	struct printed printed;

	(void)state;
	report_print(printed_begin(&printed), &result, &style);
	printed_is(&printed,
		"echo ws://a/\"b\n"
		"  100 connections, 16 in flight, ws, 64 B, 2.00 s\n"
		"\n"
		"  messages    1,000, 500/s; opened in 0.25 s\n"
		"  traffic     1.00 KiB/s in, 2.00 KiB/s out\n"
		"  latency     p50 1.00 us, p90 1.00 us, p99 5.00 us, p99.9 5.00 us, max 5.00 us\n"
		"       512 ns #################################### 90.00 %\n"
		"      1.02 us  0.00 %\n"
		"      2.05 us  0.00 %\n"
		"      4.10 us #### 10.00 %\n"
		"  generator   1.00 ms CPU each: 250 us user, 750 us system; 50.0 % of a core\n"
		"  server      2.00 us CPU each: 500 ns user, 1.50 us system; 0.1 % of a core\n");
}

static void
test_for_programs(void **state)
{
	struct result result = echo_result();
	struct printed printed;

	(void)state;
	report_print_json(printed_begin(&printed), &result);
	printed_is(&printed,
		"{\"scenario\":\"echo\",\"url\":\"ws://a/\\\"b\",\"subscribe\":\"ws\","
		"\"unit\":\"messages\",\"connections\":100,\"in_flight\":16,\"size\":64,"
		"\"messages\":1000,\"published\":0,\"bytes_in\":2048,\"bytes_out\":4096,"
		"\"lost\":0,\"missing\":0,\"strange\":0,\"refused\":0,"
		"\"seconds\":2.000000,\"opening_seconds\":0.250000,\"rate_asked\":0.000,"
		"\"rate\":500.000,"
		"\"latency_us\":{\"min\":1.000,\"mean\":1.400,\"p50\":1.003,\"p90\":1.003,"
		"\"p99\":5.000,\"p99_9\":5.000,\"max\":5.000},"
		"\"generator\":{\"cores\":0.5000,\"cpu_us\":1000.0000,\"user_us\":250.0000,"
		"\"system_us\":750.0000},"
		"\"server\":{\"cores\":0.0010,\"cpu_us\":2.0000,\"user_us\":0.5000,"
		"\"system_us\":1.5000},"
		"\"machine\":{\"steal\":0.0000,\"others\":0.0100},"
		"\"generator_limited\":false,\"disturbed\":false,\"behind\":false}\n");
}

static void
test_nothing_came(void **state)
{
	struct result result = echo_result();
	static struct histogram empty;
	struct report_style style = { &palette_plain, true };
	struct printed printed;

	(void)state;
	result.count.messages = 0;
	result.latency = &empty;
	report_print(printed_begin(&printed), &result, &style);
	fclose(printed.to);
	assert_non_null(strstr(printed.text, "messages    0, 0/s"));
	assert_null(strstr(printed.text, "nan"));
	free(printed.text);
}

static void
test_verdicts(void **state)
{
	struct result result = echo_result();

	(void)state;
	assert_int_equal(result_judge(&result), 0);
	result.own.total = 1960000000; /* of 2 s */
	assert_int_equal(result_judge(&result), VERDICT_GENERATOR);
	result.server.total = 1960000000; /* both are full: neither waits for the other */
	assert_int_equal(result_judge(&result), 0);
	result.has_server = false;
	assert_int_equal(result_judge(&result), VERDICT_GENERATOR);

	result = echo_result();
	result.steal = 0.05;
	assert_int_equal(result_judge(&result), VERDICT_DISTURBED);
	result.steal = 0;
	result.others = 0.5;
	assert_int_equal(result_judge(&result), VERDICT_DISTURBED);
	result.others = -1; /* unknown */
	assert_int_equal(result_judge(&result), 0);

	result.rate = 500;
	assert_int_equal(result_judge(&result), 0);
	result.rate = 520;
	assert_int_equal(result_judge(&result), VERDICT_BEHIND);
	result.count.published = 1040; /* it is these that the rate was asked for */
	assert_int_equal(result_judge(&result), 0);
	result.count.lost = 1;
	assert_int_equal(result_judge(&result), VERDICT_INCOMPLETE);
}

static void
test_memory(void **state)
{
	struct result result = { .connections = 101, .memory_before = 1000, .memory_after = 7400 };

	(void)state;
	assert_int_equal((int)result_memory(&result), 64); /* the first is not one of them */
	result.connections = 1;
	assert_int_equal((int)result_memory(&result), 0);
}

static void
test_usage_since(void **state)
{
	struct usage before = { 1000, 10, 20 }, after = { 5000, 20, 50 };
	struct usage since = usage_since(&before, &after);

	(void)state;
	assert_int_equal(since.total, 4000);
	assert_int_equal(since.user, 1000);
	assert_int_equal(since.system, 3000);
	since = usage_since(&after, &before); /* a thread that ended took its time with it */
	assert_int_equal(since.total, 0);
	assert_int_equal(since.user + since.system, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_for_people),
		cmocka_unit_test(test_for_programs),
		cmocka_unit_test(test_nothing_came),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_usage_since),
	};

	return cmocka_run_group_tests(tests, fill_latency, NULL);
}
