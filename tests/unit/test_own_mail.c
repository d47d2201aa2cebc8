/* SPDX-License-Identifier: BSD-2-Clause */
/* The pass of mail that Postern writes itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/own_mail.h"
#include "util/err.h"

#define NOW INT64_C(1795000000)

static const uint8_t key[CRYPTO_SHA256_LEN] = { 1, 2, 3 };
static const struct slice shop = SLICE("shop"), ann = SLICE("ann@a.example");

static void
test_what_was_signed_is_let_in(void **state)
{
	char room[OWN_MAIL_VALUE_MAX];
	struct slice value, tenant;

	(void)state;
	assert_int_equal(own_mail_format(key, shop, ann, NOW, room, &value), 0);
	assert_true(own_mail_looks(value));
	assert_int_equal(own_mail_parse(key, value, ann, NOW + 60, &tenant), 0);
	assert_true(slice_eq(tenant, shop));
	assert_int_equal(own_mail_parse(key, value, ann,
			     NOW + OWN_MAIL_AGE_S + 1, &tenant),
	    ERR_DENIED);
	assert_int_equal(own_mail_parse(key, value, ann,
			     NOW - OWN_MAIL_AGE_S - 1, &tenant),
	    ERR_DENIED);
	assert_int_equal(own_mail_parse(key, value, SLICE("bob@a.example"), NOW,
			     &tenant),
	    ERR_CRYPTO);
}

static void
test_each_octet_counts(void **state)
{
	char room[OWN_MAIL_VALUE_MAX];
	struct slice value, tenant;

	(void)state;
	assert_int_equal(own_mail_format(key, shop, ann, NOW, room, &value), 0);
	for (size_t i = 0; i < value.len; i++) {
		char *copy = malloc(value.len);

		assert_non_null(copy);
		memcpy(copy, value.at, value.len);
		copy[i] ^= 1;
		assert_true(
		    own_mail_parse(key, (struct slice){ copy, value.len }, ann,
			NOW, &tenant) < 0);
		free(copy);
		assert_true(own_mail_parse(key, (struct slice){ value.at, i },
				ann, NOW, &tenant) < 0);
	}
	const uint8_t other[CRYPTO_SHA256_LEN] = { 4 };
	assert_int_equal(own_mail_parse(other, value, ann, NOW, &tenant),
	    ERR_CRYPTO);
}

static void
test_what_does_not_fit_is_refused(void **state)
{
	char room[OWN_MAIL_VALUE_MAX], name[65];
	struct slice value;

	(void)state;
	memset(name, 'x', sizeof(name));
	assert_int_equal(own_mail_format(key, SLICE(""), ann, NOW, room,
			     &value),
	    ERR_LIMIT);
	assert_int_equal(own_mail_format(key,
			     (struct slice){ name, sizeof(name) }, ann, NOW,
			     room, &value),
	    ERR_LIMIT);
	assert_int_equal(own_mail_format(key, (struct slice){ name, 64 }, ann,
			     INT64_MAX, room, &value),
	    0);
	assert_true(value.len <= sizeof(room));
}

static void
test_at_the_head_of_a_mail(void **state)
{
	char id[OWN_MAIL_ID_LEN], other[OWN_MAIL_ID_LEN];
	struct slice line, tenant;
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(own_mail_field(key, shop, ann, NOW, &out), 0);
	line = buf_slice(&out);
	assert_true(slice_starts(line, SLICE(OWN_MAIL_FIELD ": own shop ")));
	assert_int_equal(line.at[line.len - 1], '\n');
	line = slice_skip(line, sizeof(OWN_MAIL_FIELD ": ") - 1);
	line.len--;
	assert_int_equal(own_mail_parse(key, line, ann, NOW, &tenant), 0);
	buf_done(&out);
	assert_false(slice_eq(own_mail_id(id), own_mail_id(other)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_signed_is_let_in),
		cmocka_unit_test(test_at_the_head_of_a_mail),
		cmocka_unit_test(test_each_octet_counts),
		cmocka_unit_test(test_what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
