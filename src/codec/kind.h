/* kind.h - whether bytes are what the kind of a message says. */
#ifndef XT_CODEC_KIND_H
#define XT_CODEC_KIND_H

#include <stdbool.h>

#include "base/str.h"
#include "crosstalk.h"

/* Text is UTF-8, JSON a text of RFC 8259, binary anything; what is none of the three is never right. */
bool xt_kind_fits(enum xt_kind kind, struct xt_str payload);

#endif
