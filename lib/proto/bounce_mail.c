/* SPDX-License-Identifier: BSD-2-Clause */
/* Mails that came back: RFC 3464 reports, complaints, free text. */
#include "proto/bounce_mail.h"

#include "proto/bounce_parts.h"
#include "proto/complaint.h"
#include "proto/dsn.h"
#include "proto/mime.h"
#include "proto/returned_names.h"
#include "util/err.h"

#define RULE_MIN 8       /* octets of a line that divides */
#define LINES_MIN 3      /* before one that divides */
#define MANY 32          /* recipients: less of the text is read for each */
#define NEAR_OF_MANY 256 /* octets of it then */
#define SEARCHED_MAX ((size_t)4 * 1024 * 1024) /* octets, in all */
#define RETURNED_MAX 50 /* recipients of the returned message looked at */

/* One mail under way. */
struct reading {
	struct bounce_parts m;
	size_t cursor;   /* in its text, where the last recipient stood */
	size_t searched; /* octets of it, for all of them */
	size_t many;     /* recipients of the report */
};

static int read_mail(struct slice message, const struct bounce_rules *rules,
    struct arena *arena, unsigned depth, struct bounce_mail *ret_mail);

const char *
bounce_kind_word(enum bounce_kind kind)
{
	switch (kind) {
	case BOUNCE_FAILED:
		return "bounce";
	case BOUNCE_DELAY:
		return "delay";
	case BOUNCE_DELIVERED:
		return "delivered";
	case BOUNCE_AUTO_REPLY:
		return "auto-reply";
	case BOUNCE_CHALLENGE:
		return "challenge";
	case BOUNCE_COMPLAINT:
		return "complaint";
	case BOUNCE_OTHER:
		break;
	}
	return "other";
}

/* ---- complaints ---- */

/* One report for each that it names; where it names nobody, the one that the
 * returned message was for. */
static int
take_complaint(struct bounce_parts *m, const struct complaint *c,
    struct bounce_mail *ret)
{
	struct slice to;

	ret->complaint = arena_calloc(m->arena, 1, sizeof(*ret->complaint));
	ret->reports =
	    arena_calloc(m->arena, c->count + 1, sizeof(*ret->reports));
	if (ret->complaint == NULL || ret->reports == NULL)
		return ERR_NOMEM;
	*ret->complaint = *c;
	/* RFC 5965, 2: the message it is about is a part of it.  Without that,
	 * and without a name, nobody can tell what was complained of. */
	ret->kind = complaint_is_none(c->type) ||
			    (c->count == 0 && m->returned.at == NULL)
			? BOUNCE_OTHER
			: BOUNCE_COMPLAINT;
	for (; ret->count < c->count; ret->count++)
		ret->reports[ret->count].recipient = c->recipients[ret->count];
	if (ret->count == 0) {
		to = mime_field(m->returned, "To");
		ret->reports[ret->count++].recipient = bounce_text_address(to);
	}
	for (size_t i = 0; i < ret->count; i++)
		ret->reports[i].kind = ret->kind;
	return 0;
}

static int
one_report(struct bounce_parts *m, struct slice recipient,
    struct bounce_mail *ret)
{
	ret->reports = arena_calloc(m->arena, 1, sizeof(*ret->reports));
	if (ret->reports == NULL)
		return ERR_NOMEM;
	ret->count = 1;
	ret->reports[0].kind = ret->kind;
	ret->reports[0].recipient = recipient;
	return 0;
}

/* The beginning of what a person would read, on one line. */
static struct slice
beginning(const struct bounce_parts *m)
{
	struct slice s = m->text;

	if (s.len > BOUNCE_REASON_MAX)
		s.len = BOUNCE_REASON_MAX;
	return mime_unfold(s, m->arena);
}

/* ---- reports ---- */

/* Where a text about one recipient ends: a disclaimer begins, or a part for
 * machines or administrators. */
static bool
is_rule(struct slice line)
{
	size_t n = 0;

	line = slice_trim(line);
	if (slice_eq(line, SLICE("--")))
		return true;
	while (n < line.len && line.at[n] == line.at[0])
		n++;
	return n >= RULE_MIN && strchr("_*=-#~", line.at[0]) != NULL;
}

