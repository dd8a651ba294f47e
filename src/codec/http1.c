/*
 * http1.c - scans a request head: each byte once, and refused as soon as it is wrong.
 *
 * The state is the function that reads next. A scanner takes at least one byte and says which
 * scanner goes on:
 *
 *	START -> METHOD -> TARGET -> VERSION -> LINE_LF -> FIELD -> NAME -> VALUE -> FIELD_LF -.
 *	  `-> EMPTY_LF -> FIRST ^                            ^  `-> END_LF -> DONE             |
 *	                                                     `---------------------------------'
 * A head that came whole is then cut into its parts (http1_head.c).
 */
#include "codec/http1.h"

#include "codec/http1_syntax.h"
#include "crosstalk.h"

enum state {
	START,
	EMPTY_LF,
	FIRST,
	METHOD,
	TARGET,
	VERSION,
	LINE_LF,
	FIELD,
	NAME,
	VALUE,
	FIELD_LF,
	END_LF,
	DONE
};

struct scan {
	struct xt_http1_reader *reader;
	const struct xt_http1_limits *limits;
	struct xt_http1_error *error;
	const char *p;
	size_t at, end;
};

static int
refuse(struct scan *scan, unsigned status, const char *words)
{
	return xt_http1_refuse(scan->error, status, words);
}

static int
refuse_byte(struct scan *scan)
{
	return refuse(scan, 400, xt_http1_wrong_byte(scan->p[scan->at]));
}

/* Skips bytes of a class; false when the input ended first. */
static bool
skip(struct scan *scan, enum xt_http1_class class)
{
	while (scan->at < scan->end && xt_http1_is(scan->p[scan->at], class))
		scan->at++;
	return scan->at < scan->end;
}

static int
expect_lf(struct scan *scan, int next)
{
	if (scan->p[scan->at] != '\n')
		return refuse(scan, 400, xt_http1_wrong_byte('\r'));
	scan->at++;
	return next;
}

static int
scan_first(struct scan *scan)
{
	char c = scan->p[scan->at];

	if (!xt_http1_is(c, XT_HTTP1_TCHAR))
		return refuse(scan, 400, "a request begins with a method such as GET");
	scan->reader->target = (uint32_t)scan->at; /* where the method begins, for now */
	return METHOD;
}

/* RFC 9112 2.2: at least one empty line in front of a request line is ignored; we ignore just one. */
static int
scan_start(struct scan *scan)
{
	if (scan->p[scan->at] != '\r')
		return scan_first(scan);
	scan->at++;
	return EMPTY_LF;
}

static int
scan_empty_lf(struct scan *scan)
{
	return expect_lf(scan, FIRST);
}

static int
scan_method(struct scan *scan)
{
	size_t begin = scan->reader->target;
	bool more = skip(scan, XT_HTTP1_TCHAR);

	if (scan->at - begin > XT_HTTP1_METHOD_MAX)
		return refuse(scan, 501, "the method is none that is served here");
	if (!more)
		return METHOD;
	if (scan->p[scan->at] != ' ')
		return refuse(scan, 400, "the method must be followed by one space");
	scan->reader->target = (uint32_t)++scan->at;
	return TARGET;
}

/* RFC 9112 3: a target that is too long is 414. */
static int
scan_target(struct scan *scan)
{
	bool more = skip(scan, XT_HTTP1_TARGET);

	if (scan->at - scan->reader->target > scan->limits->target)
		return refuse(scan, 414, "the request target is too long");
	if (!more)
		return TARGET;
	if (scan->p[scan->at] == '\r')
		return refuse(scan, 400, "the request line must end with HTTP/1.1");
	if (scan->p[scan->at] != ' ')
		return refuse_byte(scan);
	if (scan->at == scan->reader->target)
		return refuse(scan, 400, "there must be one space between method and target");
	scan->at++;
	return VERSION;
}

