/* SPDX-License-Identifier: BSD-2-Clause */
/* Which message a mail is about: the order of trust, and what is forged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bounced/correlate.h"
#include "proto/address.h"
#include "proto/returned_names.h"
#include "util/arena.h"
#include "util/err.h"

#define NOW 1795411200
#define DAY 86400

static const struct correlate_keys keys = { { 1 }, { 2 } };
static const struct correlate_keys others = { { 3 }, { 4 } };

/* Words that name messages Q..., each in a room of its own. */
static char rooms[16][TRACE_VALUE_MAX + 1];
static unsigned used;

static const char *
kept(struct slice s)
{
	char *room = rooms[used++ % 16];

	memcpy(room, s.at, s.len);
	room[s.len] = '\0';
	return room;
}

static const char *
verp(const struct correlate_keys *k, const char *queue_id, int64_t sent_s)
{
	const struct verp_tag tag = { .host = 7,
		.sent_s = sent_s,
		.queue_id = slice_of(queue_id) };
	char room[VERP_LOCAL_MAX];
	struct slice local;

	assert_int_equal(verp_format(k->verp, &tag, room, &local), 0);
	return kept(local);
}

static const char *
trace(const struct correlate_keys *k, const char *queue_id, bool single)
{
	const struct trace_tag tag = {
		.message = { .host = 7,
		    .sent_s = NOW,
		    .queue_id = slice_of(queue_id) },
		.single = single,
		.recipient = { 5 },
	};
	char room[TRACE_VALUE_MAX];
	struct slice value;

	assert_int_equal(trace_format(k->trace, &tag, room, &value), 0);
	return kept(value);
}

struct mail {
	char text[4000];
};

/* A DSN with an envelope id and fields of the returned message. */
static struct mail
mail_of(const char *envelope_id, const char *fields, const char *text)
{
	struct mail m;

	(void)snprintf(m.text, sizeof(m.text),
	    "From: MAILER-DAEMON@far.test\nSubject: failure notice\n"
	    "X-Postern-Ref: %s\n"
	    "Content-Type: multipart/report; boundary=b;\n"
	    " report-type=delivery-status\n\n"
	    "--b\n\n%s\n--b\nContent-Type: message/delivery-status\n\n"
	    "Reporting-MTA: dns; far.test\n%s%s\n\n"
	    "Final-Recipient: rfc822; a@far.test\nAction: failed\n"
	    "Status: 5.1.1\n\n--b\nContent-Type: text/rfc822-headers\n\n"
	    "%s\n\n--b--\n",
	    trace(&keys, "OWN", false), text,
	    envelope_id[0] != '\0' ? "Original-Envelope-Id: " : "", envelope_id,
	    fields);
	return m;
}

/* "Q by", or what is wrong. */
static const char *
look(const char *local, const struct mail *m)
{
	static char out[100];
	struct arena *arena = arena_new(1 << 20);
	struct bounce_mail mail;
	struct correlated found;
	int rc;

	assert_non_null(arena);
	assert_int_equal(bounce_mail_read(slice_of(m->text), NULL, arena,
			     &mail),
	    0);
	rc = correlate(&keys, slice_of(local), &mail, NOW, 15 * DAY, &found);
	if (rc == 0)
		(void)snprintf(out, sizeof(out), "%.*s %s%s",
		    SLICE_F(found.tag.queue_id), found.by,
		    found.single ? " single" : "");
	else
		(void)snprintf(out, sizeof(out), "%s",
		    rc == ERR_NOTFOUND ? "nothing"
		    : rc == ERR_DENIED ? "old"
				       : "forged");
	arena_free(arena);
	return out;
}

static const char *
field(const char *name, const char *value)
{
	char text[300];

	(void)snprintf(text, sizeof(text), "%s: %s\n", name, value);
	return kept(slice_of(text));
}

static void
test_order(void **state)
{
	const char *q1 = verp(&keys, "Q1", NOW), *q2 = verp(&keys, "Q2", NOW);
	const char *ref = field("X-Postern-Ref", trace(&keys, "Q3", true));
	char sender[200];
	struct mail m;

	(void)state;
	(void)snprintf(sender, sizeof(sender), "Return-Path: <%s@r.test>\n",
	    verp(&keys, "Q4", NOW));
	m = mail_of(q2, ref, "");
	assert_string_equal(look(q1, &m), "Q1 return-path");
	assert_string_equal(look("owner", &m), "Q2 envelope-id");
	m = mail_of("", ref, "");
	assert_string_equal(look("owner", &m), "Q3 reference single");
	/* Another's envelope id is no reason to doubt. */
	m = mail_of("QQ0123", ref, "");
	assert_string_equal(look("owner", &m), "Q3 reference single");
	m = mail_of("", sender, "");
	assert_string_equal(look("owner", &m), "Q4 returned-path");
	m = mail_of("", "", "");
	/* Its own header names itself, not what it is about. */
	assert_string_equal(look("owner", &m), "nothing");
	/* The reference of the same message adds whom it was for. */
	m = mail_of("", field("X-Postern-Ref", trace(&keys, "Q1", true)), "");
	assert_string_equal(look(q1, &m), "Q1 return-path single");
	m = mail_of("", ref, "");
	assert_string_equal(look(q1, &m), "Q1 return-path");
}

static void
test_forged(void **state)
{
	const char *bad = trace(&others, "Q3", true);
	char two[400];
	struct mail m = mail_of("", field("X-Postern-Ref", bad), "");

	(void)state;
	assert_string_equal(look("owner", &m), "forged");
	assert_string_equal(look(verp(&others, "Q1", NOW), &m), "forged");
	assert_string_equal(look(verp(&keys, "Q1", NOW - 16 * DAY), &m), "old");
	/* A good name does not help a bad address; */
	m = mail_of("", field("X-Postern-Ref", trace(&keys, "Q3", false)), "");
	assert_string_equal(look(verp(&others, "Q1", NOW), &m), "forged");
	/* but what another Postern has added does not harm. */
	(void)snprintf(two, sizeof(two), "%s%s", field("X-Postern-Ref", bad),
	    field("X-Postern-Ref", trace(&keys, "Q3", false)));
	m = mail_of("", two, "");
	assert_string_equal(look("owner", &m), "Q3 reference");
	m = mail_of(verp(&others, "Q1", NOW), "", "");
	assert_string_equal(look("owner", &m), "forged");
}

/* As a person, or a mail system of old, quotes it. */
static void
test_quoted(void **state)
{
	const char *good = trace(&keys, "Q5", false);
	static const char *const forms[] = {
		"> X-Postern-Ref: %s\n",
		">> X-POSTERN-REF: %s\r\n",
		" | X-Postern-Ref: %s \n",
		"> X-Postern-Ref:\n>  %s\n",
		"CFBL-Feedback-ID: %s\n",
		"   --- header ---\n\nX-Postern-Ref: %s\nTo: a@far.test\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char text[300];
		struct mail m;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(text, sizeof(text), forms[i], good);
#pragma GCC diagnostic pop
		m = mail_of("", "", text);
		assert_string_equal(look("owner", &m), "Q5 reference");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
