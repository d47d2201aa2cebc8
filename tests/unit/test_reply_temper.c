/* SPDX-License-Identifier: BSD-2-Clause */
/* What replies say about the pace: as smtp(8) asks, and as providers say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/reply_temper.h"
#include "proto/retry_after.h"
#include "util/err.h"
#include "util/regex.h"

#define SAID(dsn, reply) \
	dsn " host mx.example.net[192.0.2.1] said: " reply \
	    " (in reply to MAIL FROM command)"
#define REFUSED(dsn, reply) \
	dsn " host mx.example.net[192.0.2.1] refused to talk to me: " reply

struct want {
	const char *key;
	enum temper temper;
	bool used;
	int64_t for_ms;
	const char *rule;
};

/* Looked at in a block of its exact length: a read behind it is found. */
static int
temper_of(const char *text, const struct shaping_rule *rules, size_t count,
    struct reply_temper *t)
{
	size_t len = strlen(text);
	char *block = malloc(len > 0 ? len : 1);

	assert_non_null(block);
	memcpy(block, text, len);
	int rc = reply_temper((struct slice){ block, len }, rules, count, t);
	t->reply.at = NULL;
	free(block);
	return rc;
}

static void
check(const struct want *w, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct reply_temper t;

		assert_int_equal(temper_of(w[i].key, NULL, 0, &t), 0);
		if (t.temper != w[i].temper || t.used != w[i].used ||
		    t.for_ms != w[i].for_ms || strcmp(t.rule, w[i].rule) != 0)
			fail_msg("%s: %s %d %lld %s", w[i].key,
			    temper_word(t.temper), t.used, (long long)t.for_ms,
			    t.rule);
	}
}
#define CHECK(table) check(table, sizeof(table) / sizeof((table)[0]))

static void
test_words_of_postfix(void **state)
{
	static const struct want cases[] = {
		{ "2.0.0 250 2.0.0 Ok: queued as 4XyZ", TEMPER_CLEAN, true, 0,
		    "" },
		{ "2.0.0 250 ok dirdel", TEMPER_CLEAN, true, 0, "" },
		{ "2.6.0 250 2.6.0 <a@b> [InternalId=1] too many connections",
		    TEMPER_CLEAN, true, 0, "" },
		{ "4.4.1 connect to mx.example.net[192.0.2.1]:25: Connection "
		  "refused",
		    TEMPER_NEUTRAL, false, 0, "" },
		{ "4.4.3 Host or domain name not found. Name service error for "
		  "name=throttle.example type=MX: Host not found, try again",
		    TEMPER_NEUTRAL, false, 0, "" },
		{ "4.4.2 lost connection with mx.example.net[192.0.2.1] while "
		  "receiving the initial server greeting",
		    TEMPER_NEUTRAL, false, 0, "" },
		{ "4.4.2 lost connection with mx.example.net[192.0.2.1] while "
		  "sending MAIL FROM",
		    TEMPER_NEUTRAL, true, 0, "" },
		{ "4.4.2 conversation with mx.example.net[192.0.2.1] timed out "
		  "while sending end of data -- message may be sent more than "
		  "once",
		    TEMPER_NEUTRAL, true, 0, "" },
		{ "4.7.5 Server certificate not trusted", TEMPER_NEUTRAL, false,
		    0, "" },
		{ "5.4.6 mail for example.net loops back to myself",
		    TEMPER_NEUTRAL, false, 0, "" },
		{ SAID("5.1.1", "550 5.1.1 <a@b>: Recipient address rejected"),
		    TEMPER_NEUTRAL, true, 0, "" },
		{ SAID("4.3.0", "451 4.3.0 Temporary lookup failure"),
		    TEMPER_NEUTRAL, true, 0, "" },
		{ REFUSED("4.0.0", "421 Service not available"), TEMPER_SLOW,
		    true, 0, "refused" },
		{ REFUSED("4.0.0", "554 no SMTP service here"), TEMPER_NEUTRAL,
		    true, 0, "" },
	};

	(void)state;
	CHECK(cases);
}

