/* SPDX-License-Identifier: BSD-2-Clause */
/* From the outcome of a delivery, as smtp(8) words it, to the pace. */
#include "proto/reply_temper.h"

#include "proto/classify.h"
#include "proto/retry_after.h"
#include "proto/status.h"
#include "util/err.h"
#include "util/regex.h"

const char *
temper_word(enum temper temper)
{
	switch (temper) {
	case TEMPER_NEUTRAL:
		return "neutral";
	case TEMPER_CLEAN:
		return "clean";
	case TEMPER_SLOW:
		return "slow";
	case TEMPER_SUSPEND:
		return "suspend";
	}
	return "";
}

static int64_t
bounded(int64_t ms)
{
	if (ms < REPLY_TEMPER_FOR_MIN_MS)
		return REPLY_TEMPER_FOR_MIN_MS;
	return ms > REPLY_TEMPER_FOR_MAX_MS ? REPLY_TEMPER_FOR_MAX_MS : ms;
}

/* ---- how it is worded ---- */

/* Behind the first of the words in text; false: not there. */
static bool
behind(struct slice text, struct slice words, struct slice *ret_rest)
{
	const char *p = slice_find(text, words);

	if (p == NULL)
		return false;
	*ret_rest = slice_skip(text, (size_t)(p - text.at) + words.len);
	return true;
}

/*
 * Postfix's own words: smtp_proto.c and smtp_trouble.c have "said:" and
 * "refused to talk to me:" before a reply, "lost connection with" and
 * "conversation with" where the session broke.
 */
static void
server_words(struct slice text, struct reply_temper *t)
{
	static const struct slice mark = SLICE(" (in reply to ");
	struct slice reply = { NULL, 0 };

	if (behind(text, SLICE(" said: "), &reply)) {
		struct slice rest;

		if (behind(reply, mark, &rest))
			reply.len = (size_t)(rest.at - mark.len - reply.at);
	} else if (!behind(text, SLICE(" refused to talk to me: "), &reply)) {
		/* A session that broke behind its greeting was one. */
		t->used = slice_find(text, SLICE(" while sending ")) != NULL ||
			  slice_find(text, SLICE(" while performing ")) != NULL;
		return;
	}
	t->used = true;
	t->reply = reply;
}

static bool
by_filter(struct slice text, const struct shaping_rule *rules, size_t count,
    bool permanent, struct reply_temper *t)
{
	bool decided = false;

	for (size_t i = 0; i < count; i++) {
		const struct shaping_rule *r = &rules[i];
		bool transcode = r->action == SHAPING_TRANSCODE;

		if (transcode ? !permanent || t->transcode : decided)
			continue;
		if (regex_match(r->pattern, text, NULL) != 1)
			continue;
		switch (r->action) {
		case SHAPING_TRANSCODE:
			t->transcode = true;
			continue;
		case SHAPING_SLOW:
			t->temper = TEMPER_SLOW;
			break;
		case SHAPING_SUSPEND:
			t->temper = TEMPER_SUSPEND;
			t->for_ms = r->for_ms;
			break;
		case SHAPING_IGNORE:
			t->temper = TEMPER_NEUTRAL;
			break;
		}
		t->rule = "filter";
		decided = true;
	}
	return decided;
}

static void
by_table(const struct classify_text *lower, unsigned class,
    struct reply_temper *t)
{
	for (size_t i = 0; i < temper_rule_count; i++) {
		const struct temper_rule *r = &temper_rules[i];

		if ((r->classes & class) == 0 ||
		    !classify_text_match(r->pattern, lower))
			continue;
		t->temper = r->temper;
		t->rule = r->name;
		t->for_ms = (int64_t)r->for_s * 1000;
		return;
	}
}

/* A complaint that names a time asks for it; the filter's "slow" is that. */
static void
by_time(struct slice lower, unsigned class, bool filter, struct reply_temper *t)
{
	bool asks = t->temper == TEMPER_SUSPEND ||
		    (t->temper == TEMPER_SLOW && !filter);
	int64_t ms;

	if (class != TEMPER_4XX || !asks || (ms = retry_after_ms(lower)) < 0)
		return;
	t->temper = TEMPER_SUSPEND;
	t->for_ms =
	    ms < REPLY_TEMPER_NAMED_MAX_MS ? ms : REPLY_TEMPER_NAMED_MAX_MS;
}

int
reply_temper(struct slice key, const struct shaping_rule *rules,
    size_t rule_count, struct reply_temper *ret_temper)
{
	struct reply_temper t = { .temper = TEMPER_NEUTRAL, .rule = "" };
	struct enhanced_code status;
	struct classify_text lower;
	char room[CLASSIFY_TEXT_MAX];

	*ret_temper = t;
	size_t n = enhanced_code_parse(key, &status);
	if (n == 0 || (n < key.len && key.at[n] != ' '))
		return ERR_SYNTAX;
	struct slice text = slice_skip(key, n + 1);

	if (text.len > REPLY_TEMPER_TEXT_MAX)
		text.len = REPLY_TEMPER_TEXT_MAX;
	if (status.class == 2) {
		t.temper = TEMPER_CLEAN;
		t.used = true;
		t.reply = text;
		*ret_temper = t;
		return 0;
	}
	server_words(text, &t);
	unsigned class = status.class == 4 ? TEMPER_4XX : TEMPER_5XX;
	bool decided =
	    by_filter(text, rules, rule_count, status.class == 5, &t);
	classify_text_init(&lower,
	    (struct slice){ room, classify_normalize(text, room) });
	/* Only a server has a temper; our own trouble is no complaint. */
	if (!decided && t.reply.at != NULL)
		by_table(&lower, class, &t);
	by_time(lower.text, class, decided, &t);
	t.for_ms = t.temper == TEMPER_SUSPEND ? bounded(t.for_ms) : 0;
	*ret_temper = t;
	return 0;
}