/* Where the text names the address: behind the last one, else anywhere. */
static const char *
search(struct reading *r, struct slice address)
{
	struct slice rest = slice_skip(r->m.text, r->cursor);
	const char *p;

	if (address.len == 0 || r->searched > SEARCHED_MAX)
		return NULL;
	p = slice_find(rest, address);
	r->searched += p != NULL ? (size_t)(p - rest.at) : rest.len;
	if (p != NULL || r->cursor == 0)
		return p;
	r->searched += r->m.text.len;
	return slice_find(r->m.text, address);
}

/*
 * What the human part says near the address; the whole when it is not there.
 * The recipients of a report mostly stand in the order of the text: each is
 * searched for behind the one before.
 */
static struct slice
near_address(struct reading *r, struct slice address)
{
	struct slice s = r->m.text, rest, line;
	const char *p = search(r, address);

	if (p != NULL) {
		s = slice_skip(s, (size_t)(p - s.at));
		r->cursor = (size_t)(p - r->m.text.at);
	}
	if (s.len > (r->many < MANY ? CLASSIFY_TEXT_MAX : NEAR_OF_MANY))
		s.len = r->many < MANY ? CLASSIFY_TEXT_MAX : NEAR_OF_MANY;
	rest = s;
	for (size_t lines = 0; rest.len > 0 && mime_line(&rest, &line);) {
		if (slice_trim(line).len == 0)
			continue;
		/* Boxes are drawn round how a text begins. */
		if (is_rule(line) && (p != NULL || lines >= LINES_MIN)) {
			s.len = (size_t)(line.at - s.at);
			break;
		}
		lines++;
	}
	return s;
}

/*
 * Dovecot's delivery agent: what it writes for people says more than the
 * report around it.
 */
static bool
is_of_delivery_agent(const struct bounce_parts *m)
{
	return slice_find(m->text_words.text,
		   SLICE("was automatically rejected:")) != NULL;
}

/* Does a text give a reason of its own, or words that fit any failure? */
static bool
knows_better(const struct classify_verdict *human,
    const struct classify_verdict *code)
{
	return !human->vague || strcmp(code->rule, "none") == 0;
}

/* The diagnostic decides, or where it tells little, the human part. */
static void
judge(struct reading *rd, const struct dsn_recipient *d,
    struct bounce_report *r)
{
	struct classify_input in = { .rules = rd->m.rules,
		.text = d->diagnostic,
		.dsn = d->status,
		.remote = d->remote_mta,
		.recipient = d->final };
	struct classify_verdict human;

	classify_reply(&in, &r->verdict);
	r->reason = d->diagnostic;
	if (r->verdict.vague || is_of_delivery_agent(&rd->m)) {
		struct slice text = near_address(rd, d->final);

		in.text = text;
		classify_reply(&in, &human);
		if (knows_better(&human, &r->verdict)) {
			if (r->verdict.reply_code != 0)
				human.reply_code = r->verdict.reply_code;
			if (r->verdict.enhanced.class != 0)
				human.enhanced = r->verdict.enhanced;
			r->verdict = human;
		}
		if (r->reason.len == 0)
			r->reason = mime_unfold(text, rd->m.arena);
	}
	if (r->reason.len > BOUNCE_REASON_MAX)
		r->reason.len = BOUNCE_REASON_MAX;
}

static enum bounce_kind
kind_of(const struct bounce_parts *m, const struct dsn_recipient *d)
{
	bool temporary = d->status.len > 0 && d->status.at[0] == '4';

	if (d->action == DSN_DELAYED ||
	    (d->action == DSN_NO_ACTION && temporary) ||
	    (d->action == DSN_FAILED && temporary && m->delays))
		return BOUNCE_DELAY;
	if (d->action == DSN_DELIVERED || d->action == DSN_RELAYED ||
	    d->action == DSN_EXPANDED ||
	    (d->status.len > 0 && d->status.at[0] == '2'))
		return BOUNCE_DELIVERED;
	return BOUNCE_FAILED;
}

/* The address the message was sent to, where the fields have a route, a pipe,
 * a file or nothing instead. */
