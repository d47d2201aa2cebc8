/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of bounce rules, as bounce-rules(5) describes it. */
#include <stdarg.h>
#include <stdio.h>

#include "proto/bounce_rules_set.h"
#include "util/err.h"
#include "util/number.h"

#define NAME_MAX_LEN 60
#define TEXT_MAX 2000 /* octets of an example */
#define WORDS_MAX 200 /* examples of a rule, domains of a section */

struct reader {
	struct bounce_rules *set;
	struct rule_section *section; /* that is open for conditions */
	struct rule *rule;            /* that is open */
	struct rule_list *list;       /* that is open */
	uint16_t section_at;          /* that rules belong to */
	bool has_status, replaced;
	bool of_site;
	unsigned line, errors;
	unsigned errors_before; /* what is open began */
	bounce_rules_error *error;
	void *ctx;
	int rc; /* of memory and limits */
};

/* ---- errors ---- */

__attribute__((format(printf, 3, 4))) static void
tell(struct reader *r, unsigned line, const char *format, ...)
{
	char message[300];
	va_list args;

	if (r->errors++ >= BOUNCE_RULES_ERRORS_MAX || r->error == NULL)
		return;
	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	for (char *p = message; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = '?';
	r->error(line, message, r->ctx);
}

/* Of a phrase set or an arena; a line that is wrong is told. */
static void
failed(struct reader *r, int rc)
{
	if (rc == ERR_SYNTAX)
		tell(r, r->line, "there is nothing between '|' or '*'");
	else if (rc == ERR_LIMIT)
		tell(r, r->line,
		    "too many words, or one of more than %d octets",
		    PHRASE_FRAGMENT_MAX);
	else
		r->rc = rc;
}

/* ---- parts of a line ---- */

/* The first word of *rest, which is cut off. */
static struct slice
word(struct slice *rest)
{
	struct slice s = slice_trim(*rest), w = s;

	for (w.len = 0;
	     w.len < s.len && s.at[w.len] != ' ' && s.at[w.len] != '\t';
	     w.len++)
		;
	*rest = slice_trim(slice_skip(s, w.len));
	return w;
}

/* Lower case, a blank for each run of them. */
static struct slice
lower(struct reader *r, struct slice text)
{
	char *to = arena_text(r->set->arena, text);
	size_t n = 0;

	if (to == NULL) {
		r->rc = ERR_NOMEM;
		return (struct slice){ NULL, 0 };
	}
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 'a' - 'A');
		if (c != ' ' && c != '\t')
			to[n++] = c;
		else if (n > 0 && to[n - 1] != ' ')
			to[n++] = ' ';
	}
	return (struct slice){ to, n };
}

static const char *
name_of(struct reader *r, struct slice text)
{
	bool fine = text.len > 0 && text.len <= NAME_MAX_LEN;

	for (size_t i = 0; i < text.len && fine; i++)
		fine = strchr("abcdefghijklmnopqrstuvwxyz0123456789.-",
			   text.at[i]) != NULL &&
		       text.at[i] != '\0';
	if (!fine) {
		tell(r, r->line,
		    "a name has small letters, digits, '.' and '-', up to %d",
		    NAME_MAX_LEN);
		return "";
	}
	const char *name = arena_text(r->set->arena, text);

	if (name == NULL)
		r->rc = ERR_NOMEM;
	return name != NULL ? name : "";
}

static void
append(struct reader *r, struct rule_words **list, struct slice text)
{
	struct rule_words *w = arena_alloc(r->set->arena, sizeof(*w));
	unsigned count = 0;

	if (w == NULL) {
		r->rc = ERR_NOMEM;
		return;
	}
	w->text = text;
	w->line = r->line;
	for (; *list != NULL; list = &(*list)->next)
		count++;
	if (count == WORDS_MAX)
		tell(r, r->line, "more than %d of them", WORDS_MAX);
	else
		*list = w;
}

