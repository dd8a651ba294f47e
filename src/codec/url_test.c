/* url_test.c - URLs of the special schemes, as the WHATWG's standard reads and writes them. */
#include "codec/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "crosstalk.h"

struct sample {
	const char *input, *base, *written; /* `written` NULL: refused */
};

static const struct sample samples[] = {
	/* schemes, and what stands around */
	{ "ws://a", NULL, "ws://a/" },
	{ "  WSS://A/ \n", NULL, "wss://a/" },
	{ "h\ttt\np://a/b\rc", NULL, "http://a/bc" },
	{ "https:a/b", NULL, "https://a/b" },
	{ "http:///////a/b", NULL, "http://a/b" },
	{ "http:\\\\a\\b\\c?\\d", NULL, "http://a/b/c?\\d" },
	{ "ftp://a/", NULL, NULL },
	{ "file:///a", NULL, NULL },
	{ "mailto:x", NULL, NULL },
	{ "a", NULL, NULL },
	{ "", NULL, NULL },
	{ "://a", NULL, NULL },
	{ "1ws://a", NULL, NULL },
	{ "ws", NULL, NULL },
	/* authority */
	{ "ws://u@a", NULL, "ws://u@a/" },
	{ "ws://u:p@a", NULL, "ws://u:p@a/" },
	{ "ws://:p@a", NULL, "ws://:p@a/" },
	{ "ws://u:@a", NULL, "ws://u@a/" },
	{ "ws://@a", NULL, "ws://a/" },
	{ "ws://u@v:p:q@a", NULL, "ws://u%40v:p%3Aq@a/" },
	{ "ws://u/@a", NULL, "ws://u/@a" },
	{ "ws://@", NULL, NULL },
	{ "ws://u@", NULL, NULL },
	{ "ws://u@/x", NULL, NULL },
	{ "ws://", NULL, NULL },
	{ "ws://?a", NULL, NULL },
	{ "ws://:80/", NULL, NULL },
	/* ports */
	{ "ws://a:80", NULL, "ws://a/" },
	{ "ws://a:443", NULL, "ws://a:443/" },
	{ "wss://a:443", NULL, "wss://a/" },
	{ "ws://a:", NULL, "ws://a/" },
	{ "ws://a:00000081", NULL, "ws://a:81/" },
	{ "ws://a:0", NULL, "ws://a:0/" },
	{ "ws://a:65535", NULL, "ws://a:65535/" },
	{ "ws://a:65536", NULL, NULL },
	{ "ws://a:1x", NULL, NULL },
	{ "ws://a:-1", NULL, NULL },
	{ "ws://a:1:2", NULL, NULL },
	/* domains */
	{ "ws://EXAMPLE.Org.", NULL, "ws://example.org./" },
	{ "ws://%65xample", NULL, "ws://example/" },
	{ "ws://a%zz", NULL, NULL },
	{ "ws://a%00", NULL, NULL },
	{ "ws://a b", NULL, NULL },
	{ "ws://a<b", NULL, NULL },
	{ "ws://a|b", NULL, NULL },
	{ "ws://a^b", NULL, NULL },
	{ "ws://a%2fb", NULL, NULL },
	{ "ws://a_b-c~!$&'()*+,;=", NULL, "ws://a_b-c~!$&'()*+,;=/" },
	{ "ws://m\xc3\xbc"
	  "nchen.example",
		NULL, "ws://xn--mnchen-3ya.example/" },
	{ "ws://m%C3%BCnchen", NULL, "ws://xn--mnchen-3ya/" },
	{ "ws://fa\xc3\x9f.example", NULL, "ws://xn--fa-hia.example/" },
	{ "ws://\xef\xbc\xa1", NULL, "ws://a/" }, /* FULLWIDTH A */
	{ "ws://xn--mnchen-3ya", NULL, "ws://xn--mnchen-3ya/" },
	{ "ws://xn--a", NULL, NULL },
	{ "ws://%ff", NULL, NULL },
	{ "ws://\xff/", NULL, NULL },
	/* IPv4 */
	{ "ws://1.2.3.4", NULL, "ws://1.2.3.4/" },
	{ "ws://1.2.3.4.", NULL, "ws://1.2.3.4/" },
	{ "ws://1.2.772", NULL, "ws://1.2.3.4/" },
	{ "ws://16909060", NULL, "ws://1.2.3.4/" },
	{ "ws://0x1.02.0X3.4", NULL, "ws://1.2.3.4/" },
	{ "ws://0x", NULL, "ws://0.0.0.0/" },
	{ "ws://4294967295", NULL, "ws://255.255.255.255/" },
	{ "ws://4294967296", NULL, NULL },
	{ "ws://99999999999999999999", NULL, NULL },
	{ "ws://256.1.1.1", NULL, NULL },
	{ "ws://1.2.3.256", NULL, NULL },
	{ "ws://1.2.3.08", NULL, NULL },
	{ "ws://1.2.3.4.5", NULL, NULL },
	{ "ws://1..2", NULL, NULL },
	{ "ws://a.1", NULL, NULL },
	{ "ws://a.0x1g", NULL, "ws://a.0x1g/" },
	{ "ws://1.2.3.4a", NULL, "ws://1.2.3.4a/" },
	/* IPv6 */
	{ "ws://[::1]", NULL, "ws://[::1]/" },
	{ "ws://[0:0:0:0:0:0:0:1]:8080/x", NULL, "ws://[::1]:8080/x" },
	{ "ws://[1:0:0:2:0:0:0:3]", NULL, "ws://[1:0:0:2::3]/" },
	{ "ws://[1:0:0:2:3:0:0:4]", NULL, "ws://[1::2:3:0:0:4]/" },
	{ "ws://[1:0:2:3:4:5:6:7]", NULL, "ws://[1:0:2:3:4:5:6:7]/" },
	{ "ws://[1:2:3:4:5:6:7::]", NULL, "ws://[1:2:3:4:5:6:7:0]/" },
	{ "ws://[::]", NULL, "ws://[::]/" },
	{ "ws://[1::]", NULL, "ws://[1::]/" },
	{ "ws://[::ffff:1.2.3.4]", NULL, "ws://[::ffff:102:304]/" },
	{ "ws://[FFFF::00a]", NULL, "ws://[ffff::a]/" },
	{ "ws://[::1%25lo]", NULL, NULL },
	{ "ws://[::1", NULL, NULL },
	{ "ws://[]", NULL, NULL },
	{ "ws://[::g]", NULL, NULL },
	{ "ws://[1:2:3]", NULL, NULL },
	{ "ws://[::1]x", NULL, NULL },
	{ "ws://x[::1]", NULL, NULL },
	/* paths */
	{ "ws://a/b/../c", NULL, "ws://a/c" },
	{ "ws://a/b/..", NULL, "ws://a/" },
	{ "ws://a/b/.", NULL, "ws://a/b/" },
	{ "ws://a/../../b", NULL, "ws://a/b" },
	{ "ws://a/%2e%2E/b/%2e/c/.%2e", NULL, "ws://a/b/" },
	{ "ws://a/b/.../c", NULL, "ws://a/b/.../c" },
	{ "ws://a//b//", NULL, "ws://a//b//" },
	{ "ws://a/b//..", NULL, "ws://a/b/" },
	{ "ws://a/ \"<>^`{}|~", NULL, "ws://a/%20%22%3C%3E%5E%60%7B%7D|~" },
	{ "ws://a/%zz%41%", NULL, "ws://a/%zz%41%" },
	{ "ws://a/\xc3\xa9", NULL, "ws://a/%C3%A9" },
	{ "ws://a\x01/", NULL, NULL },
	{ "ws://a/\x01\x7f", NULL, "ws://a/%01%7F" },
	/* queries and fragments */
	{ "ws://a?", NULL, "ws://a/?" },
	{ "ws://a?b=c&d", NULL, "ws://a/?b=c&d" },
	{ "ws://a/?'\"<> \xc3\xa9{}|^`", NULL, "ws://a/?%27%22%3C%3E%20%C3%A9{}|^`" },
	{ "ws://a/?b?c/../d", NULL, "ws://a/?b?c/../d" },
	{ "ws://a#", NULL, "ws://a/#" },
	{ "ws://a/#b#c <>`\"?", NULL, "ws://a/#b#c%20%3C%3E%60%22?" },
	/* relative references */
	{ "", "ws://u:p@a:1/b/c?d#e", "ws://u:p@a:1/b/c?d" },
	{ "#f", "ws://a/b?d#e", "ws://a/b?d#f" },
	{ "?f", "ws://a/b/c?d#e", "ws://a/b/c?f" },
	{ "x", "ws://a/b/c?d", "ws://a/b/x" },
	{ "../x", "ws://a/b/c/d", "ws://a/b/x" },
	{ "../../../x", "ws://a/b/c", "ws://a/x" },
	{ ".", "ws://a/b/c", "ws://a/b/" },
	{ "..", "ws://a/b/c/d", "ws://a/b/" },
	{ "/x", "ws://u@a:1/b/c", "ws://u@a:1/x" },
	{ "\\x", "ws://a/b", "ws://a/x" },
	{ "//b:2/x", "wss://u@a/b", "wss://b:2/x" },
	{ "ws:x", "ws://a/b/c", "ws://a/b/x" },
	{ "ws:/x", "ws://a/b/c", "ws://a/x" },
	{ "ws:?x", "ws://a/b/c", "ws://a/b/c?x" },
	{ "wss:x", "ws://a/b/c", "wss://x/" },
	{ "x:y", "ws://a/b", NULL },
	{ "//", "ws://a/b", NULL },
};

