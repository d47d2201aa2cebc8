/* SPDX-License-Identifier: BSD-2-Clause */
/* Which modules are asked, in which order, and what happens between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "milter/milter.h"
#include "milter/pass.h"
#include "util/buf.h"
#include "util/err.h"

static const struct milter host = { .reinject = "inet:127.0.0.1:10589" };

/* What was called, in order. */
static struct buf calls;
static enum body_want first_want, second_want;
static enum verdict first_body, first_eom;

struct work {
	size_t octets;
};

static enum body_want
begin_first(struct message *msg, void *state)
{
	assert_int_equal(((struct work *)state)->octets, 0);
	assert_non_null(msg->states);
	(void)buf_add_text(&calls, "begin ");
	return first_want;
}

static enum verdict
body_first(struct message *msg, void *state, struct slice octets)
{
	(void)msg;
	((struct work *)state)->octets += octets.len;
	(void)buf_addf(&calls, "body:%zu ", octets.len);
	return first_body;
}

static uint64_t
treat_first(struct message *msg, void *state, const struct message_rcpt *rcpt)
{
	(void)msg;
	(void)state;
	return rcpt->address.len;
}

static enum verdict
eom_first(struct message *msg, void *state)
{
	(void)msg;
	(void)buf_addf(&calls, "eom:%zu ", ((struct work *)state)->octets);
	return first_eom;
}

static void
release_first(void *state)
{
	assert_non_null(state);
	(void)buf_add_text(&calls, "release ");
}

static enum body_want
begin_second(struct message *msg, void *state)
{
	(void)msg;
	assert_null(state);
	return second_want;
}

static enum verdict
eom_second(struct message *msg, void *state)
{
	struct slice body;

	(void)state;
	(void)buf_add_text(&calls, "second");
	if (message_kept_body(msg, &body) == 0)
		(void)buf_addf(&calls, "[%.*s]", SLICE_F(body));
	(void)buf_add_char(&calls, ' ');
	return VERDICT_NEXT;
}

static enum verdict
eom_copies(struct message *msg, void *state)
{
	(void)msg;
	(void)state;
	(void)buf_add_text(&calls, "copies ");
	return VERDICT_NEXT;
}

static const struct module first = {
	.name = "first",
	.kinds = KIND_ALL,
	.state_size = sizeof(struct work),
	.begin = begin_first,
	.body = body_first,
	.treatment = treat_first,
	.eom = eom_first,
	.release = release_first,
};
static const struct module second = {
	.name = "second",
	.kinds = KIND_FIRST,
	.begin = begin_second,
	.eom = eom_second,
};
static const struct module copies = {
	.name = "copies",
	.kinds = KIND_SPLIT | KIND_BCC,
	.eom = eom_copies,
};
/* In the place of the milter's own. */
const struct module *const milter_modules[] = { &first, &second, &copies,
	NULL };

static struct pass pass;
static struct settings *settings; /* all as it is by default */

static int
set_up(void **state)
{
	(void)state;
	buf_init(&calls, 1000);
	first_want = BODY_STREAM;
	second_want = BODY_NOT;
	first_body = first_eom = VERDICT_NEXT;
	assert_int_equal(settings_compile(NULL, 0, NULL, NULL, NULL, &settings),
	    0);
	return pass_init(&pass);
}

static int
tear_down(void **state)
{
	(void)state;
	pass_done(&pass);
	settings_unref(settings);
	buf_done(&calls);
	return 0;
}

static void
begin_message(const char *field)
{
	pass_begin(&pass);
	pass.msg.host = &host;
	pass.msg.settings = settings_ref(settings);
	pass.msg.tenant = settings_tenant(settings, SLICE("default"));
	pass.msg.queue_id = SLICE("4ZxKq03");
	assert_int_equal(message_add_rcpt(&pass.msg, SLICE("<a@x>"), true), 0);
	assert_int_equal(message_add_rcpt(&pass.msg, SLICE("<bb@x>"), true), 0);
	assert_int_equal(message_add_field(&pass.msg, slice_of(field),
			     SLICE("v")),
	    0);
}

static void
expect(const char *what)
{
	assert_string_equal(buf_text(&calls), what);
	buf_clear(&calls);
}

