/* poll.h - an answer with messages: at once (poll), or when there is news (long poll). */
#ifndef XT_TRANSPORT_POLL_POLL_H
#define XT_TRANSPORT_POLL_POLL_H

#include "session/transport.h"

extern const struct xt_transport xt_poll_transport, xt_longpoll_transport;

#endif
