/* http1_syntax.h - private to http1*.c: the character classes of RFC 9110 5.5 and 5.6.2, RFC 3986. */
#ifndef XT_CODEC_HTTP1_SYNTAX_H
#define XT_CODEC_HTTP1_SYNTAX_H

#include "codec/http1.h"

enum xt_http1_class {
	XT_HTTP1_TCHAR = 1,  /* of a token */
	XT_HTTP1_VALUE = 2,  /* of a field value: HTAB, SP, VCHAR, obs-text */
	XT_HTTP1_TARGET = 4, /* of a request target */
	XT_HTTP1_HOST = 8    /* of a registered name or an IPv4 address, with '%' */
};

extern const uint8_t xt_http1_classes[256];

static inline bool
xt_http1_is(char c, enum xt_http1_class class)
{
	return (xt_http1_classes[(unsigned char)c] & class) != 0;
}

/* Fills `*error`; returns XT_EPROTO. */
int xt_http1_refuse(struct xt_http1_error *error, unsigned status, const char *words);

/* Cuts a head that the scanner found complete into its parts, and checks what the parts say together. */
int xt_http1_head_split(
	const char *p, size_t n, struct xt_http1_head *head, struct xt_http1_error *error);

/* The words for a byte that can't stand where a line or a field value goes on. */
const char *xt_http1_wrong_byte(char c);

#endif
