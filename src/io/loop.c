/* loop.c - the turns of a worker's event loop. */
#include "io/loop.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/panic.h"
#include "crosstalk.h"
#include "io/loop_private.h"

/* A sweep looks at every connection, so there is one at most in this many ticks: 64 ms … */
#define SWEEP_TICKS 4
/* … and one tick more for each so many connections, up to about a second. */
#define SWEEP_CONNS     16384
#define SWEEP_TICKS_MAX 60

/* While letters can't be delivered: how long until they are tried again. */
#define CONGESTED_MS 1

#define IO_METRIC(name_, help_, kind_, field_) \
	{ \
		.name = (name_), .help = (help_), .kind = (kind_), \
		.offset = offsetof(struct xt_io_stats, field_) \
	}
#define CLOSE_METRIC(reason_, word_) \
	{ \
		.name = "closes_total", .help = "Connections closed, by reason.", \
		.kind = XT_METRIC_COUNTER, .label = "reason", .value = (word_), \
		.offset = offsetof(struct xt_io_stats, closes) + (reason_) * sizeof(xt_counter) \
	}

const struct xt_metric xt_io_metrics[] = {
	IO_METRIC("accepts_total", "Connections accepted.", XT_METRIC_COUNTER, accepted),
	IO_METRIC("accept_errors_total", "Connections that could not be accepted.",
		XT_METRIC_COUNTER, accept_errors),
	IO_METRIC("sockets", "Connections open now, of every kind.", XT_METRIC_GAUGE, open),
	IO_METRIC("receive_bytes_total", "Bytes received.", XT_METRIC_COUNTER, bytes_in),
	IO_METRIC("send_bytes_total", "Bytes handed to the kernel.", XT_METRIC_COUNTER, bytes_out),
	IO_METRIC(
		"receives_total", "Receive calls that brought bytes.", XT_METRIC_COUNTER, receives),
	IO_METRIC("sends_total", "Send calls.", XT_METRIC_COUNTER, sends),
	IO_METRIC("tls_handshakes_total", "TLS handshakes that were completed.", XT_METRIC_COUNTER,
		tls_handshakes),
	IO_METRIC("tls_resumed_total", "TLS handshakes of those that resumed a session.",
		XT_METRIC_COUNTER, tls_resumed),
	IO_METRIC("tls_failures_total", "TLS handshakes that failed.", XT_METRIC_COUNTER,
		tls_failures),
	CLOSE_METRIC(XT_CLOSE_PEER, "peer_closed"),
	CLOSE_METRIC(XT_CLOSE_RESET, "peer_vanished"),
	CLOSE_METRIC(XT_CLOSE_DONE, "done"),
	CLOSE_METRIC(XT_CLOSE_IDLE, "idle"),
	CLOSE_METRIC(XT_CLOSE_HEADER, "slow_header"),
	CLOSE_METRIC(XT_CLOSE_BODY, "slow_body"),
	CLOSE_METRIC(XT_CLOSE_HEARTBEAT, "heartbeat_timeout"),
	CLOSE_METRIC(XT_CLOSE_PROTOCOL, "protocol_error"),
	CLOSE_METRIC(XT_CLOSE_TLS, "tls_error"),
	CLOSE_METRIC(XT_CLOSE_TEXT, "invalid_text"),
	CLOSE_METRIC(XT_CLOSE_TOO_BIG, "message_too_big"),
	CLOSE_METRIC(XT_CLOSE_UNSUPPORTED, "unsupported_message"),
	CLOSE_METRIC(XT_CLOSE_SLOW, "slow_reader"),
	CLOSE_METRIC(XT_CLOSE_LOST, "history_lost"),
	CLOSE_METRIC(XT_CLOSE_REFUSED, "refused"),
	CLOSE_METRIC(XT_CLOSE_LIMIT, "limit"),
	CLOSE_METRIC(XT_CLOSE_SHUTDOWN, "shutdown"),
	CLOSE_METRIC(XT_CLOSE_FAULT, "server_fault"),
};
const size_t xt_io_metrics_count = sizeof xt_io_metrics / sizeof xt_io_metrics[0];

int
xt_loop_new(struct xt_loop **loop)
{
	return xt_loop_new_sized(loop, XT_MAILBOX_LETTERS);
}

int
xt_loop_new_sized(struct xt_loop **out, size_t letters)
{
	struct xt_loop *loop = xt_calloc(1, sizeof *loop);
	int error = XT_ENOMEM;

	if (!loop)
		return XT_ENOMEM;
	loop->poll_fd = loop->writable_fd = loop->waker_fd = -1;
	loop->began = loop->now = xt_clock_ms();
	loop->tick = 1;
	xt_slab_init(&loop->conns, sizeof(struct xt_conn));
	xt_wheel_init(&loop->timers, loop->now);
	xt_list_init(&loop->tasks);
	xt_list_init(&loop->guests);
	loop->receive = xt_malloc(XT_LOOP_RECV_SIZE);
	loop->mailbox = xt_mailbox_new(letters);
	if (!loop->receive || !loop->mailbox)
		goto failed;
	error = XT_ESYS;
	if (xt_poll_open(loop) < 0)
		goto failed;
	*out = loop;
	return 0;
failed:
	xt_loop_free(loop);
	return error;
}

