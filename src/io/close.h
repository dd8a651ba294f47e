/*
 * close.h - why a connection ended. Every close names one; it is logged, counted (/metrics:
 * crosstalk_closes_total{reason=…}) and told to the peer in its protocol's own words.
 */
#ifndef XT_IO_CLOSE_H
#define XT_IO_CLOSE_H

enum xt_close {
	XT_CLOSE_NONE,
	XT_CLOSE_PEER,        /* the peer closed in order */
	XT_CLOSE_RESET,       /* the peer vanished: reset, broken pipe, TCP gave up */
	XT_CLOSE_DONE,        /* we had nothing more to say */
	XT_CLOSE_IDLE,        /* a kept-alive connection without a request */
	XT_CLOSE_HEADER,      /* the request header came too slowly */
	XT_CLOSE_BODY,        /* a request body or a message that was begun came too slowly */
	XT_CLOSE_HEARTBEAT,   /* no sign of life */
	XT_CLOSE_PROTOCOL,    /* the peer broke its protocol */
	XT_CLOSE_TLS,         /* the TLS handshake failed, or its records are broken */
	XT_CLOSE_TEXT,        /* text that is not UTF-8 */
	XT_CLOSE_TOO_BIG,     /* a message over the limit */
	XT_CLOSE_UNSUPPORTED, /* a message of a kind that is not taken here */
	XT_CLOSE_SLOW,        /* the reader did not keep up */
	XT_CLOSE_LOST,        /* what the reader asked for is no longer kept */
	XT_CLOSE_REFUSED,     /* a rule says no */
	XT_CLOSE_LIMIT,       /* too many of something */
	XT_CLOSE_SHUTDOWN,    /* the server is going */
	XT_CLOSE_FAULT,       /* a fault of ours: out of memory */
	XT_CLOSE_COUNT
};

/* A word for logs and metrics: "slow_reader". Static. */
const char *xt_close_name(enum xt_close why);

#endif
