/*
 * http1_chunks.c - decodes a chunked body in place (RFC 9112 7.1).
 *
 *	SIZE -> EXT -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE …
 *	                 `(size 0)-> TRAILER -> NAME -> VALUE -> TRAILER_LF -> TRAILER
 *	                                `-> END_LF -> done
 *
 * As in the head, the state is the function that reads next. Stricter than the grammar in one
 * point: no blanks around a chunk size ("bad whitespace"), where parsers are known to differ.
 */
#include "codec/http1_syntax.h"
#include "crosstalk.h"

enum state { SIZE, EXT, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER, NAME, VALUE, TRAILER_LF, END_LF };

struct scan {
	struct xt_http1_chunks *chunks;
	struct xt_http1_error *error;
	char *p;
	size_t at, n;
	size_t data; /* bytes of decoded data at the front of `p` */
};

static int
refuse(struct scan *scan, unsigned status, const char *words)
{
	return xt_http1_refuse(scan->error, status, words);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int
scan_size(struct scan *scan)
{
	struct xt_http1_chunks *chunks = scan->chunks;
	char c = scan->p[scan->at];
	int digit = hex_value(c);

	if (digit >= 0) {
		/* 16 digits fill 64 bits: the number can't wrap. */
		if (++chunks->digits > 16)
			return refuse(scan, 400, "a chunk size has more than 16 digits");
		chunks->left = chunks->left << 4 | (unsigned)digit;
		scan->at++;
		return SIZE;
	}
	if (chunks->digits == 0 || (c != '\r' && c != ';'))
		return refuse(
			scan, 400, "a chunk must begin with its size in hexadecimal and CR LF");
	scan->at++;
	chunks->digits = 0;
	chunks->line = 0;
	return c == ';' ? EXT : SIZE_LF;
}

/* RFC 9112 7.1.1: extensions we do not know are ignored, and their length is limited. */
static int
scan_ext(struct scan *scan)
{
	char c = scan->p[scan->at];

	if (c == '\r') {
		scan->at++;
		return SIZE_LF;
	}
	if (!xt_http1_is(c, XT_HTTP1_VALUE))
		return refuse(scan, 400, xt_http1_wrong_byte(c));
	if (++scan->chunks->line > XT_HTTP1_CHUNK_EXT_MAX ||
		++scan->chunks->overhead > XT_HTTP1_CHUNK_EXTS_MAX)
		return refuse(scan, 400, "the chunk extensions are too long");
	scan->at++;
	return EXT;
}

static int
expect(struct scan *scan, char c, int next)
{
	if (scan->p[scan->at] != c)
		return refuse(scan, 400, "a line of the chunked body does not end with CR LF");
	scan->at++;
	return next;
}

static int
scan_size_lf(struct scan *scan)
{
	scan->chunks->line = 0;
	return expect(scan, '\n', scan->chunks->left > 0 ? DATA : TRAILER);
}

static int
scan_data(struct scan *scan)
{
	struct xt_http1_chunks *chunks = scan->chunks;
	size_t n = scan->n - scan->at;

	if (n > chunks->left)
		n = (size_t)chunks->left;
	if (scan->data != scan->at)
		memmove(scan->p + scan->data, scan->p + scan->at, n);
	scan->data += n;
	scan->at += n;
	chunks->left -= n;
	chunks->total += n;
	return chunks->left > 0 ? DATA : DATA_CR;
}

static int
scan_data_cr(struct scan *scan)
{
	if (scan->p[scan->at] != '\r')
		return refuse(scan, 400, "a chunk is longer than its size says");
	scan->at++;
	return DATA_LF;
}

static int
scan_data_lf(struct scan *scan)
{
	return expect(scan, '\n', SIZE);
}

static int
trailer_byte(struct scan *scan, int next)
{
	if (++scan->chunks->line > XT_HTTP1_TRAILERS_MAX)
		return refuse(scan, 431, "the trailer fields are too large");
	scan->at++;
	return next;
}

static int
scan_trailer(struct scan *scan)
{
	char c = scan->p[scan->at];

	if (c == '\r') {
		scan->at++;
		return END_LF;
	}
	if (!xt_http1_is(c, XT_HTTP1_TCHAR))
		return refuse(scan, 400, "a trailer line must begin with a field name");
	if (++scan->chunks->fields > XT_HTTP1_FIELDS)
		return refuse(scan, 431, "there are more than 100 trailer fields");
	return trailer_byte(scan, NAME);
}

static int
scan_name(struct scan *scan)
{
	char c = scan->p[scan->at];

	if (c == ':')
		return trailer_byte(scan, VALUE);
	if (!xt_http1_is(c, XT_HTTP1_TCHAR))
		return refuse(scan, 400, "a trailer line is not a field name, a colon and a value");
	return trailer_byte(scan, NAME);
}

static int
scan_value(struct scan *scan)
{
	char c = scan->p[scan->at];

	if (c == '\r')
		return trailer_byte(scan, TRAILER_LF);
	if (!xt_http1_is(c, XT_HTTP1_VALUE))
		return refuse(scan, 400, xt_http1_wrong_byte(c));
	return trailer_byte(scan, VALUE);
}

static int
scan_trailer_lf(struct scan *scan)
{
	return expect(scan, '\n', TRAILER);
}

static int
scan_end_lf(struct scan *scan)
{
	int state = expect(scan, '\n', SIZE);

	scan->chunks->done = state >= 0;
	return state;
}

static int (*const scanners[])(struct scan *) = {
	[SIZE] = scan_size,
	[EXT] = scan_ext,
	[SIZE_LF] = scan_size_lf,
	[DATA] = scan_data,
	[DATA_CR] = scan_data_cr,
	[DATA_LF] = scan_data_lf,
	[TRAILER] = scan_trailer,
	[NAME] = scan_name,
	[VALUE] = scan_value,
	[TRAILER_LF] = scan_trailer_lf,
	[END_LF] = scan_end_lf,
};

ssize_t
xt_http1_chunks_read(struct xt_http1_chunks *chunks, char *p, size_t n, size_t *data,
	struct xt_http1_error *error)
{
	struct scan scan = { .chunks = chunks, .error = error, .p = p, .n = n };
	int state = chunks->state;

	while (state >= 0 && !chunks->done && scan.at < n)
		state = scanners[state](&scan);
	if (state < 0)
		return state;
	chunks->state = (uint8_t)state;
	*data = scan.data;
	return (ssize_t)scan.at;
}