static void
test_order(void **state)
{
	uint64_t treatments[MILTER_MODULES_MAX];

	(void)state;
	begin_message("Subject");
	expect("");
	pass_body(&pass, SLICE("abc"));
	pass_body(&pass, SLICE("de"));
	assert_int_equal(pass_eom(&pass), VERDICT_NEXT);
	pass_treatments(&pass.msg, &pass.msg.rcpts[1], treatments);
	assert_int_equal(treatments[0], 4);
	assert_int_equal(treatments[1] + treatments[2], 0);
	pass_end(&pass);
	expect("begin body:3 body:2 eom:5 second release ");
	pass_end(&pass); /* once more is nothing */
	expect("");

	/* No body at all; and a message that is broken off. */
	begin_message("Subject");
	assert_int_equal(pass_eom(&pass), VERDICT_NEXT);
	begin_message("Subject");
	pass_body(&pass, SLICE("abc"));
	pass_end(&pass);
	expect("begin eom:0 second release begin body:3 release ");
}

static void
test_bodies(void **state)
{
	(void)state;
	first_want = BODY_NOT;
	begin_message("Subject");
	pass_body(&pass, SLICE("abc"));
	assert_null(pass.msg.body);
	assert_int_equal(pass_eom(&pass), VERDICT_NEXT);
	pass_end(&pass);
	expect("begin eom:0 second release ");

	/* One wants it whole, another in pieces. */
	first_want = BODY_STREAM;
	second_want = BODY_BUFFER;
	begin_message("Subject");
	pass_body(&pass, SLICE("abc"));
	pass_body(&pass, SLICE("de"));
	assert_int_equal(pass_eom(&pass), VERDICT_NEXT);
	pass_end(&pass);
	expect("begin body:3 body:2 eom:5 second[abcde] release ");
	assert_null(pass.msg.body);

	/* The MTA was told not to send bodies before they were wanted. */
	pass.no_body = true;
	begin_message("Subject");
	assert_int_equal(pass_eom(&pass), VERDICT_TEMPFAIL);
	assert_int_equal(pass.rc, ERR_CONFLICT);
	assert_string_equal(pass.msg.reply_dsn, "4.3.2");
	first_want = second_want = BODY_NOT;
	begin_message("Subject");
	assert_int_equal(pass_eom(&pass), VERDICT_NEXT);
	pass_end(&pass);
	expect("begin release begin eom:0 second release ");
}

static void
test_verdicts(void **state)
{
	(void)state;
	/* The first word counts; a body may say it before the end. */
	first_eom = VERDICT_REJECT;
	begin_message("Subject");
	assert_int_equal(pass_eom(&pass), VERDICT_REJECT);
	assert_string_equal(pass.msg.reply_dsn, "5.7.1");
	expect("begin eom:0 ");
	first_body = VERDICT_TEMPFAIL;
	begin_message("Subject");
	buf_clear(&calls);
	pass_body(&pass, SLICE("abc"));
	pass_body(&pass, SLICE("def"));
	assert_int_equal(pass_eom(&pass), VERDICT_TEMPFAIL);
	assert_string_equal(pass.msg.reply_dsn, "4.3.0");
	expect("begin body:3 ");

	first_body = first_eom = VERDICT_NEXT;
	begin_message("Subject");
	buf_clear(&calls);
	pass.msg.queue_id = SLICE("");
	assert_int_equal(pass_eom(&pass), VERDICT_TEMPFAIL);
	assert_string_equal(pass.msg.reply_dsn, "4.3.5");
	expect("begin ");
}

static void
test_refusals(void **state)
{
	static const struct {
		int rc;
		enum verdict verdict;
		const char *dsn;
	} cases[] = {
		{ ERR_LIMIT, VERDICT_REJECT, "5.3.4" },
		{ ERR_DENIED, VERDICT_REJECT, "5.7.1" },
		{ ERR_CANCELED, VERDICT_TEMPFAIL, "4.3.2" },
		{ ERR_CONFLICT, VERDICT_TEMPFAIL, "4.3.2" },
		{ ERR_NOMEM, VERDICT_TEMPFAIL, "4.3.0" },
		{ ERR_IO, VERDICT_TEMPFAIL, "4.3.0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin_message("Subject");
		pass.rc = cases[i].rc;
		pass_body(&pass, SLICE("abc"));
		assert_int_equal(pass_eom(&pass), cases[i].verdict);
		assert_string_equal(pass.msg.reply_dsn, cases[i].dsn);
		pass_end(&pass);
	}
	expect(""); /* no module was asked */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bodies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_verdicts, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_refusals, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
