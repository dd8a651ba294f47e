/* close.c - the words for the reasons of a close. */
#include "io/close.h"

#include "base/panic.h"

static const char *const names[XT_CLOSE_COUNT] = {
	[XT_CLOSE_NONE] = "none",
	[XT_CLOSE_PEER] = "peer_closed",
	[XT_CLOSE_RESET] = "peer_vanished",
	[XT_CLOSE_DONE] = "done",
	[XT_CLOSE_IDLE] = "idle",
	[XT_CLOSE_HEADER] = "slow_header",
	[XT_CLOSE_BODY] = "slow_body",
	[XT_CLOSE_HEARTBEAT] = "heartbeat_timeout",
	[XT_CLOSE_PROTOCOL] = "protocol_error",
	[XT_CLOSE_TLS] = "tls_error",
	[XT_CLOSE_TEXT] = "invalid_text",
	[XT_CLOSE_TOO_BIG] = "message_too_big",
	[XT_CLOSE_UNSUPPORTED] = "unsupported_message",
	[XT_CLOSE_SLOW] = "slow_reader",
	[XT_CLOSE_LOST] = "history_lost",
	[XT_CLOSE_REFUSED] = "refused",
	[XT_CLOSE_LIMIT] = "limit",
	[XT_CLOSE_SHUTDOWN] = "shutdown",
	[XT_CLOSE_FAULT] = "server_fault",
};

const char *
xt_close_name(enum xt_close why)
{
	XT_ASSERT(why < XT_CLOSE_COUNT);
	return names[why];
}
