/* SPDX-License-Identifier: BSD-2-Clause */
/* Mails that came back: RFC 3464 reports, RFC 5965 complaints, free text. */
#include "proto/bounce_mail.h"

#include "proto/dsn.h"
#include "proto/mime.h"
#include "util/err.h"

#define TEXT_MAX (64 * 1024) /* of a part's text, decoded */
#define MINE_MAX 2048        /* of From, and of To */

struct mail {
	struct arena *arena;
	struct mime mime;
	struct slice header;
	struct slice text;     /* what a person would read */
	struct slice report;   /* message/delivery-status */
	struct slice feedback; /* message/feedback-report */
	struct slice returned; /* header of the message that came back */
	struct slice mine;     /* From and To of this mail */
};

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

static struct slice
decoded(struct mail *m, const struct mime_part *part)
{
	struct slice copy = { NULL, 0 };
	struct buf b;

	if (part->encoding == MIME_IDENTITY) {
		copy = part->body;
		if (copy.len > TEXT_MAX)
			copy.len = TEXT_MAX;
		return copy;
	}
	buf_init(&b, TEXT_MAX);
	(void)mime_decode(part, &b);
	if (b.len > 0)
		copy = arena_dup(m->arena, buf_slice(&b));
	buf_done(&b);
	return copy;
}

/* Tags out, so that words stand beside each other as they are shown. */
static struct slice
without_tags(struct mail *m, struct slice html)
{
	char *to = arena_alloc(m->arena, html.len + 1);
	bool tag = false;
	size_t n = 0;

	if (to == NULL)
		return (struct slice){ NULL, 0 };
	for (size_t i = 0; i < html.len; i++) {
		struct slice rest = slice_skip(html, i);

		if (html.at[i] == '<' &&
		    bounce_text_address((struct slice){ rest.at,
					    rest.len < 80 ? rest.len : 80 })
			    .at != rest.at + 1) {
			bool block = slice_starts_nocase(rest, SLICE("<br")) ||
				     slice_starts_nocase(rest, SLICE("<p")) ||
				     slice_starts_nocase(rest, SLICE("<td")) ||
				     slice_starts_nocase(rest, SLICE("</"));

			tag = true;
			if (block)
				to[n++] = '\n';
		} else if (html.at[i] == '>' && tag) {
			tag = false;
		} else if (!tag) {
			to[n++] = html.at[i];
		}
	}
	return (struct slice){ to, n };
}

static struct slice
header_of(struct slice body)
{
	struct slice rest = body, name, value;

	while (mime_field_next(&rest, &name, &value))
		;
	return (struct slice){ body.at, body.len - rest.len };
}

static void
collect(struct mail *m)
{
	struct slice html = { NULL, 0 };

	for (size_t i = 0; i < m->mime.count; i++) {
		const struct mime_part *p = &m->mime.parts[i];

		if (mime_is(p, "message/delivery-status") ||
		    mime_is(p, "message/global-delivery-status")) {
			if (m->report.at == NULL)
				m->report = decoded(m, p);
		} else if (mime_is(p, "message/feedback-report")) {
			if (m->feedback.at == NULL)
				m->feedback = decoded(m, p);
		} else if (mime_is(p, "message/rfc822") ||
			   mime_is(p, "message/global") ||
			   mime_is(p, "text/rfc822-headers")) {
			if (m->returned.at == NULL)
				m->returned = header_of(decoded(m, p));
		} else if (mime_is(p, "text/html")) {
			if (html.at == NULL)
				html = decoded(m, p);
		} else if (slice_starts_nocase(p->type, SLICE("text")) &&
			   m->text.len == 0) {
			m->text = decoded(m, p);
		}
	}
	if (slice_trim(m->text).len == 0 && html.at != NULL)
		m->text = without_tags(m, html);
	if (m->text.at == NULL && m->mime.count > 0)
		m->text = decoded(m, &m->mime.parts[0]);
}

/* ---- complaints ---- */

static int
read_feedback(struct mail *m, struct bounce_mail *ret)
{
	struct slice rest = m->feedback, name, value;
	struct slice type = mime_field(m->feedback, "Feedback-Type");

	ret->kind = BOUNCE_COMPLAINT;
	if (slice_starts_nocase(type, SLICE("auth-failure")) ||
	    slice_starts_nocase(type, SLICE("dmarc")))
		ret->kind = BOUNCE_OTHER; /* RFC 6591: nobody complained */
	ret->reports =
	    arena_calloc(m->arena, DSN_RECIPIENTS_MAX, sizeof(*ret->reports));
	if (ret->reports == NULL)
		return ERR_NOMEM;
	while (rest.len > 0 && ret->count < DSN_RECIPIENTS_MAX) {
		if (!mime_field_next(&rest, &name, &value) ||
		    !slice_eq_nocase(name, SLICE("Original-Rcpt-To")))
			continue;
		ret->reports[ret->count++] = (struct bounce_report){
			.kind = ret->kind,
			.recipient = dsn_address(value, m->arena),
		};
	}
	if (ret->count == 0) {
		struct slice to = mime_field(m->returned, "To");

		ret->reports[ret->count++] = (struct bounce_report){
			.kind = ret->kind,
			.recipient = bounce_text_address(to),
		};
	}
	return 0;
}

