/* SPDX-License-Identifier: BSD-2-Clause */
/* The examples of bounce rules: each is decided by its own rule. */
#include <stdio.h>

#include "proto/bounce_rules_set.h"
#include "proto/classify.h"

struct check {
	struct bounce_rules *set;
	bounce_rules_error *error;
	void *ctx;
	unsigned examples;
	int wrong;
};

/* As if it were said by whom the section is about. */
static struct classify_input
input_of(const struct check *c, struct slice text,
    const struct rule_section *section)
{
	struct classify_input in = { .rules = c->set, .text = text };

	if (section == NULL)
		return in;
	in.local = section->local;
	if (section->remote != NULL)
		in.remote = section->remote->text;
	if (section->recipient != NULL)
		in.recipient = section->recipient->text;
	return in;
}

static void
check_rule(struct check *c, const struct rule *r)
{
	char message[300];
	const struct rule_words *e;

	for (e = r->examples; e != NULL; e = e->next) {
		struct classify_input in =
		    input_of(c, e->text, &c->set->sections[r->section]);
		struct classify_verdict v;

		classify_reply(&in, &v);
		c->examples++;
		if (v.rule == r->said.name)
			continue;
		(void)snprintf(message, sizeof(message),
		    "the example of rule %s is decided by rule %s",
		    r->said.name, v.rule);
		c->wrong++;
		c->error(e->line, message, c->ctx);
	}
}

static void
check_list(struct check *c, const struct rule_list *l)
{
	char message[300];
	const struct rule_words *e;

	for (e = l->examples; e != NULL; e = e->next) {
		struct classify_input in = input_of(c, e->text, NULL);
		struct classify_verdict v;

		classify_reply(&in, &v);
		c->examples++;
		if (slice_eq(v.blocklist, l->name))
			continue;
		(void)snprintf(message, sizeof(message),
		    "the example of blocklist %.*s names \"%.*s\" (rule %s)",
		    SLICE_F(l->name), SLICE_F(v.blocklist), v.rule);
		c->wrong++;
		c->error(e->line, message, c->ctx);
	}
}

int
bounce_rules_check(struct bounce_rules *rules, bounce_rules_error *error,
    void *ctx, unsigned *ret_examples)
{
	struct check c = { .set = rules, .error = error, .ctx = ctx };
	bool of_site = rules->site_rules + rules->site_lists > 0;
	size_t count = of_site ? rules->site_rules : rules->rule_count;
	size_t lists = of_site ? rules->site_lists : rules->list_count;

	for (size_t i = 0; i < count; i++)
		check_rule(&c, &rules->rules[i]);
	for (size_t i = 0; i < lists; i++)
		check_list(&c, &rules->lists[i]);
	*ret_examples = c.examples;
	return c.wrong;
}
