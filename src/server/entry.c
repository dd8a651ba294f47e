/* entry.c - reading parameters, and saying which one is wrong and what would be right. */
#include "server/entry.h"

#include "codec/percent.h"
#include "codec/utf8.h"
#include "crosstalk.h"
#include "hub/hub.h"

#define PREFIX XT_STR("/c/")

void
xt_entry_text_fini(struct xt_entry_text *text)
{
	xt_buf_fini(&text->channel);
	xt_buf_fini(&text->client);
	xt_buf_fini(&text->name);
}

static int
no_memory(struct xt_exchange *x)
{
	xt_exchange_no_memory(x);
	return XT_ENOMEM;
}

static int
bad(struct xt_exchange *x, const char *name, const char *right)
{
	xt_exchange_error(x, 400, "bad_parameter", "%s is %s", name, right);
	return XT_EINVAL;
}

int
xt_entry_read_channel(struct xt_exchange *x, struct xt_entry_text *text)
{
	struct xt_str path = xt_str_skip(xt_exchange_request(x)->path, PREFIX.n);
	struct xt_str name;

	if (xt_buf_reserve(&text->channel, path.n + 1) < 0)
		return no_memory(x);
	if (!xt_percent_decode(path, text->channel.p, &text->channel.n)) {
		xt_exchange_error(x, 400, "bad_channel_name",
			"a %% in the path is not followed by two hexadecimal digits");
		return XT_EINVAL;
	}
	name = xt_buf_str(&text->channel);
	if (!xt_channel_name_valid(name) || !xt_utf8_valid(name)) {
		xt_exchange_error(x, 400, "bad_channel_name",
			"a channel name is 1 to %d bytes of UTF-8 without control characters",
			XT_CHANNEL_NAME_MAX);
		return XT_EINVAL;
	}
	text->entry.channel = name;
	return 0;
}

/* The parameter's value; 1: there is one, 0: none, below 0: answered. */
static int
parameter(struct xt_exchange *x, const char *name, struct xt_buf *value)
{
	int found = xt_request_query(xt_exchange_request(x), xt_str_from(name), value);

	if (found == XT_ENOMEM)
		return no_memory(x);
	return found < 0 ? bad(x, name, "not percent-encoded in order") : found;
}

static bool
is_client_id(struct xt_str s)
{
	if (s.n == 0 || s.n > XT_CLIENT_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '~' || c == '-';
		if (!good)
			return false;
	}
	return true;
}

int
xt_entry_read_client(struct xt_exchange *x, struct xt_entry_text *text)
{
	int client = parameter(x, "client", &text->client);
	int name = client < 0 ? client : parameter(x, "name", &text->name);

	if (name < 0)
		return name;
	if (client && !is_client_id(xt_buf_str(&text->client)))
		return bad(x, "client", "1 to 64 characters of A-Z a-z 0-9 . _ ~ -");
	if (name && (text->name.n == 0 || text->name.n > XT_CLIENT_NAME_MAX ||
			    !xt_utf8_valid(xt_buf_str(&text->name))))
		return bad(x, "name", "1 to 64 bytes of UTF-8");
	text->entry.client = xt_buf_str(&text->client);
	text->entry.name = xt_buf_str(&text->name);
	return 0;
}

/* Seconds with up to three decimals, as milliseconds: 25, 0.5. */
static bool
parse_seconds(struct xt_str s, uint64_t max_ms, uint64_t *ms)
{
	struct xt_str fraction = s;
	struct xt_str whole = xt_str_cut(&fraction, '.');
	uint64_t seconds, part = 0;

	if (!xt_str_u64(whole, max_ms / 1000, &seconds))
		return false;
	if (fraction.p) {
		if (fraction.n > 3 || !xt_str_u64(fraction, 999, &part))
			return false;
		for (size_t i = fraction.n; i < 3; i++)
			part *= 10;
	}
	*ms = seconds * 1000 + part;
	return *ms <= max_ms;
}

