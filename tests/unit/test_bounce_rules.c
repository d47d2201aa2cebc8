/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of bounces: the program's own, a site's, and what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/bounce_rules.h"
#include "proto/classify.h"
#include "util/err.h"

struct told {
	unsigned count, line;
	char text[4000];
};

static void
tell(unsigned line, const char *message, void *ctx)
{
	struct told *t = ctx;
	size_t n = strlen(t->text);

	t->count++;
	t->line = line;
	(void)snprintf(t->text + n, sizeof(t->text) - n, "%u: %s\n", line,
	    message);
}

/* A set of a site's rules, in an exact-length block; NULL: told says why. */
static struct bounce_rules *
make(const char *text, struct told *told)
{
	struct bounce_rules *rules = NULL;
	size_t len = strlen(text);
	char *exact = malloc(len + !len);

	assert_non_null(exact);
	memcpy(exact, text, len);
	*told = (struct told){ .count = 0 };
	int rc =
	    bounce_rules_make((struct slice){ exact, len }, tell, told, &rules);
	free(exact);
	assert_true(rc == 0 || rc == ERR_CONFIG);
	assert_int_equal(rc<0, told->count> 0);
	assert_int_equal(rc < 0, rules == NULL);
	return rules;
}

/* Every example of the program's rules is decided by its rule. */
static void
test_examples(void **state)
{
	struct told told = { .count = 0 };
	struct slice none = { NULL, 0 };
	struct bounce_rules *rules = NULL;
	unsigned examples = 0;

	(void)state;
	assert_int_equal(bounce_rules_make(none, tell, &told, &rules), 0);
	int wrong = bounce_rules_check(rules, tell, &told, &examples);
	if (wrong != 0 || told.count != 0)
		fail_msg("%s", told.text);
	assert_true(examples >= bounce_rules_count(rules));
	assert_true(bounce_rules_size(rules) < 1024 * 1024);
	bounce_rules_unref(rules);
	bounce_rules_unref(NULL);
	assert_non_null(bounce_rules_default());
}

#define RULE(text) "rule a\nclass spam\n" text "\nexample x\n"

static void
test_errors(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *message;
	} t[] = {
		{ "rule a\nclass nonsense\nmatch x\nexample x\n", 2,
		    "no class" },
		{ "rule a\nmatch x\nexample x\n", 1, "has no class" },
		{ "rule a\nclass spam\nexample x\n", 1, "neither match" },
		{ "rule a\nclass spam\nmatch x\n", 1, "no example" },
		{ "rule A\nclass spam\nmatch x\nexample x\n", 1, "a name has" },
		{ RULE("match x") RULE("match y"), 5, "rule a above" },
		{ RULE("match x | | y"), 3, "nothing between" },
		{ RULE("match *x"), 3, "nothing between" },
		{ RULE(
		      "match "
		      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		      "aaaaaaaaaaaaaaaaaaaaaaa"),
		    3, "more than 64" },
		{ RULE("match"), 3, "no value" },
		{ RULE("match x\nstatus 12"), 4, "no error status" },
		{ RULE("match x\nstatus x"), 4, "no error status" },
		{ RULE("match x\nweight big"), 4, "a weight is" },
		{ RULE("code 250"), 3, "no code" },
		{ RULE("code 5.1"), 3, "no code" },
		{ RULE("code 5.7.9-1"), 3, "no code" },
		{ RULE("code 2.1.1"), 3, "no code" },
		{ RULE("code 5.1.1.1"), 3, "no code" },
		{ RULE("match x\ncommand quit"), 4, "a command is" },
		{ RULE("match x\nclass spam"), 4, "one class" },
		{ "remote b.example\n", 1, "does not belong here" },
		{ "example x\n", 1, "does not belong here" },
		{ "section s\nmatch x\n", 2, "does not belong here" },
		{ "section s\nremote *.b.example\n", 2, "stands for itself" },
		{ "section s\nlocal yes\n", 2, "no value" },
		{ "blocklist Mine\nmatch mine\n", 1, "without example" },
		{ "blocklist Mine\nexample mine\n", 1, "without match" },
		{ "\n\nnonsense \x01\n", 3, "nonsense is no word" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct told told;

		if (make(t[i].text, &told) != NULL || told.count != 1 ||
		    told.line != t[i].line ||
		    strstr(told.text, t[i].message) == NULL)
			fail_msg("%s: %s", t[i].text, told.text);
	}
}

static void
test_error_flood(void **state)
{
	struct told told;
	char text[4000] = "";

	(void)state;
	for (size_t i = 0; i + 3 < sizeof(text); i += 2)
		memcpy(text + i, "x\n", 3);
	assert_null(make(text, &told));
	assert_int_equal(told.count, BOUNCE_RULES_ERRORS_MAX);
}

