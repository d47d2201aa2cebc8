/* SPDX-License-Identifier: BSD-2-Clause */
/* An outbreak as the API and the command line show it. */
#include "store/outbreak_json.h"

#include <inttypes.h>

#include "proto/json.h"
#include "proto/rfc3339.h"

static void
add_text(const char *name, struct slice value, struct buf *out)
{
	(void)buf_addf(out, "\"%s\":", name);
	(void)json_print_string(value, out);
	(void)buf_add_char(out, ',');
}

static void
add_time(const char *name, int64_t ms, struct buf *out)
{
	char room[RFC3339_MAX];
	size_t len = rfc3339_format(ms * 1000, room);

	if (ms == 0)
		(void)buf_addf(out, "\"%s\":null,", name);
	else
		add_text(name, (struct slice){ room, len }, out);
}

int
outbreak_to_json(const struct outbreak *o, struct buf *out)
{
	(void)buf_add_char(out, '{');
	add_text("id", o->id, out);
	add_text("provider", o->provider, out);
	add_text("class", o->class, out);
	add_text("answer", o->text, out);
	add_time("started", o->started_ms, out);
	add_time("last", o->last_ms, out);
	add_time("until", o->till_ms, out);
	add_time("ended", o->ended_ms, out);
	if (o->ended_ms != 0)
		add_text("ended_by", o->by, out);
	return buf_addf(out,
	    "\"recipients\":%" PRIu64 ",\"of\":%" PRIu64 ",\"errors\":%" PRIu64
	    ",\"released\":%" PRIu64 "}",
	    o->recipients, o->total, o->errors, o->released);
}