static struct slice
named_in_text(struct reading *r, struct slice final)
{
	struct slice none = { NULL, 0 }, address;
	struct bounce_mail words = { .count = 0 };

	address = bounce_forward_origin(&r->m, near_address(r, final), none);
	if (address.at != NULL)
		return address;
	/* Only where there is no other recipient that it may belong to. */
	if (r->many > 1)
		return none;
	address = bounce_text_address(r->m.field[FIELD_FAILED]);
	if (address.at != NULL)
		return address;
	if (bounce_text_read(&r->m, &words) == 0 && words.count > 0)
		return words.reports[0].recipient;
	return bounce_text_address(mime_field(r->m.returned, "To"));
}

static void
forwarded(struct bounce_report *r)
{
	r->verdict.status = STATUS_FORWARDED;
	r->verdict.class = CLASS_FORWARDING;
}

static struct bounce_report
report_of(struct reading *rd, const struct dsn_recipient *d)
{
	struct bounce_report r = { .kind = kind_of(&rd->m, d),
		.recipient =
		    bounce_is_address(d->original) ? d->original : d->final,
		.original = d->original,
		.final = d->final,
		.relay = d->remote_mta };
	struct slice origin;

	if (!bounce_is_address(r.recipient)) {
		origin = named_in_text(rd, d->final);
		if (origin.at != NULL)
			r.recipient = r.original = origin;
	}
	if (r.kind != BOUNCE_FAILED)
		return r;
	judge(rd, d, &r);
	if (bounce_is_forwarded(d->original, d->final) ||
	    bounce_is_forwarded(d->actual, d->final)) {
		forwarded(&r);
		return r;
	}
	origin =
	    bounce_forward_origin(&rd->m, near_address(rd, d->final), d->final);
	if (bounce_is_forwarded(origin, d->final)) {
		r.recipient = r.original = origin;
		forwarded(&r);
	}
	return r;
}

static int
read_report(struct reading *rd, const struct dsn *dsn, struct bounce_mail *ret)
{
	struct arena *arena = rd->m.arena;

	ret->reports = arena_calloc(arena, dsn->count, sizeof(*ret->reports));
	if (ret->reports == NULL)
		return ERR_NOMEM;
	ret->kind = BOUNCE_OTHER;
	rd->many = dsn->count;
	for (size_t i = 0; i < dsn->count; i++) {
		struct bounce_report r = report_of(rd, &dsn->recipients[i]);

		if (r.kind < ret->kind)
			ret->kind = r.kind;
		ret->reports[ret->count++] = r;
	}
	return 0;
}

/* ---- receipts, RFC 8098 ---- */

/*
 * A reader's program, or the filter of his mailbox: RFC 5429 has it refuse
 * mail by a disposition notification, and Dovecot does it for a full mailbox.
 */
static int
read_receipt(struct bounce_parts *m, struct bounce_mail *ret)
{
	static const struct slice refused =
	    SLICE("automatically rejected|was rejected|refused by|"
		  "has been rejected|quota exceeded");
	struct slice how = mime_field(m->receipt, "Disposition");
	struct slice to = mime_field(m->receipt, "Original-Recipient");
	bool fails = slice_starts_nocase(how, SLICE("automatic-action")) &&
		     classify_text_match(refused, &m->text_words);
	int rc;

	if (to.at == NULL)
		to = mime_field(m->receipt, "Final-Recipient");
	ret->kind = fails ? BOUNCE_FAILED : BOUNCE_DELIVERED;
	to = dsn_address(to, m->arena);
	if ((rc = one_report(m, to, ret)) < 0 || !fails)
		return rc;
	classify_reply(&(struct classify_input){ .rules = m->rules,
			   .text = m->text,
			   .recipient = to },
	    &ret->reports[0].verdict);
	ret->reports[0].reason = beginning(m);
	return 0;
}

/* ---- without a report ---- */

/* The one the returned message was for whom the text names by his local part;
 * else the first. */
static struct slice
returned_to(const struct bounce_parts *m)
{
	struct slice to = mime_field(m->returned, "To"), first, address;

	first = address = bounce_text_address(to);
	for (int i = 0; address.at != NULL && i < RETURNED_MAX; i++) {
		const char *at = memchr(address.at, '@', address.len);
		struct slice local = { address.at, (size_t)(at - address.at) };

		if (local.len > 1 && slice_find(m->text, local) != NULL)
			return address;
		to = slice_skip(to, (size_t)(address.at + address.len - to.at));
		address = bounce_text_address(to);
	}
	return first;
}

