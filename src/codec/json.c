/*
 * json.c - a validator of JSON that is a loop, and the escapes of its strings.
 *
 * The validator's state is what it reads next, one function each; around it a stack of one bit for
 * each array or object that is open. UTF-8 is judged on its own: in the grammar, bytes above ASCII
 * are part of a string or wrong.
 */
#include "codec/json.h"

#include "codec/utf8.h"
#include "crosstalk.h"

#define WORD_BITS 64

enum reading { VALUE, VALUE_OR_END, NAME, NAME_OR_END, AFTER_VALUE, END, FAILED };

struct scan {
	const char *p;
	size_t n, at;
	size_t depth, depth_limit;
	uint64_t objects[XT_JSON_DEPTH_MAX / WORD_BITS]; /* a bit per depth: an object, no array */
	const char *what;
};

/* Bytes that end a run within a string: control characters, quotation mark, reverse solidus. */
typedef uint8_t vector __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

static inline bool
is_plain(char c)
{
	return (uint8_t)c >= 0x20 && c != '"' && c != '\\';
}

/* The index from `at` on of the first byte that is not plain, or `n`. */
static size_t
plain_run(const char *p, size_t at, size_t n)
{
	vector v;
	halves hit;

	for (; n - at >= sizeof v; at += sizeof v) {
		memcpy(&v, p + at, sizeof v);
		hit = (halves)((v < 0x20) | (v == '"') | (v == '\\'));
		if (hit[0] | hit[1])
			break;
	}
	while (at < n && is_plain(p[at]))
		at++;
	return at;
}

/* ---- the validator ---------------------------------------------------------------------- */

static enum reading
fail(struct scan *scan, const char *what)
{
	scan->what = scan->at < scan->n ? what : "the text ends too early";
	return FAILED;
}

/* The byte that is next; a NUL, which is wrong everywhere, at the end. */
static inline char
peek(const struct scan *scan)
{
	return scan->at < scan->n ? scan->p[scan->at] : '\0';
}

static inline bool
accept(struct scan *scan, char c)
{
	if (peek(scan) != c)
		return false;
	scan->at++;
	return true;
}

static void
skip_space(struct scan *scan)
{
	/* RFC 8259 2: ws */
	while (scan->at < scan->n) {
		char c = scan->p[scan->at];
		if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
			break;
		scan->at++;
	}
}

static bool
skip_digits(struct scan *scan)
{
	size_t begin = scan->at;

	while (peek(scan) >= '0' && peek(scan) <= '9')
		scan->at++;
	return scan->at > begin;
}

static enum reading
read_number(struct scan *scan)
{
	/* RFC 8259 6: [ minus ] int [ frac ] [ exp ], no leading zeros */
	accept(scan, '-');
	if (!accept(scan, '0') && !skip_digits(scan))
		return fail(scan, "a digit is expected");
	if (accept(scan, '.') && !skip_digits(scan))
		return fail(scan, "a digit is expected");
	if (accept(scan, 'e') || accept(scan, 'E')) {
		if (!accept(scan, '+'))
			accept(scan, '-');
		if (!skip_digits(scan))
			return fail(scan, "a digit is expected");
	}
	return AFTER_VALUE;
}

static enum reading
read_literal(struct scan *scan, const char *rest)
{
	/* RFC 8259 3: false, null, true */
	for (; *rest; rest++)
		if (!accept(scan, *rest))
			return fail(scan, "a value is expected");
	return AFTER_VALUE;
}

static inline bool
is_hex(char c)
{
	char low = (char)(c | 0x20);
	return (c >= '0' && c <= '9') || (low >= 'a' && low <= 'f');
}

/* Behind the reverse solidus. */
static bool
skip_escape(struct scan *scan)
{
	char c = peek(scan);

	/* RFC 8259 7: the two-character escapes, and u with four hexadecimal digits */
	if (c == '\0' || !strchr("\"\\/bfnrtu", c))
		return false;
	scan->at++;
	for (int i = 0; c == 'u' && i < 4; i++) {
		if (!is_hex(peek(scan)))
			return false;
		scan->at++;
	}
	return true;
}

/* Behind the first quotation mark; false with the reason set. */
static bool
skip_string(struct scan *scan)
{
	for (;;) {
		scan->at = plain_run(scan->p, scan->at, scan->n);
		if (accept(scan, '"'))
			return true;
		/* RFC 8259 7: control characters MUST be escaped */
		if (!accept(scan, '\\')) {
			fail(scan, "a control character in a string");
			return false;
		}
		if (!skip_escape(scan)) {
			fail(scan, "not an escape");
			return false;
		}
	}
}

