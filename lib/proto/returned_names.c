/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of the message that a mail is about. */
#include "proto/returned_names.h"

#include "proto/bounce_mail.h"
#include "proto/mime.h"
#include "proto/trace_field.h"

#define QUEUE_ID_LEAST 5 /* octets; shorter words are something else */

static bool
has(const struct slice *list, size_t count, struct slice s)
{
	for (size_t i = 0; i < count; i++)
		if (slice_eq_nocase(list[i], s))
			return true;
	return false;
}

/* ---- the words ---- */

static void
add_trace(struct returned_names *r, struct slice value)
{
	size_t n = 0;

	while (
	    n < value.len && memchr(" \t\r\n;,<>\"'", value.at[n], 10) == NULL)
		n++;
	value.len = n;
	if (r->trace_count < RETURNED_NAMES_MAX && trace_looks(value) &&
	    !has(r->traces, r->trace_count, value))
		r->traces[r->trace_count++] = value;
}

static void
add_sender(struct returned_names *r, struct slice value)
{
	struct slice address = bounce_text_address(value);

	if (address.len > 0 && r->sender_count < RETURNED_NAMES_MAX &&
	    !has(r->senders, r->sender_count, address))
		r->senders[r->sender_count++] = address;
}

/* "<...@...>" of the field; the first that is set stays. */
static void
set_message_id(struct returned_names *r, struct slice value)
{
	const char *from = memchr(value.at, '<', value.len), *to;

	if (r->message_id.at != NULL || from == NULL)
		return;
	value = slice_skip(value, (size_t)(from - value.at));
	to = memchr(value.at, '>', value.len);
	if (to == NULL)
		return;
	value.len = (size_t)(to - value.at) + 1;
	if (value.len > 2 && memchr(value.at, ' ', value.len) == NULL)
		r->message_id = value;
}

/* ---- Received ---- */

static bool
next_word(struct slice *rest, struct slice *ret_word)
{
	size_t n = 0;

	while (n < rest->len && memchr(" \t\r\n", rest->at[n], 4) != NULL)
		n++;
	*rest = slice_skip(*rest, n);
	for (n = 0;
	     n < rest->len && memchr(" \t\r\n;", rest->at[n], 5) == NULL;)
		n++;
	if (n == 0)
		return false;
	*ret_word = (struct slice){ rest->at, n };
	*rest = slice_skip(*rest, n);
	return true;
}

static bool
is_queue_id(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			(c >= 'a' && c <= 'z')))
			return false;
	}
	return s.len >= QUEUE_ID_LEAST && s.len <= VERP_QUEUE_ID_MAX;
}

/* RFC 5321, 4.4: "by HOST ... id ID". */
static void
add_received(struct returned_names *r, struct slice value)
{
	struct returned_id id = { .host = { NULL, 0 } };
	struct slice word, last = SLICE("");

	while (next_word(&value, &word)) {
		if (slice_eq_nocase(last, SLICE("by")) && id.host.at == NULL)
			id.host = word;
		else if (slice_eq_nocase(last, SLICE("id")) &&
			 id.queue_id.at == NULL)
			id.queue_id = word;
		last = word;
	}
	if (id.host.at != NULL && is_queue_id(id.queue_id) &&
	    r->id_count < RETURNED_NAMES_MAX)
		r->ids[r->id_count++] = id;
}

/* ---- the places ---- */

static void
take_field(struct returned_names *r, struct slice name, struct slice value)
{
	if (slice_eq_nocase(name, SLICE(TRACE_FIELD)) ||
	    slice_eq_nocase(name, SLICE("CFBL-Feedback-ID")))
		add_trace(r, value);
	else if (slice_eq_nocase(name, SLICE("Return-Path")) ||
		 slice_eq_nocase(name, SLICE("Original-Mail-From")))
		add_sender(r, value);
}

