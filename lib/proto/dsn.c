/* SPDX-License-Identifier: BSD-2-Clause */
/* Delivery status notifications, RFC 3464. */
#include "proto/dsn.h"

#include "proto/mime.h"
#include "util/err.h"
#include "util/utf8.h"

/* What stands behind "type;", or all of it when there is no type. */
static struct slice
without_type(struct slice value)
{
	size_t n = 0;

	while (n < value.len && value.at[n] != ';' && value.at[n] != ' ' &&
	       value.at[n] != '@' && value.at[n] != '<')
		n++;
	while (n < value.len && value.at[n] == ' ')
		n++;
	if (n < value.len && n < 32 && value.at[n] == ';')
		return slice_trim(slice_skip(value, n + 1));
	return value;
}

/*
 * Octets of a code at the head of s, and the character it stands for: "+2B"
 * and "+3D" (RFC 3461, 4), "\\x{EF}" (RFC 6533, 3).  0: none.
 */
static size_t
code_at(struct slice s, uint32_t *ret_char)
{
	uint32_t c = 0;
	size_t n = 3;

	if (s.len < 3 || (s.at[0] != '+' && s.at[0] != '\\'))
		return 0;
	if (s.at[0] == '+') {
		*ret_char = s.at[2] == 'B' ? '+' : '=';
		return memcmp(s.at, "+2B", 3) == 0 ||
			       memcmp(s.at, "+3D", 3) == 0
			   ? 3
			   : 0;
	}
	if (s.at[1] != 'x' || s.at[2] != '{')
		return 0;
	for (; n < s.len && n < 9 && s.at[n] != '}'; n++) {
		const char *digits = "0123456789abcdef", *p;
		int low =
		    s.at[n] >= 'A' && s.at[n] <= 'F' ? s.at[n] + 32 : s.at[n];

		if (low == 0 || (p = strchr(digits, low)) == NULL)
			return 0;
		c = c * 16 + (uint32_t)(p - digits);
	}
	*ret_char = c;
	return n > 3 && n < s.len && s.at[n] == '}' && c >= 32 &&
		       c <= 0x10ffff && (c < 0xd800 || c > 0xdfff)
		   ? n + 1
		   : 0;
}

static bool
has_codes(struct slice s)
{
	uint32_t c;

	for (; s.len > 2; s = slice_skip(s, 1))
		if (code_at(s, &c) > 0)
			return true;
	return false;
}

struct slice
dsn_address(struct slice value, struct arena *arena)
{
	/* Some gateways write the type twice. */
	struct slice s = without_type(without_type(mime_unfold(value, arena)));
	const char *open = s.len > 0 ? memrchr(s.at, '<', s.len) : NULL;

	if (open != NULL && s.at[s.len - 1] == '>') {
		s = slice_skip(s, (size_t)(open - s.at) + 1);
		s.len--;
	}
	if (!has_codes(s))
		return s;
	char *to = arena_alloc(arena, s.len);
	size_t n = 0, code;
	uint32_t c;
	if (to == NULL)
		return s;
	for (; s.len > 0; s = slice_skip(s, code)) {
		if ((code = code_at(s, &c)) > 0) {
			n += utf8_put(c, to + n);
		} else {
			to[n++] = s.at[0];
			code = 1;
		}
	}
	return (struct slice){ to, n };
}

