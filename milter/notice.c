/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of notices about refused messages.  RFC 5322, RFC 3834. */
#include "milter/notice.h"

#include <stdio.h>

#include "proto/rfc3339.h"
#include "proto/system_mail.h"
#include "util/err.h"

#define SUBJECT_MAX 1000
#define RECIPIENTS_SHOWN 20
#define BODY_MAX (32 * 1024)

/* ---- what it says ---- */

static void
add_line(struct buf *out, const char *name, struct slice value)
{
	if (value.len == 0)
		return;
	char label[16];

	(void)snprintf(label, sizeof(label), "%-13s", name);
	system_mail_line(label, value, out);
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

static int
subject_of(const struct notice *n, struct buf *out)
{
	(void)buf_add_text(out, "Virus refused: ");
	if (n->more > 0)
		(void)buf_addf(out, "%lu more messages", n->more);
	else
		system_mail_ascii(n->virus, out);
	(void)buf_addf(out, " (%.*s)", SLICE_F(n->tenant));
	return out->rc;
}

int
notice_format(const struct notice *n, struct buf *out)
{
	struct buf subject, body;
	int rc;

	buf_init(&subject, SUBJECT_MAX);
	buf_init(&body, BODY_MAX);
	add_body(&body, n);
	rc = body.rc;
	if (rc == 0)
		rc = subject_of(n, &subject);
	if (rc == 0) {
		system_mail_header(&(struct system_mail){ .name = "Postern",
				       .from = n->from,
				       .to = n->to,
				       .to_count = n->to_count,
				       .subject = buf_slice(&subject),
				       .host = n->host,
				       .id = n->id,
				       .at_ms = n->sent_ms },
		    out);
		system_mail_text(buf_slice(&body), out);
	}
	buf_done(&subject);
	buf_done(&body);
	return rc < 0 ? rc : out->rc;
}
