/* SPDX-License-Identifier: BSD-2-Clause */
/* Complaints: reports of RFC 5965, and those that are none. */
#include "proto/complaint.h"

#include "proto/bounce_mail.h"
#include "proto/dsn.h"
#include "proto/mime.h"
#include "util/err.h"

/* The registry of RFC 5965, 7.3, and its "opt-out" of old.  The word that has
 * no type of its own: RFC 5965, 3.2, "other". */
static const char *const words[] = {
	[COMPLAINT_ABUSE] = "abuse",
	[COMPLAINT_FRAUD] = "fraud",
	[COMPLAINT_OPT_OUT] = "opt-out",
	[COMPLAINT_VIRUS] = "virus",
	[COMPLAINT_OTHER] = "other",
	[COMPLAINT_NOT_SPAM] = "not-spam",
	[COMPLAINT_AUTH_FAILURE] = "auth-failure",
};

const char *
complaint_word(enum complaint_type type)
{
	return words[type];
}

bool
complaint_is_readers(enum complaint_type type)
{
	return type == COMPLAINT_ABUSE || type == COMPLAINT_FRAUD ||
	       type == COMPLAINT_OPT_OUT;
}

bool
complaint_is_none(enum complaint_type type)
{
	return type == COMPLAINT_NOT_SPAM || type == COMPLAINT_AUTH_FAILURE;
}

static enum complaint_type
type_of(struct slice value)
{
	struct slice word = slice_trim(value);

	/* A comment may follow: RFC 5322, 3.2.2. */
	for (size_t i = 0; i < word.len; i++)
		if (memchr(" \t\r\n;(\"", word.at[i], 7) != NULL)
			word.len = i;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_eq_nocase(word, slice_of(words[i])))
			return (enum complaint_type)i;
	/* Written before there was RFC 6591; and by lists that unsubscribe. */
	if (slice_eq_nocase(word, SLICE("dmarc")) ||
	    slice_eq_nocase(word, SLICE("dkim")))
		return COMPLAINT_AUTH_FAILURE;
	if (slice_eq_nocase(word, SLICE("opt-out-list")))
		return COMPLAINT_OPT_OUT;
	return COMPLAINT_OTHER;
}

static int
add_recipient(const struct bounce_parts *m, struct complaint *c,
    struct slice address)
{
	if (address.len == 0 || memchr(address.at, '@', address.len) == NULL ||
	    c->count == COMPLAINT_RECIPIENTS_MAX)
		return 0;
	if (c->recipients == NULL) {
		c->recipients = arena_calloc(m->arena, COMPLAINT_RECIPIENTS_MAX,
		    sizeof(*c->recipients));
		if (c->recipients == NULL)
			return ERR_NOMEM;
	}
	for (size_t i = 0; i < c->count; i++)
		if (slice_eq_nocase(c->recipients[i], address))
			return 0;
	c->recipients[c->count++] = address;
	return 0;
}

/* ---- RFC 5965 ---- */

/*
 * The fields; where the part lost its type on the way, the mail still says
 * what it is (RFC 5965, 2).
 */
static struct slice
feedback_of(const struct bounce_parts *m)
{
	struct slice type = mime_field(m->header, "Content-Type"), rest, line;

	if (m->feedback.at != NULL ||
	    !slice_eq_nocase(mime_parameter(type, "report-type"),
		SLICE("feedback-report")))
		return m->feedback;
	rest = m->text;
	while (rest.len > 0) {
		struct slice here = rest;

		if (!mime_line(&rest, &line))
			break;
		if (slice_starts_nocase(line, SLICE("Feedback-Type:")))
			return here;
	}
	return m->feedback;
}

static struct slice
address_in(const struct bounce_parts *m, struct slice value)
{
	struct slice found = bounce_text_address(value);

	return found.at != NULL ? found : dsn_address(value, m->arena);
}

static int
read_feedback(const struct bounce_parts *m, struct slice fields,
    struct complaint *c)
{
	struct slice rest = fields, name, value;
	int rc = 0;

