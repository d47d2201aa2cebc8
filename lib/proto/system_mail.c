/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail that Postern writes itself: RFC 5322, 3834, 2045. */
#include "proto/system_mail.h"

#include "proto/mail_date.h"
#include "proto/mime_encode.h"
#include "util/utf8.h"

void
system_mail_ascii(struct slice value, struct buf *out)
{
	for (size_t i = 0; i < value.len && i < SYSTEM_MAIL_VALUE_MAX; i++)
		(void)buf_add_char(out, value.at[i] >= ' ' && value.at[i] < 127
					    ? value.at[i]
					    : '?');
}

void
system_mail_line(const char *before, struct slice text, struct buf *out)
{
	struct buf shown;

	if (text.len == 0)
		return;
	buf_init(&shown, SYSTEM_MAIL_VALUE_MAX);
	utf8_safe(text, &shown);
	(void)buf_add_text(out, before);
	(void)buf_add_slice(out, buf_slice(&shown));
	(void)buf_add_char(out, '\n');
	buf_done(&shown);
}

void
system_mail_header(const struct system_mail *m, struct buf *out)
{
	char date[MAIL_DATE_MAX];

	(void)buf_addf(out, "From: %s <", m->name);
	if (m->from.len > 0) {
		system_mail_ascii(m->from, out);
	} else {
		(void)buf_add_text(out, "postmaster@");
		system_mail_ascii(m->host, out);
	}
	(void)buf_add_text(out, ">\nTo: ");
	for (size_t i = 0; i < m->to_count; i++) {
		(void)buf_add_text(out, i > 0 ? ",\n <" : "<");
		system_mail_ascii(m->to[i], out);
		(void)buf_add_char(out, '>');
	}
	(void)buf_add_text(out, "\nSubject: ");
	system_mail_ascii(m->subject, out);
	(void)buf_add_text(out, "\nDate: ");
	(void)buf_add(out, date, mail_date_format(m->at_ms, date));
	(void)buf_add_text(out, "\nMessage-ID: <");
	system_mail_ascii(m->id, out);
	(void)buf_add_char(out, '@');
	system_mail_ascii(m->host, out);
	/* RFC 3834, 5: nobody's vacation program answers this. */
	(void)buf_addf(out, ">\nAuto-Submitted: %s\nMIME-Version: 1.0\n",
	    m->reply ? "auto-replied" : "auto-generated");
}

void
system_mail_text(struct slice text, struct buf *out)
{
	(void)buf_add_text(out,
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n");
	size_t from = out->len, to = from;
	(void)mime_encode_qp(text, out);
	/* A CR stands before an LF only: others are encoded. */
	for (; from < out->len; from++)
		if (out->at[from] != '\r')
			out->at[to++] = out->at[from];
	out->len = to;
}
