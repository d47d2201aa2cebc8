/* SPDX-License-Identifier: BSD-2-Clause */
/* Hashes, base64, sealing, passwords: the RFCs' vectors, and what must fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/crypto.h"
#include "util/err.h"

static void
assert_hex(const uint8_t *at, size_t len, const char *want)
{
	char hex[200];

	assert_true(2 * len < sizeof(hex));
	for (size_t i = 0; i < len; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", at[i]);
	assert_string_equal(hex, want);
}

static void
test_sha256(void **state)
{
	uint8_t hash[CRYPTO_SHA256_LEN];
	struct crypto_hash *h = crypto_hash_new();

	(void)state;
	/* FIPS 180-2, B.1 */
	assert_int_equal(crypto_sha256(SLICE("abc"), hash), 0);
	assert_hex(hash, 32,
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(crypto_sha256((struct slice){ NULL, 0 }, hash), 0);
	assert_hex(hash, 32,
	    "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
	/* In pieces, twice with the same object, and cut short in between. */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(crypto_hash_begin(h), 0);
		assert_int_equal(crypto_hash_add(h, "a", 1), 0);
		assert_int_equal(crypto_hash_add(h, NULL, 0), 0);
		if (i == 1)
			continue;
		assert_int_equal(crypto_hash_add(h, "bc", 2), 0);
		assert_int_equal(crypto_hash_end(h, hash), 0);
		assert_hex(hash, 32,
		    "ba7816bf8f01cfea414140de5dae2223"
		    "b00361a396177a9cb410ff61f20015ad");
	}
	crypto_hash_free(h);
	crypto_hash_free(NULL);
}

/* RFC 4231, 4.2, 4.3, 4.7 (a key longer than a block), and no key at all. */
static void
test_hmac(void **state)
{
	char key1[20], key6[131];
	uint8_t mac[CRYPTO_SHA256_LEN];

	(void)state;
	memset(key1, 0x0b, sizeof(key1));
	memset(key6, 0xaa, sizeof(key6));
	assert_int_equal(crypto_hmac_sha256((struct slice){ key1, 20 },
			     SLICE("Hi There"), mac),
	    0);
	assert_hex(mac, 32,
	    "b0344c61d8db38535ca8afceaf0bf12b"
	    "881dc200c9833da726e9376c2e32cff7");
	assert_int_equal(crypto_hmac_sha256(SLICE("Jefe"),
			     SLICE("what do ya want for nothing?"), mac),
	    0);
	assert_hex(mac, 32,
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	assert_int_equal(
	    crypto_hmac_sha256((struct slice){ key6, 131 },
		SLICE("Test Using Larger Than Block-Size Key - Hash Key "
		      "First"),
		mac),
	    0);
	assert_hex(mac, 32,
	    "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54");
	assert_int_equal(crypto_hmac_sha256(SLICE(""), SLICE(""), mac), 0);
	assert_hex(mac, 32,
	    "b613679a0814d9ec772f95d778c35fc5"
	    "ff1697c493715653c6c712144292c5ad");
}

/* RFC 4648, 10. */
static void
test_base64(void **state)
{
	static const struct {
		const char *plain, *text;
	} cases[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\377\376\373\357", "//777w==" },
	};
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg===", "Zm8",
		"Zh==", "Zm9=", "=", "====", "Zg==Zg==", "Zm9v-",
		"Zm9v_w==", "Z=g=", "Zm\0019v" };
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_init(&b, 100);
		assert_int_equal(crypto_base64_encode(slice_of(cases[i].plain),
				     &b),
		    0);
		assert_string_equal(buf_text(&b), cases[i].text);
		buf_done(&b);
		buf_init(&b, strlen(cases[i].plain));
		assert_int_equal(crypto_base64_decode(slice_of(cases[i].text),
				     &b),
		    0);
		assert_true(slice_eq(buf_slice(&b), slice_of(cases[i].plain)));
		buf_done(&b);
	}
	buf_init(&b, 100);
	assert_int_equal(crypto_base64_decode(SLICE(" Zm9v\r\n\tYg = =\n"), &b),
	    0);
	assert_string_equal(buf_text(&b), "foob");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(crypto_base64_decode(slice_of(bad[i]), &b),
		    ERR_SYNTAX);
		assert_string_equal(buf_text(&b), "foob");
	}
	buf_done(&b);
	buf_init(&b, 3);
	assert_int_equal(crypto_base64_encode(SLICE("x"), &b), ERR_LIMIT);
	buf_done(&b);
}

static const struct master_key key_one = { { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05,
    0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11,
    0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d,
    0x1e, 0x1f } };