static void
test_providers(void **state)
{
	static const struct want cases[] = {
		{ SAID("4.7.28",
		      "421-4.7.28 Gmail has detected an unusual rate of "
		      "unsolicited mail 421-4.7.28 originating from your IP "
		      "address. 421 4.7.28 - gsmtp"),
		    TEMPER_SLOW, true, 0, "google-rate" },
		{ SAID("4.7.0",
		      "421 4.7.0 Try again later, closing connection. (MAIL) "
		      "ab12-cd34.56 - gsmtp"),
		    TEMPER_SLOW, true, 0, "google-busy" },
		{ SAID("4.2.1",
		      "450-4.2.1 The user you are trying to contact is "
		      "receiving mail at a rate that 450-4.2.1 prevents "
		      "additional messages from being delivered."),
		    TEMPER_NEUTRAL, true, 0, "mailbox" },
		{ SAID("4.7.0",
		      "421 4.7.0 [TSS04] Messages from 192.0.2.9 temporarily "
		      "deferred due to unexpected volume or user complaints - "
		      "4.16.55.1; see https://postmaster.yahooinc.com/"),
		    TEMPER_SUSPEND, true, 600000, "yahoo-deferred" },
		{ SAID("4.7.0",
		      "421 4.7.0 [TS01] Messages from 192.0.2.9 temporarily "
		      "deferred due to user complaints"),
		    TEMPER_SUSPEND, true, 600000, "yahoo-deferred" },
		{ SAID("5.7.1",
		      "553 5.7.2 [TSS09] All messages from 192.0.2.9 will be "
		      "permanently deferred; Retrying will NOT succeed."),
		    TEMPER_SUSPEND, true, 3600000, "yahoo-permanent" },
		{ SAID("4.7.1",
		      "421 4.7.1 [GL01] Message temporarily deferred"),
		    TEMPER_NEUTRAL, true, 0, "greylist" },
		{ SAID("4.7.1", "421 4.7.1 VS98-IP0 deferred"), TEMPER_SUSPEND,
		    true, 600000, "yahoo-jp" },
		{ SAID("4.7.500",
		      "451 4.7.500 Server busy. Please try again later from "
		      "[192.0.2.9]. (S77719) [x.prod.protection.outlook.com]"),
		    TEMPER_SLOW, true, 0, "microsoft-busy" },
		{ SAID("4.7.650",
		      "451 4.7.650 The mail server [192.0.2.9] has been "
		      "temporarily rate limited due to IP reputation. (S775)"),
		    TEMPER_SUSPEND, true, 600000, "microsoft-reputation" },
		{ SAID("5.7.1",
		      "550 5.7.1 Unfortunately, messages from [192.0.2.9] "
		      "weren't sent. Please contact your Internet service "
		      "provider since part of their network is on our block "
		      "list (S3150)."),
		    TEMPER_SUSPEND, true, 3600000, "microsoft-blocked" },
		{ SAID("4.0.0",
		      "421 RP-001 (BAY004-MC1F1) Unfortunately, some messages "
		      "from 192.0.2.9 weren't sent."),
		    TEMPER_SLOW, true, 0, "microsoft-hourly" },
		{ REFUSED("4.3.2",
		      "421 4.3.2 The maximum number of concurrent connections "
		      "has exceeded a limit, closing transmission channel"),
		    TEMPER_SLOW, true, 0, "exchange" },
		{ SAID("4.7.0", "421 4.7.0 HME1 temporarily deferred"),
		    TEMPER_SLOW, true, 0, "apple" },
		{ "4.0.0 host mfsmax.docomo.ne.jp[192.0.2.1] said: 421 Service "
		  "temporarily unavailable (in reply to RCPT TO command)",
		    TEMPER_SLOW, true, 0, "carrier-jp" },
		{ REFUSED("4.0.0",
		      "421 kundenserver.de (mxeue102) Nemesis ESMTP Service "
		      "not available Too many connections"),
		    TEMPER_SLOW, true, 0, "gmx" },
		{ REFUSED("4.0.0",
		      "421 mwinf5c04 ME Trop de connexions, veuillez verifier "
		      "votre configuration. Too many connections, slow down. "
		      "OFR004_104 [104]"),
		    TEMPER_SLOW, true, 0, "orange" },
		{ SAID("4.1.0",
		      "421 4.1.0 192.0.2.9 Throttled - try again later. Please "
		      "see http://postmaster.comcast.net/smtp-error-codes.php"
		      "#RL000001"),
		    TEMPER_SLOW, true, 0, "comcast" },
		{ SAID("4.0.0", "451 Ip frequency limited [IP: 192.0.2.9]."),
		    TEMPER_SLOW, true, 0, "tencent" },
		{ SAID("4.0.0", "450 RP:CEL 163 smtp9,D9G_CgDHj,0"),
		    TEMPER_SLOW, true, 0, "netease" },
	};

	(void)state;
	CHECK(cases);
}

