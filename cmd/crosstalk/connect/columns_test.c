/* columns_test.c - on which row of the terminal the cursor stands. */
#include "connect/columns.h"

#include "connect/printed.h"

#include <locale.h>

static const struct {
	const wchar_t *line;
	unsigned row;
} cases[] = {
	/* a terminal of 10 columns, a prompt of 2 */
	{ L"", 0 },
	{ L"1234567", 0 },
	{ L"12345678", 1 }, /* the cursor is on the next row already */
	{ L"12345678901234567", 1 },
	{ L"123456789012345678", 2 },
	{ L"漢漢漢漢", 1 },
	{ L"1漢漢漢", 0 },
	{ L"1漢漢漢漢", 1 }, /* the fourth is not cut: it begins the next row */
	{ L"\t", 0 },
	{ L"\t1", 0 },
	{ L"\t12", 1 },
	{ L"\x01\x01\x01\x01", 1 },
	{ L"e\x0301e\x0301", 0 },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		unsigned row = columns_row(cases[i].line, wcslen(cases[i].line), 2, 10);
		if (row != cases[i].row)
			fail_msg("case %zu: row %u", i, row);
	}
}

static int
choose_locale(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, choose_locale, NULL);
}
