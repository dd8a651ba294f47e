/* echo.c - sends back what it receives; knows no channel. */
#include "proto/echo/echo.h"

#include "crosstalk.h"
#include "session/session.h"

static void
echo_open(struct xt_session *session, const struct xt_entry *entry)
{
	(void)session;
	(void)entry;
}

static void
echo_received(struct xt_session *session, const struct xt_payload *payload)
{
	xt_session_send(session, payload);
}

static void
echo_closed(struct xt_session *session)
{
	(void)session;
}

const struct xt_protocol xt_echo_protocol = {
	.name = "echo",
	.open = echo_open,
	.received = echo_received,
	.closed = echo_closed,
};
