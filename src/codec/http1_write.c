/* http1_write.c - the small pieces an answer is made of. */
#include "codec/http1.h"

#include <time.h>

/* RFC 9110 15 and the IANA registry. */
static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 101, "Switching Protocols" },
	{ 304, "Not Modified" },
	{ 201, "Created" },
	{ 204, "No Content" },
	{ 404, "Not Found" },
	{ 100, "Continue" },
	{ 202, "Accepted" },
	{ 203, "Non-Authoritative Information" },
	{ 205, "Reset Content" },
	{ 206, "Partial Content" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 426, "Upgrade Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

const char *
xt_http1_reason(unsigned status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

static void
put_two(char *out, int value)
{
	out[0] = (char)('0' + value / 10 % 10);
	out[1] = (char)('0' + value % 10);
}

void
xt_http1_date(char out[XT_HTTP1_DATE_SIZE], uint64_t seconds)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t time = (time_t)seconds;
	struct tm tm;

	gmtime_r(&time, &tm);
	memcpy(out, "Xxx, 00 Xxx 0000 00:00:00 GMT", XT_HTTP1_DATE_SIZE);
	memcpy(out, days + 3 * tm.tm_wday, 3);
	put_two(out + 5, tm.tm_mday);
	memcpy(out + 8, months + 3 * tm.tm_mon, 3);
	put_two(out + 12, (tm.tm_year + 1900) / 100);
	put_two(out + 14, (tm.tm_year + 1900) % 100);
	put_two(out + 17, tm.tm_hour);
	put_two(out + 20, tm.tm_min);
	put_two(out + 23, tm.tm_sec);
}

size_t
xt_http1_chunk_head(char out[XT_HTTP1_CHUNK_HEAD_MAX], uint64_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t size = 1;

	while (size < 16 && n >> (4 * size))
		size++;
	for (size_t i = 0; i < size; i++)
		out[i] = digits[n >> (4 * (size - 1 - i)) & 15];
	out[size] = '\r';
	out[size + 1] = '\n';
	return size + 2;
}
