/* channel_url.c - putting together the URL of a channel. */
#include "channel_url.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char too_long[] = "the URL is too long";

static bool
starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool
is_web_url(const char *text)
{
	return starts(text, "http://") || starts(text, "https://");
}

/* RFC 3986 2.3: these need no encoding anywhere. */
static bool
is_unreserved(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("-._~", c));
}

/* Appends `from`, encoded but for what is unreserved and `keep`. */
static const char *
append_encoded(struct channel_url *url, const char *from, char keep)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = strlen(url->text);

	for (; *from; from++) {
		unsigned char c = (unsigned char)*from;
		if (n + 4 > sizeof url->text)
			return too_long;
		if (is_unreserved(*from) || *from == keep) {
			url->text[n++] = *from;
		} else {
			url->text[n++] = '%';
			url->text[n++] = hex[c >> 4];
			url->text[n++] = hex[c & 15];
		}
		url->text[n] = '\0';
	}
	return NULL;
}

static const char *
take_text(struct channel_url *url, const char *text)
{
	int n = snprintf(url->text, sizeof url->text, "%s", text);

	return n >= (int)sizeof url->text ? too_long : NULL;
}

/* unix:/PATH or unix:///PATH, as the server takes it. */
static const char *
take_socket(struct channel_url *url, const char *path)
{
	if (starts(path, "//"))
		path += 2;
	if (*path != '/' || strlen(path) >= sizeof url->socket)
		return "the path of the socket is not absolute or too long: unix:/PATH";
	snprintf(url->socket, sizeof url->socket, "%s", path);
	return take_text(url, "http://localhost");
}

const char *
channel_url_make(struct channel_url *url, const char *base, const char *channel)
{
	const char *wrong;
	size_t n;

	*url = (struct channel_url){ .text = "" };
	if (is_web_url(channel))
		return take_text(url, channel);
	if (*channel == '\0')
		return "the name of the channel is empty";
	if (starts(base, "unix:"))
		wrong = take_socket(url, base + strlen("unix:"));
	else
		wrong = is_web_url(base) ? take_text(url, base)
					 : "the URL of a server is http://HOST:PORT";
	if (wrong)
		return wrong;
	n = strlen(url->text);
	while (n > 0 && url->text[n - 1] == '/')
		url->text[--n] = '\0';
	if (n + 4 > sizeof url->text)
		return too_long;
	memcpy(url->text + n, "/c/", 4);
	return append_encoded(url, channel, '/');
}

const char *
channel_url_add(struct channel_url *url, const char *key, const char *value)
{
	size_t n = strlen(url->text);
	int more = snprintf(url->text + n, sizeof url->text - n,
		"%c%s=", strchr(url->text, '?') ? '&' : '?', key);

	if (more < 0 || (size_t)more >= sizeof url->text - n)
		return too_long;
	return append_encoded(url, value, ':');
}