static int
parse(struct xt_url *url, const char *input, const struct xt_url *base, const char **why)
{
	/* A copy of exactly its size: reading past it is found out. */
	struct xt_buf copy = { 0 };
	int error;

	assert_int_equal(xt_buf_append(&copy, input, strlen(input)), 0);
	error = xt_url_parse(url, xt_buf_str(&copy), base, why);
	xt_buf_fini(&copy);
	return error;
}

/* What was written reads as itself. */
static void
check_stable(const struct xt_url *url)
{
	struct xt_url again;
	const char *why;

	assert_int_equal(parse(&again, url->text.p, NULL, &why), 0);
	assert_string_equal(again.text.p, url->text.p);
	assert_true(xt_url_same_origin(url, &again));
	xt_url_fini(&again);
}

static void
check(const struct sample *sample)
{
	struct xt_url base = { 0 }, url;
	const char *why = NULL;
	int error;

	if (sample->base)
		assert_int_equal(parse(&base, sample->base, NULL, &why), 0);
	error = parse(&url, sample->input, sample->base ? &base : NULL, &why);
	if (!sample->written) {
		assert_int_equal(error, XT_EINVAL);
		assert_non_null(why);
		assert_null(url.text.p);
	} else {
		if (error < 0)
			print_error("%s: %s\n", sample->input, why);
		assert_int_equal(error, 0);
		assert_string_equal(url.text.p, sample->written);
		check_stable(&url);
	}
	xt_url_fini(&url);
	xt_url_fini(&base);
}

