/*
 * channel.h - a client of a channel URL (docs/channel.md): asks for messages as JSON objects, reads them, and knows where it
 * stands, so that after a reconnection it goes on there.
 *
 * Exactly once and in order: on one connection the server sees to it; the next one is asked for what follows the last
 * message that was handed out, and whatever is not beyond that is dropped.
 */
#ifndef XT_CLIENT_CHANNEL_H
#define XT_CLIENT_CHANNEL_H

#include "base/buf.h"
#include "codec/position.h"
#include "codec/url.h"
#include "crosstalk.h"

struct xt_channel_place {
	char last[XT_POSITION_TEXT]; /* where to go on; "": nowhere yet */
	char *name;                  /* decoded, NUL-ended; NULL: not known */
};

enum xt_channel_kind {
	XT_CHANNEL_MESSAGE,
	XT_CHANNEL_EVENT,
	XT_CHANNEL_LOST,
	XT_CHANNEL_DUPLICATE
};

/* What one object says. */
struct xt_channel_object {
	enum xt_channel_kind kind;
	struct xt_buf bytes; /* what was decoded; the caller's */
	struct xt_data data; /* XT_CHANNEL_MESSAGE; points into `bytes` or the text */
	char id[XT_POSITION_TEXT];
	struct xt_str words; /* XT_CHANNEL_LOST: what the server says about it, in `bytes` */
};

/* `since`: NULL, or where to begin; it must be a position. 0, XT_EINVAL, XT_ENOMEM. */
int xt_channel_init(struct xt_channel_place *channel, const struct xt_url *url, const char *since);
void xt_channel_fini(struct xt_channel_place *channel);

/* Appends the query to ask with: the URL's own, with what is needed to go on. 0 or XT_ENOMEM. */
int xt_channel_query(
	const struct xt_channel_place *channel, struct xt_str query, struct xt_buf *out);

/*
 * Reads a text message. 0, and `*object`, whose `bytes` are the caller's to free, also on failure; XT_EPROTO: no channel
 * says that; XT_ENOMEM. A message that was read counts as handed out.
 */
int xt_channel_read(
	struct xt_channel_place *channel, struct xt_str text, struct xt_channel_object *object);

#endif
