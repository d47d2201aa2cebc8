/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of DKIM keys: forms that receivers accept, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/dkim_record.h"
#include "util/err.h"

static int
parse(const char *text, struct buf *room, struct dkim_record *r)
{
	size_t len = strlen(text);
	char *exact = malloc(len + !len);
	int rc;

	assert_non_null(exact);
	memcpy(exact, text, len);
	rc = dkim_record_parse((struct slice){ exact, len }, room, r);
	free(exact);
	return rc;
}

static const struct {
	const char *text, *key;
	int type;
	bool sha256, email, testing, strict;
} good[] = {
	{ "v=DKIM1; k=rsa; p=QUJD", "QUJD", DKIM_RECORD_RSA, true, true, false,
	    false },
	{ "p=QUJD", "QUJD", DKIM_RECORD_RSA, true, true, false, false },
	{ "p=", "", DKIM_RECORD_RSA, true, true, false, false },
	{ "v=DKIM1;p=QUJD;", "QUJD", DKIM_RECORD_RSA, true, true, false,
	    false },
	{ " v = DKIM1 ; k=ed25519; p= QU\tJ\r\n D= ; ",
	    "QUJD=", DKIM_RECORD_ED25519, true, true, false, false },
	{ "v=DKIM1; t=y:s; h=sha1 : sha256; s=email; p=QUJD; n=a note=b",
	    "QUJD", DKIM_RECORD_RSA, true, true, true, true },
	{ "v=DKIM1; h=sha1; s=tlsrpt; t=z; p=QUJD", "QUJD", DKIM_RECORD_RSA,
	    false, false, false, false },
	{ "v=DKIM1; k=new; s=*; future_1=x; P=other; p=QUJD", "QUJD",
	    DKIM_RECORD_OTHER, true, true, false, false },
	{ "g=*; k=rsa; p=QUJD==", "QUJD==", DKIM_RECORD_RSA, true, true, false,
	    false },
};

static void
test_good(void **state)
{
	struct dkim_record r;
	struct buf room;

	(void)state;
	buf_init(&room, 10000);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse(good[i].text, &room, &r), 0);
		assert_true(slice_eq(r.key, slice_of(good[i].key)));
		assert_int_equal(r.type, good[i].type);
		assert_int_equal(r.sha256, good[i].sha256);
		assert_int_equal(r.email, good[i].email);
		assert_int_equal(r.testing, good[i].testing);
		assert_int_equal(r.strict, good[i].strict);
	}
	buf_done(&room);
}

static void
test_bad(void **state)
{
	static const char *const texts[] = { "", " ", ";", "v=DKIM1",
		"v=DKIM1; k=rsa", "v=spf1 -all", "v=DKIM2; p=QUJD",
		"p=QUJD; v=DKIM1", "p=QUJD; p=QUJD", "p", "=; p=QUJD",
		"1=a; p=QUJD", "a b=c; p=QUJD", "p=QUJD;;", "p=QU*D", "p=QU=JD",
		"p=QUJD===", "v=DMARC1; p=none", "v=dkim1; p=QUJD" };
	struct dkim_record r = { .key = SLICE("kept") };
	struct buf room;
	char many[1000] = "p=QUJD";

	(void)state;
	buf_init(&room, 10000);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(parse(texts[i], &room, &r), ERR_SYNTAX);
	for (size_t i = 0; i < 40; i++)
		(void)snprintf(many + strlen(many), 10, ";t%zu=", i);
	assert_int_equal(parse(many, &room, &r), ERR_SYNTAX);
	assert_true(slice_eq(r.key, SLICE("kept")));
	char *large = malloc(10001);
	assert_non_null(large);
	memset(large, 'A', 10000);
	large[10000] = '\0';
	memcpy(large, "p=", 2);
	assert_int_equal(parse(large, &room, &r), ERR_LIMIT);
	free(large);
	buf_done(&room);
	buf_init(&room, 2);
	assert_int_equal(parse("p=QUJD", &room, &r), ERR_LIMIT);
	buf_done(&room);
}

static int
match(const struct sign_key *key, const char *format, const char *public,
    bool subdomains)
{
	char text[2000];
	struct slice one;

	/* format has one %s */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(text, sizeof(text), format, public);
#pragma GCC diagnostic pop
	one = slice_of(text);
	return dkim_record_match(&one, 1, key, subdomains);
}

static void
test_match(void **state)
{
	struct sign_key *rsa, *ed25519;
	struct slice two[2] = { SLICE("p=QUJD"), SLICE("p=QUJD") };
	struct buf p, record;

	(void)state;
	assert_int_equal(sign_key_generate(SIGN_RSA_SHA256, 1024, &rsa), 0);
	assert_int_equal(sign_key_generate(SIGN_ED25519_SHA256, 0, &ed25519),
	    0);
	buf_init(&p, 2000);
	buf_init(&record, 2000);
	assert_int_equal(sign_key_public(rsa, &p), 0);
	const char *text = buf_text(&p);
	assert_int_equal(match(rsa, "v=DKIM1; p=%s", text, true),
	    DKIM_MATCH_OK);
	assert_int_equal(match(rsa, "v=DKIM1; k=ed25519; p=%s", text, true),
	    DKIM_MATCH_UNFIT);
	assert_int_equal(match(rsa, "h=sha1; p=%s", text, true),
	    DKIM_MATCH_UNFIT);
	assert_int_equal(match(rsa, "s=x; p=%s", text, true), DKIM_MATCH_UNFIT);
	assert_int_equal(match(rsa, "t=s; p=%s", text, true),
	    DKIM_MATCH_STRICT);
	assert_int_equal(match(rsa, "t=s; p=%s", text, false), DKIM_MATCH_OK);
	assert_int_equal(match(rsa, "p=%sAAAA", text, false), DKIM_MATCH_OTHER);
	assert_int_equal(match(rsa, "p=%.0s", text, false), DKIM_MATCH_REVOKED);
	assert_int_equal(match(rsa, "v=spf1 %s", text, false), DKIM_MATCH_BAD);
	assert_int_equal(dkim_record_match(NULL, 0, rsa, false),
	    DKIM_MATCH_NONE);
	assert_int_equal(dkim_record_match(two, 2, rsa, false),
	    DKIM_MATCH_SEVERAL);
	/* What is published verifies. */
	assert_int_equal(dkim_record_print(rsa, &record), 0);
	two[0] = buf_slice(&record);
	assert_int_equal(dkim_record_match(two, 1, rsa, true), DKIM_MATCH_OK);
	assert_int_equal(dkim_record_match(two, 1, ed25519, true),
	    DKIM_MATCH_OTHER);
	buf_clear(&record);
	assert_int_equal(dkim_record_print(ed25519, &record), 0);
	two[0] = buf_slice(&record);
	assert_int_equal(dkim_record_match(two, 1, ed25519, true),
	    DKIM_MATCH_OK);
	for (int i = 0; i < DKIM_MATCH_NTYPES; i++)
		assert_true(strlen(dkim_match_text((enum dkim_match)i)) > 5);
	buf_done(&p);
	buf_done(&record);
	sign_key_free(rsa);
	sign_key_free(ed25519);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
