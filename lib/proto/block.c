/* SPDX-License-Identifier: BSD-2-Clause */
/* The record of one address in the suppression hash. */
#include "proto/block.h"

#include "util/err.h"
#include "util/number.h"

#define FIELDS 14
#define TEXT_MAX 300 /* of reason and note */

static int
parse_number(struct slice s, int64_t max, int64_t *ret_value)
{
	uint64_t n = 0;
	int rc = 0;

	if (s.len > 0)
		rc = number_parse(s, 0, (uint64_t)max, &n);
	if (rc < 0)
		return ERR_SYNTAX;
	*ret_value = (int64_t)n;
	return 0;
}

int
block_parse(struct slice text, struct block *ret_block)
{
	struct slice f[FIELDS], rest = text;
	int64_t status, count, first, last, since, expires;

	for (size_t i = 0; i < FIELDS; i++)
		if (!slice_split(&rest, '\t', &f[i]))
			return ERR_SYNTAX;
	if (rest.at != NULL || f[0].len != 1)
		return ERR_SYNTAX;
	char state = f[0].at[0];
	if (state != BLOCK_COUNTING && state != BLOCK_BLOCKED &&
	    state != BLOCK_EXEMPT)
		return ERR_SYNTAX;
	if (parse_number(f[1], 999, &status) < 0 ||
	    parse_number(f[2], INT64_MAX, &count) < 0 ||
	    parse_number(f[3], INT64_MAX, &first) < 0 ||
	    parse_number(f[4], INT64_MAX, &last) < 0 ||
	    parse_number(f[5], INT64_MAX, &since) < 0 ||
	    parse_number(f[6], INT64_MAX, &expires) < 0)
		return ERR_SYNTAX;
	*ret_block = (struct block){
		.state = (enum block_state)state,
		.status = (int)status,
		.count = (uint64_t)count,
		.first_s = first,
		.last_s = last,
		.since_s = since,
		.expires_s = expires,
		.origin = f[7],
		.ref = f[8],
		.event_id = f[9],
		.queue_id = f[10],
		.reason = f[11],
		.note = f[12],
		.counts = f[13],
	};
	return 0;
}

static void
put_number(int64_t value, struct buf *out)
{
	char room[NUMBER_TEXT_MAX];

	(void)buf_add(out, room,
	    number_format(value > 0 ? (uint64_t)value : 0, room));
}

/* A cut at max never leaves half a UTF-8 character. */
static size_t
cut(struct slice s, size_t max)
{
	if (s.len <= max)
		return s.len;
	while (max > 0 && ((unsigned char)s.at[max] & 0xc0) == 0x80)
		max--;
	return max;
}

static void
put_text(struct slice s, size_t max, struct buf *out)
{
	size_t len = cut(s, max);

	(void)buf_add_char(out, '\t');
	if (len == 0 || buf_add(out, s.at, len) < 0)
		return;
	for (char *p = out->at + out->len - len; len-- > 0; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
}

int
block_format(const struct block *b, struct buf *out)
{
	const int64_t numbers[] = { b->status,
		b->count > INT64_MAX ? INT64_MAX : (int64_t)b->count,
		b->first_s, b->last_s, b->since_s, b->expires_s };

	(void)buf_add_char(out, (char)b->state);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		(void)buf_add_char(out, '\t');
		put_number(numbers[i], out);
	}
	put_text(b->origin, TEXT_MAX, out);
	put_text(b->ref, TEXT_MAX, out);
	put_text(b->event_id, TEXT_MAX, out);
	put_text(b->queue_id, TEXT_MAX, out);
	put_text(b->reason, TEXT_MAX, out);
	put_text(b->note, TEXT_MAX, out);
	put_text(b->counts, TEXT_MAX, out);
	return out->rc;
}

bool
block_is_active(const struct block *b, int64_t now_s)
{
	return b->state == BLOCK_BLOCKED &&
	       (b->expires_s == 0 || now_s < b->expires_s);
}
