/* SPDX-License-Identifier: BSD-2-Clause */
/* ZIP archives: their structure, sizes that fit, and the encryption against
 * the published vectors of its parts; system tests have others open them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/crypto_zip.h"
#include "util/err.h"
#include "util/zip.h"

#define AT 1795435200 /* 2026-11-23T12:00:00Z */

static uint32_t
at32(const struct buf *b, size_t i)
{
	const uint8_t *p = (const uint8_t *)b->at + i;

	assert_true(i + 4 <= b->len);
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static void
make(struct slice password, size_t octets, size_t piece, struct buf *out)
{
	struct zip *z;
	char *data = malloc(piece);

	assert_non_null(data);
	memset(data, 'a', piece);
	buf_init(out, 1 << 24);
	assert_int_equal(zip_begin(SLICE("a.csv"), AT, password, out, &z), 0);
	for (size_t n; octets > 0; octets -= n) {
		n = octets < piece ? octets : piece;
		assert_int_equal(zip_add(z, (struct slice){ data, n }, out), 0);
	}
	assert_int_equal(zip_end(z, out), 0);
	zip_free(z);
	free(data);
}

/* The end leads to the directory, which has what stands in the descriptor. */
static void
check(const struct buf *out, size_t octets, bool aes)
{
	size_t end = out->len - 22, directory;

	assert_int_equal(at32(out, 0), 0x04034b50);
	assert_int_equal(at32(out, end), 0x06054b50);
	directory = at32(out, end + 16);
	assert_int_equal(at32(out, directory), 0x02014b50);
	assert_int_equal(at32(out, end + 12), end - directory);
	assert_int_equal(at32(out, directory + 24), octets);
	assert_int_equal(at32(out, directory - 16), 0x08074b50);
	assert_int_equal(at32(out, directory - 4), octets);
	assert_int_equal(at32(out, directory - 8), at32(out, directory + 20));
	assert_int_equal(at32(out, directory + 20) + 30 + 5 + 16 +
			     (aes ? 11 : 0),
	    directory);
	if (aes)
		assert_int_equal(at32(out, directory + 16), 0);
}

static void
test_structure(void **state)
{
	static const size_t sizes[] = { 0, 1, 16383, 16384, 16385, 3000000 };
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make(SLICE(""), sizes[i], 70000, &out);
		check(&out, sizes[i], false);
		buf_done(&out);
		make(SLICE("a long password"), sizes[i], 70000, &out);
		check(&out, sizes[i], true);
		buf_done(&out);
	}
}

static void
test_limits(void **state)
{
	static char name[ZIP_NAME_MAX + 1], password[ZIP_PASSWORD_MAX + 1];
	struct slice longest = { name, sizeof(name) };
	struct slice secret = { password, sizeof(password) };
	struct buf out;
	struct zip *z;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(zip_begin(longest, AT, SLICE(""), &out, &z),
	    ERR_LIMIT);
	assert_int_equal(zip_begin(SLICE("a"), AT, secret, &out, &z),
	    ERR_LIMIT);
	buf_done(&out);
	zip_free(NULL);
}

/* Encrypted twice in pieces of any size, it is the same; its key stream was
 * checked with another implementation. */
static void
test_pieces(void **state)
{
	const uint8_t salt[CRYPTO_ZIP_SALT_LEN] = { 1, 2, 3 };
	uint8_t one[5000] = { 0 }, two[5000] = { 0 };
	uint8_t check_one[2], check_two[2], mac_one[10], mac_two[10];
	struct crypto_zip *a, *b;

	(void)state;
	assert_int_equal(crypto_zip_new(SLICE("password"), salt, check_one, &a),
	    0);
	assert_int_equal(crypto_zip_new(SLICE("password"), salt, check_two, &b),
	    0);
	assert_memory_equal(check_one, check_two, 2);
	assert_int_equal(crypto_zip_encrypt(a, one, sizeof(one)), 0);
	for (size_t i = 0, n = 1; i < sizeof(two); i += n, n = n * 7 % 97 + 1) {
		if (n > sizeof(two) - i)
			n = sizeof(two) - i;
		assert_int_equal(crypto_zip_encrypt(b, two + i, n), 0);
	}
	assert_memory_equal(one, two, sizeof(one));
	assert_int_equal(crypto_zip_mac(a, mac_one), 0);
	assert_int_equal(crypto_zip_mac(b, mac_two), 0);
	assert_memory_equal(mac_one, mac_two, sizeof(mac_one));
	crypto_zip_free(a);
	crypto_zip_free(b);
	crypto_zip_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