static void
phrases(struct reader *r, uint16_t *id, struct slice text)
{
	struct bounce_rules *set = r->set;

	if (r->replaced)
		return;
	if (*id == RULE_NO_ID) {
		if (set->ids == PHRASE_IDS_MAX) {
			tell(r, r->line, "too many rules");
			return;
		}
		*id = (uint16_t)set->ids++;
	}
	int rc = phrase_set_add(set->phrases, lower(r, text), *id);
	if (rc < 0)
		failed(r, rc);
}

/* ---- codes ---- */

/* "5", "*", "600-649": a part of an enhanced code. */
static bool
code_part(struct slice text, unsigned max, uint16_t *lo, uint16_t *hi)
{
	struct slice first, rest = text;
	uint64_t n;

	if (slice_eq(text, SLICE("*"))) {
		*lo = 0;
		*hi = (uint16_t)max;
		return true;
	}
	if (!slice_split(&rest, '-', &first) ||
	    number_parse(first, 0, max, &n) < 0)
		return false;
	*lo = *hi = (uint16_t)n;
	if (rest.at == NULL)
		return true;
	if (number_parse(rest, n, max, &n) < 0)
		return false;
	*hi = (uint16_t)n;
	return true;
}

/* "550", "5xx". */
static bool
reply_code(struct slice text, struct rule_code *code)
{
	if (text.len != 3 || (text.at[0] != '4' && text.at[0] != '5'))
		return false;
	code->lo[0] = code->hi[0] = 0;
	for (size_t i = 0; i < 3; i++) {
		bool any = text.at[i] == 'x';

		if (!any && (text.at[i] < '0' || text.at[i] > '9'))
			return false;
		unsigned digit = any ? 0 : (unsigned)(text.at[i] - '0');
		code->lo[0] = (uint16_t)(code->lo[0] * 10 + digit);
		code->hi[0] = (uint16_t)(code->hi[0] * 10 + (any ? 9 : digit));
	}
	return true;
}

static bool
enhanced_code(struct slice rest, struct rule_code *code)
{
	struct slice part;
	unsigned i;

	code->enhanced = true;
	for (i = 0; i < 3; i++)
		if (!slice_split(&rest, '.', &part) ||
		    !code_part(part, i == 0 ? 5 : 999, &code->lo[i],
			&code->hi[i]))
			return false;
	return rest.at == NULL && code->hi[0] >= 4;
}

/* ---- what is open, and is closed ---- */

static void
close_rule(struct reader *r)
{
	struct rule *rule = r->rule;

	r->rule = NULL;
	if (rule == NULL)
		return;
	if (r->replaced) {
		r->replaced = false;
		r->set->rule_count--;
		return;
	}
	if (!r->has_status)
		rule->said.status = bounce_class_status(rule->said.class);
	if (r->errors > r->errors_before)
		return; /* what is wrong with it was told */
	if (rule->said.class == CLASS_NONE)
		tell(r, rule->line, "rule %s has no class", rule->said.name);
	else if (rule->match == RULE_NO_ID && rule->codes == NULL)
		tell(r, rule->line, "rule %s has neither match nor code",
		    rule->said.name);
	else if (rule->examples == NULL)
		tell(r, rule->line, "rule %s has no example", rule->said.name);
}

static void
close_all(struct reader *r)
{
	close_rule(r);
	if (r->list != NULL && r->errors == r->errors_before) {
		if (r->list->match == RULE_NO_ID)
			tell(r, r->list->line, "blocklist without match");
		else if (r->list->examples == NULL)
			tell(r, r->list->line, "blocklist without example");
	}
	r->list = NULL;
	r->section = NULL;
	r->errors_before = r->errors;
}

/* ---- the lines ---- */

static void
on_section(struct reader *r, struct slice rest)
{
	struct bounce_rules *set = r->set;

	close_all(r);
	if (set->section_count == RULE_SECTIONS_MAX) {
		tell(r, r->line, "too many sections");
		return;
	}
	r->section_at = (uint16_t)set->section_count;
	r->section = &set->sections[set->section_count++];
	*r->section = (struct rule_section){ .name = name_of(r, rest),
		.line = r->line,
		.mark = RULE_NO_ID };
}

static bool
have_rule(const struct bounce_rules *set, const char *name)
{
	for (size_t i = 0; i < set->rule_count; i++)
		if (strcmp(set->rules[i].said.name, name) == 0)
			return true;
	return false;
}

