/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is signed for, with which keys, and what happens when it can not be.
 * The signatures themselves are verified by the system tests, with other
 * people's verifiers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "milter/module.h"
#include "util/crypto.h"

static struct sign_key *rsa, *ed25519;
static struct dkim_selector selectors[4];
static struct settings_domain domains[2];
static struct tenant tenant;

static int
set_up(void **state)
{
	(void)state;
	if (sign_key_generate(SIGN_RSA_SHA256, 1024, &rsa) < 0 ||
	    sign_key_generate(SIGN_ED25519_SHA256, 0, &ed25519) < 0)
		return -1;
	selectors[0] =
	    (struct dkim_selector){ SLICE("old"), DKIM_RETIRING, rsa };
	selectors[1] = (struct dkim_selector){ SLICE("s1"), DKIM_ACTIVE, rsa };
	selectors[2] =
	    (struct dkim_selector){ SLICE("e1"), DKIM_ACTIVE, ed25519 };
	selectors[3] =
	    (struct dkim_selector){ SLICE("next"), DKIM_PREPARED, NULL };
	domains[0] = (struct settings_domain){ .name = SLICE("example.com"),
		.subdomains = true,
		.selectors = selectors,
		.selector_count = 4 };
	domains[1] = (struct settings_domain){ .name = SLICE("example.net"),
		.selectors = selectors,
		.selector_count = 1 };
	tenant.domains = domains;
	tenant.domain_count = 2;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sign_key_free(rsa);
	sign_key_free(ed25519);
	return 0;
}

/* froms: values with "|" between. */
static enum verdict
run(struct message *msg, const char *froms, const char *body)
{
	static struct arena *arena;
	struct slice rest = slice_of(froms), from;
	void *state;
	enum verdict verdict;

	arena = arena_new(10000);
	assert_non_null(arena);
	state = arena_alloc(arena, module_dkim.state_size);
	assert_int_equal(message_init(msg), 0);
	msg->tenant = &tenant;
	msg->queue_id = SLICE("4ZxKq03");
	msg->arrived_ms = INT64_C(1795411200000);
	assert_int_equal(message_add_field(msg, SLICE("Subject"),
			     SLICE("hello")),
	    0);
	while (froms[0] != '\0' && slice_split(&rest, '|', &from))
		assert_int_equal(message_add_field(msg, SLICE("From"), from),
		    0);
	if (module_dkim.begin(msg, state) == BODY_STREAM && body[0] != '\0')
		assert_int_equal(module_dkim.body(msg, state, slice_of(body)),
		    VERDICT_NEXT);
	verdict = module_dkim.eom(msg, state);
	module_dkim.release(state);
	arena_free(arena);
	return verdict;
}

static void
test_signed(void **state)
{
	static const char *const froms[] = { "Shop <shop@example.com>",
		"shop@mail.EXAMPLE.com", "a@example.com, b@news.example.com" };
	struct message msg;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(run(&msg, froms[i], "hi\r\n"), VERDICT_NEXT);
		assert_int_equal(msg.added_count, 2);
		assert_true(slice_eq(msg.signatures,
		    SLICE("s1._domainkey.example.com "
			  "e1._domainkey.example.com")));
		assert_non_null(
		    slice_find(msg.added[0].value, SLICE("a=rsa-sha256;")));
		assert_non_null(
		    slice_find(msg.added[1].value, SLICE("a=ed25519-sha256;")));
		assert_true(
		    (slice_find(msg.added[0].value,
			 SLICE("i=@mail.example.com;")) != NULL) == (i == 1));
		/* With i= it is folded elsewhere. */
		assert_true(i == 1 || slice_find(msg.added[1].value,
					  SLICE("h=From:From:Reply-To:Subject:"
						"Subject:Date:To;")) != NULL);
		message_done(&msg);
	}
	assert_int_equal(run(&msg, "shop@example.com", ""), VERDICT_NEXT);
	/* RFC 6376, 3.4.4: the hash of nothing */
	assert_non_null(slice_find(msg.added[0].value,
	    SLICE("bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;")));
	message_done(&msg);
}

static void
test_not_signed(void **state)
{
	static const char *const froms[] = { "", "shop@example.com|x@y",
		"shop@example.com|shop@example.com", "nobody",
		"shop@example.org", "shop@example.net", "shop@notexample.com",
		"a@example.org, b@example.com", "a@example.com, b@example.org",
		"undisclosed:;" };
	struct message msg;

	(void)state;
	for (size_t i = 0; i < sizeof(froms) / sizeof(froms[0]); i++) {
		assert_int_equal(run(&msg, froms[i], "hi\r\n"), VERDICT_NEXT);
		assert_int_equal(msg.added_count, 0);
		assert_int_equal(msg.signatures.len, 0);
		message_done(&msg);
	}
}

static void
test_fails_closed(void **state)
{
	struct message msg;

	(void)state;
	selectors[2].key = NULL; /* sealed by another master key */
	assert_int_equal(run(&msg, "shop@example.com", "hi\r\n"),
	    VERDICT_TEMPFAIL);
	assert_string_equal(msg.reply_dsn, "4.7.0");
	message_done(&msg);
	selectors[2].key = ed25519;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_not_signed),
		cmocka_unit_test(test_fails_closed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
