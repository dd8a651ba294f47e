/* close_code.c - see close_code.h. */
#include "connect/close_code.h"

#include <stddef.h>

static const struct {
	unsigned code;
	const char *words;
} codes[] = {
	{ 1000, "normal closure" }, { 1001, "going away" }, { 1002, "protocol error" },
	{ 1003, "unsupported data" }, { 1005, "no code given" }, { 1006, "connection lost" },
	{ 1007, "invalid data" }, { 1008, "refused by a rule" }, { 1009, "message too big" },
	{ 1010, "an extension is missing" }, { 1011, "fault of the server" },
	{ 1012, "service restarts" }, { 1013, "try again later" }, { 1014, "bad gateway" },
	{ 1015, "TLS handshake failed" },
	{ 4410, "what was asked for is no longer kept" }, /* ours: docs/channel.md */
};

const char *
close_code_words(unsigned code)
{
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].code == code)
			return codes[i].words;
	if (code >= 4000 && code <= 4999)
		return "the application's own";
	return code >= 3000 && code <= 3999 ? "of a library" : "not a code for this";
}

bool
close_code_is_normal(unsigned code)
{
	return code == 1000 || code == 1001 || code == 1005;
}
