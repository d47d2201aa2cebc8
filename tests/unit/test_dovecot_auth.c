/* SPDX-License-Identifier: BSD-2-Clause */
/* Dovecot's authentication protocol, and the mechanisms behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/dovecot_auth.h"
#include "proto/sasl.h"
#include "util/err.h"

#define IN(text) SLICE(text)
static const struct {
	struct slice in;
	int rc; /* 1: the whole line */
	enum dovecot_command command;
	uint32_t id;
	const char *mechanism, *client, *port, *response;
	bool secured;
} cases[] = {
	{ IN("VERSION\t1\t1\n"), 1, DOVECOT_VERSION, 0, 0, 0, 0, 0, false },
	{ IN("VERSION\t1\n"), ERR_SYNTAX, 0, 0, 0, 0, 0, 0, false },
	{ IN("VERSION\tx\t1\n"), ERR_SYNTAX, 0, 0, 0, 0, 0, 0, false },
	{ IN("CPID\t4711\n"), 1, DOVECOT_CPID, 4711, 0, 0, 0, 0, false },
	{ IN("CPID\n"), ERR_SYNTAX, 0, 0, 0, 0, 0, 0, false },
	/* As Postfix writes it. */
	{ IN("AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.25\t"
	     "rip=192.0.2.1\tsecured\tresp=AGEAYg==\n"),
	    1, DOVECOT_AUTH, 1, "PLAIN", "192.0.2.1", NULL, "AGEAYg==", true },
	{ IN("AUTH\t2\tLOGIN\tservice=smtp\tnologin\tlip=\trip=2001:db8::1\n"),
	    1, DOVECOT_AUTH, 2, "LOGIN", "2001:db8::1", NULL, NULL, false },
	{ IN("AUTH\t3\tPLAIN\tlport=587\trip=a\trip=b\tsecured=tls\tno=1\n"), 1,
	    DOVECOT_AUTH, 3, "PLAIN", "a", "587", NULL, true },
	{ IN("AUTH\t3\tPLAIN\tresp=\n"), 1, DOVECOT_AUTH, 3, "PLAIN", NULL,
	    NULL, "", false },
	{ IN("AUTH\t3\n"), ERR_SYNTAX, 0, 0, 0, 0, 0, 0, false },
	{ IN("AUTH\t3\t\n"), ERR_SYNTAX, 0, 0, 0, 0, 0, 0, false },
	{ IN("AUTH\t-1\tPLAIN\n"), ERR_SYNTAX, 0, 0, 0, 0, 0, 0, false },
	{ IN("AUTH\t4294967296\tPLAIN\n"), ERR_SYNTAX, 0, 0, 0, 0, 0, 0,
	    false },
	{ IN("CONT\t7\tYWJj\n"), 1, DOVECOT_CONT, 7, 0, 0, 0, "YWJj", false },
	{ IN("CONT\t7\t\n"), 1, DOVECOT_CONT, 7, 0, 0, 0, "", false },
	{ IN("CONT\t7\n"), ERR_SYNTAX, 0, 0, 0, 0, 0, 0, false },
	{ IN("CANCEL\t7\n"), 1, DOVECOT_CANCEL, 7, 0, 0, 0, 0, false },
	{ IN("WHAT\tever\n"), 1, DOVECOT_OTHER, 0, 0, 0, 0, 0, false },
	{ IN("\n"), 1, DOVECOT_OTHER, 0, 0, 0, 0, 0, false },
	{ IN("CANCEL\t7\0\n"), ERR_SYNTAX, 0, 0, 0, 0, 0, 0, false },
	{ IN("AUTH\t1\tPLAIN"), 0, 0, 0, 0, 0, 0, 0, false },
	{ IN(""), 0, 0, 0, 0, 0, 0, 0, false },
};

static void
same(struct slice got, const char *want)
{
	if (want == NULL)
		assert_null(got.at);
	else
		assert_true(got.at != NULL && slice_eq(got, slice_of(want)));
}

/* Each case in a block of its exact length. */
static void
test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dovecot_line line = { .id = 0 };
		size_t len = cases[i].in.len;
		char *exact = malloc(len + !len);

		assert_non_null(exact);
		memcpy(exact, cases[i].in.at, len);
		ssize_t n = dovecot_parse(exact, len, &line);

		assert_int_equal(n,
		    cases[i].rc == 1 ? (ssize_t)len : cases[i].rc);
		if (n > 0) {
			assert_int_equal(line.command, cases[i].command);
			assert_int_equal(line.id, cases[i].id);
			same(line.mechanism, cases[i].mechanism);
			same(line.client, cases[i].client);
			same(line.server_port, cases[i].port);
			same(line.response, cases[i].response);
			assert_int_equal(line.secured, cases[i].secured);
		}
		free(exact);
	}
}

/* However the stream is cut: nothing before the line is whole. */
static void
test_splits(void **state)
{
	struct slice all = SLICE("VERSION\t1\t0\nCPID\t9\n"
				 "AUTH\t1\tLOGIN\trip=::1\nCONT\t1\tYQ==\n");

	(void)state;
	for (size_t cut = 0; cut <= all.len; cut++) {
		unsigned lines = 0;
		size_t from = 0;

		for (unsigned part = 0; part < 2; part++) {
			size_t to = part == 0 ? cut : all.len;
			struct dovecot_line line;
			ssize_t n;

			while ((n = dovecot_parse(all.at + from, to - from,
				    &line)) > 0) {
				from += (size_t)n;
				lines++;
			}
			assert_int_equal(n, 0);
		}
		assert_int_equal(lines, 4);
		assert_int_equal(from, all.len);
	}
}

