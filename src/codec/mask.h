/* mask.h - the XOR of WebSocket's masking (RFC 6455 5.3), on and off alike. */
#ifndef XT_CODEC_MASK_H
#define XT_CODEC_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes `n` bytes of `src` to `dst`, each with its byte of `key`; `phase` 0 to 3 is the byte of
 * the key for the first one. `dst` is `src` or does not overlap it; no alignment is asked for.
 * Returns whether all that was written is ASCII: in one pass, a text needs no second look then.
 */
bool xt_mask(char *dst, const char *src, size_t n, const uint8_t key[4], unsigned phase);

#endif
