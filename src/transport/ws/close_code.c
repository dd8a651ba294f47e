/* close_code.c - both directions between enum xt_close and close codes. */
#include "transport/ws/close_code.h"

#include "crosstalk_ws.h"

static const uint16_t codes[XT_CLOSE_COUNT] = {
	[XT_CLOSE_PEER] = XT_WS_NORMAL,
	[XT_CLOSE_DONE] = XT_WS_NORMAL,
	[XT_CLOSE_IDLE] = XT_WS_NORMAL,
	[XT_CLOSE_BODY] = XT_WS_POLICY,
	[XT_CLOSE_HEARTBEAT] = XT_WS_POLICY,
	[XT_CLOSE_PROTOCOL] = XT_WS_PROTOCOL_ERROR,
	[XT_CLOSE_TLS] = XT_WS_PROTOCOL_ERROR,
	[XT_CLOSE_TEXT] = XT_WS_BAD_DATA,
	[XT_CLOSE_TOO_BIG] = XT_WS_TOO_BIG,
	[XT_CLOSE_UNSUPPORTED] = XT_WS_UNSUPPORTED,
	[XT_CLOSE_SLOW] = XT_WS_TRY_LATER,
	[XT_CLOSE_LOST] = XT_WS_LOST,
	[XT_CLOSE_REFUSED] = XT_WS_POLICY,
	[XT_CLOSE_LIMIT] = XT_WS_TRY_LATER,
	[XT_CLOSE_SHUTDOWN] = XT_WS_GOING_AWAY,
	[XT_CLOSE_FAULT] = XT_WS_INTERNAL_ERROR,
};

uint16_t
xt_ws_code_of(enum xt_close why)
{
	return codes[why] ? codes[why] : XT_WS_INTERNAL_ERROR;
}

enum xt_close
xt_ws_close_of(uint16_t code)
{
	switch (code) {
	case XT_WS_BAD_DATA:
		return XT_CLOSE_TEXT;
	case XT_WS_TOO_BIG:
		return XT_CLOSE_TOO_BIG;
	default:
		return XT_CLOSE_PROTOCOL;
	}
}
