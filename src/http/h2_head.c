/*
 * h2_head.c - writes the head of an HTTP/2 request down as one of HTTP/1.1, for the one parser that there is.
 *
 * So a target, a host or a length that HTTP/1.1 would refuse is refused alike, in the same words and with the same
 * limits. nghttp2 has seen to it that names are lower-case tokens, that values hold no CR, LF or NUL, that pseudo-header
 * fields come first and once, and that no field belongs to a connection (RFC 9113 8.2, 8.3): what speaks of
 * connections in the text below is ours.
 */
#include "crosstalk.h"
#include "http/h2_private.h"

static const struct xt_str pseudo_names[XT_H2_PARTS] = {
	[XT_H2_METHOD] = XT_STR_INIT(":method"),
	[XT_H2_SCHEME] = XT_STR_INIT(":scheme"),
	[XT_H2_AUTHORITY] = XT_STR_INIT(":authority"),
	[XT_H2_PATH] = XT_STR_INIT(":path"),
	[XT_H2_PROTOCOL] = XT_STR_INIT(":protocol"),
};

/* RFC 9113 6.5.2: what a field counts beside its bytes. */
#define FIELD_OVERHEAD 32

void
xt_h2_head_fini(struct xt_h2_head *head)
{
	xt_buf_fini(&head->pseudo);
	xt_buf_fini(&head->fields);
	xt_buf_fini(&head->cookie);
	*head = (struct xt_h2_head){ 0 };
}

static struct xt_str
part(const struct xt_h2_head *head, enum xt_h2_part which)
{
	if (!head->parts[which].there)
		return (struct xt_str){ 0 };
	return xt_str_of(head->pseudo.p + head->parts[which].at, head->parts[which].n);
}

/* One byte more is reserved, so that an empty value has an address. */
static int
add_pseudo(struct xt_h2_head *head, struct xt_str name, struct xt_str value)
{
	for (size_t i = 0; i < XT_H2_PARTS; i++) {
		if (!xt_str_eq(name, pseudo_names[i]))
			continue;
		if (xt_buf_reserve(&head->pseudo, value.n + 1) < 0)
			return XT_ENOMEM;
		head->parts[i].at = head->pseudo.n;
		head->parts[i].n = value.n;
		head->parts[i].there = true;
		xt_buf_put_str(&head->pseudo, value);
	}
	return 0;
}

static int
add_cookie(struct xt_h2_head *head, struct xt_str value)
{
	if (xt_buf_reserve(&head->cookie, value.n + 2) < 0)
		return XT_ENOMEM;
	if (head->cookie.n > 0)
		xt_buf_put_str(&head->cookie, XT_STR("; "));
	xt_buf_put_str(&head->cookie, value);
	return 0;
}

static int
put_field(struct xt_buf *out, struct xt_str name, struct xt_str value)
{
	if (xt_buf_reserve(out, name.n + value.n + 4) < 0)
		return XT_ENOMEM;
	xt_buf_put_str(out, name);
	xt_buf_put_str(out, XT_STR(": "));
	xt_buf_put_str(out, value);
	xt_buf_put_str(out, XT_STR("\r\n"));
	return 0;
}

/* RFC 9113 8.3.1: a Host that says the same as :authority adds nothing; another one makes the request malformed. */
static bool
is_same_host(const struct xt_h2_head *head, struct xt_str name, struct xt_str value)
{
	return head->parts[XT_H2_AUTHORITY].there && xt_str_eq(name, XT_STR("host")) &&
	       xt_str_ieq(value, part(head, XT_H2_AUTHORITY));
}

int
xt_h2_head_add(struct xt_h2_head *head, struct xt_str name, struct xt_str value, size_t max)
{
	head->size += name.n + value.n + FIELD_OVERHEAD;
	if (head->size > max)
		return 0;
	if (name.n > 0 && name.p[0] == ':')
		return add_pseudo(head, name, value);
	if (xt_str_eq(name, XT_STR("cookie")))
		return add_cookie(head, value);
	if (is_same_host(head, name, value))
		return 0;
	head->has_length |= xt_str_eq(name, XT_STR("content-length"));
	return put_field(&head->fields, name, value);
}

/* ---- writing --------------------------------------------------------------------------- */