/* Nobody is named: the one the returned message was for; else, whoever. */
static int
read_nobody(struct bounce_parts *m, struct bounce_mail *ret)
{
	struct slice to = returned_to(m);
	struct classify_input in = { .rules = m->rules,
		.text = m->text,
		.recipient = to };
	int rc = one_report(m, to, ret);

	if (rc == 0) {
		classify_reply(&in, &ret->reports[0].verdict);
		ret->reports[0].reason = beginning(m);
	}
	return rc;
}

/* A gateway, or another system, wrote round a whole report. */
static bool
wraps_report(const struct bounce_parts *m)
{
	struct slice type = mime_field(m->inner, "Content-Type");

	return !m->has_report && m->inner.len > 0 &&
	       slice_eq_nocase(mime_parameter(type, "report-type"),
		   SLICE("delivery-status"));
}

static int
read_words(struct bounce_parts *m, struct bounce_mail *ret)
{
	int rc;

	rc = bounce_text_read(m, ret);
	if (rc == 0 && ret->count == 0)
		rc = read_nobody(m, ret);
	for (size_t i = 0; i < ret->count && rc == 0; i++) {
		ret->reports[i].kind = ret->kind;
		if (ret->kind != BOUNCE_FAILED)
			ret->reports[i].verdict =
			    (struct classify_verdict){ .rule = NULL };
	}
	return rc;
}

/* A mail that has no part for machines; fields of one may stand in its text,
 * which count only where the mail came from one. */
static int
read_text(struct reading *rd, const struct dsn *dsn, unsigned depth,
    struct bounce_mail *ret)
{
	struct bounce_parts *m = &rd->m;
	enum bounce_kind kind = bounce_words_kind(m);

	ret->kind = kind;
	if (kind != BOUNCE_FAILED && kind != BOUNCE_DELAY &&
	    kind != BOUNCE_DELIVERED)
		return 0;
	if (depth + 1 < BOUNCE_DEPTH_MAX && wraps_report(m))
		return read_mail(m->inner, m->rules, m->arena, depth + 1, ret);
	if (dsn->count > 0)
		return read_report(rd, dsn, ret);
	return kind == BOUNCE_DELIVERED ? 0 : read_words(m, ret);
}

static int
read_mail(struct slice message, const struct bounce_rules *rules,
    struct arena *arena, unsigned depth, struct bounce_mail *ret_mail)
{
	struct bounce_mail mail = { .kind = BOUNCE_OTHER };
	struct dsn dsn = { .count = 0 }, sns = { .count = 0 };
	struct reading *rd = arena_calloc(arena, 1, sizeof(*rd));
	struct complaint complaint;
	int rc;

	if (rd == NULL)
		return ERR_NOMEM;
	struct bounce_parts *m = &rd->m;
	if ((rc = bounce_parts_read(message, rules, arena, m)) < 0 ||
	    (m->report.at != NULL &&
		(rc = dsn_parse(m->report, arena, &dsn)) < 0) ||
	    (rc = bounce_sns_read(m, &sns)) < 0 ||
	    (rc = complaint_read(m, dsn.count > 0, &complaint)) < 0)
		return rc;
	if ((mail.names = arena_calloc(arena, 1, sizeof(*mail.names))) == NULL)
		return ERR_NOMEM;
	returned_names_read(message, m, mail.names);
	if (rc > 0)
		rc = take_complaint(m, &complaint, &mail);
	else if (sns.count > 0)
		rc = read_report(rd, &sns, &mail);
	else if (dsn.count > 0 && m->has_report)
		rc = read_report(rd, &dsn, &mail);
	else if (m->receipt.at != NULL)
		rc = read_receipt(m, &mail);
	else
		rc = read_text(rd, &dsn, depth, &mail);
	if (mail.envelope_id.at == NULL)
		mail.envelope_id = dsn.envelope_id;
	mail.returned = m->returned;
	if (rc == 0)
		*ret_mail = mail;
	return rc;
}

int
bounce_mail_read(struct slice message, const struct bounce_rules *rules,
    struct arena *arena, struct bounce_mail *ret_mail)
{
	return read_mail(message, rules, arena, 0, ret_mail);
}