static enum reading
open_container(struct scan *scan, bool object)
{
	size_t word = scan->depth / WORD_BITS;
	uint64_t bit = UINT64_C(1) << scan->depth % WORD_BITS;

	/* RFC 8259 9: an implementation may set a limit on the depth of nesting */
	if (scan->depth == scan->depth_limit)
		return fail(scan, "nested too deeply");
	scan->depth++;
	scan->at++;
	if (object)
		scan->objects[word] |= bit;
	else
		scan->objects[word] &= ~bit;
	return object ? NAME_OR_END : VALUE_OR_END;
}

static bool
in_object(const struct scan *scan)
{
	size_t top = scan->depth - 1;

	return scan->objects[top / WORD_BITS] >> top % WORD_BITS & 1;
}

static enum reading
read_value(struct scan *scan)
{
	switch (peek(scan)) {
	case '{':
		return open_container(scan, true);
	case '[':
		return open_container(scan, false);
	case '"':
		scan->at++;
		return skip_string(scan) ? AFTER_VALUE : FAILED;
	case 't':
		return read_literal(scan, "true");
	case 'f':
		return read_literal(scan, "false");
	case 'n':
		return read_literal(scan, "null");
	case '-':
		return read_number(scan);
	default:
		if (peek(scan) >= '0' && peek(scan) <= '9')
			return read_number(scan);
		return fail(scan, "a value is expected");
	}
}

static enum reading
read_value_or_end(struct scan *scan)
{
	/* RFC 8259 5: an array may be empty, but not end after a comma */
	if (!accept(scan, ']'))
		return read_value(scan);
	scan->depth--;
	return AFTER_VALUE;
}

static enum reading
read_name(struct scan *scan)
{
	/* RFC 8259 4: member = string name-separator value */
	if (!accept(scan, '"'))
		return fail(scan, "a name in quotation marks is expected");
	if (!skip_string(scan))
		return FAILED;
	skip_space(scan);
	return accept(scan, ':') ? VALUE : fail(scan, "a colon is expected");
}

static enum reading
read_name_or_end(struct scan *scan)
{
	if (!accept(scan, '}'))
		return read_name(scan);
	scan->depth--;
	return AFTER_VALUE;
}

static enum reading
read_after_value(struct scan *scan)
{
	if (scan->depth == 0) {
		/* RFC 8259 2: JSON-text = ws value ws */
		return scan->at == scan->n ? END : fail(scan, "something follows the value");
	}
	if (accept(scan, ','))
		return in_object(scan) ? NAME : VALUE;
	if (!accept(scan, in_object(scan) ? '}' : ']'))
		return fail(scan,
			in_object(scan) ? "a comma or } is expected" : "a comma or ] is expected");
	scan->depth--;
	return AFTER_VALUE;
}

static bool
scan_text(struct scan *scan)
{
	static enum reading (*const reads[])(struct scan *) = {
		[VALUE] = read_value,
		[VALUE_OR_END] = read_value_or_end,
		[NAME] = read_name,
		[NAME_OR_END] = read_name_or_end,
		[AFTER_VALUE] = read_after_value,
	};
	enum reading next = VALUE;

	while (next < END) {
		skip_space(scan);
		next = reads[next](scan);
	}
	return next == END;
}

bool
xt_json_check(struct xt_str text, size_t depth_limit, size_t *error_at, const char **what)
{
	struct scan scan = {
		.p = text.p,
		.n = text.n,
		.depth_limit = depth_limit < XT_JSON_DEPTH_MAX ? depth_limit : XT_JSON_DEPTH_MAX,
	};
	bool good = scan_text(&scan);
	struct xt_utf8 utf8 = { 0 };
	size_t utf8_at = xt_utf8_feed(&utf8, text.p, scan.at);

	/* RFC 8259 8.1: the text is UTF-8; whichever of the two mistakes comes first is told */
	if (good && utf8_at == text.n)
		return true;
	*error_at = utf8_at < scan.at ? utf8_at : scan.at;
	*what = utf8_at < scan.at ? "not UTF-8" : scan.what;
	return false;
}

/* ---- escapes ---------------------------------------------------------------------------- */

/* What is escaped, as a mask. */
enum escape {
	IN_STRING = 1, /* RFC 8259 7: quotation mark, reverse solidus, control characters */
	IN_SCRIPT = 2  /* < > & U+2028 U+2029 */
};

#define ESCAPE_MAX 6 /* \u0000 */

