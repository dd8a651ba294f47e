/* entry.h - the channel and the parameters of a request on /c/, read and checked. */
#ifndef XT_SERVER_ENTRY_H
#define XT_SERVER_ENTRY_H

#include "base/buf.h"
#include "http/exchange.h"
#include "server/registry.h"
#include "session/entry.h"

#define XT_WAIT_MAX_MS 300000u /* ?wait= */
#define XT_HISTORY_MAX 10000u  /* ?history= */

/* What a request says, with the memory that it lies in. */
struct xt_entry_text {
	struct xt_entry entry;
	struct xt_buf channel, client, name;
};

void xt_entry_text_fini(struct xt_entry_text *text);

/*
 * The channel of a path below /c/. 0; or XT_EINVAL or XT_ENOMEM, and the exchange was answered
 * (bad_channel_name). `text` is zeroed before, and to be freed in any case.
 */
int xt_entry_read_channel(struct xt_exchange *x, struct xt_entry_text *text);

/* ?client= and ?name=; the same. */
int xt_entry_read_client(struct xt_exchange *x, struct xt_entry_text *text);

/* All that a reader may say; the same (bad_parameter). */
int xt_entry_read(
	struct xt_exchange *x, const struct xt_reader *reader, struct xt_entry_text *text);

#endif
