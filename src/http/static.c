/*
 * static.c - serves files: below the root of the configuration, else those in the binary.
 *
 * A path is tried as it is, then with ".html" behind it; one that ends with '/' with "index.html". A
 * directory below the root is redirected to its path with a slash.
 */
#include "http/static.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/heap.h"
#include "crosstalk.h"
#include "http/http_private.h"
#include "http/mime.h"
#include "http/range.h"
#include "http/static_path.h"

/* For our own pages: nothing from elsewhere, nothing inline, no frame around them but our own. */
#define PAGE_POLICY \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
	"connect-src 'self' ws: wss:; frame-src 'self'; base-uri 'none'; form-action 'none'; " \
	"frame-ancestors 'self'"

struct xt_static {
	int root; /* -1: none */
};

/* What was found for a path. */
struct found {
	const struct xt_static_file *page; /* in the binary; else `fd` */
	int fd;
	bool directory;
	uint64_t size;
	struct xt_str type, etag;
	char tag[64];
};

int
xt_static_new(struct xt_static **out, const char *root)
{
	struct xt_static *files = xt_malloc(sizeof *files);

	if (!files)
		return XT_ENOMEM;
	files->root = -1;
	if (root) {
		files->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (files->root < 0) {
			xt_free(files);
			return XT_ESYS;
		}
	}
	*out = files;
	return 0;
}

void
xt_static_free(struct xt_static *files)
{
	if (!files)
		return;
	if (files->root >= 0)
		close(files->root);
	xt_free(files);
}

/* ---- finding --------------------------------------------------------------------------- */

static int
compare_path(const void *key, const void *row)
{
	const struct xt_str *path = key;
	const struct xt_static_file *file = row;
	size_t n = path->n < file->path.n ? path->n : file->path.n;
	int order = memcmp(path->p, file->path.p, n);

	return order ? order : (path->n > file->path.n) - (path->n < file->path.n);
}

static int
find_embedded(struct xt_str path, struct found *found)
{
	const struct xt_static_file *page = bsearch(&path, xt_static_files, xt_static_files_count,
		sizeof xt_static_files[0], compare_path);

	if (!page)
		return XT_ENOTFOUND;
	*found = (struct found){
		.page = page, .fd = -1, .size = page->body.n, .type = page->type, .etag = page->etag
	};
	return 0;
}

/* Strong: another content has another time of change, by the nanosecond. */
static void
make_tag(struct found *found, const struct stat *info)
{
	int n = snprintf(found->tag, sizeof found->tag, "\"%jx-%jx.%lx-%jx\"",
		(uintmax_t)info->st_size, (uintmax_t)info->st_mtim.tv_sec,
		(unsigned long)info->st_mtim.tv_nsec, (uintmax_t)info->st_ino);

	found->etag = xt_str_of(found->tag, (size_t)n);
}

static int
find_in_root(int root, struct xt_str path, struct found *found)
{
	struct stat info;
	int fd = root < 0 ? XT_ENOTFOUND : xt_static_open(root, path.p, &info);

	if (fd < 0)
		return fd;
	*found = (struct found){ .fd = fd, .directory = S_ISDIR(info.st_mode) };
	found->size = (uint64_t)info.st_size;
	found->type = xt_mime_of(path);
	make_tag(found, &info);
	return 0;
}

static int
find_one(struct xt_static *files, struct xt_str path, struct found *found)
{
	int error = find_in_root(files->root, path, found);

	return error == XT_ENOTFOUND ? find_embedded(path, found) : error;
}

/* `path` is decoded, in a buffer with room behind it. */
static int
find(struct xt_static *files, char *path, size_t n, struct found *found)
{
	int error;

	if (path[n - 1] == '/') {
		memcpy(path + n, "index.html", sizeof "index.html");
		return find_one(files, xt_str_from(path), found);
	}
	error = find_one(files, xt_str_of(path, n), found);
	if (error != XT_ENOTFOUND)
		return error;
	memcpy(path + n, ".html", sizeof ".html");
	return find_one(files, xt_str_from(path), found);
}

static void
drop(struct found *found)
{
	if (found->fd >= 0)
		close(found->fd);
}

/* ---- answering ------------------------------------------------------------------------- */

static void
redirect(struct xt_exchange *x)
{
	const struct xt_request *request = xt_exchange_request(x);
	struct xt_buf location = { 0 };

	/* The path as it was sent: it begins with one '/', or nothing would have been found. */
	if (xt_buf_append_str(&location, request->path) < 0 ||
		xt_buf_append_str(&location, XT_STR("/")) < 0 ||
		(request->query.p && (xt_buf_append_str(&location, XT_STR("?")) < 0 ||
					     xt_buf_append_str(&location, request->query) < 0)))
		x->no_memory = true;
	xt_exchange_header(x, XT_STR("Location"), xt_buf_str(&location));
	xt_exchange_reply(x, 301, (struct xt_str){ 0 }, (struct xt_str){ 0 });
	xt_buf_fini(&location);
}

