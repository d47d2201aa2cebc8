/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a mail that came back, decoded; RFC 3462, RFC 2045. */
#include "proto/bounce_parts.h"

#include "proto/bounce_mail.h"
#include "proto/charset.h"
#include "proto/encoded_word.h"
#include "proto/mime.h"
#include "util/err.h"

#define MINE_MAX 2048 /* of From, To and Delivered-To */
#define SUBJECT_MAX 1000

bool
bounce_words_in(struct slice text, struct slice pattern)
{
	char room[CLASSIFY_TEXT_MAX];
	struct slice lower = { room, classify_normalize(text, room) };

	return classify_match(pattern, lower);
}

static struct slice
transfer_decoded(struct arena *arena, const struct mime_part *part)
{
	struct slice copy = part->body;
	struct buf b;

	if (part->encoding == MIME_IDENTITY) {
		if (copy.len > BOUNCE_TEXT_MAX)
			copy.len = BOUNCE_TEXT_MAX;
		return copy;
	}
	buf_init(&b, BOUNCE_TEXT_MAX);
	(void)mime_decode(part, &b);
	copy = b.len > 0 ? arena_dup(arena, buf_slice(&b)) : SLICE("");
	buf_done(&b);
	return copy;
}

static struct slice
decoded(struct arena *arena, const struct mime_part *part)
{
	struct slice text = transfer_decoded(arena, part), charset;
	struct buf b;

	/* Japanese mail of old says nothing and is ISO 2022 all the same. */
	charset = part->charset;
	if (charset.len == 0 && text.len > 0 &&
	    slice_find(text, SLICE("\033$")) != NULL)
		charset = SLICE("iso-2022-jp");
	buf_init(&b, (size_t)2 * BOUNCE_TEXT_MAX);
	if (charset_to_utf8(text, charset, &b) != ERR_NOTFOUND && b.len > 0)
		text = arena_dup(arena, buf_slice(&b));
	buf_done(&b);
	return text;
}

/* Tags out, so that words stand beside each other as they are shown. */
static struct slice
without_tags(struct arena *arena, struct slice html)
{
	char *to = arena_alloc(arena, html.len + 1);
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

/*
 * Fields of a report inside a text: some gateways send them as a plain part,
 * or quote a whole report.
 */
static bool
has_fields(struct slice text)
{
	struct slice line;
	bool address = false, more = false;

	while (mime_line(&text, &line)) {
		if (line.len < 8 || memchr("FOASfoas", line.at[0], 8) == NULL)
			continue;
		if (slice_starts_nocase(line, SLICE("Final-Recipient:")) ||
		    slice_starts_nocase(line, SLICE("Original-Recipient:")))
			address = true;
		else if (slice_starts_nocase(line, SLICE("Action:")) ||
			 slice_starts_nocase(line, SLICE("Status:")))
			more = true;
		if (address && more)
			return true;
	}
	return false;
}

static void
take_text(struct bounce_parts *m, struct slice text)
{
	if (m->report.at == NULL && text.len > 0 && has_fields(text))
		m->report = text;
	if (slice_trim(m->text).len == 0)
		m->text = text;
}

static void
collect(struct bounce_parts *m, const struct mime *mime)
{
	struct slice html = { NULL, 0 };

	for (size_t i = 0; i < mime->count; i++) {
		const struct mime_part *p = &mime->parts[i];

		if (mime_is(p, "message/delivery-status") ||
		    mime_is(p, "message/global-delivery-status")) {
			if (m->report.at == NULL)
				m->report = decoded(m->arena, p);
		} else if (mime_is(p, "message/feedback-report")) {
			if (m->feedback.at == NULL)
				m->feedback = decoded(m->arena, p);
		} else if (mime_is(p, "message/rfc822") ||
			   mime_is(p, "message/global") ||
			   mime_is(p, "text/rfc822-headers")) {
			if (m->returned.at == NULL)
				m->returned = header_of(decoded(m->arena, p));
		} else if (mime_is(p, "text/html")) {
			if (html.at == NULL)
				html = decoded(m->arena, p);
		} else if (slice_starts_nocase(p->type, SLICE("text"))) {
			take_text(m, decoded(m->arena, p));
		}
	}
	if (slice_trim(m->text).len == 0 && html.at != NULL)
		m->text = without_tags(m->arena, html);
	/* A multipart whose boundary was lost on the way. */
	for (size_t i = 0; i < mime->count && m->text.len == 0; i++)
		if (mime->parts[i].body.len > 0)
			m->text = decoded(m->arena, &mime->parts[i]);
}

/* Addresses of the two who write and get this mail. */
static void
find_mine(struct bounce_parts *m)
{
	static const char *const fields[] = { "From", "To", "Delivered-To" };
	struct buf b;

	buf_init(&b, MINE_MAX);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct slice value = mime_field(m->header, fields[i]);

		if (value.len > MINE_MAX / 4)
			value.len = MINE_MAX / 4;
		(void)buf_add_slice(&b, value);
		(void)buf_add_char(&b, ' ');
	}
	m->mine = arena_dup(m->arena, buf_slice(&b));
	buf_done(&b);
}

static void
find_subject(struct bounce_parts *m)
{
	struct slice raw = mime_field(m->header, "Subject");
	struct buf b;

	m->subject = raw;
	if (raw.len > SUBJECT_MAX)
		m->subject.len = SUBJECT_MAX;
	if (slice_find(raw, SLICE("=?")) == NULL)
		return;
	buf_init(&b, SUBJECT_MAX);
	if (encoded_word_decode(raw, &b) == 0 && b.len > 0)
		m->subject = arena_dup(m->arena, buf_slice(&b));
	buf_done(&b);
}

int
bounce_parts_read(struct slice message, const struct bounce_rules *rules,
    struct arena *arena, struct bounce_parts *ret_parts)
{
	struct bounce_parts m = { .arena = arena, .rules = rules };
	struct mime mime;
	int rc;

	if ((rc = mime_parse(message, arena, &mime)) < 0)
		return rc;
	m.header = mime.parts[0].header;
	m.is_report =
	    slice_eq_nocase(mime.parts[0].report, SLICE("delivery-status"));
	collect(&m, &mime);
	m.delays = bounce_text_is_delay(m.text);
	find_mine(&m);
	find_subject(&m);
	*ret_parts = m;
	return 0;
}
