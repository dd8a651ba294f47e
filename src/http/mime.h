/* mime.h - the Content-Type of a file, by its name. */
#ifndef XT_HTTP_MIME_H
#define XT_HTTP_MIME_H

#include "base/str.h"

/* "application/octet-stream" when the name says nothing. Static. */
struct xt_str xt_mime_of(struct xt_str path);

#endif
