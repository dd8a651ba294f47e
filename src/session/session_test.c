/* session_test.c - sessions between a transport and a protocol of the test, on a real hub and loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "crosstalk.h"
#include "hub/fixture.h"
#include "session/session.h"

#define WORKER 3

/* What the test's protocol and transport were told of one session. Outlives the session. */
struct seen {
	struct xt_session *session; /* NULL once it is freed */
	struct xt_buf out;          /* what the transport was to send */
	const struct xt_bytes *bytes;
	struct xt_position next;
	bool lost, more;
	unsigned deliveries, opened, received, drained, waited, protocol_closed;
	unsigned closed, freed;
	enum xt_close why;
	char words[128];
	bool close_when_opened, close_when_delivered;
};

static unsigned encoded, framed; /* calls, all sessions */
static bool no_memory;           /* encode() fails */

/* The protocol: one subscription; form 0 is the payload, form 1 is in braces -------------- */

struct plain {
	struct xt_subscriber subscriber;
	struct xt_session *session;
	struct seen *seen;
	unsigned form;
	bool no_echo;
};

/* What the next sessions are told; a protocol gets nothing but the entry. */
static struct seen *next_seen;

static struct plain *
plain_of(struct xt_subscriber *subscriber)
{
	return XT_CONTAINER(subscriber, struct plain, subscriber);
}

static void
hub_opened(struct xt_subscriber *subscriber, const struct xt_opening *opening)
{
	struct plain *plain = plain_of(subscriber);

	if (opening->count || !opening->live)
		xt_session_deliver_opening(plain->session, opening, plain->form, plain->no_echo);
}

static void
hub_refused(struct xt_subscriber *subscriber, int error)
{
	(void)subscriber;
	fail_msg("refused: %d", error);
}

static void
hub_deliver(struct xt_subscriber *subscriber, struct xt_batch *batch, size_t from)
{
	struct plain *plain = plain_of(subscriber);

	if (plain->seen->close_when_delivered)
		xt_session_close(plain->session, XT_CLOSE_REFUSED, "enough");
	else
		xt_session_deliver(plain->session, batch, from, plain->form, plain->no_echo);
}

static void
hub_describe(struct xt_subscriber *subscriber, struct xt_member *member)
{
	xt_session_describe(plain_of(subscriber)->session, member);
}

static const struct xt_subscriber_ops ops = {
	.opened = hub_opened,
	.refused = hub_refused,
	.deliver = hub_deliver,
	.describe = hub_describe,
};

static void
plain_open(struct xt_session *session, const struct xt_entry *entry)
{
	struct plain *plain = xt_session_protocol_state(session);

	*plain = (struct plain){
		.subscriber.ops = &ops,
		.session = session,
		.seen = next_seen,
		.form = entry->json,
		.no_echo = entry->no_echo,
	};
	plain->seen->opened++;
	if (plain->seen->close_when_opened)
		xt_session_close(session, XT_CLOSE_REFUSED, "not you");
	else
		xt_hub_subscribe(session->sessions->hub, xt_session_channel(session),
			&entry->reading, &plain->subscriber);
}

static struct seen *
seen_of(struct xt_session *session)
{
	return *(struct seen **)xt_session_transport_state(session);
}

static void
plain_received(struct xt_session *session, const struct xt_payload *payload)
{
	seen_of(session)->received++;
	xt_hub_publish(session->sessions->hub, xt_session_channel(session),
		xt_message_new(payload->kind, payload->bytes, (struct xt_str){ 0 }, session->id),
		NULL);
}

static int
plain_encode(unsigned form, const struct xt_message *message, struct xt_buf *scratch,
	struct xt_payload *payload)
{
	struct xt_str text = xt_message_payload(message);

	encoded++;
	if (no_memory)
		return XT_ENOMEM;
	*payload = (struct xt_payload){ text, message->kind };
	if (form == 1) {
		assert_int_equal(xt_buf_printf(scratch, "{%.*s}", (int)text.n, text.p), 0);
		payload->bytes = xt_buf_str(scratch);
	}
	return 0;
}

