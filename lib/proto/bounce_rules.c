/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of bounce rules: made, counted, and asked. */
#include "proto/bounce_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/bounce_rules_set.h"
#include "util/err.h"
#include "util/read_all.h"

#define ARENA_MAX (16 * 1024 * 1024)

/* As Postfix, Exim, Sendmail and qmail tell it. */
static const struct slice cues[CUE_COUNT] = {
	[CUE_QUOTES] = SLICE("\"] said: \"|refused to talk to me: "),
	[CUE_CONNECT] = SLICE("refused to talk to me:|after initial "
			      "connection|in reply to connect"),
	[CUE_HELO] = SLICE("in reply to helo|in reply to ehlo|after helo|"
			   "after ehlo|in response to ehlo"),
	[CUE_MAIL] = SLICE("in reply to mail from|after mail from:|"
			   "after pipelined mail from|"
			   "in response to mail from|for mail from command"),
	[CUE_RCPT] = SLICE("in reply to rcpt to|after rcpt to:|"
			   "after pipelined rcpt to|in response to rcpt to|"
			   "for rcpt to command"),
	[CUE_DATA] = SLICE("in reply to data|after data:|"
			   "after pipelined data|in response to data"),
	[CUE_END] = SLICE("in reply to end of data|after end of data|"
			  "failed after i sent the message"),
	[CUE_WAITS] = SLICE("again in|again after|again within|retry in|"
			    "retry after|retry-after|retry again|later in|"
			    "wait|back in|deferred for|blocked for|"
			    "limited for|suspended for|resume in|"
			    "resend after|resend in|分後|時間後|秒後|"
			    "分以上|時間以上|分经过|分経過|時間経過|"
			    "分钟后|小时后|秒后|minuten|minutos|minuti"),
};

static struct bounce_rules *
new_set(void)
{
	struct bounce_rules *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	atomic_init(&s->references, 1);
	s->arena = arena_new(ARENA_MAX);
	s->phrases = phrase_set_new();
	if (s->arena == NULL || s->phrases == NULL)
		goto fail;
	s->rules = arena_calloc(s->arena, RULES_MAX, sizeof(*s->rules));
	s->sections =
	    arena_calloc(s->arena, RULE_SECTIONS_MAX, sizeof(*s->sections));
	s->lists = arena_calloc(s->arena, RULE_LISTS_MAX, sizeof(*s->lists));
	if (s->rules == NULL || s->sections == NULL || s->lists == NULL)
		goto fail;
	s->sections[RULE_ALWAYS] =
	    (struct rule_section){ .name = "", .mark = RULE_NO_ID };
	s->section_count = 1;
	for (s->ids = 0; s->ids < CUE_COUNT; s->ids++)
		if (phrase_set_add(s->phrases, cues[s->ids], s->ids) < 0)
			goto fail;
	return s;
fail:
	bounce_rules_unref(s);
	return NULL;
}

int
bounce_rules_make(struct slice site, bounce_rules_error *error, void *ctx,
    struct bounce_rules **ret_rules)
{
	struct bounce_rules *set = new_set();
	int rc = 0;

	if (set == NULL)
		return ERR_NOMEM;
	if (site.at != NULL)
		rc = bounce_rules_read(set, site, true, error, ctx);
	set->site_rules = set->rule_count;
	set->site_lists = set->list_count;
	if (rc == 0)
		rc = bounce_rules_read(set, slice_of(bounce_rules_text), false,
		    error, ctx);
	if (rc == 0)
		rc = phrase_set_seal(set->phrases);
	if (rc < 0) {
		bounce_rules_unref(set);
		return rc;
	}
	*ret_rules = set;
	return 0;
}

