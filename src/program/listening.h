/* listening.h - a program's WebSocket on a channel: every message of it is sent to the WebSocket. */
#ifndef XT_PROGRAM_LISTENING_H
#define XT_PROGRAM_LISTENING_H

#include "base/list.h"
#include "session/session.h"

struct xt_listening_channel;

/* Begins to listen for `session`, and puts itself on `all`. NULL: out of memory. */
struct xt_listening_channel *xt_listening_new(struct xt_list *all, struct xt_session *session,
	struct xt_str channel, const struct xt_reading *reading);
void xt_listening_free(struct xt_listening_channel *listening);

/* NULL: none of that name. */
struct xt_listening_channel *xt_listening_find(struct xt_list *all, struct xt_str channel);

/* Nothing is delivered any more, though they are still there: the session may end within a call of theirs. */
void xt_listening_stop_all(struct xt_list *all);
void xt_listening_free_all(struct xt_list *all);
size_t xt_listening_count(const struct xt_list *all);

/* All that was sent has left: those that catch up ask for more. */
void xt_listening_drained(struct xt_list *all);

/* Where to begin, as the public functions say it. False: not a position. */
bool xt_listening_since(const char *since, struct xt_reading *reading);

#endif
