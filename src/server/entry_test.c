/* entry_test.c - what a request on /c/ may say: each parameter good, at and past its limit, and the words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/fixture.h"
#include "server/entry.h"

#define SSE  "Accept: text/event-stream\r\n"
#define WS   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define X10  "xxxxxxxxxx"
#define X60  X10 X10 X10 X10 X10 X10
#define X64  X60 "xxxx"
#define X255 X60 X60 X60 X60 X10 "xxxxx"

static const struct xt_reader *
find_reader(const struct xt_request *request)
{
	size_t i = 0;

	while (!xt_readers[i].wanted(request))
		i++;
	assert_true(i < xt_readers_count);
	return &xt_readers[i];
}

static void
describe(struct xt_buf *out, const struct xt_reader *reader, const struct xt_entry *entry)
{
	static const char *const starts[] = { "now", "oldest", "since", "last" };
	char since[XT_POSITION_TEXT] = "";

	if (entry->reading.start == XT_START_SINCE)
		xt_position_format(entry->reading.since, since);
	assert_int_equal(xt_buf_printf(out,
				 "%s channel=%.*s client=%.*s name=%.*s start=%s%s%zu %s%s wait=%u",
				 reader->transport->name, (int)entry->channel.n, entry->channel.p,
				 (int)entry->client.n, entry->client.p, (int)entry->name.n,
				 entry->name.p, starts[entry->reading.start], since,
				 entry->reading.last, entry->json ? "json" : "payload",
				 entry->no_echo ? " no_echo" : "", entry->wait_ms),
		0);
}

static void
read_all(struct xt_exchange *x, void *ctx)
{
	const struct xt_reader *reader = find_reader(xt_exchange_request(x));
	struct xt_entry_text text = { 0 };
	struct xt_buf out = { 0 };

	(void)ctx;
	if (xt_entry_read_channel(x, &text) == 0 && xt_entry_read(x, reader, &text) == 0) {
		describe(&out, reader, &text.entry);
		xt_exchange_reply(x, 200, XT_STR("text/plain"), xt_buf_str(&out));
	}
	xt_buf_fini(&out);
	xt_entry_text_fini(&text);
}

static const struct xt_route routes[] = {
	{ .path = XT_STR_INIT("/c/"), .prefix = true, .methods = XT_GET, .handle = read_all },
	{ .handle = NULL },
};

struct row {
	const char *target; /* behind /c/ */
	const char *fields;
	const char *words; /* of the answer; all of a good one behind the first blank */
};

static void
check(struct fixture *f, const struct row *row, unsigned status, const char *code)
{
	char text[2048];
	struct answer answer;

	snprintf(text, sizeof text, "GET /c/%s HTTP/1.1\r\nHost: a\r\n%s\r\n", row->target,
		row->fields);
	fixture_send(f, text);
	answer = fixture_answer(f, true);
	if (answer.status != status || !strstr(answer.body.p, row->words) ||
		!strstr(answer.body.p, code))
		fail_msg("%s: expected %s, got %u %s", row->target, row->words, answer.status,
			answer.body.p);
	answer_fini(&answer);
}

static void
check_all(const struct row *rows, size_t count, unsigned status, const char *code)
{
	struct xt_http_config config = { .routes = routes };
	struct fixture f;

	fixture_init(&f, &config);
	for (size_t i = 0; i < count; i++)
		check(&f, &rows[i], status, code);
	fixture_fini(&f);
}

#define CHECK_ALL(rows, status, code) \
	check_all((rows), sizeof(rows) / sizeof(rows)[0], (status), (code))

