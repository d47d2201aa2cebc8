/* SPDX-License-Identifier: BSD-2-Clause */
/* Postfix's log lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/postfix_log.h"

#define NOW 1795417200 /* 2026-11-23 07:00:00 UTC */
#define S "Nov 23 07:00:01 mx postfix/smtp[42]: "
#define ID "4TkXYZ0abcz1"

/* want: "KIND|queue id|sender|recipient|original|relay|dsn|result|text" */
static const struct {
	const char *name, *line, *want;
} cases[] = {
	{ "a delivery",
	    S ID
	    ": to=<a@b.example>, relay=mx.b.example[192.0.2.1]:25, delay=1.2, "
	    "delays=0.1/0/1/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok)",
	    "D|" ID "||a@b.example||mx.b.example[192.0.2.1]:25|2.0.0|0|250 "
	    "2.0.0 Ok" },
	{ "an address that was rewritten, a connection used again",
	    S ID
	    ": to=<x@y>, orig_to=<root>, relay=local, conn_use=3, "
	    "delay=0, delays=0/0/0/0, dsn=4.2.2, status=deferred (a (b) c)",
	    "D|" ID "||x@y|root|local|4.2.2|1|a (b) c" },
	{ "a short queue id and a soft bounce",
	    S "A1B2C3D4: to=<x@y>, relay=none, delay=0, delays=0/0/0/0, "
	      "dsn=5.0.0, status=SOFTBOUNCE (no)",
	    "D|A1B2C3D4||x@y||none|5.0.0|1|no" },
	{ "a quoted local part can not forge fields",
	    S ID
	    ": to=<\"a>, relay=none, \\\"dsn=2.0.0, status=sent (x)\"@b>, "
	    "relay=r, delay=0, delays=0/0/0/0, dsn=5.1.1, status=bounced (y)",
	    "D|" ID "||\"a>, relay=none, \\\"dsn=2.0.0, status=sent "
	    "(x)\"@b||r|5.1.1|2|y" },
	{ "a reply text can not forge fields",
	    S ID ": to=<a@b>, relay=r, delay=0, delays=0/0/0/0, dsn=5.1.1, "
		 "status=bounced (no), dsn=2.0.0, status=sent (yes)",
	    "D|" ID "||a@b||r|5.1.1|2|no), dsn=2.0.0, status=sent (yes" },
	{ "a text that syslog cut",
	    S ID ": to=<a@b>, relay=r, delay=0, delays=0/0/0/0, dsn=5.1.1, "
		 "status=bounced (host said",
	    "D|" ID "||a@b||r|5.1.1|2|host said" },
	{ "an empty text",
	    S ID ": to=<a@b>, relay=r, delay=0, delays=0/0/0/0, dsn=2.0.0, "
		 "status=sent ()",
	    "D|" ID "||a@b||r|2.0.0|0|" },
	{ "a probe is no mail",
	    S ID ": to=<a@b>, relay=r, delay=0, delays=0/0/0/0, dsn=5.1.1, "
		 "status=undeliverable (x)",
	    NULL },
	{ "queued",
	    "Nov 23 07:00:01 mx postfix/qmgr[1]: " ID
	    ": from=<s@e>, size=100, nrcpt=2 (queue active)",
	    "Q|" ID "|s@e||||||" },
	{ "the null sender",
	    "Nov 23 07:00:01 mx postfix/qmgr[1]: " ID
	    ": from=<>, size=100, nrcpt=2 (queue active)",
	    "Q|" ID "|||||||" },
	{ "held by a milter",
	    "Nov 23 07:00:01 mx postfix/cleanup[1]: " ID
	    ": milter-hold: END-OF-MESSAGE from app.test[192.0.2.9]: milter "
	    "triggers HOLD action; from=<s@e> to=<a@b> proto=ESMTP "
	    "helo=<app.test>",
	    "Q|" ID "|s@e||||||" },
	{ "held by a milter, from nobody at an IPv6 address",
	    "Nov 23 07:00:01 mx postfix/cleanup[1]: " ID
	    ": milter-hold: END-OF-MESSAGE from unknown[2001:db8::1]: milter "
	    "triggers HOLD action; from=<> to=<a@b> proto=SMTP helo=<]: x>",
	    "Q|" ID "|||||||" },
	{ "held by a milter, whose reason is told",
	    "Nov 23 07:00:01 mx postfix/cleanup[1]: " ID
	    ": milter-hold: END-OF-MESSAGE from a[192.0.2.9]: prohibited time "
	    "night until 2026-11-23T21:12:00.000Z; from=<s@e> to=<a@b> "
	    "proto=ESMTP helo=<a>",
	    "Q|" ID "|s@e||||||" },
	{ "held at another place",
	    "Nov 23 07:00:01 mx postfix/cleanup[1]: " ID
	    ": milter-hold: RCPT from a[192.0.2.9]: milter triggers HOLD "
	    "action; from=<s@e> to=<a@b> proto=ESMTP helo=<a>",
	    NULL },
	{ "held, says somebody else",
	    "Nov 23 07:00:01 mx postfix/smtpd[1]: " ID
	    ": milter-hold: END-OF-MESSAGE from a[192.0.2.9]: milter triggers "
	    "HOLD action; from=<s@e> to=<a@b> proto=ESMTP helo=<a>",
	    NULL },
	{ "refused by a milter",
	    "Nov 23 07:00:01 mx postfix/cleanup[1]: " ID
	    ": milter-reject: END-OF-MESSAGE from a[192.0.2.9]: 4.7.1 milter "
	    "triggers HOLD action; from=<s@e> to=<a@b> proto=ESMTP helo=<a>",
	    NULL },
	{ "expired",
	    "Nov 23 07:00:01 mx postfix/qmgr[1]: " ID
	    ": from=<s@e>, status=expired, returned to sender",
	    "E|" ID "|s@e||||||" },
	{ "expired by hand",
	    "Nov 23 07:00:01 mx postfix/qmgr[1]: " ID
	    ": from=<s@e>, status=force-expired, returned to sender",
	    "E|" ID "|s@e||||||" },
	{ "removed", "Nov 23 07:00:01 mx postfix/qmgr[1]: " ID ": removed",
	    "R|" ID "|||||||" },
	{ "removed by postsuper",
	    "Nov 23 07:00:01 mx postfix-out/postsuper[1]: " ID ": removed",
	    "R|" ID "|||||||" },
	{ "removed, says somebody else",
	    "Nov 23 07:00:01 mx postfix/smtpd[1]: " ID ": removed", NULL },
	{ "from=, says pickup",
	    "Nov 23 07:00:01 mx postfix/pickup[1]: " ID
	    ": uid=0 from=<root>, size=1",
	    NULL },
	{ "RFC 3339, an instance and a service name",
	    "2026-11-23T16:00:01.000000+09:00 mx postfix-out/relay/smtp[9]: " ID
	    ": to=<a@b>, relay=r, delay=0, delays=0/0/0/0, dsn=2.0.0, "
	    "status=sent (x)",
	    "D|" ID "||a@b||r|2.0.0|0|x" },
	{ "RFC 3339 in UTC",
	    "2026-11-23T07:00:01Z mx postfix/qmgr[9]: " ID ": removed",
	    "R|" ID "|||||||" },
	{ "nothing", "", NULL },
	{ "a stamp only", "Nov 23 07:00:01", NULL },
	{ "no message", "Nov 23 07:00:01 mx postfix/smtp[1]:", NULL },
	{ "NOQUEUE",
	    "Nov 23 07:00:01 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT",
	    NULL },
	{ "another program", "Nov 23 07:00:01 mx sshd[1]: " ID ": removed",
	    NULL },
	{ "no month", "Nix 23 07:00:01 mx postfix/qmgr[1]: " ID ": removed",
	    NULL },
	{ "the 30th of February",
	    "Feb 30 07:00:01 mx postfix/qmgr[1]: " ID ": removed", NULL },
	{ "an unfinished address", S ID ": to=<\"a@b, relay=x", NULL },
	{ "an address that ends in a backslash", S ID ": to=<\"a\\", NULL },
};