static int
refuse(struct xt_http1_error *error, unsigned status, const char *words)
{
	*error = (struct xt_http1_error){ .status = status, .words = words };
	return XT_EPROTO;
}

bool
xt_h2_head_is_tunnel(const struct xt_h2_head *head)
{
	return xt_str_eq(part(head, XT_H2_METHOD), XT_STR("CONNECT")) &&
	       xt_str_eq(part(head, XT_H2_PROTOCOL), XT_STR("websocket"));
}

static bool
is_web(struct xt_str scheme)
{
	return xt_str_ieq(scheme, XT_STR("http")) || xt_str_ieq(scheme, XT_STR("https"));
}

/* What the parser of HTTP/1.1 can't see in the text. */
static int
check(const struct xt_h2_head *head, const struct xt_http1_limits *limits,
	struct xt_http1_error *error)
{
	struct xt_str path = part(head, XT_H2_PATH), method = part(head, XT_H2_METHOD);

	if (path.n > limits->target)
		return refuse(error, 414, "the request target is too long");
	if (head->size > limits->head)
		return refuse(error, 431, "the request header is too large");
	if (head->parts[XT_H2_PROTOCOL].there && !xt_h2_head_is_tunnel(head))
		return refuse(error, 501, "no protocol but websocket is served with CONNECT");
	if (!xt_h2_head_is_tunnel(head) && xt_str_eq(method, XT_STR("CONNECT")))
		return refuse(error, 501, "CONNECT is not served: this is no proxy");
	if (!is_web(part(head, XT_H2_SCHEME)))
		return refuse(error, 400, "the scheme must be http or https");
	/* RFC 9113 8.3.1: an absolute target has no place here. */
	if (path.n == 0 || (path.p[0] != '/' && !xt_str_eq(path, XT_STR("*"))))
		return refuse(error, 400, "the path must begin with '/'");
	if (memchr(path.p, ' ', path.n))
		return refuse(error, 400, "there is a blank in the path");
	return 0;
}

static int
put_line(struct xt_buf *out, struct xt_str method, struct xt_str path)
{
	if (xt_buf_reserve(out, method.n + path.n + 16) < 0)
		return XT_ENOMEM;
	xt_buf_put_str(out, method);
	xt_buf_put_char(out, ' ');
	xt_buf_put_str(out, path);
	xt_buf_put_str(out, XT_STR(" HTTP/1.1\r\n"));
	return 0;
}

/* RFC 8441 5: what replaces the Upgrade of RFC 6455. */
static int
put_tunnel(struct xt_buf *out)
{
	return xt_buf_append_str(out, XT_STR("Upgrade: websocket\r\nConnection: Upgrade\r\n"));
}

/* RFC 9113 8.1.1: without Content-Length a body ends with its stream; chunks stand for "of unknown length". */
static int
put_framing(const struct xt_h2_head *head, bool ended, struct xt_buf *out)
{
	if (xt_h2_head_is_tunnel(head))
		return put_tunnel(out);
	if (ended || head->has_length)
		return 0;
	return xt_buf_append_str(out, XT_STR("Transfer-Encoding: chunked\r\n"));
}

int
xt_h2_head_write(const struct xt_h2_head *head, const struct xt_http1_limits *limits, bool ended,
	struct xt_buf *out, struct xt_http1_error *error)
{
	struct xt_str method = part(head, XT_H2_METHOD);

	if (check(head, limits, error) < 0)
		return XT_EPROTO;
	if (xt_h2_head_is_tunnel(head))
		method = XT_STR("GET");
	if (put_line(out, method, part(head, XT_H2_PATH)) < 0 ||
		(head->parts[XT_H2_AUTHORITY].there &&
			put_field(out, XT_STR("Host"), part(head, XT_H2_AUTHORITY)) < 0) ||
		xt_buf_append_str(out, xt_buf_str(&head->fields)) < 0 ||
		(head->cookie.n > 0 &&
			put_field(out, XT_STR("Cookie"), xt_buf_str(&head->cookie)) < 0) ||
		put_framing(head, ended, out) < 0)
		return XT_ENOMEM;
	return xt_buf_append_str(out, XT_STR("\r\n"));
}
