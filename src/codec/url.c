/*
 * url.c - reads a URL from left to right, and writes it anew as it goes.
 *
 *	scheme -> authority -> path -> query -> fragment
 *	   `-> relative: what is missing in front is copied from the base
 *
 * The standard's states (4.4) that treat special schemes only are left; each function is one or several of them.
 */
#include "codec/url.h"

#include "codec/utf8.h"
#include "crosstalk.h"

static const struct {
	struct xt_str name;
	uint16_t port;
} schemes[] = {
	[XT_URL_HTTP] = { XT_STR_INIT("http"), 80 },
	[XT_URL_HTTPS] = { XT_STR_INIT("https"), 443 },
	[XT_URL_WS] = { XT_STR_INIT("ws"), 80 },
	[XT_URL_WSS] = { XT_STR_INIT("wss"), 443 },
};

struct part {
	size_t at, n;
};

struct parse {
	struct xt_str in; /* what is left of the input */
	const struct xt_url *base;
	struct xt_url *url;
	struct xt_buf *out; /* url->text; room for all but the host was made */
	struct part username, password, host, path, query, fragment; /* of `out` */
	const char *why;
};

static int
refuse(struct parse *parse, const char *why)
{
	parse->why = why;
	return XT_EINVAL;
}

/* ---- percent-encode sets (1.3), beyond controls, the space and what is not ASCII ---------- */

#define FRAGMENT_SET "\"<>`"
#define QUERY_SET    "\"#<>'" /* the special-query percent-encode set */
#define PATH_SET     "\"#<>?^`{}"
#define USERINFO_SET PATH_SET "/:;=@[\\]|"

static bool
is_encoded(char c, const char *set)
{
	unsigned char byte = (unsigned char)c;

	return byte <= 0x20 || byte >= 0x7F || strchr(set, c);
}

/* UTF-8 percent-encode (1.3): what is there with '%' stays as it is. */
static struct part
put_encoded(struct parse *parse, struct xt_str s, const char *set)
{
	static const char digits[] = "0123456789ABCDEF";
	struct part part = { .at = parse->out->n };

	for (size_t i = 0; i < s.n; i++) {
		unsigned char byte = (unsigned char)s.p[i];
		if (!is_encoded(s.p[i], set)) {
			xt_buf_put_char(parse->out, s.p[i]);
			continue;
		}
		xt_buf_put_char(parse->out, '%');
		xt_buf_put_char(parse->out, digits[byte >> 4]);
		xt_buf_put_char(parse->out, digits[byte & 15]);
	}
	part.n = parse->out->n - part.at;
	return part;
}

static struct part
put_str(struct parse *parse, struct xt_str s)
{
	struct part part = { .at = parse->out->n, .n = s.n };

	xt_buf_put_str(parse->out, s);
	return part;
}

/* ---- the input -------------------------------------------------------------------------- */

static bool
is_slash(char c)
{
	return c == '/' || c == '\\'; /* the same in special URLs */
}

static bool
at_slash(const struct parse *parse)
{
	return parse->in.n > 0 && is_slash(parse->in.p[0]);
}

static bool
at_char(const struct parse *parse, char c)
{
	return parse->in.n > 0 && parse->in.p[0] == c;
}

static void
skip(struct parse *parse, size_t n)
{
	parse->in = xt_str_skip(parse->in, n);
}

/* Takes what stands in front of the first of `ends`, or all. */
static struct xt_str
take_until(struct parse *parse, const char *ends)
{
	struct xt_str taken = { .p = parse->in.p, .n = 0 };

	while (taken.n < parse->in.n && (!taken.p[taken.n] || !strchr(ends, taken.p[taken.n])))
		taken.n++;
	skip(parse, taken.n);
	return taken;
}

