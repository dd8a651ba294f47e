/*
 * codec_bench.c - nanoseconds of each codec on a message of usual size: what the protocol's work costs, without any I/O.
 *
 *	codec_bench                  every row, in their order: NAME, BYTES, NANOSECONDS (the median of 7), by tabs
 *	codec_bench ROW COUNT        one row (from 0) so many times, prints nothing: for counting instructions
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/panic.h"
#include "codec/base64.h"
#include "codec/deflate.h"
#include "codec/http1.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "crosstalk_ws.h"

enum { RUNS = 7, RUN_NS = 10000000, SMALL = 64, LARGE = 16384, WINDOW = 13, LEVEL = 1 };

struct row {
	const char *name;
	size_t bytes;
	void (*once)(size_t n);
};

static char plain[LARGE], cyrillic[LARGE], frame[LARGE + XT_WS_HEAD_MAX], packed[LARGE],
	other[2 * LARGE];
static size_t packed_size;
static struct xt_buf room;
static struct xt_deflate_pool *pool;
static struct xt_deflater *deflater;
static struct xt_inflater *inflater;

/* What an operation found: stops the compiler from leaving it out. */
static volatile size_t kept;

static const char request[] =
	"GET /c/room?since=k3v9x0a1-42 HTTP/1.1\r\nHost: example.org\r\n"
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
	"Accept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
	"Sec-WebSocket-Version: 13\r\nOrigin: http://example.org\r\n"
	"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Key: "
	"dGhlIHNhbXBsZSBub25jZQ==\r\n"
	"Connection: keep-alive, Upgrade\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Mode: websocket\r\n"
	"Sec-Fetch-Site: same-origin\r\nPragma: no-cache\r\nCache-Control: no-cache\r\nUpgrade: "
	"websocket\r\n\r\n";
static const char json[] =
	"{\"id\":\"k3v9x0a1-42\",\"time\":1763700000123,\"data\":\"hello\"}        ";
static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";

/* Operations ------------------------------------------------------------------------------ */

/* A frame of zeros as key: it is plain before and after, so that it can be read again. */
static void
ws_read(size_t n)
{
	struct xt_ws_reader reader;
	struct xt_ws_event event;
	static const uint8_t zeros[4];
	size_t head = xt_ws_head_encode(XT_WS_FIN | XT_WS_OP_TEXT, n, zeros, frame);

	xt_ws_reader_init(&reader, XT_WS_SERVER, 0, LARGE);
	kept = xt_ws_read(&reader, frame, head + n, &event);
}

static void
ws_head(size_t n)
{
	kept = xt_ws_head_encode(XT_WS_FIN | XT_WS_OP_TEXT, n, NULL, other);
}

static void
ws_accept(size_t n)
{
	(void)n;
	kept = (size_t)xt_ws_accept(XT_STR(key), other);
}

static void
mask(size_t n)
{
	static const uint8_t mask_key[4] = { 1, 2, 3, 4 };

	kept = xt_mask(other, plain, n, mask_key, 0);
}

static void
utf8_ascii(size_t n)
{
	kept = xt_utf8_valid((struct xt_str){ .p = plain, .n = n });
}

static void
utf8_cyrillic(size_t n)
{
	kept = xt_utf8_valid((struct xt_str){ .p = cyrillic, .n = n });
}

static void
http1_head(size_t n)
{
	struct xt_http1_reader reader = { 0 };
	struct xt_http1_head head;
	struct xt_http1_error error;
	static const struct xt_http1_limits limits = { .head = LARGE, .target = LARGE };

	kept = (size_t)xt_http1_head_read(&reader, request, n, &limits, &head, &error);
}

static void
compress(size_t n)
{
	room.n = 0;
	kept = (size_t)xt_deflate(deflater, true, plain, n, &room);
}

static void
decompress(size_t n)
{
	(void)n;
	room.n = 0;
	kept = (size_t)xt_inflate(inflater, true, packed, packed_size, true, LARGE, &room);
}

static void
json_check(size_t n)
{
	size_t at;
	const char *what;

	kept = xt_json_check((struct xt_str){ .p = json, .n = n }, XT_JSON_DEPTH_MAX, &at, &what);
}