static void
test_samples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
		check(&samples[i]);
}

static void
test_parts(void **state)
{
	struct xt_url url;
	const char *why;
	char host[64];

	(void)state;
	assert_int_equal(parse(&url, "wss://u:p@[::1]:81/a/b?c=d#e", NULL, &why), 0);
	assert_int_equal(url.scheme, XT_URL_WSS);
	assert_true(xt_url_is_secure(&url) && url.other_port && url.has_query && url.has_fragment);
	assert_int_equal(url.port, 81);
	assert_true(xt_str_eq(url.username, XT_STR("u")) && xt_str_eq(url.password, XT_STR("p")));
	assert_true(xt_str_eq(url.host, XT_STR("[::1]")));
	assert_true(xt_str_eq(url.path, XT_STR("/a/b")));
	assert_true(xt_str_eq(url.query, XT_STR("c=d")) && xt_str_eq(url.fragment, XT_STR("e")));
	assert_true(xt_url_host(&url, host, 4));
	assert_string_equal(host, "::1");
	assert_false(xt_url_host(&url, host, 3));
	xt_url_fini(&url);
}

static void
test_origin(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {
		{ "ws://a/x", "http://a:80/y", true },
		{ "wss://a", "https://A", true },
		{ "ws://a", "wss://a", false },
		{ "ws://a:443", "wss://a", false },
		{ "ws://a", "ws://b", false },
		{ "ws://a", "ws://a:81", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		struct xt_url a, b;
		const char *why;
		assert_int_equal(parse(&a, pairs[i].a, NULL, &why), 0);
		assert_int_equal(parse(&b, pairs[i].b, NULL, &why), 0);
		assert_int_equal(xt_url_same_origin(&a, &b), pairs[i].same);
		xt_url_fini(&a);
		xt_url_fini(&b);
	}
}

static void
test_limit(void **state)
{
	char text[XT_URL_MAX + 2];
	struct xt_url url;
	const char *why;

	(void)state;
	memset(text, ' ' + 1, sizeof text);
	memcpy(text, "ws://a/\"", 8);
	memset(text + 7, '"', sizeof text - 7); /* each becomes three */
	text[XT_URL_MAX] = '\0';
	assert_int_equal(parse(&url, text, NULL, &why), 0);
	assert_int_equal(url.path.n, 1 + 3 * (XT_URL_MAX - 7));
	xt_url_fini(&url);
	text[XT_URL_MAX] = '"';
	text[XT_URL_MAX + 1] = '\0';
	assert_int_equal(parse(&url, text, NULL, &why), XT_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_origin),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
