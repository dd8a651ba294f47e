/* frame_test.c - frames in words. */
#include "connect/frame.h"

#include "connect/printed.h"

static const struct {
	int sent;
	unsigned char first;
	const char *p;
	size_t n, length;
	const char *shown;
} cases[] = {
	{ 1, 0x81, "hello", 5, 5, "out FIN text 5 bytes  \"hello\"" },
	{ 0, 0x81, "", 0, 0, "in  FIN text 0 bytes" },
	{ 0, 0x01, "h", 1, 1, "in  text 1 byte  \"h\"" },
	{ 0, 0x80, "llo", 3, 3, "in  FIN continuation 3 bytes  \"llo\"" },
	{ 0, 0x82, "\x00\xff", 2, 2, "in  FIN binary 2 bytes  00ff" },
	{ 0, 0xc1, "\xca\x49\x04\x00", 4, 4, "in  FIN RSV1 text 4 bytes  ca490400" },
	{ 0, 0xf1, "", 0, 0, "in  FIN RSV1 RSV2 RSV3 text 0 bytes" },
	{ 0, 0x8b, "", 0, 0, "in  FIN reserved 11 0 bytes" },
	{ 1, 0x89, "p", 1, 1, "out FIN ping 1 byte  \"p\"" },
	{ 0, 0x8a, "\x01\x02", 2, 2, "in  FIN pong 2 bytes  0102" },
	{ 0, 0x81, "\x1b[2J", 4, 4, "in  FIN text 4 bytes  \"\\x1b[2J\"" },
	{ 0, 0x88, "", 0, 0, "in  FIN close 0 bytes" },
	{ 0, 0x88, "\x03", 1, 1, "in  FIN close 1 byte  03" },
	{ 0, 0x88, "\x03\xe8", 2, 2, "in  FIN close 2 bytes  1000 normal closure" },
	{ 0, 0x88, "\x0f\xa0no \x1b", 6, 6,
		"in  FIN close 6 bytes  4000 the application's own \"no \\x1b\"" },
	{ 0, 0x88, "\x03\xee", 2, 2, "in  FIN close 2 bytes  1006 connection lost" },
	/* a payload of which only a part is there, cut within a character */
	{ 0, 0x81, "a\xe6\xbc", 3, 70000, "in  FIN text 70000 bytes  \"a\" ..." },
	{ 0, 0x82, "\x01", 1, 2, "in  FIN binary 2 bytes  01 ..." },
};

static void
test_frames(void **state)
{
	struct printed printed;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct xt_frame frame = { cases[i].sent, cases[i].first, cases[i].p, cases[i].n,
			cases[i].length };
		frame_print(printed_begin(&printed), &palette_plain, &frame);
		printed_is(&printed, cases[i].shown);
	}
}

static void
test_long(void **state)
{
	static const char digits[] =
		"0123456789012345678901234567890123456789012345678901234567890";
	struct xt_frame whole = { 0, 0x81, digits, 48, 48 }, longer = { 0, 0x81, digits, 49, 49 };
	struct printed printed;

	(void)state;
	frame_print(printed_begin(&printed), &palette_plain, &whole);
	printed_is(&printed,
		"in  FIN text 48 bytes  \"012345678901234567890123456789012345678901234567\"");
	frame_print(printed_begin(&printed), &palette_plain, &longer);
	printed_is(&printed,
		"in  FIN text 49 bytes  \"012345678901234567890123456789012345678901234567\" ...");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
