/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounces written: RFC 3462, 3464, 3834; RFC 5322 around them. */
#include "proto/bounce_format.h"

#include "proto/mail_date.h"
#include "proto/mime.h"
#include "proto/system_mail.h"
#include "util/err.h"

#define HUMAN_MAX ((size_t)1024 * 1024)
#define OWN_FIELDS "X-Postern-"

static void
add_field(struct buf *out, const char *name, struct slice value)
{
	if (value.len == 0)
		return;
	(void)buf_add_text(out, name);
	(void)buf_add_text(out, ": ");
	system_mail_ascii(value, out);
	(void)buf_add_char(out, '\n');
}

/* ---- what people read ---- */

static bool
is_delay(const struct bounce_note *n)
{
	return n->count > 0 && n->reports[0].kind == BOUNCE_DELAY;
}

static void
add_recipient(struct buf *out, const struct bounce_report *r)
{
	(void)buf_add_char(out, '\n');
	system_mail_line("  ", r->recipient, out);
	if (r->final.len > 0 && !slice_eq_nocase(r->final, r->recipient))
		system_mail_line("    forwarded to: ", r->final, out);
	if (r->kind == BOUNCE_FAILED && r->verdict.status != STATUS_NONE)
		system_mail_line("    why: ",
		    slice_of(status_text(r->verdict.status)), out);
	system_mail_line("    said by: ", r->relay, out);
	system_mail_line("    answer: ", r->reason, out);
}

static void
add_explanation(struct buf *out, const struct bounce_note *n)
{
	char date[MAIL_DATE_MAX];

	(void)buf_add_text(out,
	    is_delay(n)
		? "A message that you sent has not reached these recipients "
		  "yet.\nIt will be tried again; you need not send it again.\n"
		: "A message that you sent could not be delivered to these "
		  "recipients.\nIt will not be tried again.\n");
	for (size_t i = 0; i < n->count; i++)
		add_recipient(out, &n->reports[i]);
	(void)buf_add_text(out, "\nThe message:\n\n");
	system_mail_line("  Subject:    ", n->subject, out);
	system_mail_line("  Message-ID: ", n->message_id, out);
	system_mail_line("  Reported:   ",
	    (struct slice){ date, mail_date_format(n->at_ms, date) }, out);
}

/* ---- the message that came back ---- */

/* Without fields of ours, which may hold tags. */
static void
add_returned(struct buf *out, const struct bounce_note *n)
{
	struct slice rest = n->returned, line;
	bool skip = false;

	if (rest.len > BOUNCE_NOTE_RETURNED_MAX)
		rest.len = BOUNCE_NOTE_RETURNED_MAX;
	while (mime_line(&rest, &line)) {
		bool folded =
		    line.len > 0 && (line.at[0] == ' ' || line.at[0] == '\t');

		if (line.len == 0)
			return;
		if (!folded)
			skip = slice_starts_nocase(line, SLICE(OWN_FIELDS)) ||
			       slice_starts_nocase(line, SLICE("Return-Path:"));
		if (skip)
			continue;
		if (line.len > 998)
			line.len = 998; /* RFC 5322, 2.1.1 */
		for (size_t i = 0; i < line.len; i++)
			(void)buf_add_char(out,
			    (unsigned char)line.at[i] < ' ' &&
				    line.at[i] != '\t'
				? ' '
				: line.at[i]);
		(void)buf_add_char(out, '\n');
	}
}

static bool
is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] > 126)
			return false;
	return true;
}

/* ---- what machines read ---- */

/* RFC 3463: of the class that the action asks for. */
static void
add_status(struct buf *out, const struct bounce_report *r)
{
	const struct enhanced_code *code = &r->verdict.enhanced;
	unsigned class = r->kind == BOUNCE_DELAY ? 4 : 5;
	unsigned subject = code->subject, detail = code->detail;

	if (code->class == 0)
		subject = detail = 0;
	(void)buf_addf(out, "Status: %u.%u.%u\n", class, subject, detail);
}

