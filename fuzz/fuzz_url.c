/*
 * fuzz_url.c - a URL, alone or relative to another one (a line in front of it): what comes out must be written in the
 * standard's form, read as itself, and have all its parts within.
 */
#include "base/panic.h"
#include "codec/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_within(const struct xt_url *url, struct xt_str part)
{
	XT_ASSERT(part.p >= url->text.p && part.p + part.n <= url->text.p + url->text.n);
	for (size_t i = 0; i < part.n; i++)
		XT_ASSERT((unsigned char)part.p[i] > ' ' && (unsigned char)part.p[i] < 0x7F);
}

static void
check(const struct xt_url *url)
{
	XT_ASSERT(strlen(url->text.p) == url->text.n);
	check_within(url, url->username);
	check_within(url, url->password);
	check_within(url, url->host);
	check_within(url, url->path);
	check_within(url, url->query);
	check_within(url, url->fragment);
	XT_ASSERT(url->host.n > 0 && url->path.n > 0 && url->path.p[0] == '/');
	XT_ASSERT(!memchr(url->path.p, '?', url->path.n) && !memchr(url->path.p, '#', url->path.n));
	XT_ASSERT(!memchr(url->host.p, '/', url->host.n) && !memchr(url->host.p, '@', url->host.n));
	XT_ASSERT(url->has_query || url->query.n == 0);
	XT_ASSERT(url->has_fragment || url->fragment.n == 0);
}

/* What was written is short enough to be read again, most of the time. */
static void
check_stable(const struct xt_url *url)
{
	struct xt_url again;
	const char *why;

	if (url->text.n > XT_URL_MAX)
		return;
	XT_ASSERT(xt_url_parse(&again, xt_buf_str(&url->text), NULL, &why) == 0);
	XT_ASSERT(xt_str_eq(xt_buf_str(&again.text), xt_buf_str(&url->text)));
	XT_ASSERT(again.port == url->port && again.scheme == url->scheme);
	XT_ASSERT(xt_url_same_origin(&again, url));
	xt_url_fini(&again);
}

static void
parse(struct xt_str input, const struct xt_url *base)
{
	struct xt_url url;
	const char *why = NULL;

	if (xt_url_parse(&url, input, base, &why) < 0) {
		XT_ASSERT(why && !url.text.p);
		return;
	}
	check(&url);
	check_stable(&url);
	xt_url_fini(&url);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xt_str rest = xt_str_of(data, size);
	struct xt_str line = xt_str_cut(&rest, '\n');
	struct xt_url base;
	const char *why;

	parse(xt_str_of(data, size), NULL);
	if (!rest.p || xt_url_parse(&base, line, NULL, &why) < 0)
		return 0;
	parse(rest, &base);
	xt_url_fini(&base);
	return 0;
}
