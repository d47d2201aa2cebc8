/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounces in plain words: qmail, Exim, Sendmail's transcripts, and the rest. */
#include "proto/bounce_parts.h"
#include "proto/mime.h"
#include "util/err.h"

#define REPORTS_MAX 50  /* in one text */
#define REASON_LINES 14 /* behind the address */
#define LINES_MAX 400   /* looked at */
#define TALK_LINES 8    /* of an SMTP dialogue, before the address */
#define PIECES_MAX 4    /* of a text that tell of one address */
#define LOCAL_MAX 64    /* RFC 5321, 4.5.3.1.1 */

/* ---- which address, and which lines tell of it ---- */

struct line {
	struct slice text, address;
	enum bounce_naming naming;
	bool coded; /* "550 <a@b>... no": what it answers stands before it */
};
/* What is being found of one recipient. */
struct found {
	struct bounce_report report;
	size_t until, pieces; /* the line behind what tells of it, so far */
};
struct text {
	const struct bounce_parts *m;
	struct line lines[LINES_MAX];
	size_t count;
	struct found found[REPORTS_MAX];
	size_t found_count;
};

static bool
is_mine(const struct bounce_parts *m, struct slice address)
{
	char room[LOCAL_MAX * 4];
	struct slice rest = m->mine, lower = { room, address.len };
	const char *p;

	if (address.len > sizeof(room))
		return false;
	for (size_t i = 0; i < address.len; i++)
		room[i] = (char)(address.at[i] >= 'A' && address.at[i] <= 'Z'
				     ? address.at[i] + 32
				     : address.at[i]);
	while ((p = slice_find(rest, lower)) != NULL) {
		rest = slice_skip(rest, (size_t)(p - rest.at) + lower.len);
		if ((p == m->mine.at || !bounce_is_atext(p[-1])) &&
		    (rest.len == 0 || !bounce_is_domain_octet(rest.at[0])))
			return true;
	}
	return false;
}

static void
read_lines(struct text *t)
{
	struct slice text = t->m->text, line;

	while (t->count < LINES_MAX && mime_line(&text, &line)) {
		struct line *l = &t->lines[t->count++];

		*l = (struct line){ .text = line };
		l->naming = bounce_line_names(line, &l->address, &l->coded);
	}
}

/* Lines from..to as one text. */
static struct slice
join(const struct text *t, size_t from, size_t to)
{
	if (to > t->count)
		to = t->count;
	if (from >= to)
		return SLICE("");
	const char *begin = t->lines[from].text.at;
	struct slice last = t->lines[to - 1].text;
	struct slice all = { begin, (size_t)(last.at + last.len - begin) };

	if (all.len > CLASSIFY_TEXT_MAX)
		all.len = CLASSIFY_TEXT_MAX;
	return mime_unfold(all, t->m->arena);
}

static struct found *
find(struct text *t, struct slice address)
{
	for (size_t i = 0; i < t->found_count; i++)
		if (slice_eq_nocase(t->found[i].report.final, address))
			return &t->found[i];
	return NULL;
}

/* Two texts as one, as far as one is looked at. */
static struct slice
both(struct arena *arena, struct slice a, struct slice b)
{
	size_t len = a.len + 1 + b.len;
	char *to;

	if (len > CLASSIFY_TEXT_MAX || a.len == 0 || b.len == 0)
		return a.len > 0 ? a : b;
	if ((to = arena_alloc(arena, len)) == NULL)
		return a;
	memcpy(to, a.at, a.len);
	to[a.len] = ' ';
	memcpy(to + a.len + 1, b.at, b.len);
	return (struct slice){ to, len };
}

/* Lines from..to tell of the address; also where others told of it before. */
static void
add(struct text *t, struct slice address, size_t from, size_t to)
{
	struct found *f = find(t, address);

	if (f == NULL && t->found_count < REPORTS_MAX) {
		f = &t->found[t->found_count++];
		*f = (struct found){ .report = { .kind = BOUNCE_FAILED,
					 .recipient = address,
					 .final = address } };
	} else if (f == NULL || f->pieces == PIECES_MAX || from < f->until) {
		return;
	}
	f->pieces++;
	f->until = to;
	f->report.reason =
	    both(t->m->arena, f->report.reason, join(t, from, to));
}

