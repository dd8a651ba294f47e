/* channel.c - the objects of docs/channel.md as a reader finds them. */
#include "client/channel.h"

#include "base/heap.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/json_walk.h"
#include "codec/percent.h"
#include "codec/query.h"

#define PREFIX XT_STR("/c/")

/* ---- asking ------------------------------------------------------------------------------ */

static int
take_name(struct xt_channel_place *channel, struct xt_str path)
{
	size_t n;

	if (!xt_str_starts(path, PREFIX))
		return 0;
	path = xt_str_skip(path, PREFIX.n);
	channel->name = xt_strndup(path.p, path.n);
	if (!channel->name)
		return XT_ENOMEM;
	if (xt_percent_decode(path, channel->name, &n))
		channel->name[n] = '\0';
	return 0;
}

int
xt_channel_init(struct xt_channel_place *channel, const struct xt_url *url, const char *since)
{
	struct xt_position position;
	size_t n = since ? strlen(since) : 0;

	*channel = (struct xt_channel_place){ .last = "" };
	if (n >= sizeof channel->last ||
		(n > 0 && !xt_position_parse(xt_str_of(since, n), &position)))
		return XT_EINVAL;
	if (n > 0)
		memcpy(channel->last, since, n + 1);
	return take_name(channel, url->path);
}

void
xt_channel_fini(struct xt_channel_place *channel)
{
	xt_free(channel->name);
	*channel = (struct xt_channel_place){ .last = "" };
}

static bool
is_named(const struct xt_query_pair *pair, struct xt_str name)
{
	return xt_str_eq(pair->name, name);
}

/* Of two parameters the first counts: those that we set ourselves must not be there twice. */
static bool
is_ours(const struct xt_channel_place *channel, const struct xt_query_pair *pair)
{
	if (is_named(pair, XT_STR("format")))
		return true;
	return channel->last[0] &&
	       (is_named(pair, XT_STR("since")) || is_named(pair, XT_STR("history")));
}

static int
put_pair(struct xt_buf *out, const struct xt_query_pair *pair)
{
	return xt_buf_printf(out, "&%.*s%s%.*s", (int)pair->name.n, pair->name.p,
		pair->has_value ? "=" : "", (int)pair->value.n, pair->value.p ? pair->value.p : "");
}

int
xt_channel_query(const struct xt_channel_place *channel, struct xt_str query, struct xt_buf *out)
{
	struct xt_query_pair pair;

	if (xt_buf_append_str(out, XT_STR("format=json")) < 0)
		return XT_ENOMEM;
	if (channel->last[0] && xt_buf_printf(out, "&since=%s", channel->last) < 0)
		return XT_ENOMEM;
	while (xt_query_next(&query, &pair))
		if (!is_ours(channel, &pair) && put_pair(out, &pair) < 0)
			return XT_ENOMEM;
	return 0;
}

/* ---- reading ----------------------------------------------------------------------------- */

static bool
is_word(struct xt_str value, const char *word)
{
	return xt_json_is_string(value) &&
	       xt_str_eq(xt_str_of(value.p + 1, value.n - 2), xt_str_from(word));
}

/* A position as a JSON string. */
static bool
take_position(struct xt_str value, char text[XT_POSITION_TEXT], struct xt_position *position)
{
	if (!xt_json_is_string(value) || value.n - 2 >= XT_POSITION_TEXT)
		return false;
	memcpy(text, value.p + 1, value.n - 2);
	text[value.n - 2] = '\0';
	return xt_position_parse(xt_str_from(text), position);
}

/* application/json, and whatever ends with +json (RFC 6839 3.1); parameters behind. */
static bool
is_json_type(struct xt_str type)
{
	if (!xt_json_is_string(type))
		return false;
	type = xt_str_of(type.p + 1, type.n - 2);
	type = xt_str_trim(xt_str_cut(&type, ';'));
	if (xt_str_ieq(type, XT_STR("application/json")))
		return true;
	return type.n > 5 && xt_str_ieq(xt_str_skip(type, type.n - 5), XT_STR("+json"));
}

static int
decode_base64(struct xt_buf *bytes)
{
	ssize_t n = xt_base64_decode(xt_buf_str(bytes), bytes->p);

	if (n < 0)
		return XT_EPROTO;
	bytes->n = (size_t)n;
	return 0;
}

static int
take_data(struct xt_channel_object *object, struct xt_str members)
{
	struct xt_str value = xt_json_member(members, XT_STR("data"));
	struct xt_str encoding = xt_json_member(members, XT_STR("encoding"));
	struct xt_data *data = &object->data;
	int error;

	if (!value.p)
		return XT_EPROTO;
	if (!xt_json_is_string(value) || is_json_type(xt_json_member(members, XT_STR("type")))) {
		*data = (struct xt_data){ .kind = XT_KIND_JSON, .p = value.p, .n = value.n };
		return 0;
	}
	data->kind = is_word(encoding, "base64") ? XT_KIND_BINARY : XT_KIND_TEXT;
	error = xt_json_unquote(&object->bytes, value);
	if (error == 0 && data->kind == XT_KIND_BINARY)
		error = decode_base64(&object->bytes);
	data->p = object->bytes.p;
	data->n = object->bytes.n;
	return error;
}

/* Not beyond what was handed out already. */
static bool
is_known(const struct xt_channel_place *channel, struct xt_position position)
{
	struct xt_position last;

	return xt_position_parse(xt_str_from(channel->last), &last) &&
	       last.epoch == position.epoch && position.offset <= last.offset;
}

static int
take_message(
	struct xt_channel_place *channel, struct xt_str members, struct xt_channel_object *object)
{
	struct xt_position position;
	int error;

	if (!take_position(xt_json_member(members, XT_STR("id")), object->id, &position))
		return XT_EPROTO;
	if (is_known(channel, position)) {
		object->kind = XT_CHANNEL_DUPLICATE;
		return 0;
	}
	error = take_data(object, members);
	if (error < 0)
		return error;
	memcpy(channel->last, object->id, sizeof channel->last);
	object->data.id = object->id;
	object->data.channel = channel->name;
	return 0;
}

/* Both events say where to go on: `open` matters only as long as nothing else is known. */
static int
take_event(struct xt_channel_place *channel, struct xt_str event, struct xt_str members,
	struct xt_channel_object *object)
{
	struct xt_str notice = xt_json_member(members, XT_STR("notice"));
	bool lost = is_word(event, "lost");
	struct xt_position position;
	char next[XT_POSITION_TEXT];

	object->kind = lost ? XT_CHANNEL_LOST : XT_CHANNEL_EVENT;
	if ((lost || (is_word(event, "open") && !channel->last[0])) &&
		take_position(xt_json_member(members, XT_STR("next")), next, &position))
		memcpy(channel->last, next, strlen(next) + 1);
	if (!lost || !xt_json_is_string(notice))
		return 0;
	if (xt_json_unquote(&object->bytes, notice) < 0)
		return XT_ENOMEM;
	object->words = xt_buf_str(&object->bytes);
	return 0;
}

int
xt_channel_read(
	struct xt_channel_place *channel, struct xt_str text, struct xt_channel_object *object)
{
	struct xt_str members, event;
	const char *what;
	size_t at;

	*object = (struct xt_channel_object){ .kind = XT_CHANNEL_MESSAGE };
	if (!xt_json_check(text, XT_JSON_DEPTH_MAX, &at, &what))
		return XT_EPROTO;
	members = xt_json_object(text);
	event = xt_json_member(members, XT_STR("event"));
	if (event.p)
		return take_event(channel, event, members, object);
	return take_message(channel, members, object);
}