static void
plain_drained(struct xt_session *session)
{
	seen_of(session)->drained++;
}

/* As a long poll whose time is over. */
static void
plain_waited(struct xt_session *session)
{
	struct plain *plain = xt_session_protocol_state(session);

	seen_of(session)->waited++;
	xt_hub_unsubscribe(&plain->subscriber);
	xt_session_deliver_opening(session, &(struct xt_opening){ 0 }, plain->form, false);
}

static void
plain_closed(struct xt_session *session)
{
	struct plain *plain = xt_session_protocol_state(session);

	seen_of(session)->protocol_closed++;
	xt_hub_unsubscribe(&plain->subscriber);
}

static const struct xt_protocol protocol = {
	.name = "test",
	.size = sizeof(struct plain),
	.forms = 2,
	.open = plain_open,
	.received = plain_received,
	.encode = plain_encode,
	.drained = plain_drained,
	.waited = plain_waited,
	.closed = plain_closed,
};

/* The transports: one keeps what it sends, one has a connection, one is an answer --------- */

static int
frame(struct xt_session *session, const struct xt_message *message,
	const struct xt_payload *payload, struct xt_buf *out)
{
	(void)session;
	(void)message;
	framed++;
	assert_int_equal(xt_buf_append_str(out, payload->bytes), 0);
	return xt_buf_append_str(out, XT_STR(";"));
}

static void
note_end(struct xt_session *session)
{
	struct seen *seen = seen_of(session);

	seen->freed++;
	seen->session = NULL;
	xt_session_closed(session, XT_CLOSE_PEER);
}

static void
keep(struct xt_session *session, const struct xt_delivery *delivery)
{
	struct seen *seen = seen_of(session);

	seen->deliveries++;
	seen->bytes = delivery->bytes;
	seen->next = delivery->next;
	seen->lost = delivery->lost;
	seen->more = delivery->more;
	assert_int_equal(xt_buf_append(&seen->out, delivery->bytes->p + delivery->from,
				 delivery->to - delivery->from),
		0);
	if (session->transport->once)
		note_end(session);
}

static void
note_close(struct xt_session *session, enum xt_close why, const char *words)
{
	struct seen *seen = seen_of(session);

	seen->closed++;
	seen->why = why;
	snprintf(seen->words, sizeof seen->words, "%s", words);
}

static void
keep_close(struct xt_session *session, enum xt_close why, const char *words)
{
	note_close(session, why, words);
	note_end(session);
}

static void
keep_send(struct xt_session *session, const struct xt_payload *payload)
{
	assert_int_equal(xt_buf_append_str(&seen_of(session)->out, payload->bytes), 0);
}

static void
keep_notice(struct xt_session *session, const struct xt_notice *notice)
{
	assert_int_equal(xt_buf_append_str(&seen_of(session)->out, notice->json), 0);
}

static void
conn_close(struct xt_session *session, enum xt_close why, const char *words)
{
	note_close(session, why, words);
	xt_conn_send(session->conn, "bye", 3);
	xt_conn_finish(session->conn, why);
}

static size_t
conn_recv(struct xt_conn *conn, char *p, size_t n)
{
	(void)conn;
	(void)p;
	return n;
}

static void
conn_drained(struct xt_conn *conn)
{
	xt_session_drained(xt_conn_state(conn));
}

static void
conn_closed(struct xt_conn *conn, enum xt_close why)
{
	(void)why;
	note_end(xt_conn_state(conn));
}

static const struct xt_stream stream = {
	.name = "test", .recv = conn_recv, .drained = conn_drained, .closed = conn_closed
};

#define KEEPS \
	.size = sizeof(struct seen *), .frame = frame, .deliver = keep, .send = keep_send, \
	.notice = keep_notice, .close = keep_close

