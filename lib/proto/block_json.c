/* SPDX-License-Identifier: BSD-2-Clause */
/* A blocked or exempt address as a JSON object. */
#include "proto/block_json.h"

#include "proto/json.h"
#include "proto/rfc3339.h"
#include "proto/status.h"

static void
add_text(struct buf *out, const char *name, struct slice value)
{
	if (value.len == 0)
		return;
	(void)buf_addf(out, ",\"%s\":", name);
	(void)json_print_string(value, out);
}

static void
add_time(struct buf *out, const char *name, int64_t seconds)
{
	char room[RFC3339_MAX];

	if (seconds <= 0)
		return;
	add_text(out, name,
	    (struct slice){ room, rfc3339_format(seconds * 1000000, room) });
}

static const char *
state_word(enum block_state state)
{
	switch (state) {
	case BLOCK_COUNTING:
		return "counting";
	case BLOCK_BLOCKED:
		return "blocked";
	case BLOCK_EXEMPT:
		return "exempt";
	}
	return "unknown";
}

int
block_to_json(struct slice address, const struct block *b, struct buf *out)
{
	char room[BLOCK_REFERENCE_LEN];

	(void)buf_add_text(out, "{\"address\":");
	(void)json_print_string(address, out);
	add_text(out, "stream", b->stream);
	add_text(out, "state", slice_of(state_word(b->state)));
	if (b->status != 0) {
		(void)buf_addf(out, ",\"status\":%d", b->status);
		add_text(out, "status_word", slice_of(status_word(b->status)));
	}
	if (b->count > 0)
		(void)buf_addf(out, ",\"count\":%llu",
		    (unsigned long long)b->count);
	add_time(out, "since", b->since_s);
	add_time(out, "first_error", b->first_s);
	add_time(out, "last_error", b->last_s);
	add_time(out, "expires", b->expires_s);
	add_text(out, "origin", b->origin);
	if (b->state == BLOCK_BLOCKED)
		add_text(out, "reference", block_reference(address, b, room));
	add_text(out, "event_id", b->event_id);
	add_text(out, "queue_id", b->queue_id);
	add_text(out, "reason", b->reason);
	add_text(out, "note", b->note);
	return buf_add_char(out, '}');
}