static void
add_validators(struct xt_exchange *x, const struct found *found)
{
	xt_exchange_header(x, XT_STR("ETag"), found->etag);
	xt_exchange_header(x, XT_STR("Cache-Control"), XT_STR("no-cache"));
}

static void
add_fields(struct xt_exchange *x, const struct found *found)
{
	add_validators(x, found);
	xt_exchange_header(x, XT_STR("Accept-Ranges"), XT_STR("bytes"));
	xt_exchange_header(x, XT_STR("X-Content-Type-Options"), XT_STR("nosniff"));
	if (!found->page || !xt_str_starts(found->type, XT_STR("text/html")))
		return;
	xt_exchange_header(x, XT_STR("Content-Security-Policy"), XT_STR(PAGE_POLICY));
	xt_exchange_header(x, XT_STR("Referrer-Policy"), XT_STR("no-referrer"));
}

static void
add_range(struct xt_exchange *x, const struct xt_range *range, uint64_t size)
{
	char text[96];
	int n;

	if (range->status == 416)
		n = snprintf(text, sizeof text, "bytes */%" PRIu64, size);
	else
		n = snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
			range->from, range->to - 1, size);
	xt_exchange_header(x, XT_STR("Content-Range"), xt_str_of(text, (size_t)n));
}

/* Takes found->fd. */
static void
send_content(struct xt_exchange *x, struct found *found, const struct xt_range *range)
{
	struct xt_bytes *bytes;

	if (!found->page) {
		xt_exchange_reply_file(
			x, range->status, found->type, found->fd, range->from, range->to);
		return;
	}
	bytes = xt_bytes_wrap(found->page->body, NULL, NULL);
	if (!bytes) {
		xt_exchange_no_memory(x);
		return;
	}
	xt_exchange_reply_bytes(
		x, range->status, found->type, bytes, (size_t)range->from, (size_t)range->to);
	xt_bytes_unref(bytes);
}

static void
send_found(struct xt_exchange *x, struct found *found)
{
	struct xt_range range = xt_range_select(xt_exchange_request(x), found->etag, found->size);

	switch (range.status) {
	case 206:
		add_range(x, &range, found->size);
		/* fall through */
	case 200:
		add_fields(x, found);
		send_content(x, found, &range);
		return;
	case 304:
		add_validators(x, found);
		xt_exchange_reply(x, 304, (struct xt_str){ 0 }, (struct xt_str){ 0 });
		break;
	case 412:
		xt_exchange_error(x, 412, "precondition_failed", "the file has another ETag");
		break;
	default:
		add_range(x, &range, found->size);
		xt_exchange_error(x, 416, "range_not_satisfiable",
			"the range begins behind the end: there are %" PRIu64 " bytes",
			found->size);
		break;
	}
	drop(found);
}

static void
refuse(struct xt_exchange *x, unsigned status)
{
	struct xt_str path = xt_exchange_request(x)->path;
	int n = path.n < 200 ? (int)path.n : 200;

	if (status == 400)
		xt_exchange_error(x, 400, "bad_request",
			"the path %.*s is not to be decoded: after %% stand two hexadecimal "
			"digits, "
			"neither %%00 nor %%2F",
			n, path.p);
	else if (status == 404)
		xt_exchange_error(x, 404, "not_found", "there is nothing at %.*s", n, path.p);
	else
		xt_exchange_error(x, status, "unavailable", "the file can't be opened now");
}

void
xt_static_handle(struct xt_exchange *x, void *ctx)
{
	const struct xt_request *request = xt_exchange_request(x);
	char path[XT_STATIC_PATH_MAX];
	struct found found;
	size_t n;
	unsigned status = xt_static_path(request->path, path, &n);
	int error = status ? 0 : find(ctx, path, n, &found);

	if (status || error < 0) {
		refuse(x, status ? status : error == XT_ENOTFOUND ? 404 : 503);
	} else if (request->method != XT_GET && request->method != XT_HEAD) {
		drop(&found);
		xt_exchange_header(x, XT_STR("Allow"), XT_STR("GET, HEAD"));
		xt_exchange_error(x, 405, "method_not_allowed", "a file answers to GET and HEAD");
	} else if (found.directory) {
		drop(&found);
		redirect(x);
	} else {
		send_found(x, &found);
	}
}