/* 4.4, 1 to 3: controls and spaces at the ends, tabs and line ends anywhere are not there. */
static int
clean(struct xt_buf *clean, struct xt_str in)
{
	while (in.n > 0 && (unsigned char)in.p[0] <= ' ')
		in = xt_str_skip(in, 1);
	while (in.n > 0 && (unsigned char)in.p[in.n - 1] <= ' ')
		in.n--;
	if (xt_buf_reserve(clean, in.n + 1) < 0)
		return XT_ENOMEM;
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] != '\t' && in.p[i] != '\n' && in.p[i] != '\r')
			xt_buf_put_char(clean, in.p[i]);
	return 0;
}

/* ---- scheme ----------------------------------------------------------------------------- */

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Its bytes, without the colon; 0: there is none. */
static size_t
scheme_size(struct xt_str in)
{
	size_t n = 0;

	if (in.n == 0 || !is_alpha(in.p[0]))
		return 0;
	while (n < in.n && (is_alpha(in.p[n]) || is_digit(in.p[n]) || strchr("+-.", in.p[n])) &&
		in.p[n])
		n++;
	return n < in.n && in.p[n] == ':' ? n : 0;
}

static int
take_scheme(struct parse *parse, size_t n)
{
	struct xt_str name = xt_str_of(parse->in.p, n);

	for (unsigned i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		if (!xt_str_ieq(name, schemes[i].name))
			continue;
		parse->url->scheme = (enum xt_url_scheme)i;
		skip(parse, n + 1);
		return 0;
	}
	return refuse(parse, "the scheme is none of ws, wss, http and https");
}

static void
put_scheme(struct parse *parse)
{
	xt_buf_put_str(parse->out, schemes[parse->url->scheme].name);
	xt_buf_put_str(parse->out, XT_STR("://"));
	parse->url->port = schemes[parse->url->scheme].port;
}

/* ---- authority -------------------------------------------------------------------------- */

static void
put_userinfo(struct parse *parse, struct xt_str user)
{
	struct xt_str password = user;
	struct xt_str username = xt_str_cut(&password, ':');

	parse->username = put_encoded(parse, username, USERINFO_SET);
	if (password.n > 0) {
		xt_buf_put_char(parse->out, ':');
		parse->password = put_encoded(parse, password, USERINFO_SET);
	}
	if (parse->username.n + parse->password.n > 0)
		xt_buf_put_char(parse->out, '@');
}

/* The colon in front of the port: not one in brackets. */
static size_t
host_size(struct xt_str s)
{
	bool inside = false;
	size_t n;

	for (n = 0; n < s.n && (inside || s.p[n] != ':'); n++) {
		if (s.p[n] == '[')
			inside = true;
		else if (s.p[n] == ']')
			inside = false;
	}
	return n;
}

/* Any number of leading zeros. */
static int
put_port(struct parse *parse, struct xt_str digits)
{
	uint32_t port = 0;

	for (size_t i = 0; i < digits.n; i++) {
		if (!is_digit(digits.p[i]))
			return refuse(parse, "the port is not a number");
		port = port * 10 + (uint32_t)(digits.p[i] - '0');
		if (port > UINT16_MAX)
			return refuse(parse, "the port is above 65535");
	}
	if (digits.n == 0 || port == parse->url->port)
		return 0;
	parse->url->port = (uint16_t)port;
	parse->url->other_port = true;
	xt_buf_put_char(parse->out, ':');
	xt_buf_put_u64(parse->out, port);
	return 0;
}

static int
put_host(struct parse *parse, struct xt_str host)
{
	int error;

	if (host.n == 0)
		return refuse(parse, "the host is missing");
	parse->host.at = parse->out->n;
	error = xt_url_host_parse(parse->out, host, &parse->why);
	parse->host.n = parse->out->n - parse->host.at;
	return error;
}

