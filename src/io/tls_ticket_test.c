/* tls_ticket_test.c - which key seals a ticket, and how long each opens it. */
#include "io/tls_ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define LIFE (XT_TLS_TICKET_LIFE * 1000ull)

static struct xt_tls_tickets tickets;
static EVP_CIPHER_CTX *cipher;
static EVP_MAC_CTX *mac;

static int
setup(void **state)
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	(void)state;
	xt_tls_tickets_init(&tickets);
	cipher = EVP_CIPHER_CTX_new();
	mac = EVP_MAC_CTX_new(hmac);
	EVP_MAC_free(hmac);
	return cipher && mac ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	EVP_CIPHER_CTX_free(cipher);
	EVP_MAC_CTX_free(mac);
	xt_tls_tickets_fini(&tickets);
	return 0;
}

static void
seal(uint64_t now, unsigned char name[16])
{
	unsigned char iv[16];

	assert_int_equal(xt_tls_ticket(&tickets, now, name, iv, cipher, mac, 1), 1);
}

static int
opens(uint64_t now, unsigned char name[16])
{
	unsigned char iv[16] = { 0 };

	return xt_tls_ticket(&tickets, now, name, iv, cipher, mac, 0);
}

static void
test_rotation(void **state)
{
	unsigned char first[16], same[16], second[16];

	(void)state;
	seal(1, first);
	seal(LIFE, same);
	assert_memory_equal(first, same, sizeof first);
	seal(LIFE + 1, second);
	assert_memory_not_equal(first, second, sizeof first);
	/* The last ticket of the first key was sealed just before: it is good as long as it says. */
	assert_int_equal(opens(LIFE + 1, first), 1);
	assert_int_equal(opens(2 * LIFE, first), 1);
	assert_int_equal(opens(2 * LIFE + 1, first), 0);
	assert_int_equal(opens(2 * LIFE + 1, second), 1);
}

/* Nobody came for a long time: what was sealed before is too old, whatever key there still is. */
static void
test_long_pause(void **state)
{
	unsigned char name[16];

	(void)state;
	seal(1, name);
	assert_int_equal(opens(10 * LIFE, name), 0);
}

static void
test_unknown(void **state)
{
	unsigned char name[16] = "of another", good[16];

	(void)state;
	assert_int_equal(opens(1, name), 0);
	seal(1, good);
	good[15] ^= 1;
	assert_int_equal(opens(1, good), 0);
}

/* What one seals the other opens: with the same key, vector and code. */
static void
test_round_trip(void **state)
{
	const unsigned char text[32] = "thirty-two bytes of a session";
	unsigned char name[16], iv[16], sealed[48], opened[48];
	int n;

	(void)state;
	assert_int_equal(xt_tls_ticket(&tickets, 1, name, iv, cipher, mac, 1), 1);
	EVP_CIPHER_CTX_set_padding(cipher, 0);
	assert_int_equal(EVP_EncryptUpdate(cipher, sealed, &n, text, sizeof text), 1);
	assert_memory_not_equal(sealed, text, sizeof text);
	assert_int_equal(xt_tls_ticket(&tickets, 1, name, iv, cipher, mac, 0), 1);
	EVP_CIPHER_CTX_set_padding(cipher, 0);
	assert_int_equal(EVP_DecryptUpdate(cipher, opened, &n, sealed, sizeof text), 1);
	assert_memory_equal(opened, text, sizeof text);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_rotation),
		TEST(test_long_pause),
		TEST(test_unknown),
		TEST(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
