/* SPDX-License-Identifier: BSD-2-Clause */
/* Forwarding: who gets a message by which rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "milter/milter.h"
#include "milter/module.h"
#include "proto/json.h"
#include "proto/settings.h"

static const struct milter host = { .host_name = SLICE("mta1") };

#define RULE(name, header, pattern, to, mode) \
	"{\"name\":\"" name "\",\"header\":\"" header \
	"\",\"pattern\":\"" pattern "\",\"to\":\"" to "\",\"mode\":\"" mode \
	"\"}"

static const struct {
	const char *name, *rules;
	const char *rcpts[4]; /* as they come */
	const char *left;     /* as it goes; what is added with ORCPT */
	const char *notes;
} cases[] = {
	{ "no rules", "", { "a@x.example" }, "a@x.example ", NULL },
	{ "a copy",
	    RULE("audit", "Subject", ".*caf\303\251.*", "z@y.example", "copy"),
	    { "a@x.example", "b@x.example" },
	    "a@x.example b@x.example +z@y.example ", "forward audit" },
	{ "no match",
	    RULE("audit", "Subject", "caf\303\251", "z@y.example", "copy"),
	    { "a@x.example" }, "a@x.example ", NULL },
	{ "no such field",
	    RULE("audit", "X-None", ".*", "z@y.example", "redirect"),
	    { "a@x.example" }, "a@x.example ", NULL },
	{ "a copy to who gets it anyway",
	    RULE("audit", "Subject", ".*", "b@x.example", "copy"),
	    { "a@x.example", "b@x.example" }, "a@x.example b@x.example ",
	    "forward audit" },
	{ "instead of one",
	    RULE("test", "Subject", ".*", "z@y.example", "redirect"),
	    { "<A@x.example>" }, "+z@y.example(a@x.example) ", "forward test" },
	{ "instead of all",
	    RULE("test", "Subject", ".*", "z@y.example", "redirect"),
	    { "a@x.example", "b@x.example" }, "+z@y.example ", "forward test" },
	{ "instead, and it is one of them",
	    RULE("test", "Subject", ".*", "b@x.example", "redirect"),
	    { "a@x.example", "b@x.example" }, "b@x.example ", "forward test" },
	{ "only it: nothing to do",
	    RULE("test", "Subject", ".*", "a@x.example", "redirect"),
	    { "a@x.example" }, "a@x.example ", NULL },
	{ "instead of those that match",
	    RULE("part", "To", ".+@X\\\\.example", "z@y.example", "redirect"),
	    { "a@x.example", "b@w.example", "c@x.example" },
	    "b@w.example +z@y.example ", "forward part" },
	{ "one that matches",
	    RULE("part", "To", "a@.*", "z@y.example", "redirect"),
	    { "a@x.example", "b@w.example" },
	    "b@w.example +z@y.example(a@x.example) ", "forward part" },
	{ "a copy for one of them",
	    RULE("part", "to", "b@.*", "z@y.example", "copy"),
	    { "a@x.example", "b@w.example" },
	    "a@x.example b@w.example +z@y.example ", "forward part" },
	{ "the To field does not count",
	    RULE("part", "To", "header@.*", "z@y.example", "copy"),
	    { "a@x.example" }, "a@x.example ", NULL },
	{ "the first that redirects has it",
	    RULE("one", "To", "a@.*", "y@y.example", "redirect") "," RULE("two",
		"Subject", ".*", "z@y.example", "redirect"),
	    { "a@x.example", "b@x.example" },
	    "+y@y.example(a@x.example) +z@y.example(b@x.example) ",
	    "forward one,two" },
	{ "no rule acts on what another one added",
	    RULE("one", "Subject", ".*", "y@y.example",
		"redirect") "," RULE("two", "To", "y@.*", "z@y.example",
		"redirect"),
	    { "a@x.example" }, "+y@y.example(a@x.example) ", "forward one" },
	{ "each looks at the message as it came",
	    RULE("one", "Subject", ".*", "y@y.example",
		"redirect") "," RULE("two", "To", "a@.*", "z@y.example",
		"copy"),
	    { "a@x.example" }, "+y@y.example(a@x.example) +z@y.example ",
	    "forward one,two" },
	{ "both to the same",
	    RULE("one", "Subject", ".*", "z@y.example", "copy") "," RULE("two",
		"To", ".*", "z@y.example", "copy"),
	    { "a@x.example" }, "a@x.example +z@y.example ", "forward one,two" },
	{ "suppressed ones do not count",
	    RULE("one", "To", "blocked@.*", "z@y.example", "redirect"),
	    { "blocked@x.example", "b@x.example" }, "b@x.example ", NULL },
	{ "not even as the address",
	    RULE("one", "Subject", ".*", "blocked@x.example", "copy"),
	    { "blocked@x.example", "b@x.example" }, "b@x.example ",
	    "forward one" },
	{ "nobody is left", RULE("one", "Subject", ".*", "z@y.example", "copy"),
	    { "blocked@x.example" }, "", NULL },
};