/* The last '@' ends the user information: those before are part of it. */
static int
take_authority(struct parse *parse)
{
	struct xt_str all = take_until(parse, "/\\?#"), host = all;
	const char *at = all.n ? memrchr(all.p, '@', all.n) : NULL;
	size_t n;
	int error;

	if (at) {
		put_userinfo(parse, xt_str_of(all.p, (size_t)(at - all.p)));
		host = xt_str_skip(all, (size_t)(at - all.p) + 1);
	}
	n = host_size(host);
	error = put_host(parse, xt_str_of(host.p, n));
	/* The host may have needed more room than was made. */
	if (error == 0 && xt_buf_reserve(parse->out, 3 * (parse->in.n + host.n) + 64) < 0)
		error = XT_ENOMEM;
	return error < 0 ? error : put_port(parse, xt_str_skip(host, n + 1));
}

/* ---- path, query, fragment -------------------------------------------------------------- */

/* "." or "%2e", once or twice: how many dots; 0: something else. */
static int
dots(struct xt_str segment)
{
	int n = 0;

	while (segment.n > 0) {
		if (segment.p[0] == '.')
			segment = xt_str_skip(segment, 1);
		else if (segment.n >= 3 && xt_str_ieq(xt_str_of(segment.p, 3), XT_STR("%2e")))
			segment = xt_str_skip(segment, 3);
		else
			return 0;
		n++;
	}
	return n <= 2 ? n : 0;
}

/* The last segment of the path goes, with the slash in front of it. */
static void
shorten(struct parse *parse)
{
	struct xt_buf *out = parse->out;
	size_t n = out->n;

	while (n > parse->path.at && out->p[n - 1] != '/')
		n--;
	if (n > parse->path.at)
		out->n = n - 1;
}

static void
take_segments(struct parse *parse)
{
	bool slash;

	do {
		struct xt_str segment = take_until(parse, "/\\?#");
		int n = dots(segment);
		slash = at_slash(parse);
		if (n == 2)
			shorten(parse);
		if (n == 0 || !slash)
			xt_buf_put_char(parse->out, '/');
		if (n == 0)
			put_encoded(parse, segment, PATH_SET);
		if (slash)
			skip(parse, 1);
	} while (slash);
}

static void
take_path(struct parse *parse)
{
	parse->path.at = parse->out->n;
	if (at_slash(parse))
		skip(parse, 1);
	take_segments(parse);
}

static void
take_query(struct parse *parse)
{
	if (!at_char(parse, '?'))
		return;
	skip(parse, 1);
	parse->url->has_query = true;
	xt_buf_put_char(parse->out, '?');
	parse->query = put_encoded(parse, take_until(parse, "#"), QUERY_SET);
}

static void
take_fragment(struct parse *parse)
{
	if (!at_char(parse, '#'))
		return;
	skip(parse, 1);
	parse->url->has_fragment = true;
	xt_buf_put_char(parse->out, '#');
	parse->fragment = put_encoded(parse, parse->in, FRAGMENT_SET);
}

/* ---- relative to a base ----------------------------------------------------------------- */

static void
copy_authority(struct parse *parse)
{
	const struct xt_url *base = parse->base;

	parse->username = put_str(parse, base->username);
	if (base->password.n) {
		xt_buf_put_char(parse->out, ':');
		parse->password = put_str(parse, base->password);
	}
	if (base->username.n + base->password.n > 0)
		xt_buf_put_char(parse->out, '@');
	parse->host = put_str(parse, base->host);
	parse->url->port = base->port;
	parse->url->other_port = base->other_port;
	if (base->other_port) {
		xt_buf_put_char(parse->out, ':');
		xt_buf_put_u64(parse->out, base->port);
	}
}

static void
copy_query(struct parse *parse)
{
	if (!parse->base->has_query)
		return;
	parse->url->has_query = true;
	xt_buf_put_char(parse->out, '?');
	parse->query = put_str(parse, parse->base->query);
}

/* Relative state and relative slash state (4.4). */
static void
take_relative_path(struct parse *parse)
{
	bool more = parse->in.n > 0 && !at_char(parse, '?') && !at_char(parse, '#');

	copy_authority(parse);
	if (at_slash(parse)) {
		take_path(parse);
		return;
	}
	parse->path.at = put_str(parse, parse->base->path).at;
	if (more) {
		shorten(parse);
		take_segments(parse);
	} else if (!at_char(parse, '?')) {
		parse->path.n = parse->out->n - parse->path.at;
		copy_query(parse);
	}
}

