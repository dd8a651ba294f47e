/* kind.c - whether bytes are what the kind of a message says. */
#include "codec/kind.h"

#include "codec/json.h"
#include "codec/utf8.h"

bool
xt_kind_fits(enum xt_kind kind, struct xt_str payload)
{
	const char *what;
	size_t at;

	switch (kind) {
	case XT_KIND_TEXT:
		return xt_utf8_valid(payload);
	case XT_KIND_BINARY:
		return true;
	case XT_KIND_JSON:
		return xt_json_check(payload, XT_JSON_DEPTH_MAX, &at, &what);
	}
	return false;
}
