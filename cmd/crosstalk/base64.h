/* base64.h - bytes as base64 (RFC 4648 4), and back. */
#ifndef CROSSTALK_BASE64_H
#define CROSSTALK_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Writes the bytes with padding and without line ends. */
void base64_print(FILE *to, const char *p, size_t n);

/* In place; padding may be missing. False for what is not base64, and then `p` is spoilt. */
bool base64_decode(char *p, size_t *n);

#endif