static void
on_rule(struct reader *r, struct slice rest)
{
	struct bounce_rules *set = r->set;

	close_all(r);
	if (set->rule_count == RULES_MAX) {
		tell(r, r->line, "too many rules");
		return;
	}
	const char *name = name_of(r, rest);
	bool have = *name != '\0' && have_rule(set, name);

	if (have && r->of_site)
		tell(r, r->line, "there is a rule %s above", name);
	/* The site's own takes the place of the program's. */
	r->replaced = have;
	r->has_status = false;
	r->rule = &set->rules[set->rule_count++];
	*r->rule =
	    (struct rule){ .said = { .name = name, .of_site = r->of_site },
		    .line = r->line,
		    .section = r->section_at,
		    .match = RULE_NO_ID,
		    .unless = RULE_NO_ID };
}

static void
on_blocklist(struct reader *r, struct slice rest)
{
	struct bounce_rules *set = r->set;

	close_all(r);
	if (set->list_count == RULE_LISTS_MAX) {
		tell(r, r->line, "too many blocklists");
		return;
	}
	if (rest.len == 0 || rest.len > NAME_MAX_LEN)
		tell(r, r->line, "a blocklist has a name of up to %d octets",
		    NAME_MAX_LEN);
	r->list = &set->lists[set->list_count++];
	*r->list = (struct rule_list){ .name = arena_dup(set->arena, rest),
		.line = r->line,
		.match = RULE_NO_ID };
	if (r->list->name.at == NULL)
		r->rc = ERR_NOMEM;
}

static void
on_local(struct reader *r, struct slice rest)
{
	if (rest.len > 0)
		tell(r, r->line, "local has no value");
	r->section->local = true;
}

static void
hosts(struct reader *r, struct rule_words **list, struct slice rest)
{
	rest = lower(r, rest);
	while (rest.len > 0) {
		struct slice host = word(&rest);

		if (host.at[0] == '.' || memchr(host.at, '*', host.len))
			tell(r, r->line,
			    "a domain stands for itself and all below it");
		append(r, list, host);
	}
}

static void
on_remote(struct reader *r, struct slice rest)
{
	hosts(r, &r->section->remote, rest);
}

static void
on_recipient(struct reader *r, struct slice rest)
{
	hosts(r, &r->section->recipient, rest);
}

static void
on_mark(struct reader *r, struct slice rest)
{
	phrases(r, &r->section->mark, rest);
}

static void
on_class(struct reader *r, struct slice rest)
{
	if (r->rule->said.class != CLASS_NONE)
		tell(r, r->line, "a rule has one class");
	r->rule->said.class = bounce_class_parse(rest);
	if (r->rule->said.class == CLASS_NONE)
		tell(r, r->line, "%.*s is no class of bounces", SLICE_F(rest));
}

static void
on_status(struct reader *r, struct slice rest)
{
	uint64_t n;

	if (number_parse(rest, 1, 999, &n) < 0 || !status_known((int)n)) {
		tell(r, r->line, "%.*s is no error status", SLICE_F(rest));
		return;
	}
	r->rule->said.status = (int)n;
	r->has_status = true;
}

static void
on_weight(struct reader *r, struct slice rest)
{
	if (slice_eq(rest, SLICE("sure")))
		r->rule->said.weight = RULE_SURE;
	else if (slice_eq(rest, SLICE("fair")))
		r->rule->said.weight = RULE_FAIR;
	else if (slice_eq(rest, SLICE("vague")))
		r->rule->said.weight = RULE_VAGUE;
	else
		tell(r, r->line, "a weight is sure, fair or vague");
}

static void
on_code(struct reader *r, struct slice rest)
{
	do {
		struct slice text = word(&rest);
		struct rule_code *code =
		    arena_alloc(r->set->arena, sizeof(*code));

		if (code == NULL) {
			r->rc = ERR_NOMEM;
			return;
		}
		if (!reply_code(text, code) && !enhanced_code(text, code))
			tell(r, r->line,
			    "%.*s is no code of the form 550, 5xx, 5.1.1, "
			    "*.1.* or 5.7.600-649",
			    SLICE_F(text));
		code->next = r->rule->codes;
		r->rule->codes = code;
	} while (rest.len > 0);
}