/* Which row of the registry is taken, and what it starts with. */
static void
test_ways(void **state)
{
	static const struct row rows[] = {
		{ "r", "", "poll channel=r client= name= start=oldest0 json wait=0" },
		{ "r?wait=0", "", "longpoll channel=r client= name= start=now0 json wait=0" },
		{ "r?stream=ndjson", "", "ndjson channel=r client= name= start=now0 json wait=0" },
		{ "r?stream=iframe", SSE, "iframe channel=r client= name= start=now0 json wait=0" },
		{ "r", SSE, "sse channel=r client= name= start=now0 payload wait=0" },
		{ "r?wait=1", SSE, "sse channel=r" },
		{ "r", "Accept: text/html, Text/Event-Stream;q=0.5, */*\r\n", "sse channel=r" },
		{ "r", "Accept: text/event-streams\r\n", "poll channel=r" },
		{ "r", "Accept: */*\r\n", "poll channel=r" },
		{ "r", WS, "websocket channel=r client= name= start=now0 payload wait=0" },
		{ "r?stream=ndjson&wait=1", WS SSE, "websocket channel=r" },
	};

	(void)state;
	CHECK_ALL(rows, 200, "");
}

static void
test_good(void **state)
{
	static const struct row rows[] = {
		{ "sport/football/42?unknown=1", "", "channel=sport/football/42 client=" },
		{ "%41%2fb%20c", "", "channel=A/b c client=" },
		{ "a+b", "", "channel=a+b client=" },
		{ "%c3%a9", "", "channel=\xc3\xa9 client=" },
		{ X255, "", "channel=" X255 " client=" },
		{ "r?client=aZ09._~-", "", "client=aZ09._~- name=" },
		{ "r?client=" X64, "", "client=" X64 " name=" },
		{ "r?name=" X64, "", "name=" X64 " start=" },
		{ "r?name=a+b%2B%c3%a9&name=second", "", "name=a b+\xc3\xa9 start=" },
		{ "r?wait=25", "", "wait=25000" },
		{ "r?wait=0.5", "", "wait=500" },
		{ "r?wait=1.05", "", "wait=1050" },
		{ "r?wait=1.005", "", "wait=1005" },
		{ "r?wait=300", "", "wait=300000" },
		{ "r?wait=300.000", "", "wait=300000" },
		{ "r?wait=299.999", "", "wait=299999" },
		{ "r?since=k3v9x0a1-42", "", "start=sincek3v9x0a1-420 json" },
		{ "r?since=a-0", "", "start=sincea-00 json" },
		{ "r?since=a-9223372036854775807", "", "start=sincea-92233720368547758070 json" },
		{ "r?history=0", "", "start=last0 json" },
		{ "r?history=10000", "", "start=last10000 json" },
		{ "r?format=json", "", " json wait" },
		{ "r?format=json", WS, " json wait" },
		{ "r?format=payload", WS, " payload wait" },
		{ "r?format=json", SSE, " json wait" },
		{ "r?format=payload", SSE, " payload wait" },
		{ "r?echo=0", WS, "payload no_echo wait" },
		{ "r?echo=1", WS, "payload wait" },
	};

	(void)state;
	CHECK_ALL(rows, 200, "");
}

/* WHATWG HTML 9.2.3: only an EventSource sends it, and it is newer than what the URL says. */
static void
test_last_event_id(void **state)
{
	static const struct row good[] = {
		{ "r", SSE "Last-Event-ID: a-7\r\n", "start=sincea-70 payload" },
		{ "r?since=a-3", SSE "Last-Event-ID: a-7\r\n", "start=sincea-70 payload" },
		{ "r?history=5", SSE "Last-Event-ID: a-7\r\n", "start=sincea-70 payload" },
		{ "r?since=a-3", SSE "Last-Event-ID:\r\n", "start=sincea-30 payload" },
		{ "r?since=a-3", "Last-Event-ID: x\r\n",
			"poll channel=r client= name= start=sincea-3" },
	};
	static const struct row bad[] = {
		{ "r", SSE "Last-Event-ID: seven\r\n",
			"Last-Event-ID is the id of a message, EPOCH-OFFSET" },
	};

	(void)state;
	CHECK_ALL(good, 200, "");
	CHECK_ALL(bad, 400, "bad_parameter");
}

