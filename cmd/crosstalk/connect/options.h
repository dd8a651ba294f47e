/* options.h - what the command line of `crosstalk connect` says. */
#ifndef CROSSTALK_CONNECT_OPTIONS_H
#define CROSSTALK_CONNECT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"
#include "connect/palette.h"
#include "connect/view.h"

#define OPTIONS_FOREVER UINT64_MAX
#define OPTIONS_UNSAID  (UINT64_MAX - 1)

/* Texts of repeated options; `p` ends with NULL, and is NULL when there is none. */
struct texts {
	const char **p;
	size_t n;
};

struct connect_options {
	char *url; /* with a scheme; owned. All other texts are those of the command line */
	struct texts headers, cookies, subprotocols, sends;
	const char *origin, *proxy, *ca, *certificate, *key, *server_name, *since;
	enum form form;
	enum palette_when color;
	bool json, no_json, frames, reconnect, channel, no_compression, insecure, quiet, time;
	bool no_history;
	uint64_t ping_ms, timeout_ms; /* 0: not said */
	uint64_t wait_ms;             /* or OPTIONS_FOREVER, OPTIONS_UNSAID */
	uint64_t max_message;         /* bytes; 0: not said */
	uint64_t redirects, once;     /* 0: none, no limit */
};

/*
 * Reads the command line. STATUS_OK; STATUS_USAGE or STATUS_REFUSED after it has said what is wrong. In any case
 * options_fini() follows.
 */
int options_read(
	struct connect_options *options, const struct command *command, int argc, char **argv);

void options_fini(struct connect_options *options);

#endif