static enum dsn_action
action_of(struct slice value)
{
	static const struct {
		struct slice word;
		enum dsn_action action;
	} words[] = {
		{ SLICE("failed"), DSN_FAILED },
		{ SLICE("failure"), DSN_FAILED },
		{ SLICE("delayed"), DSN_DELAYED },
		{ SLICE("delivered"), DSN_DELIVERED },
		{ SLICE("relayed"), DSN_RELAYED },
		{ SLICE("expanded"), DSN_EXPANDED },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (slice_starts_nocase(value, words[i].word))
			return words[i].action;
	return DSN_NO_ACTION;
}

/* The first of a repeated field counts. */
static void
set(struct slice *field, struct slice value)
{
	if (field->at == NULL)
		*field = value;
}

static void
recipient_field(struct dsn_recipient *r, struct slice name, struct slice value,
    struct arena *arena)
{
	if (slice_eq_nocase(name, SLICE("Final-Recipient")))
		set(&r->final, dsn_address(value, arena));
	else if (slice_eq_nocase(name, SLICE("Original-Recipient")))
		set(&r->original, dsn_address(value, arena));
	else if (slice_eq_nocase(name, SLICE("X-Actual-Recipient")))
		set(&r->actual, dsn_address(value, arena));
	else if (slice_eq_nocase(name, SLICE("Action")) &&
		 r->action == DSN_NO_ACTION)
		r->action = action_of(value);
	else if (slice_eq_nocase(name, SLICE("Status")))
		set(&r->status, mime_unfold(value, arena));
	else if (slice_eq_nocase(name, SLICE("Diagnostic-Code")))
		set(&r->diagnostic, without_type(mime_unfold(value, arena)));
	else if (slice_eq_nocase(name, SLICE("Remote-MTA")))
		set(&r->remote_mta, without_type(mime_unfold(value, arena)));
}

/* The field of r that this name stands for; NULL: none that ends a block. */
static const struct slice *
field_of(const struct dsn_recipient *r, struct slice name)
{
	if (slice_eq_nocase(name, SLICE("Final-Recipient")))
		return &r->final;
	if (slice_eq_nocase(name, SLICE("Original-Recipient")))
		return &r->original;
	if (slice_eq_nocase(name, SLICE("Status")))
		return &r->status;
	if (slice_eq_nocase(name, SLICE("Diagnostic-Code")))
		return &r->diagnostic;
	return NULL;
}

/*
 * Does this field begin another recipient's block?  Amazon SES, Exim and
 * Facebook write the address behind the action; others leave empty lines
 * inside a block.
 */
static bool
begins_recipient(const struct dsn_recipient *r, struct slice name,
    bool new_block)
{
	static const struct dsn_recipient nobody;
	bool action = slice_eq_nocase(name, SLICE("Action"));
	const struct slice *field = field_of(r != NULL ? r : &nobody, name);
	bool named;

	if (!action && field == NULL)
		return false;
	if (r == NULL)
		return true;
	if (action)
		return new_block && r->action != DSN_NO_ACTION;
	named = r->final.at != NULL || r->original.at != NULL;
	if (field == &r->final || field == &r->original)
		return field->at != NULL || (new_block && named);
	return new_block && field->at != NULL;
}

static int
add_recipient(struct dsn *dsn, size_t *room, struct arena *arena)
{
	if (dsn->count == *room) {
		size_t more = *room == 0 ? 8 : *room * 4;
		struct dsn_recipient *n = arena_calloc(arena, more, sizeof(*n));

		if (n == NULL)
			return ERR_NOMEM;
		if (*room > 0)
			memcpy(n, dsn->recipients, *room * sizeof(*n));
		dsn->recipients = n;
		*room = more;
	}
	dsn->count++;
	return 0;
}

/* Blocks that name nobody go, unless there is no other. */
static void
drop_unnamed(struct dsn *dsn)
{
	size_t kept = 0;

	for (size_t i = 0; i < dsn->count; i++) {
		const struct dsn_recipient *r = &dsn->recipients[i];

		if (r->final.len > 0 || r->original.len > 0)
			dsn->recipients[kept++] = *r;
	}
	if (kept > 0)
		dsn->count = kept;
	else if (dsn->count > 1)
		dsn->count = 1;
}

int
dsn_parse(struct slice text, struct arena *arena, struct dsn *ret_dsn)
{
	struct dsn dsn = { .recipients = NULL };
	struct dsn_recipient *r = NULL;
	bool new_block = true;
	size_t room = 0;

	while (text.len > 0) {
		struct slice name, value;

		if (!mime_field_next(&text, &name, &value)) {
			new_block = true;
			continue;
		}
		if (begins_recipient(r, name, new_block)) {
			if (dsn.count == DSN_RECIPIENTS_MAX)
				break;
			if (add_recipient(&dsn, &room, arena) < 0)
				return ERR_NOMEM;
			r = &dsn.recipients[dsn.count - 1];
			new_block = false;
		}
		if (r != NULL)
			recipient_field(r, name, value, arena);
		else if (slice_eq_nocase(name, SLICE("Reporting-MTA")))
			set(&dsn.reporting_mta,
			    without_type(mime_unfold(value, arena)));
		else if (slice_eq_nocase(name, SLICE("Original-Envelope-Id")))
			set(&dsn.envelope_id, mime_unfold(value, arena));
	}
	drop_unnamed(&dsn);
	*ret_dsn = dsn;
	return 0;
}
