/* visitors_test.c - how many connections of an address a path takes, and how fast it may publish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crosstalk.h"
#include "io/loop.h"
#include "io/visitors.h"

static const struct xt_map_key key = { 1, 2 };
static const struct xt_rules three = { .index = 1, .connections_per_address = 3 };
static const struct xt_rules other = { .index = 2, .connections_per_address = 1 };

static struct xt_peer_address
address_of(uint32_t n)
{
	struct xt_peer_address address = { { 0x20, 0x01 } };

	for (size_t i = 0; i < 4; i++)
		address.bytes[4 + i] = (unsigned char)(n >> 8 * i);
	return address;
}

static struct xt_visitors *
make(void)
{
	struct xt_visitors *visitors = NULL;

	assert_int_equal(xt_visitors_new(&visitors, &key), 0);
	return visitors;
}

static void
test_connections(void **state)
{
	struct xt_visitors *visitors = make();
	struct xt_peer_address a = address_of(1), b = address_of(2);
	struct xt_visitor *all[3], *one, *none;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(xt_visitors_arrive(visitors, &three, &a, &all[i]), 0);
	assert_int_equal(xt_visitors_arrive(visitors, &three, &a, &none), XT_ELIMIT);
	assert_null(none);
	/* another address, and another path, are others */
	assert_int_equal(xt_visitors_arrive(visitors, &three, &b, &one), 0);
	xt_visitors_leave(one);
	assert_int_equal(xt_visitors_arrive(visitors, &other, &a, &one), 0);
	assert_int_equal(xt_visitors_arrive(visitors, &other, &a, &none), XT_ELIMIT);
	xt_visitors_leave(one);
	xt_visitors_leave(all[0]);
	assert_int_equal(xt_visitors_arrive(visitors, &three, &a, &all[0]), 0);
	assert_int_equal(xt_visitors_arrive(visitors, &three, &a, &none), XT_ELIMIT);
	assert_int_equal(xt_visitors_count(visitors), 1);
	for (int i = 0; i < 3; i++)
		xt_visitors_leave(all[i]);
	assert_int_equal(xt_visitors_count(visitors), 0);
	xt_visitors_leave(NULL);
	xt_visitors_free(visitors);
	xt_visitors_free(NULL);
}

static void
test_rates(void **state)
{
	struct xt_visitors *visitors = make();
	struct xt_rules rules = { .index = 1, .messages_per_second = 2 };
	struct xt_peer_address a = address_of(1), b = address_of(2);

	(void)state;
	assert_int_equal(xt_visitors_spend(visitors, &rules, &a, 10, 5000), 0);
	assert_int_equal(xt_visitors_spend(visitors, &rules, &a, 10, 5000), 0);
	assert_int_equal(xt_visitors_spend(visitors, &rules, &a, 10, 5000), 500);
	assert_int_equal(xt_visitors_spend(visitors, &rules, &b, 10, 5000), 0);
	assert_int_equal(xt_visitors_spend(visitors, &rules, &a, 10, 5500), 0);
	assert_int_equal(xt_visitors_count(visitors), 2);
	xt_visitors_free(visitors);
}

/* Who owes nothing any more is forgotten as others come; who owes is not, nor who is connected. */
static void
test_forgotten(void **state)
{
	struct xt_visitors *visitors = make();
	struct xt_rules rules = {
		.index = 1, .messages_per_second = 1, .connections_per_address = 1
	};
	struct xt_peer_address a = address_of(0xffffff);
	struct xt_visitor *stays;
	uint32_t n = 0;

	(void)state;
	assert_int_equal(xt_visitors_arrive(visitors, &rules, &a, &stays), 0);
	for (uint64_t ms = 10000; ms < 60000; ms += 10) {
		struct xt_peer_address next = address_of(n++);
		assert_int_equal(xt_visitors_spend(visitors, &rules, &next, 0, ms), 0);
	}
	/* a second's worth of them, and some that nobody has looked at */
	assert_in_range(xt_visitors_count(visitors), 100, 140);
	assert_int_equal(xt_visitors_spend(visitors, &rules, &a, 0, 60000), 0);
	xt_visitors_leave(stays);
	assert_true(xt_visitors_spend(visitors, &rules, &a, 0, 60500) > 0);
	xt_visitors_free(visitors);
}

