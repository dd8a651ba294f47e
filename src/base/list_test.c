/* list_test.c - links on and off circular lists. */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
	int number;
	struct xt_list link;
};

static int
digits(struct xt_list *head)
{
	int all = 0;

	xt_list_each (at, after, head)
		all = all * 10 + XT_LIST_ENTRY(at, struct item, link)->number;
	return all;
}

static void
fill(struct item *items, int n, struct xt_list *head)
{
	xt_list_init(head);
	for (int i = 0; i < n; i++) {
		items[i].number = i + 1;
		xt_list_init(&items[i].link);
		xt_list_append(head, &items[i].link);
	}
}

static void
test_append_and_remove(void **state)
{
	struct item items[3];
	struct xt_list head;

	(void)state;
	fill(items, 3, &head);
	assert_int_equal(digits(&head), 123);
	xt_list_remove(&items[1].link);
	xt_list_remove(&items[1].link); /* harmless */
	assert_true(xt_list_empty(&items[1].link));
	assert_int_equal(digits(&head), 13);
	xt_list_append(&head, &items[1].link);
	assert_int_equal(digits(&head), 132);
}

static void
test_remove_while_walking(void **state)
{
	struct item items[5];
	struct xt_list head;
	int seen = 0;

	(void)state;
	fill(items, 5, &head);
	xt_list_each (at, after, &head) {
		xt_list_remove(at);
		seen++;
	}
	assert_int_equal(seen, 5);
	assert_true(xt_list_empty(&head));
}

static void
test_splice(void **state)
{
	struct item a[2], b[3];
	struct xt_list to, from;

	(void)state;
	fill(a, 2, &to);
	fill(b, 3, &from);
	xt_list_splice(&to, &from);
	assert_int_equal(digits(&to), 12123);
	assert_true(xt_list_empty(&from));
	xt_list_splice(&to, &from);
	assert_int_equal(digits(&to), 12123);
	xt_list_splice(&from, &to);
	assert_int_equal(digits(&from), 12123);
	assert_true(xt_list_empty(&to));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_and_remove),
		cmocka_unit_test(test_remove_while_walking),
		cmocka_unit_test(test_splice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
