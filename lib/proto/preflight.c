/* SPDX-License-Identifier: BSD-2-Clause */
/* Pre-flight checks.  RFC 5322, 3.6; RFC 7489; RFC 8058; RFC 2919. */
#include "proto/preflight.h"

#include "proto/line_break.h"
#include "proto/mailbox.h"

static const struct {
	enum preflight_check bit;
	const char *word, *dsn, *text;
} checks[] = {
	{ PREFLIGHT_FROM, "from", "5.6.0",
	    "From must stand once, with one or more addresses (RFC 5322, "
	    "3.6.2)" },
	{ PREFLIGHT_ALIGNMENT, "alignment", "5.7.22",
	    "no DKIM key signs for the domain in From (RFC 7489, 3.1.1)" },
	{ PREFLIGHT_DMARC, "dmarc", "5.7.1",
	    "the domain in From has no DMARC record (RFC 7489, 6.1)" },
	{ PREFLIGHT_DATE, "date", "5.6.0",
	    "Date must stand once (RFC 5322, 3.6.1)" },
	{ PREFLIGHT_MESSAGE_ID, "message-id", "5.6.0",
	    "Message-ID must stand once, as <id@domain> (RFC 5322, 3.6.4)" },
	{ PREFLIGHT_UNSUBSCRIBE, "unsubscribe", "5.7.1",
	    "bulk mail needs List-Unsubscribe with an https address and "
	    "List-Unsubscribe-Post (RFC 8058, 3.1)" },
	{ PREFLIGHT_LINE_LENGTH, "line-length", "5.6.0",
	    "a line is longer than 998 octets (RFC 5322, 2.1.1)" },
};
#define CHECKS (sizeof(checks) / sizeof(checks[0]))

/* The only field of that name; NULL: none, or several. */
static const struct header_field *
only(const struct preflight_input *in, const char *name)
{
	const struct header_field *found = NULL;

	for (size_t i = 0; i < in->field_count; i++) {
		if (!slice_eq_nocase(in->fields[i].name, slice_of(name)))
			continue;
		if (found != NULL)
			return NULL;
		found = &in->fields[i];
	}
	return found;
}

static bool
has(const struct preflight_input *in, const char *name)
{
	for (size_t i = 0; i < in->field_count; i++)
		if (slice_eq_nocase(in->fields[i].name, slice_of(name)))
			return true;
	return false;
}

/* Every mailbox an address with a domain, and at least one. */
static bool
from_ok(const struct preflight_input *in)
{
	const struct header_field *from = only(in, "From");
	char room[ADDRESS_MAX];
	struct slice rest, address;
	size_t count = 0;

	if (from == NULL)
		return false;
	for (rest = from->value; mailbox_next(&rest, room, &address); count++)
		if (address_domain(address).len == 0)
			return false;
	return count > 0;
}

static bool
date_ok(const struct preflight_input *in)
{
	const struct header_field *date = only(in, "Date");

	return date != NULL && slice_trim(date->value).len > 0;
}

static bool
message_id_ok(const struct preflight_input *in)
{
	const struct header_field *f = only(in, "Message-ID");
	struct slice rest, id;

	if (f == NULL)
		return false;
	rest = f->value;
	if (!slice_split(&rest, '<', &id) || !slice_split(&rest, '>', &id) ||
	    rest.at == NULL)
		return false;
	const char *at = memchr(id.at, '@', id.len);
	return at != NULL && at > id.at && at + 1 < id.at + id.len &&
	       memchr(id.at, ' ', id.len) == NULL;
}

static bool
is_bulk(const struct preflight_input *in)
{
	const struct header_field *precedence = only(in, "Precedence");

	if (has(in, "List-Id") || has(in, "Feedback-ID") ||
	    in->recipients > PREFLIGHT_BULK_RECIPIENTS)
		return true;
	if (precedence == NULL)
		return false;
	struct slice word = slice_trim(precedence->value);
	return slice_eq_nocase(word, SLICE("bulk")) ||
	       slice_eq_nocase(word, SLICE("list"));
}