/* RFC 9112 2.3: "HTTP/" DIGIT "." DIGIT; another major version is 505 (RFC 9110 15.6.6). */
static int
scan_version(struct scan *scan)
{
	enum { MAJOR = 5 };
	static const char pattern[] = "HTTP/0.0\r";

	while (scan->at < scan->end) {
		char want = pattern[scan->reader->version];
		char c = scan->p[scan->at];
		bool digit = c >= '0' && c <= '9';
		if (c == '\n')
			return refuse_byte(scan);
		if (want == '0' ? !digit : c != want)
			return refuse(scan, 400, "the request line must end with HTTP/1.1");
		if (scan->reader->version == MAJOR && c != '1')
			scan->reader->other_major = true;
		scan->at++;
		if (++scan->reader->version < sizeof pattern - 1)
			continue;
		if (scan->reader->other_major)
			return refuse(scan, 505, "only HTTP/1.1 and HTTP/1.0 are served here");
		return LINE_LF;
	}
	return VERSION;
}

static int
scan_line_lf(struct scan *scan)
{
	return expect_lf(scan, FIELD);
}

static int
scan_field(struct scan *scan)
{
	char c = scan->p[scan->at];

	if (c == '\r') {
		scan->at++;
		return END_LF;
	}
	/* RFC 9112 5.2, 2.2: obsolete folding, and a blank in front of the first field, are refused. */
	if (c == ' ' || c == '\t')
		return refuse(
			scan, 400, "a header line begins with a blank; folding is not allowed");
	if (!xt_http1_is(c, XT_HTTP1_TCHAR))
		return refuse(scan, 400, "a header line must begin with a field name");
	if (scan->reader->fields == XT_HTTP1_FIELDS)
		return refuse(scan, 431, "there are more than 100 header fields");
	scan->reader->fields++;
	return NAME;
}

/* RFC 9112 5.1: no blank between a field name and its colon. */
static int
scan_name(struct scan *scan)
{
	if (!skip(scan, XT_HTTP1_TCHAR))
		return NAME;
	if (scan->p[scan->at] == ' ' || scan->p[scan->at] == '\t')
		return refuse(scan, 400, "there is a blank between a field name and its colon");
	if (scan->p[scan->at] == '\r')
		return refuse(scan, 400, "a header line has no colon");
	if (scan->p[scan->at] != ':')
		return refuse(
			scan, 400, "a field name holds a character that is not allowed there");
	scan->at++;
	return VALUE;
}

/* RFC 9110 5.5: no control characters but HTAB. */
static int
scan_value(struct scan *scan)
{
	if (!skip(scan, XT_HTTP1_VALUE))
		return VALUE;
	if (scan->p[scan->at] != '\r')
		return refuse_byte(scan);
	scan->at++;
	return FIELD_LF;
}

static int
scan_end_lf(struct scan *scan)
{
	return expect_lf(scan, DONE);
}

static int (*const scanners[])(struct scan *) = {
	[START] = scan_start,
	[EMPTY_LF] = scan_empty_lf,
	[FIRST] = scan_first,
	[METHOD] = scan_method,
	[TARGET] = scan_target,
	[VERSION] = scan_version,
	[LINE_LF] = scan_line_lf,
	[FIELD] = scan_field,
	[NAME] = scan_name,
	[VALUE] = scan_value,
	[FIELD_LF] = scan_line_lf,
	[END_LF] = scan_end_lf,
};

/* Scans what is new. DONE, another state, or an error. */
static int
scan_run(struct scan *scan)
{
	int state = scan->reader->state;

	while (state >= 0 && state != DONE && scan->at < scan->end)
		state = scanners[state](scan);
	/* The limit itself may be reached, by a head that ends there. */
	if (state >= 0 && state != DONE && scan->at >= scan->limits->head)
		return refuse(scan, 431, "the request header is too large");
	return state;
}

ssize_t
xt_http1_head_read(struct xt_http1_reader *reader, const char *p, size_t n,
	const struct xt_http1_limits *limits, struct xt_http1_head *head,
	struct xt_http1_error *error)
{
	struct scan scan = {
		.reader = reader,
		.limits = limits,
		.error = error,
		.p = p,
		.at = reader->at,
		.end = n < limits->head ? n : limits->head,
	};
	int state = scan_run(&scan);

	if (state < 0)
		return state;
	if (state != DONE) {
		reader->at = (uint32_t)scan.at;
		reader->state = (uint8_t)state;
		return 0;
	}
	*reader = (struct xt_http1_reader){ 0 };
	if (xt_http1_head_split(p, scan.at, head, error) < 0)
		return XT_EPROTO;
	return (ssize_t)scan.at;
}