/* ---- reports ---- */

/* What the human part says near the address; the whole when it is not there. */
static struct slice
near_address(struct mail *m, struct slice address)
{
	const char *p = address.len > 0 ? slice_find(m->text, address) : NULL;
	struct slice s = m->text;

	if (p != NULL)
		s = slice_skip(s, (size_t)(p - s.at));
	if (s.len > CLASSIFY_TEXT_MAX)
		s.len = CLASSIFY_TEXT_MAX;
	return s;
}

static bool
is_vague(const struct classify_verdict *v)
{
	static const char *const rules[] = { "none", "reply-code",
		"enhanced-code", "mailbox", "policy", "system", "expired",
		"connection" };

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (strcmp(v->rule, rules[i]) == 0)
			return true;
	return false;
}

static void
judge(struct mail *m, const struct dsn_recipient *d, struct bounce_report *r)
{
	struct classify_verdict human;

	classify_reply(d->diagnostic, d->status, &r->verdict);
	r->reason = d->diagnostic;
	if (is_vague(&r->verdict)) {
		struct slice text = near_address(m, d->final);

		classify_reply(text, d->status, &human);
		if (!is_vague(&human) &&
		    (d->diagnostic.len == 0 ||
			strcmp(r->verdict.rule, "none") == 0 ||
			strcmp(r->verdict.rule, "reply-code") == 0 ||
			strcmp(human.rule, "full") == 0)) {
			human.reply_code = r->verdict.reply_code;
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
	return a.len > 0 && b.len > 0 && memchr(a.at, '@', a.len) != NULL &&
	       memchr(b.at, '@', b.len) != NULL && !slice_eq_nocase(a, b);
}

static struct bounce_report
report_of(struct mail *m, const struct dsn_recipient *d)
{
	struct bounce_report r = { .kind = BOUNCE_FAILED,
		.recipient = d->original.len > 0 ? d->original : d->final,
		.original = d->original,
		.final = d->final,
		.relay = d->remote_mta };
	bool temporary = d->status.len > 0 && d->status.at[0] == '4';

	if (d->action == DSN_DELAYED ||
	    (d->action == DSN_NO_ACTION && temporary) ||
	    (d->action == DSN_FAILED && temporary &&
		bounce_text_is_delay(m->text)))
		r.kind = BOUNCE_DELAY;
	else if (d->action == DSN_DELIVERED || d->action == DSN_RELAYED ||
		 d->action == DSN_EXPANDED ||
		 (d->status.len > 0 && d->status.at[0] == '2'))
		r.kind = BOUNCE_OTHER;
	if (r.kind != BOUNCE_FAILED)
		return r;
	judge(m, d, &r);
	if (differs(d->original, d->final) || differs(d->actual, d->final))
		r.verdict.status = STATUS_FORWARDED;
	return r;
}

static int
read_report(struct mail *m, const struct dsn *dsn, struct bounce_mail *ret)
{
	ret->reports =
	    arena_calloc(m->arena, dsn->count, sizeof(*ret->reports));
	if (ret->reports == NULL)
		return ERR_NOMEM;
	ret->kind = BOUNCE_OTHER;
	for (size_t i = 0; i < dsn->count; i++) {
		struct bounce_report r = report_of(m, &dsn->recipients[i]);

		if (r.kind < ret->kind)
			ret->kind = r.kind;
		ret->reports[ret->count++] = r;
	}
	return 0;
}

/* ---- without a report ---- */

static bool
matches(struct slice value, struct slice pattern)
{
	char room[CLASSIFY_TEXT_MAX];
	struct slice lower = { room, classify_normalize(value, room) };

	return classify_match(pattern, lower);
}

static bool
is_auto_reply(struct mail *m)
{
	struct slice subject = mime_field(m->header, "Subject");

	return slice_starts_nocase(mime_field(m->header, "Auto-Submitted"),
		   SLICE("auto-replied")) ||
	       mime_field(m->header, "X-Autoreply").at != NULL ||
	       mime_field(m->header, "X-Autorespond").at != NULL ||
	       matches(mime_field(m->header, "Precedence"),
		   SLICE("auto_reply")) ||
	       matches(subject,
		   SLICE("out of office|out of the office|auto reply|"
			 "autoreply|auto-reply|automatic reply|"
			 "auto response|automated response|vacation|"
			 "away from|abwesenheit|"
			 "automatische antwort|absence"));
}

/* Sent by a mail system, with words of failure? */
static bool
looks_bounced(struct mail *m)
{
	static const struct slice subjects =
	    SLICE("undeliver|returned mail|return mail|failure notice|"
		  "delivery status|delivery failure|delivery notif|"
		  "delivery report|delivery problem|delivery error|"
		  "mail delivery|delivery fail|non-deliver|nondeliver|"
		  "mail system error|mail error|could not*deliver|"
		  "unable to deliver|not delivered|message status|"
		  "returned to sender|return to sender|rejected|bounce|"
		  "mail could not|message could not|unzustellbar|"
		  "delayed mail|warning: |mail failure|failed mail|"
		  "delivery has failed|user unknown|address error|"
		  "mailbox full|quota|unknown recipient|"
		  "delivery*error|message you sent|notificaci|failed");
	static const struct slice senders =
	    SLICE("mailer-daemon|mailerdaemon|postmaster|mail delivery|"
		  "mail system|mdaemon|mail-daemon|<>|no-reply|"
		  "delivery|administrator|mailer|mail*admin|daemon");
	struct slice from = mime_field(m->header, "From");
	struct slice subject = mime_field(m->header, "Subject");

	if (mime_field(m->header, "X-Failed-Recipients").at != NULL)
		return true;
	bool by_system =
	    matches(from, senders) ||
	    slice_eq(mime_field(m->header, "Return-Path"), SLICE("<>"));
	return by_system &&
	       (matches(subject, subjects) ||
		   matches(m->text,
		       SLICE("undeliver|not be delivered|"
			     "unable to deliver|wasn't able to deliver|"
			     "delivery*fail|failed to deliver|"
			     "couldn't be delivered|permanent*error|"
			     "could not deliver|not delivered|"
			     "returned*mail|user unknown|not exist|"
			     "unknown user|cannot be delivered")));
}

static int
read_words(struct mail *m, struct bounce_mail *ret)
{
	struct slice failed = mime_field(m->header, "X-Failed-Recipients");
	struct slice subject = mime_field(m->header, "Subject");
	int rc;

	ret->kind = BOUNCE_OTHER;
	if (!looks_bounced(m)) {
		if (is_auto_reply(m))
			ret->kind = BOUNCE_AUTO_REPLY;
		return 0;
	}
	ret->kind = BOUNCE_FAILED;
	if (bounce_text_is_delay(m->text) ||
	    matches(subject, SLICE("delayed|warning: could not send|"
				   "warning: message|delivery delay")))
		ret->kind = BOUNCE_DELAY;
	rc = bounce_text_read(m->text, failed, m->mine, m->arena, ret);
	if (rc < 0)
		return rc;
	if (ret->count == 0) {
		/* Nobody named: the one the message was for. */
		struct slice to =
		    bounce_text_address(mime_field(m->returned, "To"));
		struct slice none = { NULL, 0 };

		if (to.at == NULL)
			return 0;
		ret->reports[ret->count++] = (struct bounce_report){
			.recipient = to,
		};
		classify_reply(m->text, none, &ret->reports[0].verdict);
	}
	for (size_t i = 0; i < ret->count; i++) {
		ret->reports[i].kind = ret->kind;
		if (ret->kind != BOUNCE_FAILED)
			ret->reports[i].verdict =
			    (struct classify_verdict){ .rule = NULL };
	}
	return 0;
}

static void
find_mine(struct mail *m)
{
	struct slice from = mime_field(m->header, "From");
	struct slice to = mime_field(m->header, "To");
	if (from.len > MINE_MAX)
		from.len = MINE_MAX;
	if (to.len > MINE_MAX)
		to.len = MINE_MAX;
	char *both = arena_alloc(m->arena, from.len + to.len + 1);
	if (both == NULL)
		return;
	if (from.len > 0)
		memcpy(both, from.at, from.len);
	both[from.len] = ' ';
	if (to.len > 0)
		memcpy(both + from.len + 1, to.at, to.len);
	m->mine = (struct slice){ both, from.len + to.len + 1 };
}

int
bounce_mail_read(struct slice message, struct arena *arena,
    struct bounce_mail *ret_mail)
{
	struct bounce_mail mail = { .kind = BOUNCE_OTHER };
	struct mail m = { .arena = arena };
	struct dsn dsn = { .count = 0 };
	int rc;

	if ((rc = mime_parse(message, arena, &m.mime)) < 0)
		return rc;
	m.header = m.mime.parts[0].header;
	collect(&m);
	find_mine(&m);
	if (m.report.at != NULL && (rc = dsn_parse(m.report, arena, &dsn)) < 0)
		return rc;
	if (m.feedback.at != NULL)
		rc = read_feedback(&m, &mail);
	else if (dsn.count > 0)
		rc = read_report(&m, &dsn, &mail);
	else
		rc = read_words(&m, &mail);
	if (rc == 0)
		*ret_mail = mail;
	return rc;
}