/* What "openssl kdf -keylen 32 ... HKDF" (RFC 5869) makes of the same. */
static void
test_derive(void **state)
{
	uint8_t key[CRYPTO_SHA256_LEN];
	char purpose[300];

	(void)state;
	assert_int_equal(crypto_derive(&key_one, "verp", key), 0);
	assert_hex(key, 32,
	    "13a3cffa3eaee07f84daae772509632f"
	    "f9fa682eb3c8350b6aedefa333d4b31a");
	memset(purpose, 'x', sizeof(purpose));
	purpose[sizeof(purpose) - 1] = '\0';
	assert_int_equal(crypto_derive(&key_one, purpose, key), ERR_LIMIT);
}

static void
test_box(void **state)
{
	struct slice context = SLICE("shop 1 0/2");
	char octets[1000];
	struct buf box, plain;

	(void)state;
	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (char)i;
	for (size_t n = 0; n <= sizeof(octets); n += 250) {
		struct slice all = { octets, n };

		buf_init(&box, n + 3 + CRYPTO_BOX_EXTRA);
		buf_init(&plain, n);
		assert_int_equal(buf_add_text(&box, "old"), 0);
		assert_int_equal(crypto_box_seal(&key_one, "test", context, all,
				     &box),
		    0);
		assert_int_equal(box.len, 3 + n + CRYPTO_BOX_EXTRA);
		struct slice sealed = slice_skip(buf_slice(&box), 3);
		assert_int_equal(crypto_box_open(&key_one, "test", context,
				     sealed, &plain),
		    0);
		assert_true(slice_eq(buf_slice(&plain), all));
		buf_clear(&plain);
		/* Another purpose, another context, a bit, an octet less. */
		assert_int_equal(crypto_box_open(&key_one, "other", context,
				     sealed, &plain),
		    ERR_CRYPTO);
		assert_int_equal(crypto_box_open(&key_one, "test",
				     SLICE("shop 1 1/2"), sealed, &plain),
		    ERR_CRYPTO);
		box.at[3 + n] ^= 1;
		assert_int_equal(crypto_box_open(&key_one, "test", context,
				     sealed, &plain),
		    ERR_CRYPTO);
		box.at[3 + n] ^= 1;
		sealed.len--;
		assert_true(crypto_box_open(&key_one, "test", context, sealed,
				&plain) < 0);
		assert_int_equal(plain.len, 0);
		/* No room: nothing changes. */
		assert_int_equal(crypto_box_seal(&key_one, "test", context, all,
				     &box),
		    ERR_LIMIT);
		assert_int_equal(box.len, 3 + n + CRYPTO_BOX_EXTRA);
		buf_done(&box);
		buf_done(&plain);
	}
}

static void
test_seal(void **state)
{
	struct master_key other = key_one;
	struct buf sealed, again, plain;
	struct slice context = SLICE("shop"), secret = SLICE("whsec_abc");

	(void)state;
	other.octets[31] ^= 1;
	buf_init(&sealed, 1000);
	buf_init(&again, 1000);
	buf_init(&plain, 1000);
	assert_int_equal(crypto_seal(&key_one, context, secret, &sealed), 0);
	assert_int_equal(crypto_seal(&key_one, context, secret, &again), 0);
	assert_false(slice_eq(buf_slice(&sealed), buf_slice(&again)));
	assert_true(crypto_is_sealed(buf_slice(&sealed)));
	assert_false(crypto_is_sealed(secret));
	assert_int_equal(crypto_open(&key_one, context, buf_slice(&sealed),
			     &plain),
	    0);
	assert_string_equal(buf_text(&plain), "whsec_abc");

	assert_int_equal(crypto_open(&other, context, buf_slice(&sealed),
			     &plain),
	    ERR_CRYPTO);
	assert_int_equal(crypto_open(&key_one, SLICE("blog"),
			     buf_slice(&sealed), &plain),
	    ERR_CRYPTO);
	assert_int_equal(crypto_open(&key_one, context, secret, &plain),
	    ERR_SYNTAX);
	assert_int_equal(crypto_open(&key_one, context, SLICE("enc:v1:Zm9v"),
			     &plain),
	    ERR_SYNTAX);
	/* Each octet counts. */
	for (size_t i = 7; i < sealed.len; i++) {
		char kept = sealed.at[i];

		sealed.at[i] = kept == 'A' ? 'B' : 'A';
		assert_true(crypto_open(&key_one, context, buf_slice(&sealed),
				&plain) < 0);
		sealed.at[i] = kept;
	}
	assert_string_equal(buf_text(&plain), "whsec_abc");

	/* Nothing to hide is hidden, too. */
	buf_clear(&sealed);
	buf_clear(&plain);
	assert_int_equal(crypto_seal(&key_one, SLICE(""), SLICE(""), &sealed),
	    0);
	assert_int_equal(crypto_open(&key_one, SLICE(""), buf_slice(&sealed),
			     &plain),
	    0);
	assert_int_equal(plain.len, 0);
	buf_done(&sealed);
	buf_done(&again);
	buf_done(&plain);
}

