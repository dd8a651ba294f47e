/*
 * message.c - reading a message of NDJSON.
 *
 * A payload that was published as JSON is to come out as it was written: 1.10 stays 1.10, and a
 * number of 30 digits all of them. So the members of the object are found as slices of the line,
 * and jansson reads only the strings among them.
 */
#include "message.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64.h"

struct slice {
	const char *p, *end;
};

/* What a message is made of, as JSON texts; `p` is NULL for what is not there. */
struct members {
	struct slice id, next, event, notice, data, encoding, type;
};

static const struct {
	const char *name; /* with its quotes, as it stands in the line */
	size_t offset;
} names[] = {
	{ "\"id\"", offsetof(struct members, id) },
	{ "\"next\"", offsetof(struct members, next) },
	{ "\"event\"", offsetof(struct members, event) },
	{ "\"notice\"", offsetof(struct members, notice) },
	{ "\"data\"", offsetof(struct members, data) },
	{ "\"encoding\"", offsetof(struct members, encoding) },
	{ "\"type\"", offsetof(struct members, type) },
};

/* ---- slices of JSON ---- */

static void
skip_space(struct slice *rest)
{
	while (rest->p < rest->end && strchr(" \t\r\n", *rest->p) && *rest->p)
		rest->p++;
}

static bool
take_char(struct slice *rest, char c)
{
	skip_space(rest);
	if (rest->p == rest->end || *rest->p != c)
		return false;
	rest->p++;
	return true;
}

/* A string with its quotes. */
static bool
take_string(struct slice *rest, struct slice *string)
{
	string->p = rest->p;
	if (!take_char(rest, '"'))
		return false;
	while (rest->p < rest->end && *rest->p != '"')
		rest->p += *rest->p == '\\' && rest->p + 1 < rest->end ? 2 : 1;
	if (!take_char(rest, '"'))
		return false;
	string->end = rest->p;
	return true;
}

/* A value of any kind: up to the comma or bracket that ends it. */
static bool
take_value(struct slice *rest, struct slice *value)
{
	struct slice inner;
	size_t depth = 0;

	skip_space(rest);
	value->p = rest->p;
	for (; rest->p < rest->end; rest->p++) {
		if (depth == 0 && strchr(",}]", *rest->p))
			break;
		if (*rest->p == '"') {
			if (!take_string(rest, &inner))
				return false;
			rest->p--;
		}
		depth += *rest->p == '{' || *rest->p == '[';
		depth -= *rest->p == '}' || *rest->p == ']';
	}
	value->end = rest->p;
	return depth == 0 && value->end > value->p;
}

static void
keep(struct members *members, struct slice name, struct slice value)
{
	size_t n = (size_t)(name.end - name.p);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i].name) == n && memcmp(names[i].name, name.p, n) == 0)
			*(struct slice *)(void *)((char *)members + names[i].offset) = value;
}

static bool
read_members(struct slice line, struct members *members)
{
	struct slice name, value;

	if (!take_char(&line, '{'))
		return false;
	if (take_char(&line, '}'))
		return true;
	do {
		skip_space(&line);
		if (!take_string(&line, &name) || !take_char(&line, ':') ||
			!take_value(&line, &value))
			return false;
		keep(members, name, value);
	} while (take_char(&line, ','));
	return take_char(&line, '}');
}

/* ---- strings and payloads ---- */

/* The bytes of a JSON string, new, NUL-ended as well; NULL when it is none. */
static char *
decode_string(struct slice string, size_t *n)
{
	json_t *value;
	char *copy = NULL;

	if (!string.p || *string.p != '"')
		return NULL;
	value = json_loadb(
		string.p, (size_t)(string.end - string.p), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (value) {
		*n = json_string_length(value);
		copy = malloc(*n + 1);
		if (copy)
			memcpy(copy, json_string_value(value), *n + 1);
		json_decref(value);
	}
	return copy;
}

/* Copies a short string, or leaves `to` empty. */
static void
copy_string(struct slice string, char *to, size_t size)
{
	size_t n;
	char *text = decode_string(string, &n);

	snprintf(to, size, "%s", text ? text : "");
	free(text);
}

static bool
is_string(struct slice string, const char *json)
{
	size_t n = string.p ? (size_t)(string.end - string.p) : 0;

	return n == strlen(json) && memcmp(string.p, json, n) == 0;
}

/* application/json, …+json, with or without parameters. */
static bool
is_json_type(struct slice type)
{
	char text[128], *parameters;
	size_t n;

	copy_string(type, text, sizeof text);
	parameters = strchr(text, ';');
	if (parameters)
		*parameters = '\0';
	n = strcspn(text, " ");
	text[n] = '\0';
	return strcasecmp(text, "application/json") == 0 ||
	       (n > 5 && strcasecmp(text + n - 5, "+json") == 0);
}

/* A string is text or base64, unless it was published as JSON; all JSON stays as it was written. */
static bool
read_payload(struct message *message, const struct members *members)
{
	struct slice data = members->data;

	if (!data.p)
		return false;
	if (*data.p == '"' && !is_json_type(members->type)) {
		message->payload = decode_string(data, &message->n);
		return message->payload && (!is_string(members->encoding, "\"base64\"") ||
						   base64_decode(message->payload, &message->n));
	}
	message->n = (size_t)(data.end - data.p);
	message->payload = malloc(message->n);
	if (message->payload)
		memcpy(message->payload, data.p, message->n);
	return message->payload;
}

static enum message_kind
kind_of(const struct members *members)
{
	if (!members->event.p)
		return MESSAGE_DATA;
	if (is_string(members->event, "\"open\""))
		return MESSAGE_OPEN;
	return is_string(members->event, "\"lost\"") ? MESSAGE_LOST : MESSAGE_OTHER;
}

bool
message_read(struct message *message, const char *line, size_t n)
{
	struct members members = { 0 };

	*message = (struct message){ 0 };
	if (!read_members((struct slice){ line, line + n }, &members))
		return false;
	message->kind = kind_of(&members);
	copy_string(members.notice, message->notice, sizeof message->notice);
	copy_string(message->kind == MESSAGE_DATA ? members.id : members.next, message->id,
		sizeof message->id);
	return message->kind != MESSAGE_DATA || read_payload(message, &members);
}

void
message_fini(struct message *message)
{
	free(message->payload);
	*message = (struct message){ 0 };
}
