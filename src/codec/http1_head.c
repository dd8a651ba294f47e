/*
 * http1_head.c - cuts a complete request head into its parts and checks what they say together:
 * the target's form, Host, and the fields that say where the message ends.
 *
 * Every rule against request smuggling that looks at more than one byte is in this file.
 */
#include "base/panic.h"
#include "codec/http1_syntax.h"
#include "crosstalk.h"

/* What is gathered while the fields are looked at. */
struct facts {
	struct xt_http1_head *head;
	struct xt_http1_error *error;
	unsigned hosts, lengths, codings;
	bool close, keep_alive, wants_upgrade, has_upgrade;
};

static int
refuse(struct facts *facts, const char *words)
{
	return xt_http1_refuse(facts->error, 400, words);
}

/* ---- Host and targets ------------------------------------------------------------------ */

/* "[::1]" of RFC 3986 3.2.2, loosely: what stands between the brackets. Returns its bytes or 0. */
static size_t
literal_size(struct xt_str s)
{
	size_t i = 1;

	while (i < s.n && (xt_http1_is(s.p[i], XT_HTTP1_HOST) || s.p[i] == ':') && s.p[i] != '%')
		i++;
	return i > 1 && i < s.n && s.p[i] == ']' ? i + 1 : 0;
}

static size_t
name_size(struct xt_str s)
{
	size_t i = 0;

	while (i < s.n && xt_http1_is(s.p[i], XT_HTTP1_HOST))
		i++;
	return i;
}

/* uri-host [ ":" port ] (RFC 9110 7.2); no user information. */
static bool
authority_valid(struct xt_str s)
{
	uint64_t port;
	size_t n = s.n > 0 && s.p[0] == '[' ? literal_size(s) : name_size(s);
	struct xt_str rest = xt_str_skip(s, n);

	if (n == 0)
		return s.n == 0;
	if (rest.n <= 1)
		return rest.n == 0 || rest.p[0] == ':';
	return rest.p[0] == ':' && xt_str_u64(xt_str_skip(rest, 1), 65535, &port);
}

static void
split_path(struct xt_http1_head *head, struct xt_str path)
{
	head->path = xt_str_cut(&path, '?');
	head->query = path;
	if (head->path.n == 0)
		head->path = XT_STR("/");
}

/* The scheme's bytes with "://", or 0. */
static size_t
scheme_size(struct xt_str target)
{
	static const struct xt_str schemes[] = { XT_STR_INIT("http://"), XT_STR_INIT("https://") };

	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		size_t n = schemes[i].n;
		if (target.n >= n && xt_str_ieq(xt_str_of(target.p, n), schemes[i]))
			return n;
	}
	return 0;
}

/* RFC 9112 3.2.2: the host of an absolute target replaces that of the Host field. */
static int
split_absolute(struct facts *facts, size_t scheme)
{
	struct xt_str rest = xt_str_skip(facts->head->target, scheme);
	size_t n = 0;

	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	facts->head->host = xt_str_of(rest.p, n);
	if (n == 0 || !authority_valid(facts->head->host))
		return refuse(facts, "the host in the request target is not valid");
	split_path(facts->head, xt_str_skip(rest, n));
	return 0;
}

/* RFC 9112 3.2: the four forms of a target. */
static int
split_target(struct facts *facts)
{
	struct xt_http1_head *head = facts->head;
	size_t scheme;

	if (xt_str_eq(head->method, XT_STR("CONNECT")))
		return xt_http1_refuse(
			facts->error, 501, "CONNECT is not served: this is no proxy");
	if (head->target.p[0] == '/') {
		split_path(head, head->target);
		return 0;
	}
	if (xt_str_eq(head->target, XT_STR("*")) && xt_str_eq(head->method, XT_STR("OPTIONS"))) {
		head->path = head->target;
		return 0;
	}
	scheme = scheme_size(head->target);
	if (scheme > 0)
		return split_absolute(facts, scheme);
	return refuse(facts, "the request target must begin with '/' or http://");
}

/* ---- fields ---------------------------------------------------------------------------- */

/* RFC 9112 3.2: more than one Host, or one that is not valid, is 400. */
static int
check_host(struct facts *facts, struct xt_str value)
{
	if (facts->hosts++ > 0)
		return refuse(facts, "there is more than one Host field");
	if (!authority_valid(value))
		return refuse(facts, "the Host field is not a host name with an optional port");
	facts->head->host = value;
	return 0;
}

/*
 * RFC 9112 6.3: an invalid Content-Length can't be recovered from. A repeated one is refused
 * even when its values agree: whoever stands before us may have read another.
 */
static int
check_length(struct facts *facts, struct xt_str value)
{
	if (facts->lengths++ > 0)
		return refuse(facts, "there is more than one Content-Length field");
	if (!xt_str_u64(value, INT64_MAX, &facts->head->length))
		return refuse(facts, "Content-Length must be one decimal number");
	facts->head->has_length = true;
	return 0;
}

/*
 * RFC 9112 6.1, 6.3: chunked must be the last coding, and only once; codings in front of it are
 * known to others, not to us (501).
 */