static const struct xt_transport left = { .name = "left", .index = 0, KEEPS };
static const struct xt_transport right = { .name = "right", .index = 5, KEEPS };
static const struct xt_transport answer = { .name = "answer", .index = 8, .once = true, KEEPS };
static const struct xt_transport mute = { .name = "mute",
	.index = 1,
	.size = sizeof(struct seen *),
	.frame = frame,
	.close = keep_close };
static const struct xt_transport wired = { .name = "wired",
	.index = 2,
	.size = sizeof(struct seen *),
	.frame = frame,
	.close = conn_close };

/* The fixture ----------------------------------------------------------------------------- */

struct fixture {
	struct xt_world world;
	struct xt_sessions sessions;
};

static int
setup(void **state)
{
	static const struct xt_sessions_config config = {
		.heartbeat_interval_ms = 1000, .heartbeat_timeout_ms = 1000, .max_backlog = 1u << 20
	};
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	xt_world_open(&f->world, 1, &xt_world_config, 16);
	xt_sessions_init(&f->sessions, f->world.hubs[0], WORKER, &config);
	encoded = framed = 0;
	no_memory = false;
	*state = f;
	return 0;
}

/* Nothing may be left: no session, no count of one, and (xt_world_close) no subscription. */
static int
teardown(void **state)
{
	struct fixture *f = *state;

	assert_true(xt_list_empty(&f->sessions.all));
	for (size_t i = 0; i < XT_TRANSPORTS; i++)
		assert_int_equal(xt_counter_read(&f->sessions.stats.open[i]), 0);
	xt_world_close(&f->world);
	free(f);
	return 0;
}

static struct xt_str
channel(struct fixture *f)
{
	return xt_world_name(&f->world, 0, 0);
}

static struct xt_entry
entry_of(struct fixture *f)
{
	return (struct xt_entry){
		.channel = channel(f),
		.reading = { .start = XT_START_NOW, .mode = XT_MODE_JOIN },
	};
}

/* As a transport that is ready does it. */
static void
begin(struct fixture *f, const struct xt_transport *transport, const struct xt_entry *entry,
	struct seen *seen)
{
	seen->session = xt_session_new(&f->sessions, transport, &protocol, entry);
	assert_non_null(seen->session);
	*(struct seen **)xt_session_transport_state(seen->session) = seen;
	next_seen = seen;
	xt_session_open(seen->session, entry);
	xt_world_settle(&f->world);
}

static void
publish(struct fixture *f, const char *text, uint64_t origin)
{
	struct xt_message *message =
		xt_message_new(XT_KIND_TEXT, xt_str_from(text), (struct xt_str){ 0 }, origin);

	assert_non_null(message);
	xt_hub_publish(f->world.hubs[0], channel(f), message, NULL);
}

static void
check_out(struct seen *seen, const char *expected)
{
	if (!xt_str_eq(xt_buf_str(&seen->out), xt_str_from(expected)))
		fail_msg("expected %s, got %.*s", expected, (int)seen->out.n,
			seen->out.n ? seen->out.p : "");
	seen->out.n = 0;
}

/* The peer has gone: what is left of it is counted. */
static void
end(struct seen *seen)
{
	if (seen->session)
		note_end(seen->session);
	assert_int_equal(seen->freed, 1);
	assert_int_equal(seen->protocol_closed, seen->opened);
	xt_buf_fini(&seen->out);
}

/* Delivering ------------------------------------------------------------------------------ */