static void
close_conn(void *ctx, void *object)
{
	struct xt_conn *conn = object;

	(void)ctx;
	if (conn->phase != XT_CONN_FREE)
		xt_conn_close(conn, XT_CLOSE_SHUTDOWN);
}

/* Those touched meanwhile wait for the next turn: a stream that sends again when drained must not hold the loop. */
static void
end_turn(struct xt_loop *loop)
{
	struct xt_conn *conn = loop->touched_first;

	loop->touched_first = NULL;
	while (conn) {
		struct xt_conn *next = conn->next;
		conn->touched = false;
		xt_conn_end_turn(conn);
		conn = next;
	}
}

void
xt_loop_close_all(struct xt_loop *loop)
{
	xt_slab_walk(&loop->conns, close_conn, NULL);
	while (loop->touched_first)
		end_turn(loop);
}

static void
send_guests_away(struct xt_loop *loop)
{
	while (!xt_list_empty(&loop->guests)) {
		struct xt_guest *guest = XT_LIST_ENTRY(loop->guests.next, struct xt_guest, link);
		xt_guest_remove(guest);
		guest->leave(guest);
	}
}

void
xt_loop_free(struct xt_loop *loop)
{
	if (!loop)
		return;
	loop->freeing = true;
	send_guests_away(loop);
	xt_loop_close_all(loop);
	/* Whoever owns what still hangs here may stop or cancel it after the loop is gone. */
	while (!xt_list_empty(&loop->tasks))
		xt_list_remove(loop->tasks.next);
	xt_wheel_fini(&loop->timers);
	xt_slab_fini(&loop->conns);
	xt_tls_loop_free(loop->tls);
	xt_outq_pool_fini(&loop->pool);
	xt_mailbox_free(loop->mailbox);
	xt_buf_fini(&loop->resumed);
	xt_free(loop->receive);
	xt_poll_close(loop);
	xt_free(loop);
}

static void
sweep_one(void *ctx, void *object)
{
	(void)ctx;
	xt_conn_sweep(object);
}

/* Ticks count in 32 bits and wrap; what is compared lies close together. */
static bool
tick_reached(uint32_t at, uint32_t now)
{
	return (int32_t)(now - at) >= 0;
}

static uint32_t
sweep_pause(const struct xt_loop *loop)
{
	size_t ticks = SWEEP_TICKS + loop->conns.live / SWEEP_CONNS;

	return (uint32_t)(ticks < SWEEP_TICKS_MAX ? ticks : SWEEP_TICKS_MAX);
}

void
xt_loop_sweep_by(struct xt_loop *loop, uint32_t tick)
{
	uint32_t pause = sweep_pause(loop);
	uint32_t soonest =
		loop->tick - loop->swept_at < pause ? loop->swept_at + pause : loop->tick;

	if (!tick_reached(soonest, tick))
		tick = soonest;
	if (tick == 0)
		tick = 1;
	if (!loop->sweep_at || !tick_reached(loop->sweep_at, tick))
		loop->sweep_at = tick;
}

static void
sweep(struct xt_loop *loop)
{
	if (!loop->sweep_at || !tick_reached(loop->sweep_at, loop->tick))
		return;
	loop->sweep_at = 0;
	loop->swept_at = loop->tick;
	xt_slab_walk(&loop->conns, sweep_one, NULL);
}

static void
run_tasks(struct xt_loop *loop)
{
	struct xt_list now;

	xt_list_init(&now);
	xt_list_splice(&now, &loop->tasks);
	while (!xt_list_empty(&now)) {
		struct xt_task *task = XT_LIST_ENTRY(now.next, struct xt_task, link);
		xt_list_remove(&task->link);
		task->run(task);
	}
}

/* Those resumed meanwhile wait for the next turn: a stream that resumes itself must not hold the loop. */
static void
run_resumed(struct xt_loop *loop)
{
	size_t n = loop->resumed.n / sizeof(struct xt_conn *), i;

	for (i = 0; i < n && xt_loop_is_reading(loop); i++) {
		struct xt_conn *conn;
		memcpy(&conn, loop->resumed.p + i * sizeof conn, sizeof conn);
		conn->resumed = false;
		xt_conn_reread(conn);
	}
	xt_buf_consume(&loop->resumed, i * sizeof(struct xt_conn *));
}

static int
sooner(int64_t a, int64_t b)
{
	int64_t least = a < 0 ? b : b < 0 || a < b ? a : b;

	return least > INT32_MAX ? INT32_MAX : (int)least;
}

