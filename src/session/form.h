/*
 * form.h - what a protocol makes of a message, before a transport frames it.
 */
#ifndef XT_SESSION_FORM_H
#define XT_SESSION_FORM_H

#include "base/buf.h"
#include "hub/message.h"

/* Forms of one protocol, and transports of one program: XT_FORMS x XT_TRANSPORTS wires in a batch. */
#define XT_FORMS      4
#define XT_TRANSPORTS 16

struct xt_payload {
	struct xt_str bytes;
	enum xt_kind kind; /* JSON is text to a transport that knows only text and binary */
};

#endif