/* Too much of anything is an error, too. */
static void
test_limits(void **state)
{
	static const struct {
		const char *head, *line, *message;
		unsigned count;
	} t[] = {
		{ "rule a\nclass spam\nmatch x\n", "example x\n", "more than",
		    201 },
		{ "section s\n", "remote a.example\n", "more than", 201 },
		{ "", "section s\n", "too many sections", 250 },
		{ "", "blocklist s\nmatch s\nexample s\n",
		    "too many blocklists", 251 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		size_t head = strlen(t[i].head), line = strlen(t[i].line);
		char *text = malloc(head + line * t[i].count + 1);
		struct told told;

		assert_non_null(text);
		memcpy(text, t[i].head, head);
		for (unsigned k = 0; k < t[i].count; k++)
			memcpy(text + head + line * k, t[i].line, line);
		text[head + line * t[i].count] = '\0';
		if (make(text, &told) != NULL || told.count == 0 ||
		    strstr(told.text, t[i].message) == NULL)
			fail_msg("%s: %s", t[i].line, told.text);
		free(text);
	}
}

static void
expect(const struct classify_input *in, const char *rule)
{
	struct classify_verdict v;

	classify_reply(in, &v);
	if (strcmp(v.rule, rule) != 0)
		fail_msg("%.*s: %s, not %s", SLICE_F(in->text), v.rule, rule);
}

/* A site's rules stand before, and in the place of, the program's. */
static void
test_site(void **state)
{
	static const char text[] = "# mine\r\n"
				   "rule mine\r\n"
				   "\tclass recipient-policy\r\n"
				   "\tmatch Mailbox  FULL*now\r\n"
				   "\tunless never\r\n"
				   "\texample 552 mailbox full right now\r\n"
				   "rule spam\n"
				   "class content\n"
				   "match wholly different\n"
				   "example 550 wholly different\n"
				   "blocklist House List\n"
				   "match house-list\n"
				   "example 554 blocked using house-list\n";
	struct bounce_rules *rules, *again;
	struct classify_verdict v;
	struct told told;
	unsigned examples;

	(void)state;
	rules = make(text, &told);
	if (rules == NULL)
		fail_msg("%s", told.text);
	assert_int_equal(bounce_rules_count(rules),
	    bounce_rules_count(bounce_rules_default()) + 1);
	if (bounce_rules_check(rules, tell, &told, &examples) != 0)
		fail_msg("%s", told.text);
	assert_int_equal(examples, 3);

	struct classify_input in = { .rules = rules };
	in.text = SLICE("552 mailbox full just now");
	expect(&in, "mine");
	in.text = SLICE("552 mailbox full now or never");
	expect(&in, "full");
	in.text = SLICE("554 blocked using house-list");
	classify_reply(&in, &v);
	assert_true(slice_eq(v.blocklist, SLICE("House List")));
	in.text = SLICE("550 this is spam");
	classify_reply(&in, &v);
	assert_string_not_equal(v.rule, "spam");
	again = bounce_rules_ref(rules);
	bounce_rules_unref(rules);
	expect(&in, v.rule);
	bounce_rules_unref(again);
}

/* Who says it, in answer to what, and with which code. */
static void
test_conditions(void **state)
{
	static const char text[] =
	    "section by-remote\nremote b.example\n"
	    "rule by-remote\nclass spam\nmatch qwertz\nexample qwertz\n"
	    "section by-recipient\nrecipient c.example\n"
	    "rule by-recipient\nclass spam\nmatch qwertz\nexample qwertz\n"
	    "section by-mark\nmark yuiop*d\n"
	    "rule by-mark\nclass spam\nmatch qwertz\nexample qwertz yuiop d\n"
	    "section by-us\nlocal\n"
	    "rule by-us\nclass spam\nmatch qwertz\nexample qwertz\n"
	    "section all\n"
	    "rule by-code\nclass spam\ncode 571 5.9.4-6 4.99.*\nmatch qwertz\n"
	    "example 571 qwertz\n"
	    "rule by-command\nclass spam\ncommand helo data\nmatch qwertz\n"
	    "example qwertz (in reply to DATA command)\n";
	static const struct {
		struct classify_input in;
		const char *rule;
	} t[] = {
		{ { .text = SLICE("qwertz") }, "none" },
		{ { .text = SLICE("qwertz"), .remote = SLICE("b.example") },
		    "by-remote" },
		{ { .text = SLICE("qwertz"),
		      .remote = SLICE("MX.B.example[192.0.2.1]:25") },
		    "by-remote" },
		{ { .text = SLICE("qwertz"),
		      .remote = SLICE("dns; mx.b.example") },
		    "by-remote" },
		{ { .text = SLICE("qwertz"), .remote = SLICE("ab.example") },
		    "none" },
		{ { .text = SLICE(
			"host mx.b.example[192.0.2.1] said: 550 qwertz") },
		    "by-remote" },
		{ { .text =
			  SLICE("host mx.b.example [192.0.2.1]: 550 qwertz") },
		    "by-remote" },
		{ { .text = SLICE("qwertz while talking to mx.b.example.:") },
		    "by-remote" },
		{ { .text = SLICE("qwertz"),
		      .recipient = SLICE("u@C.example") },
		    "by-recipient" },
		{ { .text = SLICE("qwertz"), .recipient = SLICE("c.example") },
		    "by-recipient" },
		{ { .text = SLICE("qwertz yuiop and") }, "by-mark" },
		{ { .text = SLICE("qwertz"), .local = true }, "by-us" },
		/* Our own words are nobody else's, and the reverse. */
		{ { .text = SLICE("qwertz"),
		      .remote = SLICE("b.example"),
		      .local = true },
		    "by-us" },
		{ { .text = SLICE(
			"host mx.b.example[192.0.2.1] said: 550 qwertz"),
		      .remote = SLICE("mx.b.example[192.0.2.1]:25"),
		      .local = true },
		    "by-remote" },
		{ { .text = SLICE("571 qwertz") }, "by-code" },
		{ { .text = SLICE("570 qwertz") }, "none" },
		{ { .text = SLICE("550 5.9.5 qwertz") }, "by-code" },
		{ { .text = SLICE("550 5.9.7 qwertz") }, "none" },
		{ { .text = SLICE("450 4.99.7 qwertz") }, "by-code" },
		{ { .text = SLICE("550 5.99.7 qwertz") }, "none" },
		{ { .text = SLICE("qwertz"), .command = SLICE("EHLO") },
		    "by-command" },
		{ { .text = SLICE("qwertz (in reply to DATA command)") },
		    "by-command" },
		{ { .text = SLICE("qwertz (in reply to end of DATA command)") },
		    "none" },
	};
	struct told told;
	struct bounce_rules *rules = make(text, &told);

	(void)state;
	if (rules == NULL)
		fail_msg("%s", told.text);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct classify_input in = t[i].in;

		in.rules = rules;
		expect(&in, t[i].rule);
	}
	bounce_rules_unref(rules);
}

