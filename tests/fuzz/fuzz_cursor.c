/* SPDX-License-Identifier: BSD-2-Clause */
/* Cursors, event ids and spooled facts: parsed is printed the same. */
#include <stdint.h>
#include <stdlib.h>

#include "store/cursor.h"
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size }, host, day, out;
	struct event_cursor e, e2;
	struct block_cursor b, b2;
	struct stream_id id;
	char room[CURSOR_MAX], address[ADDRESS_MAX], address2[ADDRESS_MAX];

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
	if (event_id_parse(text, &host, &day, &id) == 0 &&
	    day.len != STREAM_DAY_LEN)
		abort();
	spooled(text);
	return 0;
}