/* RFC 8058, 3.1: both fields, once, with an HTTPS URI. */
static bool
unsubscribe_ok(const struct preflight_input *in)
{
	const struct header_field *uris = only(in, "List-Unsubscribe"),
				  *post = only(in, "List-Unsubscribe-Post");

	if (in->unsubscribes || !is_bulk(in))
		return true;
	if (uris == NULL || post == NULL ||
	    !slice_eq_nocase(slice_trim(post->value),
		SLICE("List-Unsubscribe=One-Click")))
		return false;
	struct slice rest = uris->value, uri;
	while (slice_split(&rest, '<', &uri))
		if (slice_starts_nocase(slice_trim(rest), SLICE("https://")))
			return true;
	return false;
}

static bool
lines_ok(const struct preflight_input *in)
{
	for (size_t i = 0; i < in->field_count && !in->long_line; i++) {
		const struct header_field *f = &in->fields[i];

		if (line_break_needed(PREFLIGHT_LINE_MAX, f->name.len + 2,
			f->value))
			return false;
	}
	return !in->long_line;
}

unsigned
preflight_check(const struct preflight_input *in)
{
	bool from = from_ok(in);
	unsigned found = 0;

	found |= from ? 0 : PREFLIGHT_FROM;
	/* Whose they would be is not known without it. */
	found |= from && !in->aligned ? PREFLIGHT_ALIGNMENT : 0;
	found |=
	    from && in->dmarc == PREFLIGHT_RECORD_ABSENT ? PREFLIGHT_DMARC : 0;
	found |= date_ok(in) ? 0 : PREFLIGHT_DATE;
	found |= message_id_ok(in) ? 0 : PREFLIGHT_MESSAGE_ID;
	found |= unsubscribe_ok(in) ? 0 : PREFLIGHT_UNSUBSCRIBE;
	found |= lines_ok(in) ? 0 : PREFLIGHT_LINE_LENGTH;
	return found;
}

bool
preflight_author(const struct header_field *fields, size_t count, char *room,
    struct slice *ret_domain)
{
	const struct preflight_input in = { .fields = fields,
		.field_count = count };
	const struct header_field *from = only(&in, "From");
	char other_room[ADDRESS_MAX];
	struct slice rest, address, other;

	if (from == NULL)
		return false;
	rest = from->value;
	if (!mailbox_next(&rest, room, &address) ||
	    !address_domain_ok(address_domain(address)))
		return false;
	while (mailbox_next(&rest, other_room, &other))
		if (!slice_eq_nocase(address_domain(other),
			address_domain(address)))
			return false;
	*ret_domain = address_domain(address);
	return true;
}

/* RFC 7489, 6.4: dmarc-version = "v" *WSP "=" *WSP %x44.4d.41.52.43.31 */
bool
preflight_is_dmarc(struct slice text)
{
	struct slice tag, name;

	if (!slice_split(&text, ';', &tag) || !slice_split(&tag, '=', &name))
		return false;
	return slice_eq(slice_trim(name), SLICE("v")) &&
	       slice_eq(slice_trim(tag), SLICE("DMARC1"));
}

void
preflight_words(unsigned found, char between, struct buf *out)
{
	for (size_t i = 0; i < CHECKS; i++) {
		if ((found & checks[i].bit) == 0)
			continue;
		if (out->len > 0)
			(void)buf_add_char(out, between);
		(void)buf_add_text(out, checks[i].word);
	}
}

void
preflight_text(unsigned found, struct buf *out)
{
	for (size_t i = 0; i < CHECKS; i++)
		if ((found & checks[i].bit) != 0) {
			if (out->len > 0)
				(void)buf_add_text(out, "; ");
			(void)buf_add_text(out, checks[i].text);
		}
}

const char *
preflight_dsn(unsigned found)
{
	for (size_t i = 0; i < CHECKS; i++)
		if ((found & checks[i].bit) != 0)
			return checks[i].dsn;
	return "5.7.1";
}
