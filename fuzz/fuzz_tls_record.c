/*
 * fuzz_tls_record.c - records of TLS 1.2 and 1.3: what was sealed opens as it was, what was changed does not, and
 * nothing that comes makes the reader go beyond it.
 *
 * Input: the suite and the version, the type, which byte to change; then the content, taken also as bytes from the wire.
 */
#include <string.h>

#include "base/panic.h"
#include "io/tls_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned suites[][2] = { { 0x1301, 0xc02b }, { 0x1302, 0xc030 }, { 0x1303, 0xcca8 } };

static void
make_keys(
	struct xt_tls_keys *in, struct xt_tls_keys *out, struct xt_tls_crypto *crypto, uint8_t how)
{
	static const unsigned char secret[2 * XT_TLS_RANDOM] = "neither random nor secret";
	const unsigned *ids = suites[(how >> 1) % 3];

	if (how & 1) {
		XT_ASSERT(xt_tls_keys_init_old(in, out, crypto, ids[1], secret, secret));
		*in = *out;
	} else {
		XT_ASSERT(xt_tls_keys_init(in, crypto, ids[0], secret));
		*out = *in;
	}
}

static void
there_and_back(struct xt_tls_crypto *crypto, const uint8_t *data, size_t size)
{
	static char record[XT_TLS_CONTENT + XT_TLS_OVERHEAD], changed[sizeof record];
	struct xt_tls_keys in, out, again;
	int type = 0, sealed_type = XT_TLS_ALERT + data[1] % 3;
	size_t n;

	make_keys(&in, &out, crypto, data[0]);
	again = in;
	memcpy(record + xt_tls_prefix(&out), data + 4, size - 4);
	n = xt_tls_seal(&out, crypto, sealed_type, record, size - 4);
	memcpy(changed, record, n);
	XT_ASSERT(xt_tls_record_size(&in, record, n) == (ssize_t)n);
	XT_ASSERT(xt_tls_record_size(&in, record, n - 1) == 0);
	XT_ASSERT(xt_tls_open(&in, crypto, record, n, &type) == (ssize_t)size - 4);
	XT_ASSERT(type == sealed_type);
	XT_ASSERT(memcmp(record + xt_tls_prefix(&in), data + 4, size - 4) == 0);
	changed[(data[2] | data[3] << 8) % (int)n] ^= 1;
	/* A record of another length is another record. */
	if (xt_tls_record_size(&again, changed, n) == (ssize_t)n)
		XT_ASSERT(xt_tls_open(&again, crypto, changed, n, &type) < 0);
}

static void
from_the_wire(struct xt_tls_crypto *crypto, const uint8_t *data, size_t size)
{
	char wire[4096];
	struct xt_tls_keys in, out;
	size_t n = size - 1 < sizeof wire ? size - 1 : sizeof wire;
	ssize_t record;
	int type;

	make_keys(&in, &out, crypto, data[0]);
	memcpy(wire, data + 1, n);
	record = xt_tls_record_size(&in, wire, n);
	XT_ASSERT(record <= (ssize_t)n);
	if (record > 0)
		XT_ASSERT(xt_tls_open(&in, crypto, wire, (size_t)record, &type) <= XT_TLS_CONTENT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct xt_tls_crypto *crypto;

	if (!crypto)
		crypto = xt_tls_crypto_new();
	if (size >= 4 && size - 4 <= XT_TLS_CONTENT)
		there_and_back(crypto, data, size);
	if (size > 0)
		from_the_wire(crypto, data, size);
	return 0;
}
