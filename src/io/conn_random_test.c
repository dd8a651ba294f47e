/*
 * conn_random_test.c - connections and their peers do whatever comes to mind, also from within the callbacks, while a
 * model watches: every byte once and in order in both directions, the end after the last of them, `closed`
 * exactly once, no descriptor left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "crosstalk.h"
#include "io/conn.h"
#include "io/loop.h"

#define PAIRS 16
#define STEPS 30000
#define MOST  20000 /* bytes that are written or sent at once */

#define PATIENCE_MS 20000

struct pair {
	struct xt_loop *loop;
	struct xt_conn *conn; /* NULL: closed */
	int peer;             /* -1: closed */
	bool peer_shut;
	bool ours; /* we have said that it ends */
	bool ended;
	size_t written;    /* by the peer */
	size_t used, seen; /* by the stream: taken, and offered */
	size_t sent;       /* by the stream */
	size_t read;       /* by the peer */
	uint64_t closes;
};

static uint64_t seed;
static bool calm; /* nothing comes to mind any more */

/* xorshift64: the same steps for the same seed. */
static size_t
choose(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (size_t)(seed >> 11) % n;
}

static char
byte_at(size_t at)
{
	return (char)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

static void
fill(char *p, size_t from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = byte_at(from + i);
}

static void
check(const char *p, size_t from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != byte_at(from + i))
			fail_msg("byte %zu is wrong", from + i);
}

/* Our side ---------------------------------------------------------------------------------- */

static const struct xt_stream told, untold;

static void
send_copy(struct pair *pair)
{
	static char p[MOST];
	size_t n = choose(MOST);

	fill(p, pair->sent, n);
	if (xt_conn_send(pair->conn, p, n) == 0)
		pair->sent += n;
}

static void
send_shared(struct pair *pair)
{
	static char p[MOST];
	size_t n = choose(MOST), from = choose(n + 1);
	struct xt_bytes *bytes;

	fill(p + from, pair->sent, n - from);
	bytes = xt_bytes_copy(xt_str_of(p, n));
	assert_non_null(bytes);
	if (xt_conn_send_bytes(pair->conn, bytes, from, n) == 0)
		pair->sent += n - from;
	xt_bytes_unref(bytes);
}

static void
send_in_place(struct pair *pair)
{
	size_t n = choose(MOST), used = choose(n + 1);
	char *room = xt_conn_reserve(pair->conn, n);

	if (!room)
		return;
	fill(room, pair->sent, used);
	xt_conn_commit(pair->conn, used);
	pair->sent += used;
}

static void
do_pause(struct pair *pair)
{
	xt_conn_pause(pair->conn);
}

static void
do_resume(struct pair *pair)
{
	xt_conn_resume(pair->conn);
}

static void
do_adopt(struct pair *pair)
{
	xt_conn_adopt(pair->conn, choose(2) ? &told : &untold, pair);
}

static void
do_expire(struct pair *pair)
{
	xt_conn_expire_in(pair->conn, (uint32_t)choose(100));
}

static void
do_end(struct pair *pair)
{
	if (choose(4))
		return;
	if (choose(2))
		xt_conn_finish(pair->conn, XT_CLOSE_DONE);
	else
		xt_conn_close(pair->conn, XT_CLOSE_REFUSED);
	pair->ours = true;
}

static void
act(struct pair *pair)
{
	static void (*const acts[])(struct pair *) = { send_copy, send_shared, send_in_place,
		do_pause, do_resume, do_resume, do_resume, do_adopt, do_expire, do_end };

	if (pair->conn && !calm)
		acts[choose(sizeof acts / sizeof acts[0])](pair);
}

static struct pair *
of(struct xt_conn *conn)
{
	struct pair *pair = xt_conn_state(conn);

	assert_ptr_equal(pair->conn, conn);
	return pair;
}

static size_t
on_recv(struct xt_conn *conn, char *p, size_t n)
{
	struct pair *pair = of(conn);
	size_t use = calm || choose(8) ? n : choose(n + 1);

	assert_false(pair->ours);
	check(p, pair->used, n);
	if (pair->used + n > pair->seen)
		pair->seen = pair->used + n;
	assert_true(pair->seen <= pair->written);
	pair->used += use;
	memset(p, '!', use);
	if (choose(3) == 0)
		act(pair);
	return use;
}

static void
on_drained(struct xt_conn *conn)
{
	struct pair *pair = of(conn);

	assert_int_equal(xt_conn_backlog(conn), 0);
	if (choose(3) == 0)
		act(pair);
}

static void
on_expired(struct xt_conn *conn)
{
	act(of(conn));
}

static void
on_ended(struct xt_conn *conn)
{
	struct pair *pair = of(conn);

	assert_false(pair->ours);
	assert_int_equal(pair->seen, pair->written);
	pair->ended = true;
	act(pair);
}

static void
on_closed(struct xt_conn *conn, enum xt_close why)
{
	struct pair *pair = of(conn);

	if (why == XT_CLOSE_PEER) {
		assert_true(pair->peer_shut);
		assert_int_equal(pair->seen, pair->written);
	}
	assert_true(why != XT_CLOSE_NONE && why != XT_CLOSE_FAULT && why != XT_CLOSE_PROTOCOL);
	pair->closes++;
	pair->conn = NULL;
}

static const struct xt_stream told = {
	.name = "told",
	.recv = on_recv,
	.drained = on_drained,
	.expired = on_expired,
	.ended = on_ended,
	.closed = on_closed,
};