/* More readers than the fan-out serves at one go, in three wires: three messages are encoded nine times. */
static void
test_encoded_once(void **state)
{
	enum { EACH = 300 };
	static const struct xt_transport *const transports[] = { &left, &left, &right };
	struct seen *seen = calloc(3 * EACH, sizeof *seen);
	struct fixture *f = *state;

	assert_non_null(seen);
	for (size_t i = 0; i < 3 * EACH; i++) {
		struct xt_entry entry = entry_of(f);
		entry.json = i % 3 == 1;
		begin(f, transports[i % 3], &entry, &seen[i]);
	}
	assert_int_equal(xt_counter_read(&f->sessions.stats.open[left.index]), 2 * EACH);
	assert_int_equal(xt_counter_read(&f->sessions.stats.open[right.index]), EACH);
	publish(f, "a", 0);
	publish(f, "bb", 0);
	publish(f, "ccc", 0);
	xt_world_settle(&f->world);
	assert_int_equal(encoded, 9);
	assert_int_equal(framed, 9);
	for (size_t i = 0; i < 3 * EACH; i++) {
		assert_int_equal(seen[i].deliveries, 1);
		assert_ptr_equal(seen[i].bytes, seen[i % 3].bytes);
		assert_int_equal(seen[i].next.offset, 3);
		check_out(&seen[i], i % 3 == 1 ? "{a};{bb};{ccc};" : "a;bb;ccc;");
	}
	for (size_t i = 0; i < 3 * EACH; i++)
		end(&seen[i]);
	free(seen);
}

/* Every pattern of own messages and others' in one batch. */
static void
test_no_echo(void **state)
{
	enum { COUNT = 6 };
	struct seen own = { 0 }, all = { 0 };
	struct fixture *f = *state;
	struct xt_entry entry = entry_of(f);

	begin(f, &left, &entry, &all);
	entry.no_echo = true;
	begin(f, &left, &entry, &own);
	for (unsigned pattern = 0; pattern < 1u << COUNT; pattern++) {
		char expected[2 * COUNT + 1] = "", every[2 * COUNT + 1] = "";
		size_t n = 0;
		for (unsigned i = 0; i < COUNT; i++) {
			const char text[2] = { (char)('a' + i), '\0' };
			bool is_own = pattern >> i & 1;
			memcpy(every + 2 * i, (const char[]){ text[0], ';' }, 2);
			memcpy(expected + n, (const char[]){ text[0], ';' }, 2);
			n += is_own ? 0 : 2;
			publish(f, text, is_own ? own.session->id : i % 2 ? all.session->id : 0);
		}
		expected[n] = '\0';
		xt_world_settle(&f->world);
		check_out(&own, expected);
		check_out(&all, every);
	}
	end(&own);
	end(&all);
}

/* Also when it is itself who sends, and when what it sent comes out of the history. */
static void
test_no_echo_of_history(void **state)
{
	struct seen own = { 0 };
	struct fixture *f = *state;
	struct xt_entry entry = entry_of(f);
	struct plain *plain;

	entry.no_echo = true;
	begin(f, &left, &entry, &own);
	publish(f, "a", 0);
	xt_session_received(own.session, &(struct xt_payload){ XT_STR("b"), XT_KIND_TEXT });
	publish(f, "c", own.session->id + 1);
	xt_world_settle(&f->world);
	check_out(&own, "a;c;");
	plain = xt_session_protocol_state(own.session);
	xt_hub_unsubscribe(&plain->subscriber);
	entry.reading.start = XT_START_OLDEST;
	xt_hub_subscribe(f->world.hubs[0], channel(f), &entry.reading, &plain->subscriber);
	xt_world_settle(&f->world);
	check_out(&own, "a;c;");
	assert_int_equal(own.next.offset, 3);
	end(&own);
}

static void
test_opening(void **state)
{
	struct seen seen = { 0 };
	struct fixture *f = *state;
	struct xt_entry entry = entry_of(f);
	uint64_t before = xt_counter_read(&xt_hub_stats(f->world.hubs[0])->private_encodes);

	publish(f, "a", 0);
	publish(f, "b", 0);
	entry.json = true;
	entry.reading.start = XT_START_SINCE;
	entry.reading.since = (struct xt_position){ 1, 1 }; /* of another life */
	begin(f, &left, &entry, &seen);
	check_out(&seen, "{a};{b};");
	assert_true(seen.lost);
	assert_false(seen.more);
	assert_int_equal(seen.next.offset, 2);
	assert_int_equal(
		xt_counter_read(&xt_hub_stats(f->world.hubs[0])->private_encodes), before + 2);
	end(&seen);
}

