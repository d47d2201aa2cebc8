/* SPDX-License-Identifier: BSD-2-Clause */
/* Mails that came back: RFC 3464 reports, complaints, free text. */
#include "proto/bounce_mail.h"

#include "proto/bounce_parts.h"
#include "proto/complaint.h"
#include "proto/dsn.h"
#include "proto/mime.h"
#include "util/err.h"

const char *
bounce_kind_word(enum bounce_kind kind)
{
	switch (kind) {
	case BOUNCE_FAILED:
		return "bounce";
	case BOUNCE_DELAY:
		return "delay";
	case BOUNCE_AUTO_REPLY:
		return "auto-reply";
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
	ret->kind =
	    complaint_is_none(c->type) ? BOUNCE_OTHER : BOUNCE_COMPLAINT;
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

/* ---- reports ---- */

static bool
is_address(struct slice s)
{
	return s.len > 0 && strchr("@|/", s.at[0]) == NULL &&
	       memchr(s.at, '@', s.len) != NULL &&
	       memchr(s.at, ' ', s.len) == NULL;
}

/* What the human part says near the address; the whole when it is not there. */
static struct slice
near_address(const struct bounce_parts *m, struct slice address)
{
	const char *p = address.len > 0 ? slice_find(m->text, address) : NULL;
	struct slice s = m->text;

	if (p != NULL)
		s = slice_skip(s, (size_t)(p - s.at));
	if (s.len > CLASSIFY_TEXT_MAX)
		s.len = CLASSIFY_TEXT_MAX;
	return s;
}

/* The diagnostic decides, or where it tells little, the human part. */
static void
judge(struct bounce_parts *m, const struct dsn_recipient *d,
    struct bounce_report *r)
{
	struct classify_input in = { .rules = m->rules,
		.text = d->diagnostic,
		.dsn = d->status,
		.remote = d->remote_mta,
		.recipient = d->final };
	struct classify_verdict human;

	classify_reply(&in, &r->verdict);
	r->reason = d->diagnostic;
	if (r->verdict.vague) {
		struct slice text = near_address(m, d->final);

		in.text = text;
		classify_reply(&in, &human);
		if (!human.vague || strcmp(r->verdict.rule, "none") == 0) {
			if (r->verdict.reply_code != 0)
				human.reply_code = r->verdict.reply_code;
			if (r->verdict.enhanced.class != 0)
				human.enhanced = r->verdict.enhanced;
			r->verdict = human;
		}
		if (r->reason.len == 0)
			r->reason = mime_unfold(text, m->arena);
	}
	if (r->reason.len > BOUNCE_REASON_MAX)
		r->reason.len = BOUNCE_REASON_MAX;
}

static bool
differs(struct slice a, struct slice b)
{
	return is_address(a) && is_address(b) && !slice_eq_nocase(a, b);
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
		return BOUNCE_OTHER;
	return BOUNCE_FAILED;
}

/* The address the message was sent to, where the fields have a route, a pipe
 * or a file instead.  alone: there is no other recipient it may belong to. */
static struct slice
named_in_text(const struct bounce_parts *m, struct slice final, bool alone)
{
	struct slice failed = mime_field(m->header, "X-Failed-Recipients");
	struct slice none = { NULL, 0 }, address;
	struct bounce_mail words = { .count = 0 };

	if ((address = bounce_text_origin(near_address(m, final))).at != NULL)
		return address;
	if (!alone)
		return none;
	if ((address = bounce_text_address(failed)).at != NULL)
		return address;
	if (bounce_text_read(m->text, none, m->mine, m->rules, m->arena,
		&words) < 0 ||
	    words.count == 0)
		return none;
	return words.reports[0].recipient;
}

static struct bounce_report
report_of(struct bounce_parts *m, const struct dsn_recipient *d, bool alone)
{
	struct bounce_report r = { .kind = kind_of(m, d),
		.recipient = is_address(d->original) ? d->original : d->final,
		.original = d->original,
		.final = d->final,
		.relay = d->remote_mta };
	struct slice origin;

	if (!is_address(r.recipient)) {
		origin = named_in_text(m, d->final, alone);
		if (origin.at != NULL)
			r.recipient = r.original = origin;
	}
	if (r.kind != BOUNCE_FAILED)
		return r;
	judge(m, d, &r);
	if (differs(d->original, d->final) || differs(d->actual, d->final)) {
		r.verdict.status = STATUS_FORWARDED;
		r.verdict.class = CLASS_FORWARDING;
		return r;
	}
	origin = bounce_text_origin(near_address(m, d->final));
	if (differs(origin, d->final)) {
		r.recipient = r.original = origin;
		r.verdict.status = STATUS_FORWARDED;
		r.verdict.class = CLASS_FORWARDING;
	}
	return r;
}

static int
read_report(struct bounce_parts *m, const struct dsn *dsn,
    struct bounce_mail *ret)
{
	ret->reports =
	    arena_calloc(m->arena, dsn->count, sizeof(*ret->reports));
	if (ret->reports == NULL)
		return ERR_NOMEM;
	ret->kind = BOUNCE_OTHER;
	for (size_t i = 0; i < dsn->count; i++) {
		struct bounce_report r =
		    report_of(m, &dsn->recipients[i], dsn->count == 1);

		if (r.kind < ret->kind)
			ret->kind = r.kind;
		ret->reports[ret->count++] = r;
	}
	return 0;
}

/* ---- without a report ---- */

/* Nobody is named: the one the returned message was for; else, whoever. */
static int
read_nobody(struct bounce_parts *m, struct bounce_mail *ret)
{
	struct slice to = bounce_text_address(mime_field(m->returned, "To"));
	struct classify_input in = { .rules = m->rules,
		.text = m->text,
		.recipient = to };
	int rc = one_report(m, to, ret);

	if (rc == 0) {
		classify_reply(&in, &ret->reports[0].verdict);
		ret->reports[0].reason =
		    mime_unfold((struct slice){ m->text.at,
				    m->text.len < BOUNCE_REASON_MAX
					? m->text.len
					: BOUNCE_REASON_MAX },
			m->arena);
	}
	return rc;
}

static int
read_words(struct bounce_parts *m, struct bounce_mail *ret)
{
	struct slice failed = mime_field(m->header, "X-Failed-Recipients");
	int rc;

	ret->kind = (enum bounce_kind)bounce_words_kind(m);
	if (ret->kind != BOUNCE_FAILED && ret->kind != BOUNCE_DELAY)
		return 0;
	rc =
	    bounce_text_read(m->text, failed, m->mine, m->rules, m->arena, ret);
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

int
bounce_mail_read(struct slice message, const struct bounce_rules *rules,
    struct arena *arena, struct bounce_mail *ret_mail)
{
	struct bounce_mail mail = { .kind = BOUNCE_OTHER };
	struct dsn dsn = { .count = 0 };
	struct bounce_parts m;
	struct complaint complaint;
	int rc;

	if ((rc = bounce_parts_read(message, rules, arena, &m)) < 0 ||
	    (m.report.at != NULL &&
		(rc = dsn_parse(m.report, arena, &dsn)) < 0))
		return rc;
	if ((rc = complaint_read(&m, dsn.count > 0, &complaint)) < 0)
		return rc;
	if (rc > 0)
		rc = take_complaint(&m, &complaint, &mail);
	else if (dsn.count > 0)
		rc = read_report(&m, &dsn, &mail);
	else
		rc = read_words(&m, &mail);
	mail.envelope_id = dsn.envelope_id;
	if (rc == 0)
		*ret_mail = mail;
	return rc;
}