/* ">>> RCPT To:<a@b>", "<<< 550 no", "421 deferred": Sendmail's dialogue. */
static bool
is_talk(struct slice line)
{
	struct smtp_reply reply;

	line = slice_trim(line);
	if (slice_starts(line, SLICE(">>>")) ||
	    slice_starts(line, SLICE("<<<")))
		return true;
	if (line.len < 4 || line.at[0] < '4' || line.at[0] > '5')
		return false;
	smtp_reply_parse(line, &reply);
	return reply.code >= 400;
}

/* Where what a line tells of its address ends. */
static size_t
end_of(const struct text *t, size_t i, enum bounce_naming least)
{
	const struct line *l = &t->lines[i];
	size_t end = i + 1;

	while (end < t->count && end < i + REASON_LINES) {
		const struct line *next = &t->lines[end];

		if (next->naming >= least &&
		    !slice_eq_nocase(next->address, l->address))
			break;
		/* The dialogue behind it is about the next one. */
		if (l->coded &&
		    (next->text.len == 0 ||
			(next->text.at[0] != ' ' && next->text.at[0] != '\t')))
			break;
		end++;
	}
	return end;
}

static void
find_by_layout(struct text *t, enum bounce_naming least, bool mine_too)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = &t->lines[i];
		size_t from = i;

		if (l->naming < least ||
		    (!mine_too && is_mine(t->m, l->address)))
			continue;
		while (from > 0 && i - from < TALK_LINES &&
		       !t->lines[from - 1].coded &&
		       is_talk(t->lines[from - 1].text))
			from--;
		add(t, l->address, from, end_of(t, i, least));
	}
}

static void
find_listed(struct text *t)
{
	struct slice failed = t->m->field[FIELD_FAILED], piece;
	size_t kept = 0;

	while (slice_split(&failed, ',', &piece)) {
		struct slice address = bounce_text_address(piece);
		struct found *f;
		size_t at = 0;

		if (address.at == NULL)
			continue;
		while (at < t->count &&
		       slice_find(t->lines[at].text, address) == NULL)
			at++;
		if ((f = find(t, address)) == NULL) {
			bool said = at < t->count;

			/* The text knows others: it is nearer to the truth. */
			if (!said && t->found_count > 0)
				continue;
			add(t, address, said ? at : 0,
			    said ? at + REASON_LINES : t->count);
			f = find(t, address);
		}
		if (f != NULL)
			f->report.kind = BOUNCE_DELAY; /* marked: listed */
	}
	/* Where some are listed, no other failed. */
	for (size_t i = 0; i < t->found_count; i++) {
		if (t->found[i].report.kind != BOUNCE_DELAY)
			continue;
		t->found[kept] = t->found[i];
		t->found[kept++].report.kind = BOUNCE_FAILED;
	}
	if (kept > 0)
		t->found_count = kept;
}

/* Addresses that are written to for help. */
static bool
is_office(struct slice address)
{
	static const struct slice names[] = { SLICE("postmaster@"),
		SLICE("mailer-daemon@"), SLICE("support@"), SLICE("abuse@"),
		SLICE("help@"), SLICE("helpdesk@"), SLICE("hostmaster@"),
		SLICE("webmaster@"), SLICE("noc@"), SLICE("info@") };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_starts_nocase(address, names[i]))
			return true;
	return false;
}

/* "mail from a@b" and the like: the sender. */
static bool
is_behind_from(struct slice line, struct slice address)
{
	static const struct slice words[] = { SLICE("mail from"),
		SLICE("mails from"), SLICE("messages from"),
		SLICE("message from"), SLICE("from:"), SLICE("sent by") };
	struct slice before = { line.at, (size_t)(address.at - line.at) };

	while (before.len > 0 &&
	       strchr(" <\"'", before.at[before.len - 1]) != NULL)
		before.len--;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (before.len >= words[i].len &&
		    slice_eq_nocase(slice_skip(before,
					before.len - words[i].len),
			words[i]))
			return true;
	return false;
}

/* The first address in it that may be a recipient's. */
static struct slice
any_address(const struct bounce_parts *m, struct slice line)
{
	struct slice address;

	while ((address = bounce_text_address(line)).at != NULL) {
		if (!is_mine(m, address) && !is_office(address) &&
		    !is_behind_from(line, address))
			break;
		line = slice_skip(line,
		    (size_t)(address.at + address.len - line.at));
	}
	return address;
}

static void
find_any(struct text *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct slice address = any_address(t->m, t->lines[i].text);

		if (address.at == NULL)
			continue;
		add(t, address, i, i + REASON_LINES);
		return;
	}
}

