/*
 * presence.c - who is there. Nothing is kept up to date for it: whoever asks makes a roll call, and every
 * worker answers who listens there. Only pollers, who are there between two
 * requests too, have a lease at the channel's home. Who still catches up listens nowhere: between two answers neither
 * a worker nor the home knows of him.
 *
 *   asker -- request --> home: leases, and whether anybody listens -- reply --> asker
 *   asker -- request --> each worker: its subscribers -- reply --> asker, done when all have answered
 */

#include "base/panic.h"
#include "base/heap.h"
#include "crosstalk.h"
#include "hub/hub_private.h"

/* A row of the roll as it travels: strings copied, since their owners may go meanwhile. */
struct row {
	const char *transport;
	uint64_t since;
	uint8_t client_size, name_size;
};

struct xt_roll_call {
	struct xt_roll *roll; /* NULL: nobody waits any more */
	size_t missing;       /* answers still to come */
	size_t count;
	int error;
	struct xt_buf rows;
};

/* The question to one worker, and its answer. */
struct part {
	struct xt_roll_call *call;
	struct xt_hub *asker, *worker;
	uint64_t hash;
	size_t count;
	int error;
	struct xt_buf rows;
	size_t name_size;
	char name[];
};

static int
add_row(struct xt_buf *rows, const struct xt_member *member)
{
	struct row row = {
		.transport = member->transport,
		.since = member->since,
		.client_size = (uint8_t)member->client.n,
		.name_size = (uint8_t)member->name.n,
	};

	XT_ASSERT(member->client.n <= UINT8_MAX && member->name.n <= UINT8_MAX);
	if (xt_buf_reserve(rows, sizeof row + member->client.n + member->name.n) < 0)
		return XT_ENOMEM;
	xt_buf_put(rows, &row, sizeof row);
	xt_buf_put_str(rows, member->client);
	xt_buf_put_str(rows, member->name);
	return 0;
}

/* Leases -------------------------------------------------------------------------------- */

static struct xt_member
lease_member(const struct xt_lease *lease)
{
	return (struct xt_member){
		.client = xt_str_of(lease->text, lease->client_size),
		.name = xt_str_of(lease->text + lease->client_size, lease->name_size),
		.transport = lease->transport,
		.since = lease->since,
	};
}

static struct xt_leases *
leases_get(struct xt_channel *channel)
{
	if (channel->leases)
		return channel->leases;
	channel->leases = xt_calloc(1, sizeof *channel->leases);
	if (channel->leases)
		xt_list_init(&channel->leases->order);
	return channel->leases;
}

static struct xt_lease *
first_lease(const struct xt_leases *leases)
{
	return XT_LIST_ENTRY(leases->order.next, struct xt_lease, link);
}

static void
lease_drop(struct xt_leases *leases, struct xt_lease *lease)
{
	xt_map_remove(&leases->clients, &lease->node);
	xt_list_remove(&lease->link);
	xt_free(lease);
}

static void
drop_until(struct xt_channel *channel, uint64_t now)
{
	struct xt_leases *leases = channel->leases;

	if (!leases)
		return;
	while (!xt_list_empty(&leases->order) && first_lease(leases)->until <= now)
		lease_drop(leases, first_lease(leases));
	if (!xt_list_empty(&leases->order))
		return;
	xt_map_fini(&leases->clients);
	xt_free(leases);
	channel->leases = NULL;
}

void
xt_leases_expire(struct xt_channel *channel)
{
	drop_until(channel, xt_loop_now(channel->hub->loop));
}

void
xt_leases_clear(struct xt_channel *channel)
{
	drop_until(channel, UINT64_MAX);
}

static struct xt_lease *
find_lease(const struct xt_leases *leases, const struct xt_lease *like)
{
	struct xt_map_node *node = xt_map_find(&leases->clients, like->node.hash, like->node.name);

	return node ? XT_CONTAINER(node, struct xt_lease, node) : NULL;
}