static void
read_header(struct returned_names *r, struct slice header)
{
	struct slice name, value;

	while (header.len > 0 && mime_field_next(&header, &name, &value)) {
		take_field(r, name, value);
		if (slice_eq_nocase(name, SLICE("Message-ID")))
			set_message_id(r, value);
		else if (slice_eq_nocase(name, SLICE("Received")))
			add_received(r, value);
	}
}

static void
read_feedback(struct returned_names *r, struct slice fields)
{
	struct slice name, value;

	while (fields.len > 0 && mime_field_next(&fields, &name, &value)) {
		take_field(r, name, value);
		if (slice_eq_nocase(name, SLICE("Original-Envelope-Id")) &&
		    r->envelope_id.at == NULL)
			r->envelope_id = slice_trim(value);
	}
}

/* Of the report, where the message itself has not come back. */
static void
read_report_ids(struct returned_names *r, const struct bounce_parts *m)
{
	static const char *const names[] = { "Original-Message-ID",
		"X-Original-Message-ID", "Message-ID" };
	const struct slice texts[] = { m->feedback, m->report };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			struct slice value = mime_field(texts[i], names[k]);

			if (value.at != NULL)
				set_message_id(r, value);
		}
}

/* Postfix names itself and its queue id in its own reports. */
static void
read_report(struct returned_names *r, struct slice report)
{
	struct slice host = mime_field(report, "Reporting-MTA"),
		     id = mime_field(report, "X-Postfix-Queue-ID");
	const char *p;

	if (host.at == NULL || !is_queue_id(id) ||
	    r->id_count == RETURNED_NAMES_MAX)
		return;
	if ((p = memchr(host.at, ';', host.len)) != NULL)
		host = slice_skip(host, (size_t)(p + 1 - host.at));
	r->ids[r->id_count++] = (struct returned_id){ slice_trim(host), id };
}

static struct slice
unquoted(struct slice line)
{
	size_t n = 0;

	while (n < line.len && memchr(" \t>|", line.at[n], 4) != NULL)
		n++;
	return slice_skip(line, n);
}

/* "Name: value" of a quoted line; the value may stand on the next one. */
static bool
field_of(struct slice line, struct slice rest, const char *name,
    struct slice *ret_value)
{
	size_t len = strlen(name);

	if (line.len <= len || line.at[len] != ':' ||
	    !slice_starts_nocase(line, slice_of(name)))
		return false;
	*ret_value = slice_trim(slice_skip(line, len + 1));
	if (ret_value->len == 0 && mime_line(&rest, &line))
		*ret_value = slice_trim(unquoted(line));
	return true;
}

/* message_ids: this text is what a person quotes, so it has that, too. */
static void
read_text(struct returned_names *r, struct slice text, bool message_ids)
{
	struct slice line, value;

	while (text.len > 0 && mime_line(&text, &line)) {
		line = unquoted(line);
		/* All names looked for begin with one of these. */
		if (line.len < 12 || memchr("XxCcRrMm", line.at[0], 8) == NULL)
			continue;
		if (field_of(line, text, TRACE_FIELD, &value) ||
		    field_of(line, text, "CFBL-Feedback-ID", &value))
			add_trace(r, value);
		else if (message_ids &&
			 field_of(line, text, "Return-Path", &value))
			add_sender(r, value);
		else if (message_ids &&
			 field_of(line, text, "Message-ID", &value))
			set_message_id(r, value);
	}
}

void
returned_names_read(struct slice message, const struct bounce_parts *m,
    struct returned_names *ret)
{
	struct returned_names r = { .trace_count = 0 };
	struct slice body = message;
	struct slice line;

	read_header(&r, m->returned);
	read_feedback(&r, m->feedback);
	read_text(&r, m->copy, m->returned.at == NULL);
	read_text(&r, m->text, m->returned.at == NULL);
	read_report_ids(&r, m);
	read_report(&r, m->report);
	/* Wherever else it stands: parts of no known type, a second text. */
	while (body.len > 0 && mime_line(&body, &line) && line.len > 0)
		;
	read_text(&r, body, false);
	*ret = r;
}