static void
on_command(struct reader *r, struct slice rest)
{
	do {
		struct slice text = word(&rest);
		enum rule_command c = rule_command_parse(text);

		if (c == RULE_COMMAND_NONE)
			tell(r, r->line,
			    "a command is connect, helo, mail, rcpt, data or "
			    "end");
		r->rule->commands |= (uint8_t)(1U << c);
	} while (rest.len > 0);
}

static void
on_match(struct reader *r, struct slice rest)
{
	phrases(r, r->rule != NULL ? &r->rule->match : &r->list->match, rest);
}

static void
on_unless(struct reader *r, struct slice rest)
{
	phrases(r, &r->rule->unless, rest);
}

static void
on_example(struct reader *r, struct slice rest)
{
	struct slice text = arena_dup(r->set->arena, rest);

	if (rest.len > TEXT_MAX)
		tell(r, r->line, "an example has up to %d octets", TEXT_MAX);
	if (text.at == NULL)
		r->rc = ERR_NOMEM;
	else
		append(r,
		    r->rule != NULL ? &r->rule->examples : &r->list->examples,
		    text);
}

enum { IN_SECTION = 1, IN_RULE = 2, IN_LIST = 4, ANYWHERE = 8, BARE = 16 };
static const struct {
	struct slice word;
	int where;
	void (*take)(struct reader *r, struct slice rest);
} lines[] = {
	{ SLICE("section"), ANYWHERE, on_section },
	{ SLICE("rule"), ANYWHERE, on_rule },
	{ SLICE("blocklist"), ANYWHERE, on_blocklist },
	{ SLICE("local"), IN_SECTION | BARE, on_local },
	{ SLICE("remote"), IN_SECTION, on_remote },
	{ SLICE("recipient"), IN_SECTION, on_recipient },
	{ SLICE("mark"), IN_SECTION, on_mark },
	{ SLICE("class"), IN_RULE, on_class },
	{ SLICE("status"), IN_RULE, on_status },
	{ SLICE("weight"), IN_RULE, on_weight },
	{ SLICE("code"), IN_RULE, on_code },
	{ SLICE("command"), IN_RULE, on_command },
	{ SLICE("match"), IN_RULE | IN_LIST, on_match },
	{ SLICE("unless"), IN_RULE, on_unless },
	{ SLICE("example"), IN_RULE | IN_LIST, on_example },
};

static void
take_line(struct reader *r, struct slice rest)
{
	struct slice keyword = word(&rest);
	int open = (r->section != NULL ? IN_SECTION : 0) |
		   (r->rule != NULL ? IN_RULE : 0) |
		   (r->list != NULL ? IN_LIST : 0) | ANYWHERE;

	if (keyword.len == 0 || keyword.at[0] == '#')
		return;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (!slice_eq(keyword, lines[i].word))
			continue;
		if ((lines[i].where & open) == 0)
			tell(r, r->line, "%.*s does not belong here",
			    SLICE_F(keyword));
		else if (rest.len == 0 && (lines[i].where & BARE) == 0)
			tell(r, r->line, "%.*s has no value", SLICE_F(keyword));
		else
			lines[i].take(r, rest);
		return;
	}
	tell(r, r->line, "%.*s is no word of a rule", SLICE_F(keyword));
}

int
bounce_rules_read(struct bounce_rules *rules, struct slice text, bool of_site,
    bounce_rules_error *error, void *ctx)
{
	struct reader r = { .set = rules,
		.section_at = RULE_ALWAYS,
		.of_site = of_site,
		.error = error,
		.ctx = ctx };
	struct slice line;

	while (slice_split(&text, '\n', &line) && r.rc == 0) {
		r.line++;
		if (memchr(line.at, '\0', line.len) != NULL)
			tell(&r, r.line, "there is a NUL");
		else
			take_line(&r, line);
	}
	close_all(&r);
	if (r.rc < 0)
		return r.rc;
	return r.errors > 0 ? ERR_CONFIG : 0;
}
