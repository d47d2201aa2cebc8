/* SPDX-License-Identifier: BSD-2-Clause */
/* Events from fields (one a line), or packed: stable through all codecs. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/event.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read once is written and read the same for ever. */
static void
packed(const uint8_t *data, size_t size)
{
	const int64_t base_ms = 1763884800123;
	struct buf first, second;
	struct event e, again;

	if (event_unpack((struct slice){ (const char *)data, size }, base_ms,
		&e) < 0)
		return;
	buf_init(&first, EVENT_PACKED_MAX);
	buf_init(&second, EVENT_PACKED_MAX);
	if (event_pack(&e, base_ms, &first) < 0 ||
	    event_unpack(buf_slice(&first), base_ms, &again) < 0 ||
	    event_pack(&again, base_ms, &second) < 0 ||
	    !slice_eq(buf_slice(&first), buf_slice(&second)) ||
	    again.type != e.type || again.status != e.status ||
	    again.class != e.class || again.created_ms != e.created_ms)
		abort();
	buf_done(&first);
	buf_done(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice at[64], rest = { (const char *)data, size };
	struct event_fields f, g;
	struct event e, again;
	struct buf facts, facts2, text;
	struct json *json;
	size_t n = 0;

	while (n < 64 && slice_split(&rest, '\n', &at[n]))
		n++;
	packed(data, size);
	if (event_from_fields(at, n, &e) < 0)
		return 0;
	buf_init(&facts, EVENT_FACTS_MAX);
	buf_init(&facts2, EVENT_FACTS_MAX);
	buf_init(&text, 1 << 20);
	if (event_to_fields(&e, &facts, &f) < 0 ||
	    event_from_fields(f.at, 2 * EVENT_FIELDS, &again) < 0 ||
	    event_to_fields(&again, &facts2, &g) < 0)
		abort();
	for (size_t i = 0; i < 2 * EVENT_FIELDS; i++)
		if (!slice_eq(f.at[i], g.at[i]))
			abort(); /* not the same the second time */
	if (event_to_json(&e, &text) < 0 ||
	    json_parse(buf_slice(&text), 1 << 20, &json, NULL, 0) < 0)
		abort(); /* not JSON */
	json_free(json);
	buf_done(&facts);
	buf_done(&facts2);
	buf_done(&text);
	return 0;
}
