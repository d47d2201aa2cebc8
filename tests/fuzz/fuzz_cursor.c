/* SPDX-License-Identifier: BSD-2-Clause */
/* Cursors, event ids, held records and spooled facts: parsed is printed the
 * same. */
#include <stdint.h>
#include <stdlib.h>

#include "store/cursor.h"
#include "store/hold_record.h"
#include "store/message_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
spooled(struct slice text)
{
	struct arena *arena = arena_new(1 << 20);
	struct message_facts m, n;
	struct buf one, two;

	buf_init(&one, 1 << 20);
	buf_init(&two, 1 << 20);
	if (arena != NULL && message_facts_parse(text, arena, &m) == 0 &&
	    message_facts_print(&m, &one) == 0 &&
	    (message_facts_parse(buf_slice(&one), arena, &n) < 0 ||
		message_facts_print(&n, &two) < 0 ||
		!slice_eq(buf_slice(&one), buf_slice(&two))))
		abort();
	buf_done(&one);
	buf_done(&two);
	arena_free(arena);
}

static void
record(const struct hold_record *r)
{
	struct hold_record again = { .recipients = 0 };
	struct buf text;

	buf_init(&text, HOLD_RECORD_MAX);
	if (hold_record_format(r, &text) < 0 ||
	    hold_record_parse(buf_slice(&text), &again) < 0 ||
	    r->reason != again.reason || r->priority != again.priority ||
	    r->arrived_ms != again.arrived_ms)
		abort();
	buf_done(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size }, host, day, out;
	struct event_cursor e, e2;
	struct block_cursor b, b2;
	struct hold_cursor h, h2;
	struct hold_record r = { .recipients = 0 };
	struct stream_id id;
	char room[CURSOR_MAX], address[BLOCK_FIELD_MAX],
	    address2[BLOCK_FIELD_MAX];

	if (event_cursor_parse(text, &e) == 0) {
		out = event_cursor_format(&e, room);
		if (event_cursor_parse(out, &e2) < 0 ||
		    event_cursor_compare(&e, &e2) != 0)
			abort();
	}
	if (block_cursor_parse(text, address, &b) == 0) {
		out = block_cursor_format(&b, room);
		if (block_cursor_parse(out, address2, &b2) < 0 ||
		    b.shard != b2.shard || !slice_eq(b.address, b2.address))
			abort();
	}
	if (hold_cursor_parse(text, &h) == 0) {
		out = hold_cursor_format(&h, room);
		if (hold_cursor_parse(out, &h2) < 0 || h.ready != h2.ready ||
		    h.score != h2.score || !slice_eq(h.queue_id, h2.queue_id))
			abort();
	}
	if (hold_record_parse(text, &r) == 0)
		record(&r);
	if (event_id_parse(text, &host, &day, &id) == 0 &&
	    day.len != STREAM_DAY_LEN)
		abort();
	spooled(text);
	return 0;
}