static void
json_quote(size_t n)
{
	room.n = 0;
	kept = (size_t)xt_json_quote(&room, (struct xt_str){ .p = plain, .n = n });
}

static void
base64(size_t n)
{
	kept = xt_base64_encode((struct xt_str){ .p = plain, .n = n }, other);
}

static void
unbase64(size_t n)
{
	static char text[XT_BASE64_SIZE(LARGE)];

	if (!*text)
		xt_base64_encode((struct xt_str){ .p = plain, .n = LARGE }, text);
	kept = (size_t)xt_base64_decode((struct xt_str){ .p = text, .n = n }, other);
}

static const struct row rows[] = {
	{ "ws: read a frame", SMALL, ws_read },
	{ "ws: read a frame", LARGE, ws_read },
	{ "ws: write a header", SMALL, ws_head },
	{ "ws: accept a key", sizeof(key) - 1, ws_accept },
	{ "mask, and is it ASCII", SMALL, mask },
	{ "mask, and is it ASCII", LARGE, mask },
	{ "utf8: ASCII", SMALL, utf8_ascii },
	{ "utf8: ASCII", LARGE, utf8_ascii },
	{ "utf8: Cyrillic", SMALL, utf8_cyrillic },
	{ "utf8: Cyrillic", LARGE, utf8_cyrillic },
	{ "http1: a browser's handshake", sizeof(request) - 1, http1_head },
	{ "deflate: compress", 1024, compress },
	{ "deflate: decompress", 1024, decompress },
	{ "json: check", sizeof(json) - 1, json_check },
	{ "json: quote", SMALL, json_quote },
	{ "json: quote", LARGE, json_quote },
	{ "base64: encode", SMALL, base64 },
	{ "base64: encode", LARGE, base64 },
	{ "base64: decode", SMALL, unbase64 },
	{ "base64: decode", LARGE, unbase64 },
};
enum { ROWS = sizeof rows / sizeof *rows };

/* Measuring ------------------------------------------------------------------------------- */

static void
fill(void)
{
	static const char words[] =
		"{\"name\":\"Ann\",\"text\":\"we meet at seven by the river\",\"n\":4711}, ";
	static const char letters[] = "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82";

	for (size_t i = 0; i < LARGE; i++) {
		plain[i] = words[i % (sizeof(words) - 1)];
		cyrillic[i] = letters[i % (sizeof(letters) - 1)];
	}
	/* 64 and 16,384 both end in the middle of no character: all of these have two bytes */
	XT_ASSERT(xt_utf8_valid((struct xt_str){ .p = cyrillic, .n = LARGE }));
}

static void
prepare(void)
{
	fill();
	pool = xt_deflate_pool_new(1 << 24);
	XT_ASSERT(pool);
	deflater = xt_deflater_take(pool, WINDOW, LEVEL);
	inflater = xt_inflater_take(pool, WINDOW);
	XT_ASSERT(deflater && inflater);
	compress(1024);
	packed_size = room.n;
	memcpy(packed, room.p, packed_size);
}

static void
finish(void)
{
	xt_deflater_give(pool, deflater);
	xt_inflater_give(pool, inflater);
	xt_deflate_pool_free(pool);
	xt_buf_fini(&room);
}

static double
nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
repeat(const struct row *row, size_t count)
{
	double start = nanoseconds();

	for (size_t i = 0; i < count; i++)
		row->once(row->bytes);
	return nanoseconds() - start;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
measure(const struct row *row)
{
	double each[RUNS];
	size_t count = 1;

	while (repeat(row, count) < RUN_NS)
		count *= 2;
	for (int i = 0; i < RUNS; i++)
		each[i] = repeat(row, count) / (double)count;
	qsort(each, RUNS, sizeof *each, compare);
	return each[RUNS / 2];
}

int
main(int argc, char **argv)
{
	size_t only = argc == 3 ? strtoul(argv[1], NULL, 10) : ROWS;

	prepare();
	for (size_t i = 0; argc < 2 && i < ROWS; i++)
		printf("%s\t%zu\t%.2f\n", rows[i].name, rows[i].bytes, measure(&rows[i]));
	if (only < ROWS)
		repeat(&rows[only], strtoul(argv[2], NULL, 10));
	finish();
	return argc > 1 && only >= ROWS;
}