static const struct xt_stream untold = {
	.name = "untold",
	.recv = on_recv,
	.drained = on_drained,
	.expired = on_expired,
	.closed = on_closed,
};

/* The peer's side ---------------------------------------------------------------------------- */

static void
peer_write(struct pair *pair)
{
	static char p[MOST];
	size_t n = 1 + choose(choose(4) ? MOST - 1 : 10);
	ssize_t sent;

	if (pair->peer_shut)
		return;
	fill(p, pair->written, n);
	sent = send(pair->peer, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	pair->written += sent > 0 ? (size_t)sent : 0;
}

static void
peer_read(struct pair *pair)
{
	static char p[16 * MOST];
	ssize_t n = recv(pair->peer, p, 1 + choose(sizeof p), MSG_DONTWAIT);

	if (n <= 0)
		return;
	check(p, pair->read, (size_t)n);
	pair->read += (size_t)n;
	assert_true(pair->read <= pair->sent);
}

static void
peer_shut(struct pair *pair)
{
	shutdown(pair->peer, SHUT_WR);
	pair->peer_shut = true;
}

static void
peer_end(struct pair *pair)
{
	struct linger linger = { .l_onoff = choose(2) != 0 };

	setsockopt(pair->peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	close(pair->peer);
	pair->peer = -1;
	pair->peer_shut = true;
}

static void
peer_act(struct pair *pair)
{
	size_t what = choose(40);

	if (pair->peer < 0)
		return;
	if (what == 0)
		peer_end(pair);
	else if (what == 1)
		peer_shut(pair);
	else if (what < 20)
		peer_write(pair);
	else
		peer_read(pair);
}

/* Both ------------------------------------------------------------------------------------- */

static void
make_tcp(int fds[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[1], (struct sockaddr *)&at, size), 0);
	fds[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fds[0] >= 0);
	close(listener);
}

static void
open_pair(struct pair *pair, struct xt_loop *loop)
{
	int fds[2];

	if (choose(2))
		make_tcp(fds);
	else
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	*pair = (struct pair){ .loop = loop, .peer = fds[1] };
	pair->conn = xt_conn_new(loop, fds[0], choose(2) ? &told : &untold, pair);
	assert_non_null(pair->conn);
}

/* Once both are closed they begin anew. */
static void
renew(struct pair *pair)
{
	struct xt_loop *loop = pair->loop;

	if (pair->conn)
		return;
	assert_int_equal(pair->closes, 1);
	if (pair->peer >= 0)
		close(pair->peer);
	open_pair(pair, loop);
}

static int
count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(directory);
	while (readdir(directory))
		n++;
	closedir(directory);
	return n;
}

static void
step(struct xt_loop *loop, struct pair *pairs, bool *throttled)
{
	struct pair *pair = &pairs[choose(PAIRS)];
	size_t what = choose(20);

	if (what < 8) {
		peer_act(pair);
	} else if (what < 11) {
		act(pair);
	} else if (what == 11 && choose(4) == 0) {
		*throttled ? xt_loop_unthrottle(loop) : xt_loop_throttle(loop);
		*throttled = !*throttled;
	} else if (what == 12) {
		renew(pair);
	} else {
		xt_loop_turn(loop, choose(50) == 0);
	}
}

static bool
is_settled(const struct pair *pair)
{
	if (!pair->conn)
		return true;
	if (pair->peer >= 0 && pair->read < pair->sent)
		return false;
	return pair->ended && pair->used == pair->written;
}

/* Whoever is still there says and hears all: nothing has got stuck. */
static void
settle(struct xt_loop *loop, struct pair *pairs)
{
	uint64_t until = xt_clock_ms() + PATIENCE_MS;
	int settled = 0;

	calm = true;
	for (int i = 0; i < PAIRS; i++)
		if (pairs[i].peer >= 0)
			peer_shut(&pairs[i]);
	while (settled < PAIRS) {
		settled = 0;
		for (int i = 0; i < PAIRS; i++) {
			if (pairs[i].conn)
				xt_conn_resume(pairs[i].conn);
			if (pairs[i].peer >= 0)
				peer_read(&pairs[i]);
			settled += is_settled(&pairs[i]);
		}
		xt_loop_turn(loop, 1);
		assert_true(xt_clock_ms() < until);
	}
	calm = false;
}

static void
run(bool quietly)
{
	int before = count_descriptors();
	struct pair pairs[PAIRS];
	bool throttled = false;
	struct xt_loop *loop;

	assert_int_equal(xt_loop_new(&loop), 0);
	for (int i = 0; i < PAIRS; i++)
		open_pair(&pairs[i], loop);
	for (int i = 0; i < STEPS; i++)
		step(loop, pairs, &throttled);
	if (throttled && quietly)
		xt_loop_unthrottle(loop);
	if (quietly)
		settle(loop, pairs);
	xt_loop_free(loop);
	for (int i = 0; i < PAIRS; i++) {
		assert_null(pairs[i].conn);
		assert_int_equal(pairs[i].closes, 1);
		if (pairs[i].peer >= 0)
			close(pairs[i].peer);
	}
	assert_int_equal(count_descriptors(), before);
}

static void
test_random(void **state)
{
	const char *given = getenv("XT_TEST_SEED");
	uint64_t first = 1, last = 4;

	(void)state;
	if (given && xt_str_u64(xt_str_from(given), UINT64_MAX / 2, &first))
		last = first;
	for (uint64_t n = first; n <= last; n++) {
		seed = n * 0x9e3779b97f4a7c15;
		print_message("XT_TEST_SEED=%llu\n", (unsigned long long)n);
		run(n % 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