/* The turn has taken time: what is left until the next deadline is counted from now. */
static int
wait_time(struct xt_loop *loop, int ms)
{
	int64_t sweeping = -1;

	if (ms == 0 || !xt_list_empty(&loop->tasks) || loop->touched_first)
		return 0;
	if (loop->resumed.n && xt_loop_is_reading(loop))
		return 0;
	if (loop->sweep_at) {
		int32_t ticks = (int32_t)(loop->sweep_at - loop->tick);
		sweeping = ticks > 0 ? (int64_t)ticks << XT_TICK_SHIFT : 0;
	}
	/* Nothing tells when another's ring has room again. */
	if (xt_mailbox_is_congested(loop->mailbox))
		ms = sooner(ms, CONGESTED_MS);
	return sooner(sooner(ms, sweeping), xt_wheel_wait(&loop->timers, xt_clock_ms()));
}

static void
wait_for_events(struct xt_loop *loop, int ms)
{
	ms = wait_time(loop, ms);
	if (ms != 0 && !xt_mailbox_sleep(loop))
		ms = 0;
	if (xt_loop_is_reading(loop))
		xt_poll_wait(loop, ms);
	else
		xt_poll_wait_writable(loop, ms);
}

void
xt_loop_woke(struct xt_loop *loop)
{
	xt_mailbox_awake(loop->mailbox);
	loop->turns++;
	loop->now = xt_clock_ms();
	loop->tick = (uint32_t)((loop->now - loop->began) >> XT_TICK_SHIFT) + 1;
}

bool
xt_loop_is_reading(const struct xt_loop *loop)
{
	return loop->throttles == 0 && !xt_mailbox_is_congested(loop->mailbox);
}

void
xt_loop_throttle(struct xt_loop *loop)
{
	loop->throttles++;
}

void
xt_loop_unthrottle(struct xt_loop *loop)
{
	XT_ASSERT(loop->throttles > 0);
	loop->throttles--;
}

void
xt_loop_turn(struct xt_loop *loop, int ms)
{
	wait_for_events(loop, ms);
	xt_mailbox_run(loop);
	xt_wheel_run(&loop->timers, loop->now);
	sweep(loop);
	run_tasks(loop);
	run_resumed(loop);
	end_turn(loop);
}

void
xt_loop_run(struct xt_loop *loop)
{
	loop->running = true;
	while (loop->running)
		xt_loop_turn(loop, -1);
}

void
xt_loop_stop(struct xt_loop *loop)
{
	loop->running = false;
}

void
xt_loop_run_clients(struct xt_loop *loop)
{
	loop->running = true;
	while (loop->running && !xt_list_empty(&loop->guests))
		xt_loop_turn(loop, -1);
}

int
xt_loop_lodge(struct xt_loop *loop, struct xt_guest *guest)
{
	if (loop->freeing)
		return XT_ECLOSED;
	xt_list_append(&loop->guests, &guest->link);
	return 0;
}

void
xt_guest_remove(struct xt_guest *guest)
{
	xt_list_remove(&guest->link);
}

int
xt_loop_fd(const struct xt_loop *loop)
{
	return loop->poll_fd;
}

/* From now on a letter wakes the descriptor, until the next turn. */
int
xt_loop_wait_ms(struct xt_loop *loop)
{
	int ms = wait_time(loop, -1);

	return ms != 0 && !xt_mailbox_sleep(loop) ? 0 : ms;
}

struct call {
	void (*function)(void *context);
	void *context;
};

static void
open_call(const struct xt_letter *letter)
{
	struct call call;

	memcpy(&call, letter->body.bytes, sizeof call);
	call.function(call.context);
}

int
xt_loop_call(struct xt_loop *loop, void (*function)(void *context), void *context)
{
	struct call call = { .function = function, .context = context };
	struct xt_letter letter = { .open = open_call };

	memcpy(letter.body.bytes, &call, sizeof call);
	return xt_mail_submit(loop, &letter);
}

uint64_t
xt_loop_now(const struct xt_loop *loop)
{
	return loop->now;
}

struct xt_wheel *
xt_loop_timers(struct xt_loop *loop)
{
	return &loop->timers;
}

struct xt_io_stats *
xt_loop_stats(struct xt_loop *loop)
{
	return &loop->stats;
}

size_t
xt_loop_conns(const struct xt_loop *loop)
{
	return loop->conns.live;
}

void
xt_loop_post(struct xt_loop *loop, struct xt_task *task)
{
	if (xt_list_empty(&task->link))
		xt_list_append(&loop->tasks, &task->link);
}

void
xt_task_cancel(struct xt_task *task)
{
	xt_list_remove(&task->link);
}

int
xt_loop_watch(struct xt_loop *loop, struct xt_watch *watch)
{
	return xt_poll_watch(loop, watch);
}

void
xt_loop_unwatch(struct xt_loop *loop, struct xt_watch *watch)
{
	xt_poll_unwatch(loop, watch);
}

void
xt_loop_wake(struct xt_loop *loop)
{
	xt_poll_wake(loop);
}