static void
check(const char *name, struct slice line, const char *want)
{
	struct postfix_log_clock clock;
	struct postfix_log l;
	char got[512];

	postfix_log_clock_init(&clock, NOW);
	bool found = postfix_log_parse(line, &clock, &l);
	if (found != (want != NULL))
		fail_msg("%s: found %d", name, found);
	if (!found)
		return;
	(void)snprintf(got, sizeof(got),
	    "%c|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.0d|%.*s", "QDER"[l.kind],
	    SLICE_F(l.queue_id), SLICE_F(l.sender), SLICE_F(l.recipient),
	    SLICE_F(l.original), SLICE_F(l.relay), SLICE_F(l.dsn),
	    (int)l.result, SLICE_F(l.text));
	if (l.kind == POSTFIX_LOG_DELIVERY && l.result == POSTFIX_SENT) {
		(void)snprintf(got, sizeof(got),
		    "D|%.*s||%.*s|%.*s|%.*s|%.*s|0|%.*s", SLICE_F(l.queue_id),
		    SLICE_F(l.recipient), SLICE_F(l.original), SLICE_F(l.relay),
		    SLICE_F(l.dsn), SLICE_F(l.text));
	}
	if (strcmp(got, want) != 0)
		fail_msg("%s: %s", name, got);
	if (l.at_ms != (int64_t)(NOW + 1) * 1000)
		fail_msg("%s: at %lld", name, (long long)l.at_ms);
}

