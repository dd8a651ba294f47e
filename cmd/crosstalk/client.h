/* client.h - a connection of the program to a server, over libcurl. */
#ifndef CROSSTALK_CLIENT_H
#define CROSSTALK_CLIENT_H

#include <stddef.h>

#include <curl/curl.h>

#include "channel_url.h"
#include "command.h"

#define CLIENT_DEFAULT_URL "http://127.0.0.1:8000"
#define CLIENT_REPLY_MAX   4096 /* what is kept of an answer; the rest is dropped */

struct client {
	CURL *easy; /* kept from request to request, and so is its connection */
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];
	char reply[CLIENT_REPLY_MAX]; /* NUL-ended */
	size_t n;
};

/* Makes `client` ready for `url`, which stays the caller's. 0, or below when out of memory. */
int client_init(struct client *client, const struct channel_url *url);

void client_fini(struct client *client);

/* One more header field for all requests. 0, or below when out of memory. */
int client_header(struct client *client, const char *line);

/* Keeps `n` bytes of an answer, as far as there is room; for a write function of another kind. */
void client_keep(struct client *client, const char *p, size_t n);

/* Sends the request, its answer into `reply`. The HTTP status, or 0 with words in `error`. */
long client_perform(struct client *client);

/* Says that the server cannot be reached, or what it answered; returns the exit status. */
int client_fail(const struct command *command, const struct client *client, long http_status);

#endif