/* To one session alone. */
static void
test_words(void **state)
{
	const struct xt_payload payload = { XT_STR("payload"), XT_KIND_TEXT };
	const struct xt_notice notice = { .kind = XT_NOTICE_OPEN, .json = XT_STR("{}") };
	struct seen seen = { 0 }, silent = { 0 };
	struct fixture *f = *state;
	struct xt_entry entry = entry_of(f);

	begin(f, &left, &entry, &seen);
	begin(f, &mute, &entry, &silent);
	xt_session_send(seen.session, &payload);
	xt_session_notice(seen.session, &notice);
	xt_session_send(silent.session, &payload);
	xt_session_notice(silent.session, &notice);
	xt_session_drained(seen.session);
	check_out(&seen, "payload{}");
	assert_int_equal(seen.drained, 1);
	end(&seen);
	end(&silent);
}

static void
test_identity(void **state)
{
	char longest[255], client[XT_CLIENT_MAX], name[XT_CLIENT_NAME_MAX];
	struct seen one = { 0 }, two = { 0 };
	struct fixture *f = *state;
	struct xt_entry entry = entry_of(f);
	struct xt_member member;

	memset(longest, 'h', sizeof longest);
	memset(client, 'c', sizeof client);
	memset(name, 'n', sizeof name);
	begin(f, &right, &entry, &one);
	entry.channel = xt_str_of(longest, sizeof longest);
	entry.client = xt_str_of(client, sizeof client);
	entry.name = xt_str_of(name, sizeof name);
	begin(f, &right, &entry, &two);
	assert_int_equal(one.session->id >> 48, WORKER);
	assert_int_equal(two.session->id, one.session->id + 1);
	assert_true(xt_str_eq(xt_session_channel(two.session), entry.channel));
	xt_session_describe(two.session, &member);
	assert_true(xt_str_eq(member.client, entry.client));
	assert_true(xt_str_eq(member.name, entry.name));
	assert_string_equal(member.transport, "right");
	assert_int_equal(member.since, two.session->since);
	xt_session_describe(one.session, &member);
	assert_int_equal(member.client.n + member.name.n, 0);
	end(&one);
	end(&two);
}

/* Closing --------------------------------------------------------------------------------- */

static void
test_closed_once(void **state)
{
	const struct xt_payload payload = { XT_STR("x"), XT_KIND_TEXT };
	struct seen seen = { 0 };
	struct fixture *f = *state;
	struct xt_entry entry = entry_of(f);

	begin(f, &left, &entry, &seen);
	xt_session_end(seen.session, XT_CLOSE_PEER);
	assert_int_equal(seen.protocol_closed, 1);
	assert_int_equal(xt_counter_read(&f->sessions.stats.open[left.index]), 0);
	xt_session_end(seen.session, XT_CLOSE_PEER);
	xt_session_close(seen.session, XT_CLOSE_DONE, "too late");
	xt_session_received(seen.session, &payload);
	xt_session_send(seen.session, &payload);
	xt_session_notice(seen.session, &(struct xt_notice){ .json = XT_STR("{}") });
	xt_session_drained(seen.session);
	xt_session_waited(seen.session);
	xt_session_deliver_opening(seen.session, &(struct xt_opening){ 0 }, 0, false);
	publish(f, "x", 0);
	xt_world_settle(&f->world);
	assert_int_equal(seen.received + seen.drained + seen.waited + seen.deliveries, 0);
	assert_int_equal(seen.closed, 0);
	check_out(&seen, "");
	end(&seen);
}