int
bounce_rules_load(const char *path, bounce_rules_error *error, void *ctx,
    struct bounce_rules **ret_rules)
{
	struct slice none = { NULL, 0 };
	struct buf text;
	int rc, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return bounce_rules_make(none, error, ctx, ret_rules);
	if (fd < 0) {
		error(0, strerror(errno), ctx);
		return ERR_IO;
	}
	buf_init(&text, BOUNCE_RULES_FILE_MAX + READ_PIECE);
	rc = read_all(fd, &text);
	(void)close(fd);
	if (rc == 0 && text.len > BOUNCE_RULES_FILE_MAX)
		rc = ERR_LIMIT;
	if (rc < 0)
		error(0, err_text(rc), ctx);
	else
		rc = bounce_rules_make(text.len > 0 ? buf_slice(&text) : none,
		    error, ctx, ret_rules);
	buf_done(&text);
	return rc;
}

struct bounce_rules *
bounce_rules_ref(struct bounce_rules *rules)
{
	(void)atomic_fetch_add(&rules->references, 1);
	return rules;
}

void
bounce_rules_unref(struct bounce_rules *rules)
{
	if (rules == NULL || atomic_fetch_sub(&rules->references, 1) > 1)
		return;
	phrase_set_free(rules->phrases);
	arena_free(rules->arena);
	free(rules);
}

/* The one set that lives as long as the process: it is a constant. */
static struct bounce_rules *built_in;

static void
make_built_in(void)
{
	struct slice none = { NULL, 0 };

	if (bounce_rules_make(none, NULL, NULL, &built_in) < 0)
		built_in = NULL;
}

const struct bounce_rules *
bounce_rules_default(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, make_built_in);
	return built_in;
}

size_t
bounce_rules_count(const struct bounce_rules *rules)
{
	return rules->rule_count;
}

size_t
bounce_rules_size(const struct bounce_rules *rules)
{
	return phrase_set_size(rules->phrases);
}