static void
test_common(void **state)
{
	static const struct want cases[] = {
		{ REFUSED("4.7.0",
		      "421 4.7.0 mx.example.net Error: too many connections "
		      "from 192.0.2.9"),
		    TEMPER_SLOW, true, 0, "connections" },
		{ SAID("4.7.1",
		      "450 4.7.1 Error: too much mail from 192.0.2.9"),
		    TEMPER_SLOW, true, 0, "rate" },
		{ SAID("4.7.1", "451 4.7.1 Rate limit exceeded, try again in "
				"90 s"),
		    TEMPER_SUSPEND, true, 90000, "rate" },
		{ SAID("4.4.5", "451 4.4.5 go away for now"), TEMPER_SLOW, true,
		    0, "congestion" },
		{ SAID("4.2.0",
		      "450 4.2.0 <a@b>: Recipient address rejected: Greylisted, "
		      "try again in 300 seconds"),
		    TEMPER_NEUTRAL, true, 0, "greylist" },
		{ SAID("4.5.3", "452 4.5.3 Error: too many recipients"),
		    TEMPER_NEUTRAL, true, 0, "session" },
		{ SAID("4.0.0",
		      "421 Max message per connection reached, closing "
		      "transmission channel"),
		    TEMPER_NEUTRAL, true, 0, "session" },
		/* Complaints about the rate are temporary ones. */
		{ SAID("5.7.1", "550 5.7.1 rate limit exceeded"),
		    TEMPER_NEUTRAL, true, 0, "" },
		{ SAID("4.7.1", "421 4.7.1 too many connections, try again in "
				"100 days"),
		    TEMPER_SUSPEND, true, REPLY_TEMPER_NAMED_MAX_MS,
		    "connections" },
	};

	(void)state;
	CHECK(cases);
}

static void
test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "try again in 5 minutes", 300000 },
		{ "try again in 5m", 300000 },
		{ "please retry after 300 seconds", 300000 },
		{ "retry after 300", 300000 },
		{ "please try again in about 1 hour.", 3600000 },
		{ "please wait 30s", 30000 },
		{ "retry-after: 120", 120000 },
		{ "try again in 2 hours", 7200000 },
		{ "try again after 10 mins", 600000 },
		{ "blocked for 1 day", 86400000 },
		{ "try again in 500 ms", 500 },
		{ "try again in 7 messages", 7000 },
		{ "try again later", -1 },
		{ "try again in a while (4.7.0)", -1 },
		{ "try again after 12:30", -1 },
		{ "try again in [12", -1 },
		{ "try again in 99999999999999999999 s", -1 },
		{ "try again in 0 s", -1 },
		{ "try again in ", -1 },
		{ "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t ms = retry_after_ms(slice_of(cases[i].text));

		if (ms != cases[i].ms)
			fail_msg("%s: %lld", cases[i].text, (long long)ms);
	}
}