/* From within each call of the protocol that may close. */
static void
test_closed_within(void **state)
{
	struct seen opening = { .close_when_opened = true };
	struct seen delivering = { .close_when_delivered = true };
	struct seen after = { 0 };
	struct fixture *f = *state;
	struct xt_entry entry = entry_of(f);

	begin(f, &left, &entry, &opening);
	assert_int_equal(opening.closed, 1);
	assert_string_equal(opening.words, "not you");
	begin(f, &left, &entry, &delivering);
	begin(f, &left, &entry, &after);
	publish(f, "a", 0);
	publish(f, "b", 0);
	xt_world_settle(&f->world);
	assert_int_equal(delivering.closed, 1);
	assert_int_equal(delivering.why, XT_CLOSE_REFUSED);
	check_out(&after, "a;b;");
	end(&opening);
	end(&delivering);
	end(&after);
}

static void
test_out_of_memory(void **state)
{
	struct seen one = { 0 }, two = { 0 }, three = { 0 };
	struct fixture *f = *state;
	struct xt_entry entry = entry_of(f);

	begin(f, &left, &entry, &one);
	begin(f, &left, &entry, &two);
	no_memory = true;
	publish(f, "a", 0);
	xt_world_settle(&f->world);
	assert_int_equal(encoded, 1);
	entry.reading.start = XT_START_OLDEST;
	begin(f, &left, &entry, &three);
	for (unsigned i = 0; i < 3; i++) {
		struct seen *seen = i == 0 ? &one : i == 1 ? &two : &three;
		assert_int_equal(seen->closed, 1);
		assert_int_equal(seen->why, XT_CLOSE_FAULT);
		assert_int_equal(seen->deliveries, 0);
		end(seen);
	}
}

/* A reader that reads nothing ------------------------------------------------------------- */

struct peer {
	struct seen seen;
	int fd;
};

static void
begin_wired(struct fixture *f, struct peer *peer)
{
	struct xt_entry entry = entry_of(f);
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	peer->fd = pair[0];
	peer->seen.session = xt_session_new(&f->sessions, &wired, &protocol, &entry);
	assert_non_null(peer->seen.session);
	*(struct seen **)xt_session_transport_state(peer->seen.session) = &peer->seen;
	next_seen = &peer->seen;
	peer->seen.session->conn =
		xt_conn_new(f->world.loops[0], pair[1], &stream, peer->seen.session);
	assert_non_null(peer->seen.session->conn);
	xt_session_open(peer->seen.session, &entry);
	xt_world_settle(&f->world);
}

/* All that there is for the peer; the last bytes of it at the end of `text`. */
static size_t
read_all(struct fixture *f, struct peer *peer, char text[4])
{
	char got[65536];
	size_t sum = 0;
	ssize_t n;

	for (unsigned quiet = 0; quiet < 4; quiet++) {
		xt_world_settle(&f->world);
		while ((n = recv(peer->fd, got, sizeof got, 0)) > 0) {
			sum += (size_t)n;
			quiet = 0;
			if (n >= 3)
				memcpy(text, got + n - 3, 3);
		}
	}
	text[3] = '\0';
	return sum;
}

static void
publish_large(struct fixture *f)
{
	static char text[60001];

	memset(text, 'x', sizeof text - 1);
	publish(f, text, 0);
	xt_world_settle(&f->world);
}

static void
test_slow_reader(void **state)
{
	struct peer slow = { 0 }, quick = { 0 };
	struct fixture *f = *state;
	struct xt_conn *conn;
	char last[4];

	begin_wired(f, &slow);
	begin_wired(f, &quick);
	conn = slow.seen.session->conn;
	while (xt_conn_backlog(conn) < 100000) {
		publish_large(f);
		read_all(f, &quick, last);
	}
	/* As much as is allowed is not too much. */
	f->sessions.config.max_backlog = xt_conn_backlog(conn);
	publish_large(f);
	assert_int_equal(slow.seen.closed, 0);
	read_all(f, &quick, last);
	/* One more byte is. */
	f->sessions.config.max_backlog = xt_conn_backlog(conn) - 1;
	publish_large(f);
	publish_large(f);
	assert_int_equal(slow.seen.closed, 1);
	assert_int_equal(slow.seen.why, XT_CLOSE_SLOW);
	assert_int_equal(slow.seen.protocol_closed, 1);
	assert_int_equal(xt_counter_read(&f->sessions.stats.slow_readers), 1);
	assert_int_equal(xt_counter_read(&f->sessions.stats.open[wired.index]), 1);
	/* The last word comes through, behind what had begun to leave. */
	assert_true(read_all(f, &slow, last) > 3);
	assert_string_equal(last, "bye");
	assert_int_equal(read_all(f, &quick, last) % 60001, 0);
	assert_int_equal(quick.seen.closed, 0);
	assert_true(quick.seen.drained > 0);
	close(slow.fd);
	close(quick.fd);
	xt_world_settle(&f->world);
	assert_int_equal(slow.seen.closed, 1);
	end(&slow.seen);
	end(&quick.seen);
}

