/* client.c - libcurl as this program uses it, and a server's refusals in words. */
#include "client.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "crosstalk.h"

#define CONNECT_TIMEOUT 10L /* seconds */

static size_t
on_reply(char *p, size_t size, size_t count, void *client)
{
	client_keep(client, p, size * count);
	return size * count;
}

/* A proxy of the environment is for other machines. */
static bool
is_local(const struct channel_url *url)
{
	static const char *const hosts[] = { "http://127.", "http://localhost", "http://[::1]" };

	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
		if (strncmp(url->text, hosts[i], strlen(hosts[i])) == 0)
			return true;
	return false;
}

int
client_init(struct client *client, const struct channel_url *url)
{
	CURL *easy = curl_easy_init();

	*client = (struct client){ .easy = easy };
	if (!easy || client_header(client, "Expect:") < 0) {
		client_fini(client);
		return -1;
	}
	curl_easy_setopt(easy, CURLOPT_URL, url->text);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* "..": the server shall see it */
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->error);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "crosstalk/" XT_VERSION);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_reply);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
	if (is_local(url))
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	if (*url->socket)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, url->socket);
	return 0;
}

void
client_fini(struct client *client)
{
	curl_slist_free_all(client->headers);
	curl_easy_cleanup(client->easy);
	*client = (struct client){ 0 };
}

int
client_header(struct client *client, const char *line)
{
	struct curl_slist *headers = curl_slist_append(client->headers, line);

	if (!headers)
		return -1;
	client->headers = headers;
	curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, headers);
	return 0;
}

void
client_keep(struct client *client, const char *p, size_t n)
{
	size_t room = sizeof client->reply - 1 - client->n;

	if (n > room)
		n = room;
	memcpy(client->reply + client->n, p, n);
	client->n += n;
	client->reply[client->n] = '\0';
}

long
client_perform(struct client *client)
{
	CURLcode code;
	long status = 0;

	client->n = 0;
	client->reply[0] = client->error[0] = '\0';
	code = curl_easy_perform(client->easy);
	if (code == CURLE_OK)
		curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
	else if (client->error[0] == '\0')
		snprintf(client->error, sizeof client->error, "%s", curl_easy_strerror(code));
	return status;
}

/* {"error":{"code":"…","message":"…"}} in words, else the answer as it is. */
static int
refused(const struct command *command, const struct client *client, long http_status)
{
	json_t *reply = json_loadb(client->reply, client->n, 0, NULL);
	json_t *error = json_object_get(reply, "error");
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *words = json_string_value(json_object_get(error, "message"));

	if (code && words)
		command_fail(
			command, STATUS_REFUSED, "refused: %s (%ld %s)", words, http_status, code);
	else
		command_fail(command, STATUS_REFUSED, "refused: status %ld %.200s", http_status,
			client->reply);
	json_decref(reply);
	return STATUS_REFUSED;
}

int
client_fail(const struct command *command, const struct client *client, long http_status)
{
	char *url = NULL;

	if (http_status != 0)
		return refused(command, client, http_status);
	curl_easy_getinfo(client->easy, CURLINFO_EFFECTIVE_URL, &url);
	return command_fail(
		command, STATUS_UNREACHABLE, "cannot reach %s: %s", url ? url : "", client->error);
}