static void
test_bad_channel(void **state)
{
	static const struct row rows[] = {
		{ "", "", "1 to 255 bytes of UTF-8 without control characters" },
		{ "?since=a-1", "", "1 to 255 bytes" },
		{ X255 "x", "", "1 to 255 bytes" },
		{ "a%0ab", "", "without control characters" },
		{ "a%00b", "", "without control characters" },
		{ "a%7fb", "", "without control characters" },
		{ "%ff", "", "UTF-8" },
		{ "%ed%a0%80", "", "UTF-8" },
		{ "%4", "", "a % in the path is not followed by two hexadecimal digits" },
		{ "%zz", "", "a % in the path" },
	};

	(void)state;
	CHECK_ALL(rows, 400, "\"bad_channel_name\"");
}

static void
test_bad_parameter(void **state)
{
#define CLIENT "client is 1 to 64 characters of A-Z a-z 0-9 . _ ~ -"
#define NAME   "name is 1 to 64 bytes of UTF-8"
#define WAIT   "wait is how many seconds to wait for news: 0 to 300"
#define LAST   "history is how many of the last messages: 0 to 10000"
	static const struct row rows[] = {
		{ "r?client=", "", CLIENT },
		{ "r?client", "", CLIENT },
		{ "r?client=" X64 "x", "", CLIENT },
		{ "r?client=a+b", "", CLIENT },
		{ "r?client=%c3%a9", "", CLIENT },
		{ "r?client=a%00", "", CLIENT },
		{ "r?client=%2", "", "client is not percent-encoded in order" },
		{ "r?name=", "", NAME },
		{ "r?name=" X64 "x", "", NAME },
		{ "r?name=%ff", "", NAME },
		{ "r?name=%", "", "name is not percent-encoded in order" },
		{ "r?wait=", "", WAIT },
		{ "r?wait=-1", "", WAIT },
		{ "r?wait=301", "", WAIT },
		{ "r?wait=300.001", "", WAIT },
		{ "r?wait=1.", "", WAIT },
		{ "r?wait=.5", "", WAIT },
		{ "r?wait=1.0005", "", WAIT },
		{ "r?wait=1.2.3", "", WAIT },
		{ "r?wait=1e2", "", WAIT },
		{ "r?wait=18446744073709551617", "", WAIT },
		{ "r?wait=soon", SSE, WAIT },
		{ "r?since=", "", "since is the id of a message, EPOCH-OFFSET" },
		{ "r?since=42", "", "since is the id" },
		{ "r?since=a-9223372036854775808", "", "since is the id" },
		{ "r?since=A-1", WS, "since is the id" },
		{ "r?history=10001", "", LAST },
		{ "r?history=", "", LAST },
		{ "r?history=-1", "", LAST },
		{ "r?history=1.5", "", LAST },
		{ "r?since=a-1&history=1", "", "history is not to be given together with since" },
		{ "r?format=xml", WS, "format is json or payload" },
		{ "r?format=", SSE, "format is json or payload" },
		{ "r?format=JSON", WS, "format is json or payload" },
		{ "r?format=payload", "",
			"format is json here: this way of reading has no other form" },
		{ "r?format=payload&stream=ndjson", "", "format is json here" },
		{ "r?echo=2", WS, "echo is 0 or 1" },
		{ "r?echo=", WS, "echo is 0 or 1" },
		{ "r?stream=sse", "", "stream is ndjson or iframe" },
		{ "r?stream=", SSE, "stream is ndjson or iframe" },
		{ "r?stream=%n", "", "stream is not percent-encoded in order" },
	};

	(void)state;
	CHECK_ALL(rows, 400, "\"bad_parameter\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_last_event_id),
		cmocka_unit_test(test_bad_channel),
		cmocka_unit_test(test_bad_parameter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
