/* channel_url.h - the URL of a channel on a server. */
#ifndef CROSSTALK_CHANNEL_URL_H
#define CROSSTALK_CHANNEL_URL_H

#include <stddef.h>

#define CHANNEL_URL_MAX 4096 /* bytes, with the NUL */

struct channel_url {
	char text[CHANNEL_URL_MAX]; /* http://HOST:PORT/c/NAME */
	char socket[108];           /* path of a unix socket to connect to, or empty */
};

/*
 * The URL of `channel` on the server `base` (http://…, or unix:/PATH); the name is percent-encoded,
 * its slashes stay. A channel that is a full URL is taken as it stands. NULL, or a static sentence
 * of what is wrong.
 */
const char *channel_url_make(struct channel_url *url, const char *base, const char *channel);

/* Appends "KEY=VALUE" to the query, encoded. NULL, or what is wrong. */
const char *channel_url_add(struct channel_url *url, const char *key, const char *value);

#endif
