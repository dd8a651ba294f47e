/*
 * eventstream.h - writing server-sent events (WHATWG HTML 9.2): fields, data, comments.
 *
 *	id: k3v9x0a1-42      xt_eventstream_field(out, XT_STR("id"), …)
 *	data: first line     xt_eventstream_data(out, …)
 *	data: second line
 *	                     xt_eventstream_end(out)
 *
 * All return 0 or XT_ENOMEM and append UTF-8 as it is given: the caller knows that it is valid.
 */
#ifndef XT_CODEC_EVENTSTREAM_H
#define XT_CODEC_EVENTSTREAM_H

#include "base/buf.h"
#include "base/str.h"

/* `text` as data lines, one for each of its lines (ended by LF, CR or CRLF); at least one. */
int xt_eventstream_data(struct xt_buf *out, struct xt_str text);

/* One field: event, id or retry. XT_EINVAL when `value` has a line end, or an id a NUL. */
int xt_eventstream_field(struct xt_buf *out, struct xt_str name, struct xt_str value);

/* `text` as comment lines, which readers ignore; an empty one is the shortest heartbeat. */
int xt_eventstream_comment(struct xt_buf *out, struct xt_str text);

/* The empty line that ends an event and dispatches it. */
int xt_eventstream_end(struct xt_buf *out);

#endif