/* Drain ----------------------------------------------------------------------------------- */

static void
test_drain(void **state)
{
	struct seen streams[3] = { { 0 } }, waiting[2] = { { 0 } };
	struct seen late_stream = { 0 }, late_answer = { 0 };
	struct fixture *f = *state;
	struct xt_entry entry = entry_of(f), wait = entry;

	wait.reading.mode = XT_MODE_WAIT;
	wait.wait_ms = 10000;
	for (unsigned i = 0; i < 3; i++) {
		begin(f, &left, &entry, &streams[i]);
		next_seen = &waiting[i % 2];
		if (i < 2)
			begin(f, &answer, &wait, &waiting[i]);
	}
	xt_sessions_drain(&f->sessions);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(streams[i].closed, 1);
		assert_int_equal(streams[i].why, XT_CLOSE_SHUTDOWN);
		assert_int_equal(streams[i].waited, 0);
		end(&streams[i]);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(waiting[i].closed, 0);
		assert_int_equal(waiting[i].waited, 1);
		assert_int_equal(waiting[i].deliveries, 1);
		end(&waiting[i]);
	}
	/* Those who come later: a stream is refused before its protocol begins, an answer is given at once. */
	begin(f, &left, &entry, &late_stream);
	assert_int_equal(late_stream.closed, 1);
	assert_int_equal(late_stream.why, XT_CLOSE_SHUTDOWN);
	assert_int_equal(late_stream.opened, 0);
	end(&late_stream);
	wait.reading.mode = XT_MODE_READ;
	begin(f, &answer, &wait, &late_answer);
	assert_int_equal(late_answer.closed, 0);
	assert_int_equal(late_answer.deliveries, 1);
	end(&late_answer);
}

/* What a transport's begin() refused. */
static void
test_never_opened(void **state)
{
	struct fixture *f = *state;
	struct xt_entry entry = entry_of(f);
	struct xt_session *session = xt_session_new(&f->sessions, &left, &protocol, &entry);

	assert_non_null(session);
	xt_session_free(session);
}

/* A protocol without `received`: the session ends, and says that it takes nothing. */
static void
test_no_messages(void **state)
{
	struct seen seen = { 0 };
	struct fixture *f = *state;
	struct xt_entry entry = entry_of(f);
	struct xt_protocol deaf = protocol;

	begin(f, &left, &entry, &seen);
	deaf.received = NULL;
	seen.session->protocol = &deaf;
	xt_session_received(seen.session, &(struct xt_payload){ XT_STR("x"), XT_KIND_TEXT });
	assert_int_equal(seen.closed, 1);
	assert_int_equal(seen.why, XT_CLOSE_UNSUPPORTED);
	assert_int_equal(seen.received, 0);
	end(&seen);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(encoded_once),
		TEST(no_echo),
		TEST(no_echo_of_history),
		TEST(opening),
		TEST(words),
		TEST(identity),
		TEST(closed_once),
		TEST(closed_within),
		TEST(out_of_memory),
		TEST(slow_reader),
		TEST(drain),
		TEST(never_opened),
		TEST(no_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