/*
 * A provider's own user, without its domain: a word alone in its line, behind
 * one that announces it.
 */
static void
find_bare(struct text *t)
{
	struct slice from = bounce_text_address(t->m->field[FIELD_FROM]);
	bool announced = false;

	if (from.at == NULL)
		return;
	const char *at = memchr(from.at, '@', from.len);
	struct slice domain = { at, (size_t)(from.at + from.len - at) };
	for (size_t i = 0; i < t->count; i++) {
		struct slice word = slice_trim(t->lines[i].text);
		size_t n = 0;

		while (n < word.len && bounce_is_atext(word.at[n]))
			n++;
		if (announced && n > 0 && n == word.len && n <= LOCAL_MAX) {
			char *to = arena_alloc(t->m->arena, n + domain.len);

			if (to == NULL)
				return;
			memcpy(to, word.at, n);
			memcpy(to + n, domain.at, domain.len);
			add(t, (struct slice){ to, n + domain.len }, 0,
			    t->count);
			return;
		}
		if (word.len > 0)
			announced = word.at[word.len - 1] == ':';
	}
}

bool
bounce_text_names(const struct bounce_parts *m)
{
	struct slice text = m->text;

	if (text.len > CLASSIFY_TEXT_MAX)
		text.len = CLASSIFY_TEXT_MAX;
	return any_address(m, text).at != NULL;
}

/* ---- what it means ---- */

static void
judge(const struct bounce_parts *m, struct bounce_report *r, struct slice rest)
{
	struct classify_input in = { .rules = m->rules,
		.text = r->reason,
		.recipient = r->final };
	struct classify_verdict whole;
	struct slice origin;

	classify_reply(&in, &r->verdict);
	if (r->verdict.vague && rest.len > 0) {
		in.text = rest;
		classify_reply(&in, &whole);
		if (!whole.vague || strcmp(r->verdict.rule, "none") == 0) {
			if (whole.reply_code == 0)
				whole.reply_code = r->verdict.reply_code;
			r->verdict = whole;
		}
	}
	origin = bounce_forward_origin(m, r->reason, r->final);
	if (bounce_is_forwarded(origin, r->final)) {
		r->original = r->recipient = origin;
		r->verdict.status = STATUS_FORWARDED;
		r->verdict.class = CLASS_FORWARDING;
	}
	if (r->reason.len == 0)
		r->reason = rest;
	if (r->reason.len > BOUNCE_REASON_MAX)
		r->reason.len = BOUNCE_REASON_MAX;
}

/* Who tells nothing by himself gets what is said of all: where others have
 * reasons of their own, what stands before the first. */
static void
judge_all(struct text *t, struct bounce_mail *ret)
{
	struct slice all = join(t, 0, t->count);

	if (t->found_count > 1) {
		struct classify_verdict v;
		size_t first = t->count;

		for (size_t i = 0; i < t->found_count; i++) {
			classify_reply(
			    &(struct classify_input){ .rules = t->m->rules,
				.text = t->found[i].report.reason },
			    &v);
			if (!v.vague)
				first = 0;
		}
		for (size_t i = 0; first == 0 && i < t->count; i++)
			if (t->lines[i].naming == NAMES_SURELY) {
				all = join(t, 0, i);
				break;
			}
	}
	for (size_t i = 0; i < t->found_count; i++) {
		ret->reports[i] = t->found[i].report;
		judge(t->m, &ret->reports[i], all);
	}
	ret->count = t->found_count;
}

int
bounce_text_read(const struct bounce_parts *m, struct bounce_mail *ret_mail)
{
	struct text *t = arena_alloc(m->arena, sizeof(*t));

	if (t == NULL)
		return ERR_NOMEM;
	t->m = m;
	read_lines(t);
	find_by_layout(t, NAMES_SURELY, false);
	find_listed(t);
	if (t->found_count == 0)
		find_by_layout(t, NAMES_PERHAPS, false);
	if (t->found_count == 0)
		find_by_layout(t, NAMES_SURELY, true);
	if (t->found_count == 0)
		find_any(t);
	if (t->found_count == 0 && m->returned.at == NULL)
		find_bare(t);
	ret_mail->reports = arena_calloc(m->arena, t->found_count + 1,
	    sizeof(*ret_mail->reports));
	if (ret_mail->reports == NULL)
		return ERR_NOMEM;
	judge_all(t, ret_mail);
	return 0;
}
