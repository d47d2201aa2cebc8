/* SPDX-License-Identifier: BSD-2-Clause */
/* Events as octets in a webhook's queue, and the order of their ids. */
#include "store/webhook_store.h"

#include <stdlib.h>
#include <time.h>

#include "util/err.h"
#include "util/number.h"

/* Netstrings: the length, a colon, the octets. */
static void
pack(struct buf *out, struct slice s)
{
	(void)buf_addf(out, "%zu:", s.len);
	(void)buf_add_slice(out, s);
}

static bool
unpack(struct slice *rest, struct slice *ret)
{
	struct slice digits = *rest;
	const char *colon =
	    rest->len > 0 ? memchr(rest->at, ':', rest->len) : NULL;
	uint64_t len;

	if (colon == NULL)
		return false;
	digits.len = (size_t)(colon - rest->at);
	if (number_parse(digits, 0, rest->len - digits.len - 1, &len) < 0)
		return false;
	*ret = (struct slice){ colon + 1, (size_t)len };
	*rest = slice_skip(*rest, digits.len + 1 + (size_t)len);
	return true;
}

int
webhook_event_pack(const struct event *e, struct buf *out)
{
	struct buf text;
	int rc;

	buf_init(&text, EVENT_PACKED_MAX);
	rc = event_pack(e, 0, &text);
	if (rc == 0) {
		pack(out, e->id); /* first: the batch's id is made of it */
		pack(out, buf_slice(&text));
		rc = out->rc;
	}
	buf_done(&text);
	return rc;
}

int
webhook_event_unpack(struct slice packed, struct event *ret_event)
{
	struct slice at[2 * EVENT_FIELDS], id;
	struct event e;
	size_t n = 0;

	if (!unpack(&packed, &id))
		return ERR_SYNTAX;
	while (packed.len > 0) {
		if (n == 2 * EVENT_FIELDS || !unpack(&packed, &at[n++]))
			return ERR_SYNTAX;
	}
	/* More than one: as they were written before the packed form. */
	if (n == 1 ? event_unpack(at[0], 0, &e) < 0
		   : n % 2 != 0 || event_from_fields(at, n, &e) < 0)
		return ERR_SYNTAX;
	e.id = id;
	*ret_event = e;
	return 0;
}

bool
webhook_batch_next(struct slice *batch, struct slice *ret_packed)
{
	return unpack(batch, ret_packed);
}

/* HOST/YYYYMMDD/MS-SEQ from behind, as a host may hold anything but "/". */
static bool
id_parts(struct slice id, uint64_t ret_parts[3])
{
	const char *slash = id.len > 0 ? memrchr(id.at, '/', id.len) : NULL;
	struct slice day, ms, seq;

	if (slash == NULL)
		return false;
	seq = slice_skip(id, (size_t)(slash - id.at) + 1);
	(void)slice_split(&seq, '-', &ms);
	day = (struct slice){ id.at, (size_t)(slash - id.at) };
	slash = memrchr(day.at, '/', day.len);
	day = slice_skip(day, slash != NULL ? (size_t)(slash - day.at) + 1 : 0);
	return number_parse(day, 0, UINT64_MAX, &ret_parts[0]) == 0 &&
	       number_parse(ms, 0, UINT64_MAX, &ret_parts[1]) == 0 &&
	       number_parse(seq, 0, UINT64_MAX, &ret_parts[2]) == 0;
}

int
webhook_id_compare(struct slice a, struct slice b)
{
	uint64_t x[3], y[3];
	bool a_ok = id_parts(a, x), b_ok = id_parts(b, y);

	if (!a_ok || !b_ok)
		return (int)a_ok - (int)b_ok;
	for (int i = 0; i < 3; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

int
webhook_position_at(struct slice host, int64_t ms, struct buf *out)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		return ERR_SYNTAX;
	(void)buf_add_slice(out, host);
	return buf_addf(out, "/%04d%02d%02d/%lld-0", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, (long long)ms);
}
