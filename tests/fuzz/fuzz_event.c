/* SPDX-License-Identifier: BSD-2-Clause */
/* Events from stream fields (one a line): stable through both codecs. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/event.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