	c->type = type_of(mime_field(fields, "Feedback-Type"));
	while (rc == 0 && rest.len > 0 && mime_field_next(&rest, &name, &value))
		if (slice_eq_nocase(name, SLICE("Original-Rcpt-To")))
			rc = add_recipient(m, c, address_in(m, value));
	rest = fields;
	/* Who wants no more mail, of the drafts of RFC 5965. */
	while (rc == 0 && c->count == 0 && rest.len > 0 &&
	       mime_field_next(&rest, &name, &value))
		if (slice_eq_nocase(name, SLICE("Removal-Recipient")))
			rc = add_recipient(m, c, address_in(m, value));
	return rc;
}

/* ---- the others ---- */

/* JMRP: the message, with its reader's address in its header, or without. */
static bool
is_jmrp(const struct bounce_parts *m)
{
	if (m->returned.at == NULL)
		return false;
	return mime_field(m->returned, "X-HmXmrOriginalRecipient").at != NULL ||
	       (slice_eq_nocase(bounce_text_address(
				    mime_field(m->header, "From")),
		    SLICE("staff@hotmail.com")) &&
		   slice_starts_nocase(slice_trim(m->subject),
		       SLICE("complaint about message from")));
}

/* The addresses in the JSON array of that name. */
static int
read_json_addresses(const struct bounce_parts *m, struct slice json,
    struct slice name, struct complaint *c)
{
	const char *p = slice_find(json, name), *end;
	int rc = 0;

	if (p == NULL)
		return 0;
	json = slice_skip(json, (size_t)(p - json.at));
	if ((end = memchr(json.at, ']', json.len)) != NULL)
		json.len = (size_t)(end - json.at);
	while (rc == 0 &&
	       (p = slice_find(json, SLICE("\"emailAddress\""))) != NULL) {
		json = slice_skip(json, (size_t)(p - json.at) + 14);
		rc = add_recipient(m, c, bounce_text_address(json));
	}
	return rc;
}

static bool
is_sns(struct slice text)
{
	static const char *const marks[] = {
		"\"notificationType\":\"Complaint\"",
		"\"notificationType\": \"Complaint\"",
		"\"eventType\":\"Complaint\"",
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (slice_starts(text, SLICE("{")) &&
		    slice_find(text, slice_of(marks[i])) != NULL)
			return true;
	return false;
}

static int
read_sns(const struct bounce_parts *m, struct slice text, struct complaint *c)
{
	const char *p = slice_find(text, SLICE("\"complaintFeedbackType\":"));
	struct slice value;

	if (p != NULL) {
		value = slice_skip(text, (size_t)(p - text.at) + 24);
		value = slice_trim(value);
		c->type = slice_starts(value, SLICE("\""))
			      ? type_of(slice_skip(value, 1))
			      : COMPLAINT_ABUSE;
	}
	return read_json_addresses(m, text, SLICE("\"complainedRecipients\""),
	    c);
}

int
complaint_read(const struct bounce_parts *m, bool failed,
    struct complaint *ret_complaint)
{
	struct slice from = mime_field(m->header, "From"),
		     fields = feedback_of(m), text = slice_trim(m->text);
	struct complaint c = { .type = COMPLAINT_ABUSE,
		.reporter = bounce_text_address(from) };
	int rc = 0;

	if (fields.at != NULL) {
		rc = read_feedback(m, fields, &c);
	} else if (failed) {
		return 0;
	} else if (is_jmrp(m)) {
		rc = add_recipient(m, &c,
		    bounce_text_address(
			mime_field(m->returned, "X-HmXmrOriginalRecipient")));
	} else if (mime_field(m->header, "X-Apple-Unsubscribe").at != NULL) {
		c.type = COMPLAINT_OPT_OUT;
		rc = add_recipient(m, &c, c.reporter);
	} else if (is_sns(text)) {
		rc = read_sns(m, text, &c);
	} else {
		return 0;
	}
	if (rc < 0)
		return rc;
	*ret_complaint = c;
	return 1;
}
