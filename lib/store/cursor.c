/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cursors of pages: "e1.MS.SEQ.HOST", "b2.SHARD.FIELD" (percent) and
 * "h1.LIST.SCORE.QUEUEID".
 */
#include "store/cursor.h"

#include <ctype.h>
#include <stdio.h>

#include "store/keys.h"
#include "util/err.h"
#include "util/number.h"

static bool
is_host(struct slice host)
{
	if (host.len == 0 || host.len > CURSOR_HOST_MAX)
		return false;
	for (size_t i = 0; i < host.len; i++) {
		char c = host.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '.' || c == '-' ||
			c == '_'))
			return false;
	}
	return true;
}

int
event_cursor_parse(struct slice text, struct event_cursor *ret_cursor)
{
	struct slice rest = text, version, ms, seq;
	struct event_cursor c;

	if (!slice_split(&rest, '.', &version) ||
	    !slice_eq(version, SLICE("e1")) || !slice_split(&rest, '.', &ms) ||
	    !slice_split(&rest, '.', &seq) || !is_host(rest) ||
	    number_parse(ms, 0, INT64_MAX, &c.id.ms) < 0 ||
	    number_parse(seq, 0, UINT64_MAX, &c.id.seq) < 0)
		return ERR_SYNTAX;
	c.host = rest;
	*ret_cursor = c;
	return 0;
}

struct slice
event_cursor_format(const struct event_cursor *c, char room[CURSOR_MAX])
{
	size_t host =
	    c->host.len < CURSOR_HOST_MAX ? c->host.len : CURSOR_HOST_MAX;
	char *p = room;

	memcpy(p, "e1.", 3);
	p += 3;
	p += number_format(c->id.ms, p);
	*p++ = '.';
	p += number_format(c->id.seq, p);
	*p++ = '.';
	memcpy(p, c->host.at, host);
	return (struct slice){ room, (size_t)(p - room) + host };
}

static int
compare_text(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n > 0 ? memcmp(a.at, b.at, n) : 0;

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

int
event_cursor_compare(const struct event_cursor *a, const struct event_cursor *b)
{
	int order;

	if (a->id.ms != b->id.ms)
		return a->id.ms < b->id.ms ? -1 : 1;
	if ((order = compare_text(a->host, b->host)) != 0)
		return order;
	return a->id.seq < b->id.seq ? -1 : a->id.seq > b->id.seq;
}

/* ---- blocks ---- */

static const char hex[] = "0123456789abcdef";

static int
hex_value(char c)
{
	const char *p = c != '\0' ? strchr(hex, c) : NULL;

	return p != NULL ? (int)(p - hex) : -1;
}

int
block_cursor_parse(struct slice text, char room[BLOCK_FIELD_MAX],
    struct block_cursor *ret_cursor)
{
	struct slice rest = text, version, shard;
	uint64_t number;
	size_t n = 0;

	if (!slice_split(&rest, '.', &version) ||
	    !slice_eq(version, SLICE("b2")) ||
	    !slice_split(&rest, '.', &shard) || rest.at == NULL ||
	    number_parse(shard, 0, KEY_SHARDS * KEY_PIECES - 1, &number) < 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < rest.len; i++) {
		char c = rest.at[i];

		if (n == BLOCK_FIELD_MAX)
			return ERR_SYNTAX;
		if (c == '%') {
			int high =
			    i + 2 < rest.len ? hex_value(rest.at[i + 1]) : -1;
			int low = high >= 0 ? hex_value(rest.at[i + 2]) : -1;

			if (low < 0)
				return ERR_SYNTAX;
			c = (char)(high << 4 | low);
			i += 2;
		}
		room[n++] = c;
	}
	*ret_cursor = (struct block_cursor){ .shard = (unsigned)number,
		.address = { room, n } };
	return 0;
}

struct slice
block_cursor_format(const struct block_cursor *c, char room[CURSOR_MAX])
{
	size_t len =
	    c->address.len < BLOCK_FIELD_MAX ? c->address.len : BLOCK_FIELD_MAX;
	char *p = room;

	memcpy(p, "b2.", 3);
	p += 3;
	p += number_format(c->shard, p);
	*p++ = '.';
	for (size_t i = 0; i < len; i++) {
		unsigned char o = (unsigned char)c->address.at[i];

		if (o > ' ' && o < 0x7f && o != '%' && o != '"') {
			*p++ = (char)o;
			continue;
		}
		*p++ = '%';
		*p++ = hex[o >> 4];
		*p++ = hex[o & 15];
	}
	return (struct slice){ room, (size_t)(p - room) };
}

/* ---- held mail ---- */

/* "h1.LIST.SCORE.QUEUEID"; LIST: "r" or "d"; SCORE: digits, or "never". */
int
hold_cursor_parse(struct slice text, struct hold_cursor *ret_cursor)
{
	struct slice rest = text, version, list, score;
	struct hold_cursor c;
	uint64_t number = INT64_MAX;

	if (!slice_split(&rest, '.', &version) ||
	    !slice_eq(version, SLICE("h1")) ||
	    !slice_split(&rest, '.', &list) || !slice_split(&rest, '.', &score))
		return ERR_SYNTAX;
	c.ready = slice_eq(list, SLICE("r"));
	if ((!c.ready && !slice_eq(list, SLICE("d"))) || rest.len < 1 ||
	    rest.len > HOLD_ID_MAX)
		return ERR_SYNTAX;
	if (!slice_eq(score, SLICE("never")) &&
	    number_parse(score, 0, INT64_MAX - 1, &number) < 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < rest.len; i++)
		if (!isalnum((unsigned char)rest.at[i]))
			return ERR_SYNTAX;
	c.score = (int64_t)number;
	c.queue_id = rest;
	*ret_cursor = c;
	return 0;
}

struct slice
hold_cursor_format(const struct hold_cursor *c, char room[CURSOR_MAX])
{
	char digits[NUMBER_TEXT_MAX], id[HOLD_ID_MAX];
	struct slice score = SLICE("never");
	size_t len =
	    c->queue_id.len < HOLD_ID_MAX ? c->queue_id.len : HOLD_ID_MAX;
	int n;

	/* It may lie in room. */
	if (len > 0)
		memcpy(id, c->queue_id.at, len);
	if (c->score != INT64_MAX)
		score = (struct slice){ digits,
			number_format((uint64_t)c->score, digits) };
	n = snprintf(room, CURSOR_MAX, "h1.%c.%.*s.%.*s", c->ready ? 'r' : 'd',
	    SLICE_F(score), (int)len, id);
	return (struct slice){ room, n > 0 ? (size_t)n : 0 };
}