enum rule_command
rule_command_parse(struct slice word)
{
	static const struct {
		struct slice word;
		enum rule_command command;
	} words[] = {
		{ SLICE("end"), RULE_END },
		{ SLICE("connect"), RULE_CONNECT },
		{ SLICE("helo"), RULE_HELO },
		{ SLICE("ehlo"), RULE_HELO },
		{ SLICE("mail"), RULE_MAIL },
		{ SLICE("rcpt"), RULE_RCPT },
		{ SLICE("data"), RULE_DATA },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (slice_starts_nocase(word, words[i].word))
			return words[i].command;
	return RULE_COMMAND_NONE;
}

/* ---- asking ---- */

struct asked {
	const struct bounce_rules *set;
	struct bounce_question q;
	uint64_t ids[PHRASE_ID_WORDS];
	/* which sections were looked at, and which of them apply */
	uint64_t known[(RULE_SECTIONS_MAX + 63) / 64];
	uint64_t applies[(RULE_SECTIONS_MAX + 63) / 64];
};

/* The host itself, or one below it? */
static bool
is_below(struct slice host, const struct rule_words *domains)
{
	for (; domains != NULL; domains = domains->next) {
		size_t n = domains->text.len;

		if (host.len >= n &&
		    memcmp(host.at + host.len - n, domains->text.at, n) == 0 &&
		    (host.len == n || host.at[host.len - n - 1] == '.'))
			return true;
	}
	return false;
}

static bool
section_fits(const struct asked *a, const struct rule_section *s)
{
	if (s->local && a->q.local)
		return true;
	if (s->mark != RULE_NO_ID && phrase_id_in(a->ids, s->mark))
		return true;
	/* Our own words are nobody else's. */
	if (!a->q.local && a->q.remote.len > 0 &&
	    is_below(a->q.remote, s->remote))
		return true;
	if (!a->q.local && a->q.domain.len > 0 &&
	    is_below(a->q.domain, s->recipient))
		return true;
	return !s->local && s->mark == RULE_NO_ID && s->remote == NULL &&
	       s->recipient == NULL;
}

static bool
applies(struct asked *a, unsigned section)
{
	uint64_t bit = UINT64_C(1) << section % 64;

	if ((a->known[section / 64] & bit) == 0) {
		a->known[section / 64] |= bit;
		if (section_fits(a, &a->set->sections[section]))
			a->applies[section / 64] |= bit;
	}
	return (a->applies[section / 64] & bit) != 0;
}

static bool
code_fits(const struct asked *a, const struct rule_code *code)
{
	const struct enhanced_code *e = &a->q.enhanced;

	if (!code->enhanced)
		return a->q.reply_code >= code->lo[0] &&
		       a->q.reply_code <= code->hi[0];
	return e->class >= 4 && e->class >= code->lo[0] &&
	       e->class <= code->hi[0] && e->subject >= code->lo[1] &&
	       e->subject <= code->hi[1] && e->detail >= code->lo[2] &&
	       e->detail <= code->hi[2];
}

static bool
rule_fits(struct asked *a, const struct rule *r)
{
	const struct rule_code *code = r->codes;

	if (r->match != RULE_NO_ID && !phrase_id_in(a->ids, r->match))
		return false;
	if (r->commands != 0 && (r->commands >> a->q.command & 1) == 0)
		return false;
	while (code != NULL && !code_fits(a, code))
		code = code->next;
	if (r->codes != NULL && code == NULL)
		return false;
	return (r->unless == RULE_NO_ID || !phrase_id_in(a->ids, r->unless)) &&
	       applies(a, r->section);
}

/* What the text says of the command; of several, the first of the session. */
static enum rule_command
told_command(const struct asked *a)
{
	static const struct {
		enum rule_cue cue;
		enum rule_command command;
	} told[] = {
		{ CUE_RCPT, RULE_RCPT },
		{ CUE_END, RULE_END },
		{ CUE_DATA, RULE_DATA },
		{ CUE_MAIL, RULE_MAIL },
		{ CUE_HELO, RULE_HELO },
		{ CUE_CONNECT, RULE_CONNECT },
	};

	if (a->q.command != RULE_COMMAND_NONE)
		return a->q.command;
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
		if (phrase_id_in(a->ids, told[i].cue))
			return told[i].command;
	return RULE_COMMAND_NONE;
}

static void
keep_first(const struct rule **first, const struct rule *r)
{
	if (*first == NULL)
		*first = r;
}

static void
choose(struct asked *a, struct bounce_answer *answer)
{
	const struct rule *fair = NULL, *vague = NULL, *words = NULL,
			  *code = NULL;

	for (size_t i = 0; i < a->set->rule_count; i++) {
		const struct rule *r = &a->set->rules[i];

		if (!rule_fits(a, r))
			continue;
		if (r->said.weight == RULE_SURE) {
			answer->rule = &r->said;
			return;
		}
		keep_first(r->said.weight == RULE_FAIR ? &fair : &vague, r);
		keep_first(r->match != RULE_NO_ID ? &words : &code, r);
	}
	if (fair != NULL || vague != NULL)
		answer->rule = fair != NULL ? &fair->said : &vague->said;
	/* Words and a code that say the same are no longer vague. */
	answer->vague = words == NULL || code == NULL ||
			words->said.status != code->said.status;
}

void
bounce_rules_ask(const struct bounce_rules *rules,
    const struct bounce_question *q, struct bounce_answer *ret_answer)
{
	struct bounce_answer answer = { .vague = false };
	struct asked a = { .set = rules, .q = *q };

	answer.steps = phrase_set_find(rules->phrases, q->text, a.ids);
	if (phrase_id_in(a.ids, CUE_QUOTES))
		a.q.local = false;
	answer.command = a.q.command = told_command(&a);
	answer.waits = phrase_id_in(a.ids, CUE_WAITS);
	choose(&a, &answer);
	for (size_t i = 0; i < rules->list_count; i++)
		if (phrase_id_in(a.ids, rules->lists[i].match)) {
			answer.blocklist = rules->lists[i].name;
			break;
		}
	*ret_answer = answer;
}
