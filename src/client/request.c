/* request.c - writes the requests of a client. */
#include "client/request.h"

#include "codec/base64.h"
#include "codec/percent.h"

static int
put_host(struct xt_buf *out, const struct xt_url *url, bool with_port)
{
	int error = xt_buf_append_str(out, url->host);

	if (error == 0 && (with_port || url->other_port))
		error = xt_buf_printf(out, ":%u", url->port);
	return error;
}

/* A '%' that encodes nothing stands for itself. */
static int
put_decoded(struct xt_buf *out, struct xt_str encoded)
{
	size_t n;

	if (xt_buf_reserve(out, encoded.n + 1) < 0)
		return XT_ENOMEM;
	if (xt_percent_decode(encoded, out->p + out->n, &n))
		out->n += n;
	else
		xt_buf_put_str(out, encoded);
	return 0;
}

/* RFC 7617 2: the user information of a URL. */
static int
put_basic(struct xt_buf *out, const char *name, const struct xt_url *url)
{
	struct xt_buf pair = { 0 };
	int error = XT_ENOMEM;

	if (url->username.n + url->password.n == 0)
		return 0;
	if (put_decoded(&pair, url->username) == 0 && xt_buf_append(&pair, ":", 1) == 0 &&
		put_decoded(&pair, url->password) == 0 &&
		xt_buf_printf(out, "%s: Basic ", name) == 0 &&
		xt_base64_append(out, xt_buf_str(&pair)) == 0)
		error = xt_buf_append(out, "\r\n", 2);
	xt_buf_fini(&pair);
	return error;
}

int
xt_request_tunnel(struct xt_buf *out, const struct xt_settings *settings, const struct xt_url *url)
{
	if (xt_buf_append_str(out, XT_STR("CONNECT ")) < 0 || put_host(out, url, true) < 0 ||
		xt_buf_append_str(out, XT_STR(" HTTP/1.1\r\nHost: ")) < 0 ||
		put_host(out, url, true) < 0 || xt_buf_append_str(out, XT_STR("\r\n")) < 0 ||
		put_basic(out, "Proxy-Authorization", &settings->proxy) < 0)
		return XT_ENOMEM;
	return xt_buf_append_str(out, XT_STR("\r\n"));
}

static int
put_target(struct xt_buf *out, const struct xt_request_details *details)
{
	const struct xt_url *url = details->url;
	struct xt_str query = details->query.p ? details->query : url->query;

	if (xt_buf_append_str(out, XT_STR("GET ")) < 0 || xt_buf_append_str(out, url->path) < 0)
		return XT_ENOMEM;
	if (query.n > 0 &&
		(xt_buf_append_str(out, XT_STR("?")) < 0 || xt_buf_append_str(out, query) < 0))
		return XT_ENOMEM;
	return xt_buf_append_str(out, XT_STR(" HTTP/1.1\r\nHost: "));
}

static int
put_subprotocols(struct xt_buf *out, char *const *list)
{
	if (!list || !*list)
		return 0;
	for (char *const *at = list; *at; at++)
		if (xt_buf_printf(
			    out, "%s%s", at == list ? "Sec-WebSocket-Protocol: " : ", ", *at) < 0)
			return XT_ENOMEM;
	return xt_buf_append_str(out, XT_STR("\r\n"));
}

/* Credentials and cookies are for the origin for which they were given, whatever redirects say. */
static int
put_own_lines(struct xt_buf *out, const struct xt_request_details *details)
{
	const struct xt_settings *settings = details->settings;
	bool own = xt_url_same_origin(&settings->url, details->url);

	if (own && xt_buf_append_str(out, xt_buf_str(&settings->own_lines)) < 0)
		return XT_ENOMEM;
	if (own && settings->authorized)
		return 0;
	return put_basic(out, "Authorization", details->url);
}

int
xt_request_websocket(struct xt_buf *out, const struct xt_request_details *details)
{
	const struct xt_settings *settings = details->settings;

	if (put_target(out, details) < 0 || put_host(out, details->url, false) < 0)
		return XT_ENOMEM;
	if (xt_buf_printf(out,
		    "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		    "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n",
		    details->key) < 0)
		return XT_ENOMEM;
	if (details->extensions[0] &&
		xt_buf_printf(out, "Sec-WebSocket-Extensions: %s\r\n", details->extensions) < 0)
		return XT_ENOMEM;
	if (put_subprotocols(out, settings->subprotocols) < 0 ||
		xt_buf_append_str(out, xt_buf_str(&settings->lines)) < 0 ||
		put_own_lines(out, details) < 0)
		return XT_ENOMEM;
	return xt_buf_append_str(out, XT_STR("\r\n"));
}
