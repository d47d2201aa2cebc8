/* SPDX-License-Identifier: BSD-2-Clause */
/* The field of held messages. */
#include "proto/held_field.h"

#include "proto/rfc3339.h"
#include "proto/schedule.h"
#include "proto/settings.h"
#include "proto/xtext.h"
#include "util/arena.h"
#include "util/err.h"
#include "util/number.h"

static const char *const reason_words[] = {
	[HOLD_WINDOW] = "window",
	[HOLD_DAY_CAP] = "day_cap",
	[HOLD_PRIORITY] = "priority",
	[HOLD_SCAN] = "scan",
	[HOLD_HAND] = "hand",
};

const char *
hold_reason_word(enum hold_reason reason)
{
	return reason_words[reason];
}

int
hold_reason_parse(struct slice word, enum hold_reason *ret_reason)
{
	for (size_t i = 0; i < HOLD_REASONS; i++)
		if (slice_eq(word, slice_of(reason_words[i]))) {
			*ret_reason = (enum hold_reason)i;
			return 0;
		}
	return ERR_SYNTAX;
}

/* ---- writing ---- */

static void
put_time(const char *name, int64_t ms, struct buf *out)
{
	char room[RFC3339_MAX];

	(void)buf_addf(out, "; %s=", name);
	(void)buf_add(out, room, rfc3339_format(ms * 1000, room));
}

int
held_field_format(const struct held_field *f, struct buf *out)
{
	(void)buf_addf(out, "%s; tenant=%.*s; priority=%u",
	    reason_words[f->reason], SLICE_F(f->tenant), f->priority);
	put_time("arrived", f->arrived_ms, out);
	if (f->release_ms == INT64_MAX)
		(void)buf_add_text(out, "; until=never");
	else if (f->release_ms > 0)
		put_time("until", f->release_ms, out);
	if (f->rule.at != NULL) {
		(void)buf_add_text(out, "; rule=");
		(void)xtext_encode(f->rule, out);
	}
	return out->rc;
}

/* ---- reading ---- */

/* The value of the next member, if it has that name. */
static bool
take_member(struct slice *rest, struct slice name, struct slice *ret_value)
{
	struct slice s = slice_trim(*rest);

	if (s.at == NULL || !slice_starts(s, name) || s.len <= name.len ||
	    s.at[name.len] != '=')
		return false;
	s = slice_skip(s, name.len + 1);
	/* The last one may have any octet. */
	if (slice_eq(name, SLICE("rule"))) {
		*ret_value = s;
		*rest = (struct slice){ NULL, 0 };
		return true;
	}
	(void)slice_split(&s, ';', ret_value);
	*rest = s;
	return true;
}

static bool
take_time(struct slice *rest, struct slice name, int64_t *ret_ms)
{
	struct slice value, behind = *rest;
	int64_t us;

	if (!take_member(&behind, name, &value) ||
	    rfc3339_parse(value, &us) < 0)
		return false;
	*rest = behind;
	*ret_ms = us / 1000;
	return true;
}

static int
hex_value(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *p = c != '\0' ? strchr(digits, c) : NULL;

	return p != NULL ? (int)(p - digits) : -1;
}

static int
decode(struct slice text, struct arena *arena, struct slice *ret_text)
{
	char *to = arena_text(arena, text);
	size_t n = 0;

	if (to == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] != '+') {
			to[n++] = text.at[i];
			continue;
		}
		int high = i + 2 < text.len ? hex_value(text.at[i + 1]) : -1;
		int low = high >= 0 ? hex_value(text.at[i + 2]) : -1;

		if (low < 0)
			return ERR_SYNTAX;
		to[n++] = (char)(high << 4 | low);
		i += 2;
	}
	*ret_text = (struct slice){ to, n };
	return 0;
}

int
held_field_parse(struct slice value, struct arena *arena,
    struct held_field *ret_field)
{
	struct slice rest = slice_trim(value), word, text;
	struct held_field f = { .release_ms = 0 };
	uint64_t priority;
	int rc;

	if (value.len > HELD_FIELD_MAX || !slice_split(&rest, ';', &word) ||
	    hold_reason_parse(word, &f.reason) < 0 ||
	    !take_member(&rest, SLICE("tenant"), &f.tenant) ||
	    !settings_name_ok(f.tenant) ||
	    !take_member(&rest, SLICE("priority"), &text) ||
	    number_parse(text, 1, PRIORITY_MAX, &priority) < 0 ||
	    !take_time(&rest, SLICE("arrived"), &f.arrived_ms))
		return ERR_SYNTAX;
	f.priority = (unsigned)priority;
	word = rest;
	if (take_member(&word, SLICE("until"), &text) &&
	    slice_eq(text, SLICE("never"))) {
		f.release_ms = INT64_MAX;
		rest = word;
	} else {
		(void)take_time(&rest, SLICE("until"), &f.release_ms);
	}
	if (take_member(&rest, SLICE("rule"), &text) &&
	    (rc = decode(text, arena, &f.rule)) < 0)
		return rc;
	if (rest.at != NULL)
		return ERR_SYNTAX;
	*ret_field = f;
	return 0;
}
