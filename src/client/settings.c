/* settings.c - reads the options of a client: every one is checked here, once, so that what follows can rely on them. */
#include "client/settings.h"

#include <stdio.h>

#include "base/heap.h"
#include "codec/http1.h"
#include "codec/position.h"

#define MESSAGE_DEFAULT (16u << 20)
#define BACKLOG_DEFAULT (64u << 20)
#define BYTES_MAX       (1u << 30) /* of a message, and of what waits: what a queue can count */

struct reading {
	struct xt_settings *settings;
	char *error;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int
refuse(const struct reading *reading, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reading->error, reading->size, format, arguments);
	va_end(arguments);
	return XT_EINVAL;
}

/* ---- URLs -------------------------------------------------------------------------------- */

static int
read_url(const struct reading *reading, struct xt_url *url, const char *text, const char *what)
{
	const char *why = "";
	int error = xt_url_parse(url, xt_str_from(text), NULL, &why);

	if (error == XT_EINVAL)
		return refuse(reading, "%s \"%.200s\": %s", what, text, why);
	if (error < 0)
		return error;
	/* WebSockets Standard, 3.1: a fragment says nothing to a server. */
	if (url->has_fragment)
		return refuse(
			reading, "%s \"%.200s\": a WebSocket's URL has no fragment", what, text);
	return 0;
}

static int
read_proxy(const struct reading *reading, const char *text)
{
	struct xt_url *proxy = &reading->settings->proxy;
	int error;

	if (!text)
		return 0;
	error = read_url(reading, proxy, text, "proxy");
	if (error == 0 && proxy->scheme != XT_URL_HTTP)
		return refuse(reading, "proxy \"%.200s\": a proxy's URL begins with http://", text);
	return error;
}

/* ---- header lines ------------------------------------------------------------------------ */