static void
test_long_line(void **state)
{
	char *at = malloc(DOVECOT_LINE_MAX + 1);
	struct dovecot_line line;

	(void)state;
	assert_non_null(at);
	memset(at, 'a', DOVECOT_LINE_MAX + 1);
	assert_int_equal(dovecot_parse(at, DOVECOT_LINE_MAX - 1, &line), 0);
	assert_int_equal(dovecot_parse(at, DOVECOT_LINE_MAX, &line), ERR_LIMIT);
	at[DOVECOT_LINE_MAX] = '\n';
	assert_int_equal(dovecot_parse(at, DOVECOT_LINE_MAX + 1, &line),
	    ERR_LIMIT);
	at[DOVECOT_LINE_MAX - 1] = '\n';
	assert_int_equal(dovecot_parse(at, DOVECOT_LINE_MAX + 1, &line),
	    DOVECOT_LINE_MAX);
	free(at);
}

static void
test_replies(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(dovecot_greet(&out, RELAY_PLAIN | RELAY_LOGIN, 12, 3,
			     "00112233445566778899aabbccddeeff"),
	    0);
	assert_string_equal(buf_text(&out),
	    "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\n"
	    "SPID\t12\nCUID\t3\nCOOKIE\t00112233445566778899aabbccddeeff\n"
	    "DONE\n");
	buf_clear(&out);
	assert_int_equal(dovecot_continue(&out, 5, SLICE("")), 0);
	assert_int_equal(dovecot_ok(&out, 5, SLICE("a@b")), 0);
	assert_int_equal(dovecot_fail(&out, 6, SLICE("a@b"), SLICE("no")), 0);
	assert_int_equal(dovecot_fail(&out, 7, (struct slice){ NULL, 0 },
			     SLICE("no")),
	    0);
	assert_string_equal(buf_text(&out),
	    "CONT\t5\t\nOK\t5\tuser=a@b\nFAIL\t6\tuser=a@b\treason=no\n"
	    "FAIL\t7\treason=no\n");
	assert_int_equal(dovecot_ok(&out, 5, SLICE("a\tb")), ERR_SYNTAX);
	assert_int_equal(dovecot_ok(&out, 5, SLICE("")), ERR_SYNTAX);
	assert_int_equal(dovecot_fail(&out, 5, SLICE("a\nb"), SLICE("")),
	    ERR_SYNTAX);
	buf_done(&out);
}

struct turn {
	const char *mechanism;
	const char *responses[3]; /* NULL: no (initial) response */
	enum sasl_step steps[3];
	const char *name, *password;
};
static const struct turn turns[] = {
	/* "\0a@b\0secret" */
	{ "PLAIN", { "AGFAYgBzZWNyZXQ=" }, { SASL_READY }, "a@b", "secret" },
	{ "plain", { NULL, "AGFAYgBzZWNyZXQ=" }, { SASL_MORE, SASL_READY },
	    "a@b", "secret" },
	/* "A@b\0a@b\0secret": the same user; "x\0a@b\0secret": not */
	{ "PLAIN", { "QUBiAGFAYgBzZWNyZXQ=" }, { SASL_READY }, "a@b",
	    "secret" },
	{ "PLAIN", { "eABhQGIAc2VjcmV0" }, { SASL_BAD }, 0, 0 },
	/* "\0a@b\0", "\0\0b", "a@b\0b", "\0a\0b\0c" */
	{ "PLAIN", { "AGFAYgA=" }, { SASL_BAD }, 0, 0 },
	{ "PLAIN", { "AABi" }, { SASL_BAD }, 0, 0 },
	{ "PLAIN", { "YUBiAGI=" }, { SASL_BAD }, 0, 0 },
	{ "PLAIN", { "AGEAYgBj" }, { SASL_BAD }, 0, 0 },
	/* "\0a\tb\0secret" */
	{ "PLAIN", { "AGEJYgBzZWNyZXQ=" }, { SASL_BAD }, 0, 0 },
	{ "PLAIN", { "=" }, { SASL_BAD }, 0, 0 },
	{ "PLAIN", { "" }, { SASL_BAD }, 0, 0 },
	{ "PLAIN", { "****" }, { SASL_BAD }, 0, 0 },
	{ "LOGIN", { NULL, "YUBi", "c2VjcmV0" },
	    { SASL_MORE, SASL_MORE, SASL_READY }, "a@b", "secret" },
	{ "LOGIN", { "YUBi", "c2VjcmV0" }, { SASL_MORE, SASL_READY }, "a@b",
	    "secret" },
	{ "LOGIN", { NULL, "YUBi", "=" }, { SASL_MORE, SASL_MORE, SASL_BAD }, 0,
	    0 },
	{ "LOGIN", { NULL, "=" }, { SASL_MORE, SASL_BAD }, 0, 0 },
};

static void
test_mechanisms(void **state)
{
	(void)state;
	assert_int_equal(sasl_mechanism(SLICE("CRAM-MD5")), 0);
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		const struct turn *t = &turns[i];
		struct sasl_exchange x;
		enum sasl_step step = SASL_MORE;
		unsigned mechanism = sasl_mechanism(slice_of(t->mechanism));

		sasl_begin(&x, (enum relay_mechanism)mechanism);
		for (size_t n = 0; step == SASL_MORE; n++) {
			struct slice challenge = { NULL, 0 };

			step = sasl_next(&x, slice_of(t->responses[n]),
			    &challenge);
			if (step != t->steps[n])
				fail_msg("turn %zu.%zu: %d", i, n, (int)step);
			if (step == SASL_MORE)
				assert_non_null(challenge.at);
		}
		if (step == SASL_READY) {
			same((struct slice){ x.name, x.name_len }, t->name);
			same((struct slice){ x.password, x.password_len },
			    t->password);
		}
		sasl_end(&x);
		assert_int_equal(x.password[0], 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_mechanisms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