/* ---- all of it -------------------------------------------------------------------------- */

static bool
at_two_slashes(const struct parse *parse)
{
	return parse->in.n >= 2 && is_slash(parse->in.p[0]) && is_slash(parse->in.p[1]);
}

/* Everything in front of the path; then the path itself. */
static int
take_front(struct parse *parse)
{
	size_t scheme = scheme_size(parse->in);
	int error = scheme ? take_scheme(parse, scheme) : 0;
	bool relative = parse->base && (!scheme || parse->base->scheme == parse->url->scheme) &&
			!at_two_slashes(parse);

	if (error < 0)
		return error;
	if (!scheme && !parse->base)
		return refuse(parse, "it has no scheme; it should begin with wss:// or ws://");
	if (!scheme)
		parse->url->scheme = parse->base->scheme;
	put_scheme(parse);
	if (relative) {
		take_relative_path(parse);
		return 0;
	}
	while (at_slash(parse))
		skip(parse, 1);
	error = take_authority(parse);
	if (error == 0)
		take_path(parse);
	return error;
}

static struct xt_str
str_of(const struct parse *parse, struct part part)
{
	return xt_str_of(parse->out->p + part.at, part.n);
}

/* The text does not move any more: parts become slices of it. */
static void
settle(struct parse *parse)
{
	struct xt_url *url = parse->url;

	url->username = str_of(parse, parse->username);
	url->password = str_of(parse, parse->password);
	url->host = str_of(parse, parse->host);
	url->path = str_of(parse, parse->path);
	url->query = str_of(parse, parse->query);
	url->fragment = str_of(parse, parse->fragment);
	url->text.p[url->text.n] = '\0';
}

static int
run(struct parse *parse)
{
	size_t base = parse->base ? parse->base->text.n : 0;
	int error;

	if (xt_buf_reserve(parse->out, 3 * parse->in.n + base + 64) < 0)
		return XT_ENOMEM;
	error = take_front(parse);
	if (error < 0)
		return error;
	if (parse->path.n == 0)
		parse->path.n = parse->out->n - parse->path.at;
	take_query(parse);
	take_fragment(parse);
	settle(parse);
	return 0;
}

int
xt_url_parse(struct xt_url *url, struct xt_str input, const struct xt_url *base, const char **why)
{
	struct xt_buf text = { 0 };
	struct parse parse = { .base = base, .url = url, .out = &url->text };
	int error;

	*url = (struct xt_url){ 0 };
	if (input.n > XT_URL_MAX)
		error = refuse(&parse, "it is longer than 8192 bytes");
	else if (!xt_utf8_valid(input))
		error = refuse(&parse, "it is not UTF-8");
	else
		error = clean(&text, input);
	if (error == 0) {
		parse.in = xt_buf_str(&text);
		error = run(&parse);
	}
	xt_buf_fini(&text);
	if (error < 0) {
		*why = parse.why;
		xt_url_fini(url);
	}
	return error;
}

void
xt_url_fini(struct xt_url *url)
{
	xt_buf_fini(&url->text);
	*url = (struct xt_url){ 0 };
}

bool
xt_url_is_secure(const struct xt_url *url)
{
	return url->scheme == XT_URL_HTTPS || url->scheme == XT_URL_WSS;
}

bool
xt_url_same_origin(const struct xt_url *a, const struct xt_url *b)
{
	return xt_url_is_secure(a) == xt_url_is_secure(b) && a->port == b->port &&
	       xt_str_eq(a->host, b->host);
}

bool
xt_url_host(const struct xt_url *url, char *host, size_t size)
{
	struct xt_str bare = url->host;

	if (bare.n > 0 && bare.p[0] == '[')
		bare = xt_str_of(bare.p + 1, bare.n - 2);
	if (bare.n >= size)
		return false;
	memcpy(host, bare.p, bare.n);
	host[bare.n] = '\0';
	return true;
}
