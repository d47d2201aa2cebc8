/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any text is a file of bounce rules, or has errors with lines; and no rules
 * make a search longer than the text times the depth of their words.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/bounce_rules.h"
#include "proto/classify.h"
#include "util/err.h"

struct told {
	unsigned lines, count;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
tell(unsigned line, const char *message, void *ctx)
{
	struct told *t = ctx;

	if (line == 0 || line > t->lines || message[0] == '\0')
		abort();
	t->count++;
}

static void
pass(unsigned line, const char *message, void *ctx)
{
	(void)line;
	(void)message;
	(void)ctx;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct told told = { .lines = 1 };
	struct bounce_rules *rules;
	struct bounce_answer answer;
	unsigned examples;

	for (size_t i = 0; i < size; i++)
		told.lines += data[i] == '\n';
	int rc = bounce_rules_make(text, tell, &told, &rules);
	if (rc < 0) {
		if (rc == ERR_CONFIG && told.count == 0)
			abort();
		return 0;
	}
	if (told.count > 0 ||
	    bounce_rules_check(rules, pass, NULL, &examples) < 0)
		abort();
	if (text.len > CLASSIFY_TEXT_MAX)
		text.len = CLASSIFY_TEXT_MAX;
	struct bounce_question q = { .text = text };
	bounce_rules_ask(rules, &q, &answer);
	/* Each octet ends no more words than are in it, each with its uses. */
	if (answer.steps > (text.len + 2) * (size + 2000))
		abort();
	bounce_rules_unref(rules);
	return 0;
}
