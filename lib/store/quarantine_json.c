/* SPDX-License-Identifier: BSD-2-Clause */
/* A refused message as the API and the command line show it. */
#include "proto/json.h"
#include "proto/rfc3339.h"
#include "store/quarantine_store.h"

static void
add_text(struct buf *out, const char *name, struct slice value)
{
	if (value.at == NULL)
		return;
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

static void
add_recipients(struct buf *out, struct slice lines)
{
	struct slice one;
	const char *comma = "";

	(void)buf_add_text(out, ",\"recipients\":[");
	while (lines.len > 0 && slice_split(&lines, '\n', &one)) {
		(void)buf_add_text(out, comma);
		(void)json_print_string(one, out);
		comma = ",";
	}
	(void)buf_add_char(out, ']');
}

int
quarantine_to_json(const struct quarantine_record *r, struct buf *out)
{
	(void)buf_add_text(out, "{\"id\":");
	(void)json_print_string(r->id, out);
	add_text(out, "tenant", r->tenant);
	add_time(out, "created", r->created_ms);
	add_time(out, "expires", r->expires_ms);
	add_text(out, "virus", r->virus);
	add_text(out, "host", r->host);
	add_text(out, "queue_id", r->queue_id);
	add_text(out, "client", r->client);
	add_text(out, "sender", r->sender);
	add_recipients(out, r->recipients);
	(void)buf_addf(out, ",\"recipient_count\":%llu",
	    (unsigned long long)r->recipient_count);
	add_text(out, "from", r->from);
	add_text(out, "subject", r->subject);
	add_text(out, "message_id", r->message_id);
	(void)buf_addf(out, ",\"size\":%llu", (unsigned long long)r->size);
	add_text(out, "content", slice_of(quarantine_content_word(r->content)));
	return buf_add_char(out, '}');
}
