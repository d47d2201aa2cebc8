/* SPDX-License-Identifier: BSD-2-Clause */
/* The record of a held message as text. */
#include "store/hold_record.h"

#include "proto/schedule.h"
#include "util/err.h"
#include "util/number.h"

static const char reason_letters[] = {
	[HOLD_WINDOW] = 'w',
	[HOLD_DAY_CAP] = 'c',
	[HOLD_PRIORITY] = 'p',
	[HOLD_SCAN] = 's',
	[HOLD_HAND] = 'h',
};

char
hold_reason_letter(enum hold_reason reason)
{
	return reason_letters[reason];
}

int64_t
hold_release_ms(struct slice list, struct slice score)
{
	uint64_t n;

	if (slice_eq(list, SLICE("r")))
		return 0;
	if (number_parse(score, 0, INT64_MAX, &n) < 0)
		return INT64_MAX; /* "inf" */
	return (int64_t)n;
}

/* Cut so that no UTF-8 character is cut in two. */
static struct slice
cut(struct slice s)
{
	if (s.len <= HOLD_TEXT_MAX)
		return s;
	s.len = HOLD_TEXT_MAX;
	for (unsigned i = 0; i < 3 && ((unsigned char)s.at[s.len] >> 6) == 2;
	     i++)
		s.len--;
	return s;
}

static void
put_text(struct slice s, struct buf *out)
{
	s = cut(s);
	(void)buf_add_char(out, '\t');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		(void)buf_add_char(out, c < ' ' || c == 0x7f ? ' ' : (char)c);
	}
}

static void
put_number(uint64_t n, struct buf *out)
{
	char room[NUMBER_TEXT_MAX];

	(void)buf_add(out, room, number_format(n, room));
}

int
hold_record_format(const struct hold_record *r, struct buf *out)
{
	(void)buf_add_char(out, reason_letters[r->reason]);
	(void)buf_add_char(out, r->deferred ? 'd' : '-');
	put_number(r->priority, out);
	(void)buf_add_char(out, '\t');
	put_number(r->arrived_ms > 0 ? (uint64_t)r->arrived_ms : 0, out);
	(void)buf_add_char(out, '\t');
	put_number(r->recipients, out);
	put_text(r->tenant, out);
	put_text(r->rule, out);
	put_text(r->sender, out);
	put_text(r->recipient, out);
	put_text(r->subject, out);
	return out->rc;
}

static int
take_number(struct slice *rest, uint64_t min, uint64_t max, uint64_t *ret_n)
{
	struct slice piece;

	if (!slice_split(rest, '\t', &piece))
		return ERR_SYNTAX;
	return number_parse(piece, min, max, ret_n) < 0 ? ERR_SYNTAX : 0;
}

int
hold_record_parse(struct slice text, struct hold_record *ret_record)
{
	struct hold_record r = *ret_record;
	struct slice rest = slice_skip(text, 2);
	struct slice *const texts[] = { &r.tenant, &r.rule, &r.sender,
		&r.recipient, &r.subject };
	uint64_t priority, arrived, recipients;
	size_t i = 0;

	if (text.len < 3 || (text.at[1] != '-' && text.at[1] != 'd'))
		return ERR_SYNTAX;
	while (i < HOLD_REASONS && reason_letters[i] != text.at[0])
		i++;
	if (i == HOLD_REASONS ||
	    take_number(&rest, 1, PRIORITY_MAX, &priority) < 0 ||
	    take_number(&rest, 0, INT64_MAX, &arrived) < 0 ||
	    take_number(&rest, 0, SIZE_MAX, &recipients) < 0)
		return ERR_SYNTAX;
	r.reason = (enum hold_reason)i;
	r.deferred = text.at[1] == 'd';
	r.priority = (unsigned)priority;
	r.arrived_ms = (int64_t)arrived;
	r.recipients = (size_t)recipients;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!slice_split(&rest, '\t', texts[i]))
			return ERR_SYNTAX;
	if (rest.at != NULL)
		return ERR_SYNTAX;
	*ret_record = r;
	return 0;
}