static int
check_coding(struct facts *facts, struct xt_str value)
{
	struct xt_str member, last = { 0 };
	unsigned members = 0, chunked = 0;

	if (facts->codings++ > 0)
		return refuse(facts, "there is more than one Transfer-Encoding field");
	if (xt_str_ieq(value, XT_STR("chunked"))) {
		facts->head->chunked = true;
		return 0;
	}
	while (xt_http1_list_next(&value, &member)) {
		last = member;
		members++;
		chunked += xt_str_ieq(member, XT_STR("chunked"));
	}
	if (members < 2 || chunked != 1 || !xt_str_ieq(last, XT_STR("chunked")))
		return refuse(facts, "Transfer-Encoding must be chunked and nothing else");
	return xt_http1_refuse(
		facts->error, 501, "no transfer coding other than chunked is served here");
}

static int
check_connection(struct facts *facts, struct xt_str value)
{
	struct xt_str member;

	while (xt_http1_list_next(&value, &member)) {
		facts->close |= xt_str_ieq(member, XT_STR("close"));
		facts->keep_alive |= xt_str_ieq(member, XT_STR("keep-alive"));
		facts->wants_upgrade |= xt_str_ieq(member, XT_STR("upgrade"));
	}
	return 0;
}

static int
check_upgrade(struct facts *facts, struct xt_str value)
{
	facts->has_upgrade |= value.n > 0;
	return 0;
}

/* RFC 9110 10.1.1. */
static int
check_expect(struct facts *facts, struct xt_str value)
{
	struct xt_str member;

	while (xt_http1_list_next(&value, &member)) {
		if (!xt_str_ieq(member, XT_STR("100-continue")))
			facts->head->expect = XT_HTTP1_EXPECT_UNKNOWN;
		else if (facts->head->expect == XT_HTTP1_EXPECT_NONE)
			facts->head->expect = XT_HTTP1_EXPECT_CONTINUE;
	}
	return 0;
}

static const struct {
	struct xt_str name;
	int (*check)(struct facts *facts, struct xt_str value);
} known[] = {
	{ XT_STR_INIT("host"), check_host },
	{ XT_STR_INIT("content-length"), check_length },
	{ XT_STR_INIT("transfer-encoding"), check_coding },
	{ XT_STR_INIT("connection"), check_connection },
	{ XT_STR_INIT("upgrade"), check_upgrade },
	{ XT_STR_INIT("expect"), check_expect },
};

static int
check_field(struct facts *facts, const struct xt_http1_field *field)
{
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (xt_str_ieq(field->name, known[i].name))
			return known[i].check(facts, field->value);
	return 0;
}

/* What the fields say together. */
static int
conclude(struct facts *facts)
{
	struct xt_http1_head *head = facts->head;

	if (head->minor == 1 && facts->hosts == 0)
		return refuse(facts, "HTTP/1.1 needs a Host field");
	/* RFC 9112 6.1: a server may refuse both together, and must not trust 1.0 with a coding. */
	if (head->chunked && head->has_length)
		return refuse(facts, "Content-Length and Transfer-Encoding exclude each other");
	if (head->chunked && head->minor == 0)
		return refuse(facts, "HTTP/1.0 has no Transfer-Encoding");
	head->keep_alive = !facts->close && (head->minor == 1 || facts->keep_alive);
	/* RFC 9110 7.8, 10.1.1: in HTTP/1.0 both are ignored. */
	head->upgrade = head->minor == 1 && facts->wants_upgrade && facts->has_upgrade;
	if (head->minor == 0)
		head->expect = XT_HTTP1_EXPECT_NONE;
	return 0;
}

/* ---- cutting --------------------------------------------------------------------------- */

/* The scanner has seen that every separator is there. */
static const char *
cut(struct xt_str *out, const char *from, const char *end, char separator)
{
	const char *at = memchr(from, separator, (size_t)(end - from));

	XT_ASSERT(at);
	*out = xt_str_of(from, (size_t)(at - from));
	return at + 1;
}

/* Returns where the fields begin. */
static const char *
split_line(struct xt_http1_head *head, const char *p, const char *end)
{
	struct xt_str version;

	if (*p == '\r')
		p += 2;
	p = cut(&head->method, p, end, ' ');
	p = cut(&head->target, p, end, ' ');
	p = cut(&version, p, end, '\r');
	head->minor = version.p[version.n - 1] == '0' ? 0 : 1;
	return p + 1;
}

int
xt_http1_head_split(
	const char *p, size_t n, struct xt_http1_head *head, struct xt_http1_error *error)
{
	struct facts facts = { .head = head, .error = error };
	const char *end = p + n;

	/* Not the fields: they are many, and fields_count says how many are meant. */
	memset(head, 0, offsetof(struct xt_http1_head, fields));
	head->size = n;
	p = split_line(head, p, end);
	while (*p != '\r') {
		struct xt_http1_field *field = &head->fields[head->fields_count++];
		p = cut(&field->name, p, end, ':');
		p = cut(&field->value, p, end, '\r') + 1;
		field->value = xt_str_trim(field->value);
		if (check_field(&facts, field) < 0)
			return XT_EPROTO;
	}
	/* After the fields: the host of an absolute target wins over Host. */
	if (conclude(&facts) < 0)
		return XT_EPROTO;
	return split_target(&facts);
}
