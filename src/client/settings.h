/* settings.h - what a client was asked for (struct xt_websocket_options), checked and copied. */
#ifndef XT_CLIENT_SETTINGS_H
#define XT_CLIENT_SETTINGS_H

#include "codec/url.h"
#include "crosstalk.h"
#include "io/tls.h"

struct xt_settings {
	struct xt_url url;
	struct xt_url proxy; /* empty text: none */
	char **subprotocols; /* ends with NULL */
	struct xt_buf lines; /* header lines for any server, each with its line end … */
	struct xt_buf
		own_lines; /* … and those for the URL's own origin only: credentials, cookies */
	char *server_name; /* NULL: not given */
	char *ca_file, *certificate_file, *key_file;
	bool authorized; /* one of own_lines is an Authorization */
	bool insecure, compress, reconnect, channel;
	unsigned max_redirects, attempts;
	uint32_t max_message, max_backlog;
	uint32_t open_ms, close_ms, ping_interval_ms, ping_timeout_ms, retry_min_ms, retry_max_ms;
	struct xt_tls_client *tls; /* NULL: not needed so far */
};

/*
 * Allocates with the thread's allocator; `settings` is undefined before. 0; XT_EINVAL with the sentence in `error`; XT_ENOMEM. On
 * failure nothing is left to be freed.
 */
int xt_settings_init(struct xt_settings *settings, const struct xt_websocket_options *options,
	char *error, size_t size);
void xt_settings_fini(struct xt_settings *settings);

/* Sees to it that `tls` is there. 0, XT_EINVAL with the sentence in `error`, XT_ENOMEM. */
int xt_settings_need_tls(struct xt_settings *settings, char *error, size_t size);

#endif
