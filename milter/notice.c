/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of notices about refused messages.  RFC 5322, RFC 3834. */
#include "milter/notice.h"

#include "proto/mail_date.h"
#include "proto/rfc3339.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/utf8.h"

#define VALUE_MAX 600 /* octets of one value */
#define RECIPIENTS_SHOWN 20
#define BODY_MAX (32 * 1024)
#define LINE_LEN 76 /* of base64, RFC 2045, 6.8 */

/* ---- what it says ---- */

static void
add_value(struct buf *out, struct slice value)
{
	struct buf shown;

	buf_init(&shown, VALUE_MAX);
	utf8_safe(value, &shown);
	(void)buf_add_slice(out, buf_slice(&shown));
	buf_done(&shown);
}

static void
add_line(struct buf *out, const char *name, struct slice value)
{
	if (value.len == 0)
		return;
	(void)buf_addf(out, "%-13s", name);
	add_value(out, value);
	(void)buf_add_char(out, '\n');
}

static void
add_time(struct buf *out, const char *name, int64_t at_ms)
{
	char room[RFC3339_MAX];

	add_line(out, name,
	    (struct slice){ room, rfc3339_format(at_ms * 1000, room) });
}

static void
add_recipients(struct buf *out, const struct notice *n)
{
	struct slice rest = n->recipients, one;
	uint64_t shown = 0;

	while (shown < RECIPIENTS_SHOWN && slice_split(&rest, '\n', &one))
		add_line(out, shown++ == 0 ? "Recipients:" : "", one);
	if (n->recipient_count > shown)
		(void)buf_addf(out, "%-13sand %llu more\n", "",
		    (unsigned long long)(n->recipient_count - shown));
}

static void
add_kept(struct buf *out, const struct notice *n)
{
	if (n->kept.at == NULL) {
		(void)buf_add_text(out, "\nThe message was not kept.\n");
		return;
	}
	(void)buf_add_text(out, n->lacks.at != NULL
				    ? "\nOnly these facts are kept:\n\n"
				    : "\nIt is kept, encrypted:\n\n");
	add_line(out, "Id:", n->kept);
	add_time(out, "Until:", n->kept_until_ms);
	add_line(out, "Content:", n->lacks);
	(void)buf_addf(out, "\n    postern quarantine -t %.*s view %.*s\n",
	    SLICE_F(n->tenant), SLICE_F(n->kept));
}

static void
add_body(struct buf *out, const struct notice *n)
{
	if (n->more > 0) {
		(void)buf_addf(out,
		    "%lu more messages with a virus were refused in the last "
		    "minute.\nNo more than %d notices a minute are sent.\n\n",
		    n->more, NOTICE_PER_MINUTE);
		add_line(out, "Last virus:", n->virus);
		add_line(out, "Tenant:", n->tenant);
		(void)buf_addf(out, "\n    postern quarantine -t %.*s list\n",
		    SLICE_F(n->tenant));
		return;
	}
	(void)buf_add_text(out,
	    "A message was refused because it contains a virus.\nIts sender "
	    "was told so; no recipient has it.\n\n");
	add_line(out, "Virus:", n->virus);
	add_time(out, "Time:", n->at_ms);
	add_line(out, "Tenant:", n->tenant);
	add_line(out, "Queue id:", n->queue_id);
	add_line(out, "Client:", n->client);
	add_line(out, "Sender:", n->sender.len > 0 ? n->sender : SLICE("<>"));
	add_line(out, "From:", n->header_from);
	add_line(out, "Subject:", n->subject);
	add_recipients(out, n);
	add_kept(out, n);
}

/* ---- the mail ---- */

/* Printable ASCII without what has a meaning; addresses are checked ones. */
static void
add_ascii(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len && i < VALUE_MAX; i++)
		(void)buf_add_char(out,
		    text.at[i] > ' ' && text.at[i] < 127 ? text.at[i] : '_');
}

static void
add_header(struct buf *out, const struct notice *n)
{
	char date[MAIL_DATE_MAX];

	(void)buf_add_text(out, "From: Postern <");
	if (n->from.len > 0) {
		add_ascii(out, n->from);
	} else {
		(void)buf_add_text(out, "postmaster@");
		add_ascii(out, n->host);
	}
	(void)buf_add_text(out, ">\nTo: ");
	for (size_t i = 0; i < n->to_count; i++) {
		(void)buf_add_text(out, i > 0 ? ",\n <" : "<");
		add_ascii(out, n->to[i]);
		(void)buf_add_char(out, '>');
	}
	(void)buf_add_text(out, "\nSubject: Virus refused: ");
	if (n->more > 0)
		(void)buf_addf(out, "%lu more messages", n->more);
	else
		add_ascii(out, n->virus);
	(void)buf_add_text(out, " (");
	add_ascii(out, n->tenant);
	(void)buf_add_text(out, ")\nDate: ");
	(void)buf_add(out, date, mail_date_format(n->sent_ms, date));
	(void)buf_add_text(out, "\nMessage-ID: <");
	add_ascii(out, n->id);
	(void)buf_add_text(out, ".notice@");
	add_ascii(out, n->host);
	/* RFC 3834, 5: nobody's vacation program answers this. */
	(void)buf_add_text(out,
	    ">\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: base64\n\n");
}

int
notice_format(const struct notice *n, struct buf *out)
{
	struct buf plain, coded;
	int rc;

	buf_init(&plain, BODY_MAX);
	buf_init(&coded, 2 * BODY_MAX);
	add_body(&plain, n);
	add_header(out, n);
	rc = plain.rc;
	if (rc == 0)
		rc = crypto_base64_encode(buf_slice(&plain), &coded);
	struct slice rest = buf_slice(&coded);
	while (rc == 0 && rest.len > 0) {
		struct slice line = rest;

		if (line.len > LINE_LEN)
			line.len = LINE_LEN;
		(void)buf_add_slice(out, line);
		(void)buf_add_char(out, '\n');
		rest = slice_skip(rest, line.len);
	}
	buf_done(&plain);
	buf_done(&coded);
	return rc < 0 ? rc : out->rc;
}