static int
read_wait(struct xt_exchange *x, struct xt_buf *value, struct xt_entry *entry)
{
	uint64_t ms;
	int found = parameter(x, "wait", value);

	if (found <= 0)
		return found;
	if (!parse_seconds(xt_buf_str(value), XT_WAIT_MAX_MS, &ms))
		return bad(x, "wait", "how many seconds to wait for news: 0 to 300");
	entry->wait_ms = (uint32_t)ms;
	return 0;
}

static int
read_format(struct xt_exchange *x, const struct xt_reader *reader, struct xt_buf *value,
	struct xt_entry *entry)
{
	int found = parameter(x, "format", value);

	entry->json = reader->json;
	if (found <= 0)
		return found;
	if (xt_str_eq(xt_buf_str(value), XT_STR("json")))
		entry->json = true;
	else if (xt_str_eq(xt_buf_str(value), XT_STR("payload")) && !reader->only_json)
		entry->json = false;
	else
		return bad(x, "format",
			reader->only_json ? "json here: this way of reading has no other form"
					  : "json or payload");
	return 0;
}

static int
read_echo(struct xt_exchange *x, struct xt_buf *value, struct xt_entry *entry)
{
	int found = parameter(x, "echo", value);

	if (found <= 0)
		return found;
	if (xt_str_eq(xt_buf_str(value), XT_STR("0")))
		entry->no_echo = true;
	else if (!xt_str_eq(xt_buf_str(value), XT_STR("1")))
		return bad(x, "echo", "0 or 1");
	return 0;
}

/* ?stream= names a way of reading; one that no row took is a mistake. */
static int
read_stream(struct xt_exchange *x, struct xt_buf *value)
{
	int found = parameter(x, "stream", value);

	if (found <= 0)
		return found;
	if (!xt_str_eq(xt_buf_str(value), XT_STR("ndjson")) &&
		!xt_str_eq(xt_buf_str(value), XT_STR("iframe")))
		return bad(x, "stream", "ndjson or iframe");
	return 0;
}

static int
start_since(struct xt_exchange *x, struct xt_str text, const char *name, struct xt_entry *entry)
{
	if (!xt_position_parse(text, &entry->reading.since))
		return bad(x, name, "the id of a message, EPOCH-OFFSET");
	entry->reading.start = XT_START_SINCE;
	return 0;
}

static int
read_history(struct xt_exchange *x, struct xt_buf *value, struct xt_entry *entry)
{
	uint64_t last;
	int found = parameter(x, "history", value);

	if (found <= 0)
		return found;
	if (entry->reading.start == XT_START_SINCE)
		return bad(x, "history", "not to be given together with since");
	if (!xt_str_u64(xt_buf_str(value), XT_HISTORY_MAX, &last))
		return bad(x, "history", "how many of the last messages: 0 to 10000");
	entry->reading.start = XT_START_LAST;
	entry->reading.last = (size_t)last;
	return 0;
}

static int
read_start(struct xt_exchange *x, const struct xt_reader *reader, struct xt_buf *value,
	struct xt_entry *entry)
{
	struct xt_str last_id = xt_request_field(xt_exchange_request(x), XT_STR("Last-Event-ID"));
	bool resumes = last_id.n && strcmp(reader->transport->name, "sse") == 0;
	int found;

	entry->reading.start = reader->start;
	/* WHATWG HTML 9.2.3: what a browser sends by itself when it reconnects, so it is the newer one. */
	if (resumes)
		return start_since(x, last_id, "Last-Event-ID", entry);
	found = parameter(x, "since", value);
	if (found > 0)
		found = start_since(x, xt_buf_str(value), "since", entry);
	return found < 0 ? found : read_history(x, value, entry);
}

int
xt_entry_read(struct xt_exchange *x, const struct xt_reader *reader, struct xt_entry_text *text)
{
	struct xt_buf value = { 0 };
	struct xt_entry *entry = &text->entry;
	int error = xt_entry_read_client(x, text);

	if (error == 0)
		error = read_stream(x, &value);
	if (error == 0)
		error = read_wait(x, &value, entry);
	if (error == 0)
		error = read_format(x, reader, &value, entry);
	if (error == 0)
		error = read_echo(x, &value, entry);
	if (error == 0)
		error = read_start(x, reader, &value, entry);
	xt_buf_fini(&value);
	return error;
}