static int
lease_add(struct xt_leases *leases, struct xt_lease *fresh)
{
	if (leases->clients.count >= XT_CHANNEL_LEASES)
		lease_drop(leases, first_lease(leases));
	if (xt_map_add(&leases->clients, &fresh->node) < 0)
		return XT_ENOMEM;
	xt_list_append(&leases->order, &fresh->link);
	return 0;
}

static int
lease_renew(struct xt_channel *channel, struct xt_ask *ask)
{
	struct xt_leases *leases = leases_get(channel);
	struct xt_lease *old;

	if (!leases)
		return XT_ENOMEM;
	old = find_lease(leases, ask->lease);
	if (old) {
		ask->lease->since = old->since;
		lease_drop(leases, old);
	}
	ask->lease->until = xt_loop_now(channel->hub->loop) + channel->hub->config.linger_ms;
	if (lease_add(leases, ask->lease) < 0)
		return XT_ENOMEM;
	ask->lease = NULL;
	return 0;
}

int
xt_lease_answer(struct xt_channel *channel, struct xt_ask *ask)
{
	struct xt_lease *old;
	int error = 0;

	xt_leases_expire(channel);
	if (!ask->leave) {
		error = lease_renew(channel, ask);
	} else if (channel->leases) {
		old = find_lease(channel->leases, ask->lease);
		if (old)
			lease_drop(channel->leases, old);
	}
	/* None may be left. */
	xt_leases_expire(channel);
	return error;
}

void
xt_hub_lease(struct xt_hub *hub, struct xt_str channel, const struct xt_member *member, bool leave)
{
	struct xt_ask *ask = xt_ask_new(hub, XT_ASK_LEASE, channel);
	struct xt_lease *lease = xt_malloc(sizeof *lease + member->client.n + member->name.n);

	XT_ASSERT(member->client.n <= UINT8_MAX && member->name.n <= UINT8_MAX);
	/* Out of memory: the poller is missing from a list until its next poll. */
	if (!ask || !lease) {
		xt_free(lease);
		if (ask)
			xt_ask_free(ask);
		return;
	}
	xt_list_init(&lease->link);
	lease->node = (struct xt_map_node){
		.hash = xt_map_hash(&hub->key, member->client),
		.name = xt_str_of(lease->text, member->client.n),
	};
	lease->since = member->since;
	lease->transport = member->transport;
	lease->client_size = (uint8_t)member->client.n;
	lease->name_size = (uint8_t)member->name.n;
	memcpy(lease->text, member->client.p, member->client.n);
	if (member->name.n)
		memcpy(lease->text + member->client.n, member->name.p, member->name.n);
	ask->lease = lease;
	ask->leave = leave;
	xt_ask_send(ask);
}

/* The roll call ------------------------------------------------------------------------- */

/* The rows as members; their strings stay in the rows. */
static struct xt_member *
members_of(const struct xt_buf *rows, size_t count)
{
	struct xt_member *members = xt_malloc((count + 1) * sizeof *members);
	const char *at = rows->p;

	for (size_t i = 0; members && i < count; i++) {
		struct row row;
		memcpy(&row, at, sizeof row);
		at += sizeof row;
		members[i] = (struct xt_member){
			.client = xt_str_of(at, row.client_size),
			.name = xt_str_of(at + row.client_size, row.name_size),
			.transport = row.transport,
			.since = row.since,
		};
		at += row.client_size + row.name_size;
	}
	return members;
}

static void
call_done(struct xt_roll_call *call)
{
	struct xt_roll *roll = call->roll;
	struct xt_member *members = call->error ? NULL : members_of(&call->rows, call->count);

	if (roll) {
		roll->call = NULL;
		roll->done(roll, members ? 0 : XT_ENOMEM, members, members ? call->count : 0);
	}
	xt_free(members);
	xt_buf_fini(&call->rows);
	xt_free(call);
}

