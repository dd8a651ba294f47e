/* presence.c - the roll of a channel as JSON: one member for each client, however many connections it has. */
#include <stdlib.h>

#include "api/channel.h"
#include "base/heap.h"
#include "codec/json.h"
#include "crosstalk.h"

/* Members in one answer; their count is always right. */
#define MEMBERS_MAX 1000

/* Words for transports, of all that there are (session/transport.h). */
#define TRANSPORTS_MAX 16

struct asked {
	struct xt_roll roll;
	struct xt_exchange *exchange;
};

static void
asked_gone(void *ctx, enum xt_close why)
{
	struct asked *asked = ctx;

	(void)why;
	xt_roll_cancel(&asked->roll);
	xt_free(asked);
}

static const struct xt_holder holder = { .gone = asked_gone, .soon = true };

static int
compare_strings(struct xt_str a, struct xt_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* Those of one client stand together, the longest there first; those without one come last. */
static int
compare_members(const void *left, const void *right)
{
	const struct xt_member *a = left, *b = right;
	int order = (a->client.n == 0) - (b->client.n == 0);

	if (!order)
		order = compare_strings(a->client, b->client);
	if (!order)
		order = (a->since > b->since) - (a->since < b->since);
	return order ? order : strcmp(a->transport, b->transport);
}

/* How many rows from `at` on are the same client. */
static size_t
run_of(const struct xt_member *members, size_t count, size_t at)
{
	size_t n = 1;

	if (members[at].client.n == 0)
		return 1;
	while (at + n < count && xt_str_eq(members[at].client, members[at + n].client))
		n++;
	return n;
}

/* A name given on any of its connections is the client's. */
static struct xt_str
name_of(const struct xt_member *members, size_t n)
{
	for (size_t i = n; i > 0; i--)
		if (members[i - 1].name.n)
			return members[i - 1].name;
	return (struct xt_str){ 0 };
}

static bool
is_told(const char *const *told, size_t count, const char *transport)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(told[i], transport) == 0)
			return true;
	return false;
}

/* Each once, whatever the number of connections: that is the client's choice. */
static int
put_transports(struct xt_buf *out, const struct xt_member *members, size_t n)
{
	const char *told[TRANSPORTS_MAX];
	size_t count = 0;
	int error = 0;

	for (size_t i = 0; i < n && count < TRANSPORTS_MAX && error == 0; i++) {
		if (is_told(told, count, members[i].transport))
			continue;
		error = xt_buf_printf(out, "%s\"%s\"", count ? "," : "", members[i].transport);
		told[count++] = members[i].transport;
	}
	return error;
}

static int
put_member(struct xt_buf *out, const struct xt_member *members, size_t n)
{
	struct xt_str name = name_of(members, n);
	int error = xt_buf_append_str(out, XT_STR("{"));

	if (error == 0 && members->client.n)
		error = xt_buf_printf(
			out, "\"client\":\"%.*s\",", (int)members->client.n, members->client.p);
	if (error == 0 && name.n) {
		error = xt_buf_append_str(out, XT_STR("\"name\":"));
		if (error == 0)
			error = xt_json_quote(out, name);
		if (error == 0)
			error = xt_buf_append_str(out, XT_STR(","));
	}
	if (error == 0)
		error = xt_buf_append_str(out, XT_STR("\"transports\":["));
	if (error == 0)
		error = put_transports(out, members, n);
	return error < 0 ? error
			 : xt_buf_printf(
				   out, "],\"since\":%llu}", (unsigned long long)members->since);
}

static int
put_roll(struct xt_buf *out, const struct xt_member *members, size_t rows)
{
	struct xt_buf list = { 0 };
	size_t count = 0;
	int error = 0;

	for (size_t at = 0; at < rows && error == 0; count++) {
		size_t n = run_of(members, rows, at);
		if (count < MEMBERS_MAX) {
			error = xt_buf_append(&list, ",", count ? 1 : 0);
			if (error == 0)
				error = put_member(&list, members + at, n);
		}
		at += n;
	}
	if (error == 0)
		error = xt_buf_printf(out, "{\"count\":%zu,\"members\":[%.*s]}\n", count,
			(int)list.n, list.n ? list.p : "");
	xt_buf_fini(&list);
	return error;
}

static void
asked_done(struct xt_roll *roll, int error, const struct xt_member *members, size_t count)
{
	struct asked *asked = XT_CONTAINER(roll, struct asked, roll);
	struct xt_exchange *x = asked->exchange;
	struct xt_member *sorted = xt_malloc((count + 1) * sizeof *sorted);
	struct xt_buf out = { 0 };

	xt_free(asked);
	if (error == 0 && sorted) {
		if (count)
			memcpy(sorted, members, count * sizeof *sorted);
		qsort(sorted, count, sizeof *sorted, compare_members);
		error = put_roll(&out, sorted, count);
	}
	if (error < 0 || !sorted)
		xt_exchange_no_memory(x);
	else
		xt_exchange_reply(x, 200, XT_STR("application/json"), xt_buf_str(&out));
	xt_buf_fini(&out);
	xt_free(sorted);
}

void
xt_api_presence(struct xt_exchange *x, struct xt_hub *hub, struct xt_str channel)
{
	struct asked *asked = xt_calloc(1, sizeof *asked);

	if (!asked) {
		xt_exchange_no_memory(x);
		return;
	}
	asked->roll.done = asked_done;
	asked->exchange = x;
	xt_exchange_hold(x, &holder, asked);
	xt_hub_presence(hub, channel, &asked->roll);
}
