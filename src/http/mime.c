/* mime.c - the table of file name endings. */
#include "http/mime.h"

static const struct {
	struct xt_str ending, type;
} types[] = {
	{ XT_STR_INIT("html"), XT_STR_INIT("text/html; charset=utf-8") },
	{ XT_STR_INIT("htm"), XT_STR_INIT("text/html; charset=utf-8") },
	{ XT_STR_INIT("css"), XT_STR_INIT("text/css; charset=utf-8") },
	{ XT_STR_INIT("js"), XT_STR_INIT("text/javascript; charset=utf-8") },
	{ XT_STR_INIT("mjs"), XT_STR_INIT("text/javascript; charset=utf-8") },
	{ XT_STR_INIT("json"), XT_STR_INIT("application/json") },
	{ XT_STR_INIT("map"), XT_STR_INIT("application/json") },
	{ XT_STR_INIT("webmanifest"), XT_STR_INIT("application/manifest+json") },
	{ XT_STR_INIT("svg"), XT_STR_INIT("image/svg+xml") },
	{ XT_STR_INIT("png"), XT_STR_INIT("image/png") },
	{ XT_STR_INIT("jpg"), XT_STR_INIT("image/jpeg") },
	{ XT_STR_INIT("jpeg"), XT_STR_INIT("image/jpeg") },
	{ XT_STR_INIT("gif"), XT_STR_INIT("image/gif") },
	{ XT_STR_INIT("webp"), XT_STR_INIT("image/webp") },
	{ XT_STR_INIT("avif"), XT_STR_INIT("image/avif") },
	{ XT_STR_INIT("ico"), XT_STR_INIT("image/x-icon") },
	{ XT_STR_INIT("txt"), XT_STR_INIT("text/plain; charset=utf-8") },
	{ XT_STR_INIT("md"), XT_STR_INIT("text/markdown; charset=utf-8") },
	{ XT_STR_INIT("csv"), XT_STR_INIT("text/csv; charset=utf-8") },
	{ XT_STR_INIT("xml"), XT_STR_INIT("application/xml") },
	{ XT_STR_INIT("xhtml"), XT_STR_INIT("application/xhtml+xml") },
	{ XT_STR_INIT("wasm"), XT_STR_INIT("application/wasm") },
	{ XT_STR_INIT("pdf"), XT_STR_INIT("application/pdf") },
	{ XT_STR_INIT("woff"), XT_STR_INIT("font/woff") },
	{ XT_STR_INIT("woff2"), XT_STR_INIT("font/woff2") },
	{ XT_STR_INIT("ttf"), XT_STR_INIT("font/ttf") },
	{ XT_STR_INIT("mp3"), XT_STR_INIT("audio/mpeg") },
	{ XT_STR_INIT("ogg"), XT_STR_INIT("audio/ogg") },
	{ XT_STR_INIT("wav"), XT_STR_INIT("audio/wav") },
	{ XT_STR_INIT("mp4"), XT_STR_INIT("video/mp4") },
	{ XT_STR_INIT("webm"), XT_STR_INIT("video/webm") },
	{ XT_STR_INIT("zip"), XT_STR_INIT("application/zip") },
	{ XT_STR_INIT("gz"), XT_STR_INIT("application/gzip") },
};

struct xt_str
xt_mime_of(struct xt_str path)
{
	const char *dot = path.n > 0 ? memrchr(path.p, '.', path.n) : NULL;
	struct xt_str ending;

	if (dot) {
		ending = xt_str_of(dot + 1, (size_t)(path.p + path.n - dot - 1));
		for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
			if (xt_str_ieq(ending, types[i].ending))
				return types[i].type;
	}
	return XT_STR("application/octet-stream");
}
