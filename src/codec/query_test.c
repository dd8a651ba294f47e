/* query_test.c - walking a query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "codec/query.h"

static void
assert_pair(const struct xt_query_pair *pair, const char *name, const char *value)
{
	assert_true(xt_str_eq(pair->name, xt_str_from(name)));
	assert_int_equal(pair->has_value, value != NULL);
	assert_true(xt_str_eq(pair->value, xt_str_from(value)));
}

static void
test_walk(void **state)
{
	struct xt_str rest = XT_STR("a=1&&b&=x&c==&d=%26&");
	struct xt_query_pair pair;

	(void)state;
	assert_true(xt_query_next(&rest, &pair));
	assert_pair(&pair, "a", "1");
	assert_true(xt_query_next(&rest, &pair));
	assert_pair(&pair, "b", NULL);
	assert_true(xt_query_next(&rest, &pair));
	assert_pair(&pair, "", "x");
	assert_true(xt_query_next(&rest, &pair));
	assert_pair(&pair, "c", "=");
	assert_true(xt_query_next(&rest, &pair));
	assert_pair(&pair, "d", "%26");
	assert_false(xt_query_next(&rest, &pair));
	rest = (struct xt_str){ 0 };
	assert_false(xt_query_next(&rest, &pair));
}

static void
test_find(void **state)
{
	struct xt_str query = XT_STR("since%=0&si=1&sinces=2&%73ince=3&since=4&a+b=5&c%");
	struct xt_query_pair pair;

	(void)state;
	assert_true(xt_query_find(query, XT_STR("since"), &pair));
	assert_pair(&pair, "%73ince", "3");
	assert_true(xt_query_find(query, XT_STR("a b"), &pair));
	assert_pair(&pair, "a+b", "5");
	assert_false(xt_query_find(query, XT_STR("c"), &pair));
	assert_false(xt_query_find(query, XT_STR("c%"), &pair));
	assert_false(xt_query_find(query, XT_STR("s"), &pair));
	assert_false(xt_query_find(XT_STR(""), XT_STR("s"), &pair));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
