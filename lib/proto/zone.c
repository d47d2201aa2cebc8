/* SPDX-License-Identifier: BSD-2-Clause */
/* Time zones from TZif files: RFC 9636, 3. */
#include "proto/zone.h"

#include "proto/zone_rule.h"
#include "util/arena.h"
#include "util/err.h"

#define MAGIC SLICE("TZif")
#define HEADER_LEN 44
#define TYPES_MAX 256
#define OFFSET_MAX (26 * 3600) /* RFC 9636, 3.2: -25 to 26 hours */
#define DAY_S 86400

struct zone {
	const int64_t *at; /* sorted */
	const int32_t *offsets;
	size_t count;
	int32_t first;         /* before the first change */
	struct zone_rule rule; /* from the last change on */
};

static const struct zone utc = { .count = 0 };
const struct zone *const zone_utc = &utc;

/* ---- reading ---- */

struct header {
	char version;
	uint32_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};

static int64_t
big_endian(const char *at, size_t len)
{
	uint64_t n = (unsigned char)at[0] >= 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < len; i++)
		n = n << 8 | (unsigned char)at[i];
	return (int64_t)n;
}

static uint32_t
count_at(struct slice s, size_t i)
{
	return (uint32_t)big_endian(s.at + 20 + 4 * i, 4);
}

static int
take_header(struct slice *s, struct header *ret_header)
{
	struct header h;

	if (s->len < HEADER_LEN || !slice_starts(*s, MAGIC))
		return ERR_SYNTAX;
	h.version = s->at[4];
	h.isutcnt = count_at(*s, 0);
	h.isstdcnt = count_at(*s, 1);
	h.leapcnt = count_at(*s, 2);
	h.timecnt = count_at(*s, 3);
	h.typecnt = count_at(*s, 4);
	h.charcnt = count_at(*s, 5);
	if ((h.version != '\0' && h.version < '2') || h.isutcnt > TYPES_MAX ||
	    h.isstdcnt > TYPES_MAX || h.leapcnt > ZONE_FILE_MAX ||
	    h.timecnt > ZONE_FILE_MAX || h.typecnt < 1 ||
	    h.typecnt > TYPES_MAX || h.charcnt > ZONE_FILE_MAX)
		return ERR_SYNTAX;
	*s = slice_skip(*s, HEADER_LEN);
	*ret_header = h;
	return 0;
}

/* Octets of what follows the header; size: of a time. */
static size_t
block_len(const struct header *h, size_t size)
{
	return h->timecnt * (size + 1) + h->typecnt * 6 + h->charcnt +
	       h->leapcnt * (size + 4) + h->isstdcnt + h->isutcnt;
}

static int
take_changes(struct slice block, const struct header *h, size_t size,
    struct arena *arena, struct zone *z)
{
	int64_t *at = arena_calloc(arena, h->timecnt + 1, sizeof(*at));
	int32_t *offsets =
	    arena_calloc(arena, h->timecnt + 1, sizeof(*offsets));
	const char *index = block.at + h->timecnt * size;
	const char *types = index + h->timecnt;
	int32_t offset[TYPES_MAX];

	if (at == NULL || offsets == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < h->typecnt; i++) {
		int64_t seconds = big_endian(types + 6 * i, 4);

		if (seconds < -OFFSET_MAX || seconds > OFFSET_MAX)
			return ERR_SYNTAX;
		offset[i] = (int32_t)seconds;
	}
	z->first = offset[0];
	for (size_t i = 0; i < h->timecnt; i++) {
		unsigned type = (unsigned char)index[i];
		int64_t when = big_endian(block.at + i * size, size);

		/* "MUST be sorted in strictly increasing order" */
		if (type >= h->typecnt || (i > 0 && when <= at[z->count - 1]))
			return ERR_SYNTAX;
		at[z->count] = when;
		offsets[z->count++] = offset[type];
	}
	z->at = at;
	z->offsets = offsets;
	return 0;
}

static int
take_block(struct slice *file, const struct header *h, size_t size,
    struct arena *arena, struct zone *z)
{
	size_t len = block_len(h, size);
	struct slice block = { file->at, len };