/* The length of the character at `p` if it is U+2028 or U+2029, E2 80 A8 or A9, else 0. */
static size_t
line_separator(const char *p, size_t n)
{
	return n >= 3 && memcmp(p, "\xE2\x80", 2) == 0 && ((uint8_t)p[2] | 1) == 0xA9 ? 3 : 0;
}

/* How many bytes at `p` (`n` > 0 are there) must be escaped together: 0 none. */
static inline size_t
to_escape(const char *p, size_t n, unsigned mask)
{
	uint8_t c = (uint8_t)*p;

	if (mask & IN_STRING && !is_plain(*p))
		return 1;
	if (!(mask & IN_SCRIPT))
		return 0;
	if (c == '<' || c == '>' || c == '&')
		return 1;
	return c == 0xE2 ? line_separator(p, n) : 0;
}

/* The index from `at` on of the next byte to escape, or `n`. */
static size_t
verbatim_run(const char *p, size_t at, size_t n, unsigned mask)
{
	if (mask == IN_STRING)
		return plain_run(p, at, n);
	while (at < n && to_escape(p + at, n - at, mask) == 0)
		at++;
	return at;
}

/* Writes the escape of the character at `p` and returns its size; `used`: its bytes. */
static size_t
escape(const char *p, size_t used, char out[ESCAPE_MAX])
{
	static const char digits[] = "0123456789abcdef";
	static const char letters[] = "\bb\ff\nn\rr\tt\"\"\\\\";
	unsigned code = used == 3 ? 0x2000u | ((uint8_t)p[2] & 0x3F) : (uint8_t)*p;
	const char *letter = letters;

	while (*letter && *letter != (char)code)
		letter += 2;
	out[0] = '\\';
	out[1] = 'u';
	if (used == 1 && *letter) {
		out[1] = letter[1];
		return 2;
	}
	for (unsigned i = 0; i < 4; i++)
		out[2 + i] = digits[code >> (12 - 4 * i) & 0xF];
	return ESCAPE_MAX;
}

/* How many bytes `in` becomes. */
static size_t
escaped_size(struct xt_str in, unsigned mask)
{
	char out[ESCAPE_MAX];
	size_t at = 0, size = in.n;

	while ((at = verbatim_run(in.p, at, in.n, mask)) < in.n) {
		size_t used = to_escape(in.p + at, in.n - at, mask);
		size += escape(in.p + at, used, out) - used;
		at += used;
	}
	return size;
}

/* To reserved room. */
static void
put_escaped(struct xt_buf *out, struct xt_str in, unsigned mask)
{
	size_t at = 0, end;

	while (at < in.n) {
		end = verbatim_run(in.p, at, in.n, mask);
		xt_buf_put(out, in.p + at, end - at);
		at = end;
		if (at < in.n) {
			size_t used = to_escape(in.p + at, in.n - at, mask);
			out->n += escape(in.p + at, used, out->p + out->n);
			at += used;
		}
	}
}

static int
quote(struct xt_buf *out, struct xt_str utf8, unsigned mask)
{
	if (utf8.n > SIZE_MAX / (2 * ESCAPE_MAX) ||
		xt_buf_reserve(out, escaped_size(utf8, mask) + 2) < 0)
		return XT_ENOMEM;
	xt_buf_put_char(out, '"');
	put_escaped(out, utf8, mask);
	xt_buf_put_char(out, '"');
	return 0;
}

int
xt_json_quote(struct xt_buf *out, struct xt_str utf8)
{
	return quote(out, utf8, IN_STRING);
}

int
xt_json_quote_script(struct xt_buf *out, struct xt_str utf8)
{
	return quote(out, utf8, IN_STRING | IN_SCRIPT);
}

int
xt_json_script_safe(struct xt_buf *out, struct xt_str json)
{
	/* all of these can only stand within a string */
	if (json.n > SIZE_MAX / (2 * ESCAPE_MAX) ||
		xt_buf_reserve(out, escaped_size(json, IN_SCRIPT)) < 0)
		return XT_ENOMEM;
	put_escaped(out, json, IN_SCRIPT);
	return 0;
}

int
xt_json_compact_line(struct xt_buf *out, struct xt_str json)
{
	if (xt_buf_reserve(out, json.n) < 0)
		return XT_ENOMEM;
	for (size_t at = 0, end; at < json.n; at = end + 1) {
		for (end = at; end < json.n; end++)
			if (json.p[end] == '\n' || json.p[end] == '\r' || json.p[end] == '\t')
				break;
		xt_buf_put(out, json.p + at, end - at);
	}
	return 0;
}
