/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of one address of the suppression list: its texts. */
#include "proto/block.h"

#include <stdio.h>

#include "proto/status.h"
#include "util/err.h"
#include "util/number.h"

#define EVIDENCE_FIELDS 8
#define STATUS_MAX 999

/* ---- numbers ---- */

/* Digits; nothing is 0. */
static int
parse_number(struct slice s, int64_t max, int64_t *ret_value)
{
	uint64_t n = 0;

	if (s.len > 0 && number_parse(s, 0, (uint64_t)max, &n) < 0)
		return ERR_SYNTAX;
	*ret_value = (int64_t)n;
	return 0;
}

/* Hexadecimal digits, at least one. */
static int
parse_time(struct slice s, int64_t *ret_value)
{
	uint64_t n = 0;

	if (s.len == 0 || s.len > 15)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (c >= '0' && c <= '9')
			n = n << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uint64_t)(c - 'a' + 10);
		else
			return ERR_SYNTAX;
	}
	*ret_value = (int64_t)n;
	return 0;
}

static void
put_number(int64_t value, struct buf *out)
{
	char room[NUMBER_TEXT_MAX];

	(void)buf_add(out, room,
	    number_format(value > 0 ? (uint64_t)value : 0, room));
}

static void
put_time(int64_t value, struct buf *out)
{
	static const char hex[] = "0123456789abcdef";
	char room[16], *p = room + sizeof(room);
	uint64_t n = value > 0 ? (uint64_t)value & 0xfffffffffffffffU : 0;

	do {
		*--p = hex[n & 15];
		n >>= 4;
	} while (n > 0);
	(void)buf_add(out, p, (size_t)(room + sizeof(room) - p));
}

/* ---- the entry ---- */

static const struct {
	char letter;
	struct slice word;
} origins[] = {
	{ 'a', { "api", 3 } },
	{ 'b', { "bounce", 6 } },
	{ 'c', { "cli", 3 } },
	{ 'i', { "import", 6 } },
	{ 'm', { "complaint", 9 } },
	{ 'u', { "unsubscribe", 11 } },
};
#define NORIGINS (sizeof(origins) / sizeof(origins[0]))
#define OTHER_ORIGIN '-'

static int
parse_origin(char letter, struct slice *ret_origin)
{
	for (size_t i = 0; i < NORIGINS; i++)
		if (origins[i].letter == letter) {
			*ret_origin = origins[i].word;
			return 0;
		}
	return letter == OTHER_ORIGIN ? 0 : ERR_SYNTAX;
}

int
block_entry_parse(struct slice text, struct block *ret_block)
{
	struct block b = { .state = BLOCK_COUNTING };
	struct slice rest = slice_skip(text, 2), status, since;
	int64_t n;

	if (text.len < 2 ||
	    (text.at[0] != BLOCK_BLOCKED && text.at[0] != BLOCK_EXEMPT) ||
	    parse_origin(text.at[1], &b.origin) < 0)
		return ERR_SYNTAX;
	b.state = (enum block_state)text.at[0];
	(void)slice_split(&rest, '.', &status);
	if (!slice_split(&rest, '.', &since) || status.len == 0 ||
	    parse_number(status, STATUS_MAX, &n) < 0 ||
	    parse_time(since, &b.since_s) < 0 ||
	    (rest.at != NULL && parse_time(rest, &b.expires_s) < 0))
		return ERR_SYNTAX;
	b.status = (int)n;
	*ret_block = b;
	return 0;
}

int
block_entry_format(const struct block *b, struct buf *out)
{
	char letter = OTHER_ORIGIN;

	for (size_t i = 0; i < NORIGINS; i++)
		if (slice_eq(origins[i].word, b->origin))
			letter = origins[i].letter;
	(void)buf_add_char(out, (char)b->state);
	(void)buf_add_char(out, letter);
	put_number(b->status, out);
	(void)buf_add_char(out, '.');
	put_time(b->since_s, out);
	if (b->expires_s > 0) {
		(void)buf_add_char(out, '.');
		put_time(b->expires_s, out);
	}
	return out->rc;
}

/* ---- counting ---- */

/* The latest time in "STATUS=COUNT@LAST,...;ID ..."; 0: none. */
static int64_t
latest(struct slice counts)
{
	struct slice list, entry;
	int64_t best = 0;

	if (!slice_split(&counts, ';', &list))
		return 0;
	while (slice_split(&list, ',', &entry)) {
		const char *p = slice_find(entry, SLICE("@"));
		int64_t n = 0;

		if (p == NULL)
			continue;
		struct slice at = slice_skip(entry, (size_t)(p - entry.at) + 1);
		if (parse_number(at, INT64_MAX, &n) == 0 && n > best)
			best = n;
	}
	return best;
}

int
block_counting_parse(struct slice text, struct block *ret_block)
{
	struct block b = { .state = BLOCK_COUNTING };
	struct slice rest = text, head, status, count;
	int64_t n, many;

	if (!slice_split(&rest, ' ', &head) || rest.at == NULL ||
	    !slice_split(&head, '.', &status) ||
	    !slice_split(&head, '.', &count) || head.at == NULL ||
	    parse_number(status, STATUS_MAX, &n) < 0 ||
	    parse_number(count, INT64_MAX, &many) < 0 ||
	    parse_time(head, &b.first_s) < 0)
		return ERR_SYNTAX;
	b.status = (int)n;
	b.count = (uint64_t)many;
	b.since_s = b.first_s;
	b.counts = rest;
	b.last_s = latest(rest);
	*ret_block = b;
	return 0;
}