/* One answer came; the last one ends the call. */
static void
end_part(struct part *part)
{
	struct xt_roll_call *call = part->call;

	if (part->error == 0)
		part->error = xt_buf_append(&call->rows, part->rows.p, part->rows.n);
	if (part->error < 0)
		call->error = part->error;
	else
		call->count += part->count;
	xt_buf_fini(&part->rows);
	xt_free(part);
	if (--call->missing == 0)
		call_done(call);
}

static void
part_answered(const struct xt_letter *letter)
{
	end_part(letter->body.pointers[0]);
}

/* On a worker: everybody who listens there. */
static void
part_asked(const struct xt_letter *letter)
{
	struct part *part = letter->body.pointers[0];
	struct xt_letter answer = { .open = part_answered, .body.pointers = { part } };
	struct xt_map_node *node = xt_map_find(
		&part->worker->topics, part->hash, xt_str_of(part->name, part->name_size));
	struct xt_topic *topic = node ? XT_CONTAINER(node, struct xt_topic, node) : NULL;

	for (uint32_t i = 0; topic && i < topic->count && part->error == 0; i++) {
		struct xt_subscriber *subscriber = topic->subscribers[i];
		struct xt_member member = { 0 };
		subscriber->ops->describe(subscriber, &member);
		part->error = add_row(&part->rows, &member);
		part->count++;
	}
	xt_hub_letter(part->worker, part->asker, XT_LANE_REPLY, &answer);
}

/* The asker leaves the call alone until the home has answered. */
static void
call_leases(struct xt_roll_call *call, const struct xt_leases *leases)
{
	xt_list_each (at, after, &leases->order) {
		struct xt_member member = lease_member(XT_LIST_ENTRY(at, struct xt_lease, link));
		if (add_row(&call->rows, &member) < 0) {
			call->error = XT_ENOMEM;
			return;
		}
		call->count++;
	}
}

/* At home: who has a lease, and whether anybody else listens at all. */
void
xt_roll_answer(struct xt_channel *channel, struct xt_ask *ask)
{
	xt_leases_expire(channel);
	if (channel->leases)
		call_leases(ask->call, channel->leases);
	ask->live = channel->interest_count > 0;
}

static void
ask_worker(const struct xt_ask *ask, struct xt_hub *worker)
{
	struct part *part = xt_calloc(1, sizeof *part + ask->name_size);
	struct xt_letter letter = { .open = part_asked, .body.pointers = { part } };

	if (!part) {
		ask->call->error = XT_ENOMEM;
		return;
	}
	part->call = ask->call;
	part->asker = ask->from;
	part->worker = worker;
	part->hash = ask->hash;
	part->name_size = ask->name_size;
	memcpy(part->name, ask->name, ask->name_size);
	ask->call->missing++;
	xt_hub_letter(ask->from, worker, XT_LANE_REQUEST, &letter);
}

void
xt_roll_answered(struct xt_ask *ask)
{
	struct xt_roll_call *call = ask->call;

	/* This answer counts as one that is missing until all have been asked. */
	for (size_t i = 0; ask->live && i < ask->from->hub_count; i++)
		ask_worker(ask, ask->from->hubs[i]);
	xt_ask_free(ask);
	if (--call->missing == 0)
		call_done(call);
}

void
xt_hub_presence(struct xt_hub *hub, struct xt_str channel, struct xt_roll *roll)
{
	struct xt_ask *ask = xt_ask_new(hub, XT_ASK_ROLL, channel);
	struct xt_roll_call *call = xt_calloc(1, sizeof *call);

	if (!ask || !call) {
		xt_free(call);
		if (ask)
			xt_ask_free(ask);
		roll->call = NULL;
		roll->done(roll, XT_ENOMEM, NULL, 0);
		return;
	}
	call->roll = roll;
	call->missing = 1;
	roll->call = call;
	ask->call = call;
	xt_ask_send(ask);
}

void
xt_roll_cancel(struct xt_roll *roll)
{
	if (roll->call)
		roll->call->roll = NULL;
	roll->call = NULL;
}