static void
test_password(void **state)
{
	/* RFC 7914, 12, third vector. */
	static const char vector[] =
	    "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU=$"
	    "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=";
	static const char *const bad[] = { "", "plain", "$scrypt$",
		"$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU=",
		"$scrypt$ln=14,r=8,p=1$$cCO9yzr9c0hGHAbNgf046/"
		"2o+7qQT44+qbVD9lRdofI=",
		"$scrypt$ln=20,r=8,p=1$U29kaXVtQ2hsb3JpZGU=$"
		"cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=",
		"$scrypt$ln=-1,r=8,p=1$U29kaXVtQ2hsb3JpZGU=$cCO9",
		"$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU=$cCO9",
		"$scrypt$ln=14,r=0,p=1$U29kaXVtQ2hsb3JpZGU=$"
		"cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=" };
	struct buf b;

	(void)state;
	assert_int_equal(crypto_password_verify(SLICE("pleaseletmein"),
			     slice_of(vector)),
	    1);
	assert_int_equal(crypto_password_verify(SLICE("pleaseletmeiN"),
			     slice_of(vector)),
	    0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(crypto_password_verify(SLICE("x"),
				     slice_of(bad[i])),
		    ERR_SYNTAX);
	buf_init(&b, 500);
	assert_int_equal(crypto_password_hash(SLICE("hello"), &b), 0);
	assert_int_equal(crypto_password_verify(SLICE("hello"), buf_slice(&b)),
	    1);
	assert_int_equal(crypto_password_verify(SLICE(""), buf_slice(&b)), 0);
	buf_done(&b);
}

static void
put_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), mode), 0);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

#define HEX64 \
	"000102030405060708090a0b0c0d0e0f" \
	"101112131415161718191A1B1C1D1E1F"

static void
test_master(void **state)
{
	char folder[] = "/tmp/postern-test-XXXXXX", path[64];
	struct master_key key, again;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/master.key", folder);
	assert_int_equal(crypto_master_load(path, &key), ERR_NOTFOUND);
	assert_int_equal(crypto_master_create(path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(crypto_master_load(path, &key), 0);
	assert_int_equal(crypto_master_create(path), ERR_CONFLICT);
	assert_int_equal(crypto_master_load(path, &again), 0);
	assert_memory_equal(&key, &again, sizeof(key));
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(crypto_master_load(path, &key), ERR_DENIED);

	put_file(path, HEX64 "\n", 0600);
	assert_int_equal(crypto_master_load(path, &key), 0);
	assert_memory_equal(&key, &key_one, sizeof(key));
	put_file(path, HEX64, 0600);
	assert_int_equal(crypto_master_load(path, &key), 0);
	put_file(path, HEX64 "0\n", 0600);
	assert_int_equal(crypto_master_load(path, &key), ERR_SYNTAX);
	put_file(path, HEX64 "\n\n", 0600);
	assert_int_equal(crypto_master_load(path, &key), ERR_SYNTAX);
	put_file(path, "", 0600);
	assert_int_equal(crypto_master_load(path, &key), ERR_SYNTAX);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(crypto_master_create("/nonexistent/x"), ERR_NOTFOUND);
	assert_int_equal(rmdir(folder), 0); /* nothing left behind */
}

static void
test_random_and_equal(void **state)
{
	char a[1000] = { 0 }, b[1000] = { 0 };

	(void)state;
	crypto_random(a, sizeof(a));
	crypto_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a + 984, b + 984, 16); /* to the end */
	crypto_random(a, 0);
	assert_true(crypto_equal(SLICE("ab"), SLICE("ab")));
	assert_false(crypto_equal(SLICE("ab"), SLICE("ac")));
	assert_false(crypto_equal(SLICE("ab"), SLICE("abc")));
	assert_true(crypto_equal((struct slice){ NULL, 0 }, SLICE("")));
	crypto_wipe(a, sizeof(a));
	assert_int_equal(a[999], 0);
}

static void *
hash_many(void *failed)
{
	uint8_t mac[CRYPTO_SHA256_LEN], first[CRYPTO_SHA256_LEN];

	for (int i = 0; i < 2000; i++) {
		if (crypto_hmac_sha256(SLICE("k"), SLICE("d"), mac) < 0 ||
		    (i > 0 && memcmp(mac, first, sizeof(mac)) != 0))
			*(bool *)failed = true;
		memcpy(first, mac, sizeof(first));
	}
	return NULL;
}

static void
test_threads(void **state)
{
	pthread_t threads[4];
	bool failed[4] = { false };

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hash_many,
				     &failed[i]),
		    0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_false(failed[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_derive),
		cmocka_unit_test(test_box),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_master),
		cmocka_unit_test(test_random_and_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