	if (file->len < len || h->leapcnt > 0)
		return ERR_SYNTAX;
	*file = slice_skip(*file, len);
	return take_changes(block, h, size, arena, z);
}

/* "An NL, the TZ string, an NL." */
static int
take_footer(struct slice file, struct zone *z)
{
	struct slice line;

	if (file.len < 2 || file.at[0] != '\n')
		return ERR_SYNTAX;
	file = slice_skip(file, 1);
	if (!slice_split(&file, '\n', &line) || file.at == NULL)
		return ERR_SYNTAX;
	return zone_rule_parse(line, &z->rule);
}

int
zone_parse(struct slice file, struct arena *arena, const struct zone **ret_zone)
{
	struct zone *z = arena_calloc(arena, 1, sizeof(*z));
	struct header h;
	int rc;

	if (z == NULL)
		return ERR_NOMEM;
	if (file.len > ZONE_FILE_MAX || take_header(&file, &h) < 0)
		return ERR_SYNTAX;
	if (h.version == '\0') {
		rc = take_block(&file, &h, 4, arena, z);
	} else {
		/* The first block is for readers of the first version. */
		size_t len = block_len(&h, 4);

		if (file.len < len)
			return ERR_SYNTAX;
		file = slice_skip(file, len);
		if (take_header(&file, &h) < 0)
			return ERR_SYNTAX;
		rc = take_block(&file, &h, 8, arena, z);
		if (rc == 0)
			rc = take_footer(file, z);
	}
	if (rc == 0)
		*ret_zone = z;
	return rc;
}

/* ---- computing ---- */

/* How many changes are not after utc_s. */
static size_t
changes_until(const struct zone *z, int64_t utc_s)
{
	size_t low = 0, high = z->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (z->at[middle] <= utc_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int32_t
zone_offset(const struct zone *z, int64_t utc_s)
{
	size_t n = changes_until(z, utc_s);

	if (n == z->count && z->rule.given)
		return zone_rule_offset(&z->rule, utc_s);
	return n > 0 ? z->offsets[n - 1] : z->first;
}

bool
zone_next(const struct zone *z, int64_t utc_s, int64_t *ret_utc_s)
{
	size_t n = changes_until(z, utc_s);

	/* Some listed changes change a name only. */
	for (; n < z->count; n++)
		if (zone_offset(z, z->at[n]) !=
		    (n > 0 ? z->offsets[n - 1] : z->first)) {
			*ret_utc_s = z->at[n];
			return true;
		}
	if (!z->rule.given || !z->rule.changes)
		return false;
	if (z->count > 0 && utc_s < z->at[z->count - 1])
		utc_s = z->at[z->count - 1];
	*ret_utc_s = zone_rule_next(&z->rule, utc_s);
	return *ret_utc_s > utc_s;
}

/* A time in which the offset is the same: begin..end - 1. */
struct span {
	int64_t begin, end;
	int32_t offset;
};

static struct span
span_from(const struct zone *z, int64_t begin)
{
	struct span s = { begin, INT64_MAX, zone_offset(z, begin) };

	(void)zone_next(z, begin, &s.end);
	return s;
}

int64_t
zone_first(const struct zone *z, int64_t local_s)
{
	struct span s = span_from(z, local_s - OFFSET_MAX - DAY_S);

	/* The first span whose clocks come to that time. */
	while (s.end != INT64_MAX && s.end + s.offset <= local_s)
		s = span_from(z, s.end);
	return local_s - s.offset > s.begin ? local_s - s.offset : s.begin;
}

int64_t
zone_last(const struct zone *z, int64_t local_s)
{
	struct span s = span_from(z, local_s - OFFSET_MAX - DAY_S);
	int64_t last = s.begin;

	/* The last span whose clocks show an earlier time. */
	for (;;) {
		if (s.begin + s.offset < local_s)
			last = local_s - s.offset < s.end ? local_s - s.offset
							  : s.end;
		if (s.end == INT64_MAX || s.end > local_s + OFFSET_MAX + DAY_S)
			return last;
		s = span_from(z, s.end);
	}
}