static void
add_status_of(struct buf *out, const struct bounce_report *r)
{
	struct slice final = r->final.len > 0 ? r->final : r->recipient;

	(void)buf_add_char(out, '\n');
	if (r->recipient.len > 0) {
		(void)buf_add_text(out, "Original-Recipient: rfc822; ");
		system_mail_ascii(r->recipient, out);
		(void)buf_add_char(out, '\n');
	}
	(void)buf_add_text(out, "Final-Recipient: rfc822; ");
	system_mail_ascii(final.len > 0 ? final : SLICE("unknown"), out);
	(void)buf_addf(out, "\nAction: %s\n",
	    r->kind == BOUNCE_DELAY ? "delayed" : "failed");
	add_status(out, r);
	if (r->relay.len > 0) {
		(void)buf_add_text(out, "Remote-MTA: dns; ");
		system_mail_ascii(r->relay, out);
		(void)buf_add_char(out, '\n');
	}
	if (r->reason.len > 0) {
		(void)buf_add_text(out, "Diagnostic-Code: smtp; ");
		system_mail_ascii(r->reason, out);
		(void)buf_add_char(out, '\n');
	}
}

static void
add_delivery_status(struct buf *out, const struct bounce_note *n)
{
	add_field(out, "Original-Envelope-Id", n->envelope_id);
	(void)buf_add_text(out, "Reporting-MTA: dns; ");
	system_mail_ascii(n->host, out);
	(void)buf_add_char(out, '\n');
	for (size_t i = 0; i < n->count; i++)
		add_status_of(out, &n->reports[i]);
}

/* ---- the mail ---- */

static void
add_header(struct buf *out, const struct bounce_note *n)
{
	const struct system_mail mail = {
		.name = "Mail Delivery System",
		.from = n->from,
		.to = &n->to,
		.to_count = 1,
		.subject = is_delay(n)
			       ? SLICE("Delayed mail (will be tried again)")
			       : SLICE("Undelivered mail"),
		.host = n->host,
		.id = n->id,
		.at_ms = n->at_ms,
		.reply = true,
	};

	system_mail_header(&mail, out);
	if (n->message_id.len > 2 && n->message_id.at[0] == '<' &&
	    is_ascii(n->message_id)) {
		add_field(out, "In-Reply-To", n->message_id);
		add_field(out, "References", n->message_id);
	}
}

static void
add_boundary(struct buf *out, const struct bounce_note *n, const char *end)
{
	(void)buf_add_text(out, "\n--=_postern_");
	system_mail_ascii(n->id, out);
	(void)buf_add_text(out, end);
}

static void
add_report(struct buf *out, const struct bounce_note *n, struct slice human,
    struct slice returned)
{
	(void)buf_add_text(out,
	    "Content-Type: multipart/report; report-type=delivery-status;\n"
	    "\tboundary=\"=_postern_");
	system_mail_ascii(n->id, out);
	(void)buf_add_text(out, "\"\n");
	if (!is_ascii(returned))
		(void)buf_add_text(out, "Content-Transfer-Encoding: 8bit\n");
	add_boundary(out, n, "\nContent-Description: Notification\n");
	system_mail_text(human, out);
	add_boundary(out, n,
	    "\nContent-Description: Delivery report\n"
	    "Content-Type: message/delivery-status\n\n");
	add_delivery_status(out, n);
	if (returned.len > 0) {
		add_boundary(out, n,
		    "\nContent-Description: Undelivered message header\n"
		    "Content-Type: text/rfc822-headers\n");
		(void)buf_add_text(out,
		    is_ascii(returned) ? "\n"
				       : "Content-Transfer-Encoding: 8bit\n\n");
		(void)buf_add_slice(out, returned);
	}
	add_boundary(out, n, "--\n");
}

int
bounce_format(const struct bounce_note *note, struct buf *out)
{
	struct buf human, returned;

	buf_init(&human, HUMAN_MAX);
	buf_init(&returned, (size_t)2 * BOUNCE_NOTE_RETURNED_MAX);
	add_explanation(&human, note);
	add_returned(&returned, note);
	add_header(out, note);
	if (note->form == BOUNCE_FORM_SIMPLE) {
		if (returned.len > 0) {
			(void)buf_add_text(&human, "\nIts header:\n\n");
			(void)buf_add_slice(&human, buf_slice(&returned));
		}
		system_mail_text(buf_slice(&human), out);
	} else {
		add_report(out, note, buf_slice(&human), buf_slice(&returned));
	}
	/* What did not fit in the human part is missing there, no more. */
	if (out->rc == 0 && human.rc == ERR_NOMEM)
		out->rc = ERR_NOMEM;
	buf_done(&human);
	buf_done(&returned);
	return out->rc;
}