/* ---- evidence ---- */

int
block_evidence_parse(struct slice text, struct block *ret_block)
{
	struct slice f[EVIDENCE_FIELDS], rest = text;
	int64_t count, first, last;

	for (size_t i = 0; i < EVIDENCE_FIELDS; i++)
		if (!slice_split(&rest, '\t', &f[i]))
			return ERR_SYNTAX;
	if (rest.at != NULL || parse_number(f[0], INT64_MAX, &count) < 0 ||
	    parse_number(f[1], INT64_MAX, &first) < 0 ||
	    parse_number(f[2], INT64_MAX, &last) < 0)
		return ERR_SYNTAX;
	ret_block->count = (uint64_t)count;
	ret_block->first_s = first;
	ret_block->last_s = last;
	ret_block->event_id = f[3];
	ret_block->queue_id = f[4];
	ret_block->reason = f[5];
	ret_block->note = f[6];
	ret_block->counts = f[7];
	return 0;
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
put_text(struct slice s, struct buf *out)
{
	size_t len = cut(s, BLOCK_TEXT_MAX);

	(void)buf_add_char(out, '\t');
	if (len == 0 || buf_add(out, s.at, len) < 0)
		return;
	for (char *p = out->at + out->len - len; len-- > 0; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
}

static void
put_optional(int64_t value, struct buf *out)
{
	if (value > 0)
		put_number(value, out);
}

int
block_evidence_format(const struct block *b, struct buf *out)
{
	const struct slice texts[] = { b->event_id, b->queue_id, b->reason,
		b->note, b->counts };
	bool some = b->count > 0 || b->first_s > 0 || b->last_s > 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		some |= texts[i].len > 0;
	if (!some)
		return out->rc;
	put_optional(b->count > INT64_MAX ? INT64_MAX : (int64_t)b->count, out);
	(void)buf_add_char(out, '\t');
	put_optional(b->first_s, out);
	(void)buf_add_char(out, '\t');
	put_optional(b->last_s, out);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		put_text(texts[i], out);
	return out->rc;
}

/* ---- what it means ---- */

bool
block_is_active(const struct block *b, int64_t now_s)
{
	return b->state == BLOCK_BLOCKED &&
	       (b->expires_s == 0 || now_s < b->expires_s);
}

/* An exemption may be for a time, too. */
static bool
exempts(const struct block *b, int64_t now_s)
{
	return b != NULL && b->state == BLOCK_EXEMPT &&
	       (b->expires_s == 0 || now_s < b->expires_s);
}

const struct block *
block_in_force(const struct block *all, const struct block *own, int64_t now_s)
{
	if (exempts(all, now_s) || exempts(own, now_s))
		return NULL;
	if (all != NULL && block_is_active(all, now_s))
		return all;
	return own != NULL && block_is_active(own, now_s) ? own : NULL;
}

struct slice
block_field(struct slice address, struct slice stream,
    char room[BLOCK_FIELD_MAX])
{
	size_t len = address.len < ADDRESS_MAX ? address.len : ADDRESS_MAX;

	if (len > 0)
		memcpy(room, address.at, len);
	if (stream.len > 0) {
		size_t n = stream.len < BLOCK_STREAM_MAX ? stream.len
							 : BLOCK_STREAM_MAX;

		room[len++] = '\t';
		memcpy(room + len, stream.at, n);
		len += n;
	}
	return (struct slice){ room, len };
}

void
block_field_split(struct slice field, struct slice *ret_address,
    struct slice *ret_stream)
{
	*ret_stream = field;
	if (!slice_split(ret_stream, '\t', ret_address))
		*ret_address = field;
}

/* FNV-1a */
static uint64_t
hash(uint64_t h, const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		h ^= (unsigned char)at[i];
		h *= UINT64_C(1099511628211);
	}
	return h;
}

struct slice
block_reference(struct slice address, const struct block *b,
    char room[BLOCK_REFERENCE_LEN])
{
	static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
	char since[NUMBER_TEXT_MAX];
	uint64_t h =
	    hash(UINT64_C(14695981039346656037), address.at, address.len);

	h = hash(h, since,
	    number_format(b->since_s > 0 ? (uint64_t)b->since_s : 0, since));
	h ^= h >> 33;
	for (size_t i = 0; i < BLOCK_REFERENCE_LEN; i++, h >>= 5)
		room[i] = base32[h & 31];
	return (struct slice){ room, BLOCK_REFERENCE_LEN };
}

struct slice
block_why(struct slice address, const struct block *b, char room[BLOCK_WHY_MAX])
{
	char ref[BLOCK_REFERENCE_LEN];
	int n = snprintf(room, BLOCK_WHY_MAX, "%s, ref %.*s",
	    b->status != STATUS_NONE ? status_word(b->status) : "by request",
	    SLICE_F(block_reference(address, b, ref)));

	for (char *p = room; *p != '\0'; p++)
		if (*p == '_')
			*p = ' ';
	return (struct slice){ room, n > 0 ? strlen(room) : 0 };
}