static void
test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = strlen(cases[i].line);
		char *exact = malloc(len + !len);

		assert_non_null(exact);
		memcpy(exact, cases[i].line, len);
		check(cases[i].name, (struct slice){ exact, len },
		    cases[i].want);
		free(exact);
	}
}

/* Every beginning of every line: no overread, no crash. */
static void
test_cut(void **state)
{
	struct postfix_log_clock clock;
	struct postfix_log l;

	(void)state;
	postfix_log_clock_init(&clock, NOW);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t n = 1; n < strlen(cases[i].line); n++) {
			char *exact = malloc(n);

			assert_non_null(exact);
			memcpy(exact, cases[i].line, n);
			(void)postfix_log_parse((struct slice){ exact, n },
			    &clock, &l);
			free(exact);
		}
}

static void
test_year(void **state)
{
	static const struct {
		int64_t now;
		const char *stamp;
		int64_t want;
	} years[] = {
		{ NOW, "Nov 23 07:00:00", NOW },
		{ NOW, "Nov 24 06:59:59", NOW + 86399 }, /* a clock ahead */
		{ NOW, "Nov 25 07:00:00", NOW + 2 * 86400 - 365 * 86400 },
		{ NOW, "Dec 31 23:59:59", 1767225599 },
		{ 1767225600, "Dec 31 23:59:59", 1767225599 }, /* New Year */
		{ 1767225600, "Jan  1 00:00:00", 1767225600 },
		{ NOW, "Feb 29 00:00:00", 1709164800 }, /* 2024 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(years) / sizeof(*years); i++) {
		struct postfix_log_clock clock;
		struct postfix_log l;
		char line[128];

		postfix_log_clock_init(&clock, years[i].now);
		(void)snprintf(line, sizeof(line),
		    "%s h postfix/qmgr[1]: ABCDEF: removed", years[i].stamp);
		assert_true(postfix_log_parse(slice_of(line), &clock, &l));
		if (l.at_ms != years[i].want * 1000)
			fail_msg("%s: %lld", years[i].stamp,
			    (long long)l.at_ms);
	}
}

static void
test_tag(void **state)
{
	struct slice names = SLICE("postfix, postfix-out");

	(void)state;
	assert_true(postfix_log_tag_in(SLICE("postfix/smtp"), names));
	assert_true(postfix_log_tag_in(SLICE("postfix-out/a/smtp"), names));
	assert_false(postfix_log_tag_in(SLICE("postfix-in/smtp"), names));
	assert_false(postfix_log_tag_in(SLICE("postfix"), names));
	assert_false(postfix_log_tag_in(SLICE("post/smtp"), SLICE("")));
}

static void
test_remote(void **state)
{
	static const struct {
		const char *text, *want, *stage;
	} t[] = {
		{ "host mx[192.0.2.1] said: 550 5.1.1 <a>: no (x) (in reply "
		  "to RCPT TO command)",
		    "550 5.1.1 <a>: no (x)", "RCPT TO" },
		{ "host mx[192.0.2.1] refused to talk to me: 421 busy",
		    "421 busy", "" },
		{ "host m[::1] said: 550 he said: (in reply to x) no (in reply "
		  "to end of DATA command)",
		    "550 he said: (in reply to x) no", "end of DATA" },
		{ "connect to mx[192.0.2.1]:25: Connection refused",
		    "connect to mx[192.0.2.1]:25: Connection refused", "" },
		{ "delivery temporarily suspended: host a[1] said: 450 later",
		    "450 later", "" },
		{ "", "", "" },
		{ "unknown user: \"x said: y\"", "unknown user: \"x said: y\"",
		    "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct slice stage;
		struct slice got =
		    postfix_log_remote(slice_of(t[i].text), &stage);

		if (!slice_eq(got, slice_of(t[i].want)) ||
		    !slice_eq(stage, slice_of(t[i].stage)))
			fail_msg("%s: %.*s|%.*s", t[i].text, SLICE_F(got),
			    SLICE_F(stage));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_year),
		cmocka_unit_test(test_tag),
		cmocka_unit_test(test_remote),
	};

	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