/* However many there are that owe: there is a limit. */
static void
test_bounded(void **state)
{
	struct xt_visitors *visitors = make();
	struct xt_rules rules = { .index = 1, .bytes_per_second = 1 };

	(void)state;
	for (uint32_t n = 0; n < 3 * XT_VISITORS_IDLE_MAX; n++) {
		struct xt_peer_address next = address_of(n);
		xt_visitors_spend(visitors, &rules, &next, 1 << 20, 1000);
	}
	assert_in_range(
		xt_visitors_count(visitors), XT_VISITORS_IDLE_MAX / 2, XT_VISITORS_IDLE_MAX + 64);
	xt_visitors_free(visitors);
}

#define ROUNDS 20000

static void *
come_and_go(void *arg)
{
	struct xt_visitors *visitors = arg;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct xt_peer_address address = address_of(i % 7);
		struct xt_visitor *visitor;
		if (xt_visitors_arrive(visitors, &three, &address, &visitor) == 0)
			xt_visitors_leave(visitor);
		xt_visitors_spend(visitors, &three, &address, 1, i);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	struct xt_visitors *visitors = make();
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, visitors), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	xt_visitors_free(visitors); /* asserts that nobody is left */
}

/* ---- addresses of connections ------------------------------------------------------------ */

static size_t
take(struct xt_conn *conn, char *p, size_t n)
{
	(void)conn, (void)p;
	return n;
}

static void
over(struct xt_conn *conn, enum xt_close why)
{
	(void)conn, (void)why;
}

static const struct xt_stream stream = { .name = "test", .recv = take, .closed = over };

/* The address of a connection of loopback, of that family. */
static bool
address_over(int family, struct xt_peer_address *address)
{
	struct sockaddr_storage storage = { .ss_family = (sa_family_t)family };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
	socklen_t size = family == AF_INET ? sizeof *v4 : sizeof *v6;
	int door = socket(family, SOCK_STREAM, 0), peer = socket(family, SOCK_STREAM, 0), fd;
	struct xt_loop *loop;
	struct xt_conn *conn;
	bool known;

	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (family == AF_INET6)
		v6->sin6_addr = in6addr_loopback;
	if (bind(door, (struct sockaddr *)&storage, size) < 0)
		skip(); /* no IPv6 here */
	assert_int_equal(listen(door, 1), 0);
	assert_int_equal(getsockname(door, (struct sockaddr *)&storage, &size), 0);
	assert_int_equal(connect(peer, (struct sockaddr *)&storage, size), 0);
	fd = accept4(door, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fd >= 0);
	assert_int_equal(xt_loop_new(&loop), 0);
	conn = xt_conn_new(loop, fd, &stream, NULL);
	assert_non_null(conn);
	known = xt_conn_address(conn, address);
	xt_conn_close(conn, XT_CLOSE_DONE);
	xt_loop_turn(loop, 0);
	xt_loop_free(loop);
	close(peer);
	close(door);
	return known;
}

static void
test_ipv4(void **state)
{
	static const unsigned char mapped[16] = { [10] = 0xff, 0xff, 127, 0, 0, 1 };
	struct xt_peer_address address;

	(void)state;
	assert_true(address_over(AF_INET, &address));
	assert_memory_equal(address.bytes, mapped, 16);
}

/* ::1 without its lower half is nothing but zeros. */
static void
test_ipv6(void **state)
{
	static const unsigned char half[16] = { 0 };
	struct xt_peer_address address;

	(void)state;
	assert_true(address_over(AF_INET6, &address));
	assert_memory_equal(address.bytes, half, 16);
}

static void
test_unix(void **state)
{
	struct xt_peer_address address;
	struct xt_loop *loop;
	struct xt_conn *conn;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(xt_loop_new(&loop), 0);
	conn = xt_conn_new(loop, pair[0], &stream, NULL);
	assert_false(xt_conn_address(conn, &address));
	xt_conn_close(conn, XT_CLOSE_DONE);
	xt_loop_turn(loop, 0);
	xt_loop_free(loop);
	close(pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_unix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