/* Sure before fair before vague, and else in order. */
static void
test_weights(void **state)
{
	static const char text[] =
	    "rule v\nclass spam\nweight vague\nmatch q1\nexample q1\n"
	    "rule f\nclass content\nweight fair\nmatch q2\nexample q2\n"
	    "rule v2\nclass spam\nweight vague\nmatch q1\nexample q1\n"
	    "rule s\nclass content\nmatch q3\nexample q3\n"
	    "rule s2\nclass content\nmatch q3\nexample q3\n"
	    "rule c\nclass virus\nweight vague\ncode 571\nexample 571 x\n";
	static const struct {
		const char *text, *rule;
		bool vague;
	} t[] = {
		{ "q1", "v", true },
		{ "q1 q2", "f", true },
		{ "q1 q2 q3", "s", false },
		{ "q3", "s", false },
		{ "571 qwertz", "c", true },
		/* words and code say the same status */
		{ "571 q1", "v", false },
	};
	struct told told;
	struct bounce_rules *rules = make(text, &told);

	(void)state;
	if (rules == NULL)
		fail_msg("%s", told.text);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct classify_input in = { .rules = rules,
			.text = slice_of(t[i].text) };
		struct classify_verdict v;

		classify_reply(&in, &v);
		if (strcmp(v.rule, t[i].rule) != 0 || v.vague != t[i].vague)
			fail_msg("%s: %s, %d", t[i].text, v.rule, v.vague);
	}
	bounce_rules_unref(rules);
}

static void
test_file(void **state)
{
	char path[] = "/tmp/postern-rules-XXXXXX";
	struct bounce_rules *rules = NULL;
	struct told told = { .count = 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "rule\n", 5), 5);
	assert_int_equal(close(fd), 0);
	assert_int_equal(bounce_rules_load(path, tell, &told, &rules),
	    ERR_CONFIG);
	assert_int_equal(told.count, 1);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(bounce_rules_load(path, tell, &told, &rules), 0);
	bounce_rules_unref(rules);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bounce_rules_load(path, tell, &told, &rules), 0);
	bounce_rules_unref(rules);
	assert_int_equal(bounce_rules_load("/tmp", tell, &told, &rules),
	    ERR_IO);
}

/* The longest text costs its octets times a constant of the rules. */
static void
test_steps(void **state)
{
	static const char *const words[] = { "mailbox full ", "message too ",
		"account is ", "aaaaaaaa", "user user unknown", "550 5.1.1 " };
	char text[CLASSIFY_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		struct bounce_question q = { .text = { text, sizeof(text) } };
		struct bounce_answer answer;

		for (size_t n = 0; n < sizeof(text); n++)
			text[n] = words[i][n % strlen(words[i])];
		bounce_rules_ask(bounce_rules_default(), &q, &answer);
		assert_true(answer.steps < 30 * sizeof(text));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_error_flood),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_site),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
