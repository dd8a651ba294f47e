/* static_path.h - from the path of a request to the name of a file, and to the file below the root. */
#ifndef XT_HTTP_STATIC_PATH_H
#define XT_HTTP_STATIC_PATH_H

#include <sys/stat.h>

#include "base/str.h"

#define XT_STATIC_PATH_MAX 4096

/*
 * Decodes `path` to `out`, NUL-ended, and looks at each segment. 0; 400: not to be decoded, or holds
 * NUL or an encoded slash; 404: an empty segment, a hidden one, "." or "..".
 */
unsigned xt_static_path(struct xt_str path, char out[XT_STATIC_PATH_MAX], size_t *n);

/*
 * Opens `path` (which begins with '/') below the directory `root`, for reading. Whatever links say,
 * nothing outside of it is opened. The descriptor, with `*info` filled, of a regular file or a directory;
 * XT_ENOTFOUND; XT_ESYS.
 */
int xt_static_open(int root, const char *path, struct stat *info);

#endif