static bool
is_value(struct xt_str value)
{
	for (size_t i = 0; i < value.n; i++)
		if (((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') || value.p[i] == 0x7F)
			return false;
	return true;
}

static int
put_line(struct xt_buf *lines, struct xt_str name, struct xt_str value)
{
	if (xt_buf_reserve(lines, name.n + value.n + 4) < 0)
		return XT_ENOMEM;
	xt_buf_put_str(lines, name);
	xt_buf_put_str(lines, XT_STR(": "));
	xt_buf_put_str(lines, value);
	xt_buf_put_str(lines, XT_STR("\r\n"));
	return 0;
}

static bool
is_one_of(struct xt_str name, const struct xt_str *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (xt_str_ieq(name, list[i]))
			return true;
	return false;
}

/* What the handshake says itself (RFC 6455 4.1), and what would give the request a body. */
static bool
is_ours(struct xt_str name)
{
	static const struct xt_str list[] = {
		XT_STR_INIT("host"),
		XT_STR_INIT("upgrade"),
		XT_STR_INIT("connection"),
		XT_STR_INIT("content-length"),
		XT_STR_INIT("transfer-encoding"),
		XT_STR_INIT("te"),
		XT_STR_INIT("trailer"),
		XT_STR_INIT("expect"),
	};

	return is_one_of(name, list, sizeof list / sizeof list[0]) ||
	       (name.n > 14 && xt_str_ieq(xt_str_of(name.p, 14), XT_STR("sec-websocket-")));
}

/* These go to nobody but the one for whom they were given (Fetch 4.4, HTTP-redirect fetch). */
static bool
is_secret(struct xt_str name)
{
	static const struct xt_str list[] = {
		XT_STR_INIT("authorization"),
		XT_STR_INIT("cookie"),
		XT_STR_INIT("proxy-authorization"),
	};

	return is_one_of(name, list, sizeof list / sizeof list[0]);
}

static int
read_header(const struct reading *reading, const char *header)
{
	struct xt_settings *settings = reading->settings;
	struct xt_str value = xt_str_from(header);
	struct xt_str name = xt_str_cut(&value, ':');

	if (!value.p)
		return refuse(reading, "header \"%.100s\": there is no colon", header);
	value = xt_str_trim(value);
	if (!xt_http1_is_token(name))
		return refuse(reading, "header \"%.100s\": the name is not valid", header);
	if (!is_value(value))
		return refuse(
			reading, "header \"%.100s\": the value holds a control character", header);
	if (is_ours(name))
		return refuse(
			reading, "header \"%.100s\": the handshake sets this one itself", header);
	settings->authorized |= xt_str_ieq(name, XT_STR("authorization"));
	return put_line(is_secret(name) ? &settings->own_lines : &settings->lines, name, value);
}

static int
read_headers(const struct reading *reading, const struct xt_websocket_options *options)
{
	struct xt_settings *settings = reading->settings;
	int error = 0;

	for (const char *const *at = options->headers; at && *at && error == 0; at++)
		error = read_header(reading, *at);
	if (error < 0)
		return error;
	if (options->cookies && !is_value(xt_str_from(options->cookies)))
		return refuse(reading, "cookies: there is a control character");
	if (options->origin && !is_value(xt_str_from(options->origin)))
		return refuse(reading, "origin: there is a control character");
	if (options->cookies)
		error = put_line(
			&settings->own_lines, XT_STR("Cookie"), xt_str_from(options->cookies));
	if (options->origin && error == 0)
		error = put_line(&settings->lines, XT_STR("Origin"), xt_str_from(options->origin));
	return error;
}

/* ---- subprotocols ------------------------------------------------------------------------ */

/* RFC 6455 4.1, point 10: tokens, none twice. */
static int
check_subprotocols(const struct reading *reading, const char *const *list)
{
	for (const char *const *at = list; *at; at++) {
		if (!xt_http1_is_token(xt_str_from(*at)))
			return refuse(reading, "subprotocol \"%.100s\": that is not a token", *at);
		for (const char *const *before = list; before < at; before++)
			if (strcmp(*before, *at) == 0)
				return refuse(
					reading, "subprotocol \"%.100s\": it is there twice", *at);
	}
	return 0;
}

static int
read_subprotocols(const struct reading *reading, const char *const *list)
{
	struct xt_settings *settings = reading->settings;
	size_t count = 0;
	int error;

	if (!list)
		return 0;
	error = check_subprotocols(reading, list);
	if (error < 0)
		return error;
	while (list[count])
		count++;
	settings->subprotocols = xt_calloc(count + 1, sizeof *settings->subprotocols);
	if (!settings->subprotocols)
		return XT_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		settings->subprotocols[i] = xt_strdup(list[i]);
		if (!settings->subprotocols[i])
			return XT_ENOMEM;
	}
	return 0;
}

/* ---- the rest ---------------------------------------------------------------------------- */

static uint32_t
or_default(size_t value, uint32_t otherwise, uint32_t most)
{
	return value == 0 ? otherwise : value < most ? (uint32_t)value : most;
}

static void
read_numbers(struct xt_settings *settings, const struct xt_websocket_options *options)
{
	settings->max_redirects = options->max_redirects;
	settings->attempts = options->reconnect_attempts;
	settings->max_message = or_default(options->max_message, MESSAGE_DEFAULT, BYTES_MAX);
	settings->max_backlog = or_default(options->max_backlog, BACKLOG_DEFAULT, BYTES_MAX);
	settings->open_ms = or_default(options->open_timeout_ms, 30000, INT32_MAX);
	settings->close_ms = or_default(options->close_timeout_ms, 5000, INT32_MAX);
	settings->ping_interval_ms = or_default(options->ping_interval_ms, 30000, INT32_MAX);
	settings->ping_timeout_ms = or_default(options->ping_timeout_ms, 20000, INT32_MAX);
	settings->retry_min_ms = or_default(options->reconnect_min_ms, 500, INT32_MAX);
	settings->retry_max_ms = or_default(options->reconnect_max_ms, 30000, INT32_MAX);
	settings->insecure = options->insecure;
	settings->compress = !options->no_compression;
	settings->reconnect = options->reconnect;
	settings->channel = options->channel;
}

static int
copy(char **to, const char *from)
{
	*to = from ? xt_strdup(from) : NULL;
	return from && !*to ? XT_ENOMEM : 0;
}

static int
read_words(struct xt_settings *settings, const struct xt_websocket_options *options)
{
	if (copy(&settings->server_name, options->server_name) < 0 ||
		copy(&settings->ca_file, options->ca_file) < 0 ||
		copy(&settings->certificate_file, options->certificate_file) < 0 ||
		copy(&settings->key_file, options->key_file) < 0)
		return XT_ENOMEM;
	return 0;
}

/* Wrong files are told now, not when a redirect needs them. */
static int
read_tls(const struct reading *reading)
{
	struct xt_settings *settings = reading->settings;

	if (!settings->certificate_file != !settings->key_file)
		return refuse(reading, "certificate_file and key_file go together");
	if (!xt_url_is_secure(&settings->url) && !settings->ca_file && !settings->certificate_file)
		return 0;
	return xt_settings_need_tls(settings, reading->error, reading->size);
}

static int
check_since(const struct reading *reading, const struct xt_websocket_options *options)
{
	struct xt_position position;

	if (!options->since || !options->since[0])
		return 0;
	if (!options->channel)
		return refuse(reading, "since: it needs `channel`");
	if (!xt_position_parse(xt_str_from(options->since), &position))
		return refuse(reading, "since \"%.60s\": that is not the id of a message",
			options->since);
	return 0;
}

static int
read_all(const struct reading *reading, const struct xt_websocket_options *options)
{
	struct xt_settings *settings = reading->settings;
	int error;

	if (!options->url)
		return refuse(reading, "url: there is none");
	read_numbers(settings, options);
	if ((error = read_url(reading, &settings->url, options->url, "url")) < 0 ||
		(error = read_proxy(reading, options->proxy)) < 0 ||
		(error = read_headers(reading, options)) < 0 ||
		(error = read_subprotocols(reading, options->subprotocols)) < 0 ||
		(error = check_since(reading, options)) < 0 ||
		(error = read_words(settings, options)) < 0)
		return error;
	return read_tls(reading);
}

int
xt_settings_init(struct xt_settings *settings, const struct xt_websocket_options *options,
	char *error, size_t size)
{
	struct reading reading = { .settings = settings, .error = error, .size = size };
	int status;

	*settings = (struct xt_settings){ 0 };
	status = read_all(&reading, options);
	if (status == XT_ENOMEM)
		snprintf(error, size, "out of memory");
	if (status < 0)
		xt_settings_fini(settings);
	return status;
}

int
xt_settings_need_tls(struct xt_settings *settings, char *error, size_t size)
{
	struct xt_tls_client_options options = {
		.ca_file = settings->ca_file,
		.certificate_file = settings->certificate_file,
		.key_file = settings->key_file,
		.insecure = settings->insecure,
	};

	return settings->tls ? 0 : xt_tls_client_new(&settings->tls, &options, error, size);
}

void
xt_settings_fini(struct xt_settings *settings)
{
	xt_url_fini(&settings->url);
	xt_url_fini(&settings->proxy);
	for (char **at = settings->subprotocols; at && *at; at++)
		xt_free(*at);
	xt_free(settings->subprotocols);
	xt_buf_fini(&settings->lines);
	xt_buf_fini(&settings->own_lines);
	xt_free(settings->server_name);
	xt_free(settings->ca_file);
	xt_free(settings->certificate_file);
	xt_free(settings->key_file);
	xt_tls_client_free(settings->tls);
	*settings = (struct xt_settings){ 0 };
}