static struct settings *
settings_with(const char *rules)
{
	struct json *doc = NULL;
	struct settings *s = NULL;
	char text[4000], error[200] = "";

	(void)snprintf(text, sizeof(text),
	    "{\"suppression\":{\"mode\":\"off\"},\"forwarding\":[%s]}", rules);
	if (json_parse(slice_of(text), sizeof(text), &doc, error,
		sizeof(error)) < 0)
		fail_msg("%s: %s", text, error);
	struct settings_input in = { SLICE("default"), 1, doc };
	assert_int_equal(settings_compile(&in, 1, NULL, NULL, NULL, &s), 0);
	json_free(doc);
	return s;
}

static void
begin(struct message *msg, const char *rules)
{
	assert_int_equal(message_init(msg), 0);
	msg->host = &host;
	msg->settings = settings_with(rules);
	msg->tenant = settings_tenant(msg->settings, SLICE("default"));
	msg->queue_id = SLICE("4ZxKq03");
	assert_int_equal(message_add_field(msg, SLICE("Subject"),
			     SLICE(" =?ISO-8859-1?Q?A_caf=E9?=\n here")),
	    0);
	assert_int_equal(message_add_field(msg, SLICE("To"),
			     SLICE(" header@x.example")),
	    0);
}

static void
print_left(const struct message *msg, struct buf *out)
{
	for (size_t i = 0; i < msg->rcpt_count; i++) {
		const struct message_rcpt *r = &msg->rcpts[i];

		if (r->fate != RCPT_GOES)
			continue;
		(void)buf_add_text(out, r->added ? "+" : "");
		(void)buf_add_slice(out, r->address);
		if (r->orcpt.at != NULL)
			(void)buf_addf(out, "(%.*s)", SLICE_F(r->orcpt));
		(void)buf_add_char(out, ' ');
	}
}

static void
test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct message msg;
		struct buf out;

		print_message("# %s\n", cases[i].name);
		begin(&msg, cases[i].rules);
		for (size_t n = 0; n < 4 && cases[i].rcpts[n] != NULL; n++) {
			struct slice raw = slice_of(cases[i].rcpts[n]);

			assert_int_equal(message_add_rcpt(&msg, raw, true), 0);
			if (slice_starts(raw, SLICE("blocked@")))
				message_remove_rcpt(&msg, n, RCPT_SUPPRESSED,
				    SLICE("x"));
		}
		assert_int_equal(module_forward.eom(&msg, NULL), VERDICT_NEXT);
		buf_init(&out, 1000);
		print_left(&msg, &out);
		assert_string_equal(buf_text(&out), cases[i].left);
		assert_int_equal(msg.notes != NULL, cases[i].notes != NULL);
		if (msg.notes != NULL) {
			msg.notes->at[strlen("forward")] = ' ';
			assert_string_equal(msg.notes->at, cases[i].notes);
		}
		buf_done(&out);
		message_done(&msg);
	}
}

/* What can not be decided is not guessed at. */
static void
test_gives_up(void **state)
{
	struct message msg;

	(void)state;
	begin(&msg,
	    RULE("slow", "X-A", "(a+)+b|(a|aa)+c", "z@y.example", "copy"));
	assert_int_equal(message_add_field(&msg, SLICE("X-A"),
			     SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				   "!")),
	    0);
	assert_int_equal(message_add_rcpt(&msg, SLICE("a@x.example"), true), 0);
	assert_int_equal(module_forward.eom(&msg, NULL), VERDICT_TEMPFAIL);
	assert_string_equal(msg.reply_dsn, "4.3.5");
	message_done(&msg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_gives_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
