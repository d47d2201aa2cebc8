/* SPDX-License-Identifier: BSD-2-Clause */
/* A held message as the API and the command line show it. */
#include "store/hold_json.h"

#include "proto/json.h"
#include "proto/rfc3339.h"

static void
add_text(struct buf *out, const char *name, struct slice value)
{
	(void)buf_addf(out, ",\"%s\":", name);
	(void)json_print_string(value, out);
}

static void
add_time(struct buf *out, const char *name, int64_t at_ms)
{
	char room[RFC3339_MAX];

	add_text(out, name,
	    (struct slice){ room, rfc3339_format(at_ms * 1000, room) });
}

const char *
hold_waits_word(const struct hold_record *r)
{
	if (r->release_ms == INT64_MAX)
		return "person";
	return r->release_ms > 0 ? "time" : "turn";
}

int
hold_to_json(struct slice host, const struct hold_record *r, struct buf *out)
{
	(void)buf_add_text(out, "{\"host\":");
	(void)json_print_string(host, out);
	add_text(out, "queue_id", r->queue_id);
	add_text(out, "tenant", r->tenant);
	add_text(out, "reason", slice_of(hold_reason_word(r->reason)));
	if (r->rule.len > 0)
		add_text(out, "rule", r->rule);
	add_text(out, "waits_for", slice_of(hold_waits_word(r)));
	if (r->release_ms > 0 && r->release_ms < INT64_MAX)
		add_time(out, "release", r->release_ms);
	(void)buf_addf(out, ",\"priority\":%u,\"deferred\":%s", r->priority,
	    r->deferred ? "true" : "false");
	add_time(out, "arrived", r->arrived_ms);
	add_text(out, "sender", r->sender);
	add_text(out, "recipient", r->recipient);
	(void)buf_addf(out, ",\"recipient_count\":%zu", r->recipients);
	add_text(out, "subject", r->subject);
	return buf_add_char(out, '}');
}