static void
test_not_asked_by_smtp(void **state)
{
	static const char *const cases[] = { "", "*", "2.0", "x 2.0.0 Ok",
		"2.0.0x", "3.0.0 a", "user@example.com" };
	struct reply_temper t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(temper_of(cases[i], NULL, 0, &t), ERR_SYNTAX);
		assert_false(t.used);
	}
	assert_int_equal(temper_of("2.0.0", NULL, 0, &t), 0);
	assert_int_equal(temper_of("5.0.0 ", NULL, 0, &t), 0);
}

static struct shaping_rule
rule_of(const char *pattern, enum shaping_action action, int64_t for_ms)
{
	struct regex *re = NULL;

	assert_int_equal(regex_compile(slice_of(pattern), REGEX_NOCASE, &re,
			     NULL, 0),
	    0);
	return (struct shaping_rule){ re, action, for_ms };
}

static void
test_rules_of_the_filter(void **state)
{
	struct shaping_rule rules[] = {
		rule_of("mailbox busy", SHAPING_IGNORE, 0),
		rule_of("5\\.7\\.1 .*reputation", SHAPING_TRANSCODE, 0),
		rule_of("reputation", SHAPING_SUSPEND, 120000),
		rule_of("go slow", SHAPING_SLOW, 0),
		rule_of("too many", SHAPING_IGNORE, 0),
	};
	static const struct {
		struct want want;
		bool transcode;
	} cases[] = {
		{ { SAID("5.7.1", "550 5.7.1 bad Reputation"), TEMPER_SUSPEND,
		      true, 120000, "filter" },
		    true },
		{ { SAID("4.7.1", "450 4.7.1 bad reputation"), TEMPER_SUSPEND,
		      true, 120000, "filter" },
		    false },
		{ { SAID("4.7.1",
			"450 4.7.1 reputation, try again in 1 minute"),
		      TEMPER_SUSPEND, true, 60000, "filter" },
		    false },
		{ { SAID("4.7.1", "450 4.7.1 go slow, try again in 1 minute"),
		      TEMPER_SLOW, true, 0, "filter" },
		    false },
		{ { SAID("4.7.0", "421 4.7.0 too many connections"),
		      TEMPER_NEUTRAL, true, 0, "filter" },
		    false },
		{ { SAID("4.7.0", "421 4.7.0 rate limit"), TEMPER_SLOW, true, 0,
		      "rate" },
		    false },
		{ { "2.0.0 250 reputation", TEMPER_CLEAN, true, 0, "" },
		    false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct want *w = &cases[i].want;
		struct reply_temper t;

		assert_int_equal(temper_of(w->key, rules, 5, &t), 0);
		if (t.temper != w->temper || t.for_ms != w->for_ms ||
		    t.transcode != cases[i].transcode ||
		    strcmp(t.rule, w->rule) != 0)
			fail_msg("%s: %s %lld %s", w->key,
			    temper_word(t.temper), (long long)t.for_ms, t.rule);
	}
	for (size_t i = 0; i < 5; i++)
		regex_free((struct regex *)(uintptr_t)rules[i].pattern);
}

static void
test_reply(void **state)
{
	struct slice key = SLICE(SAID("4.7.0", "421 4.7.0 too many"));
	struct reply_temper t;

	(void)state;
	assert_int_equal(reply_temper(key, NULL, 0, &t), 0);
	assert_true(slice_eq(t.reply, SLICE("421 4.7.0 too many")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_of_postfix),
		cmocka_unit_test(test_providers),
		cmocka_unit_test(test_common),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_not_asked_by_smtp),
		cmocka_unit_test(test_rules_of_the_filter),
		cmocka_unit_test(test_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
