/* SPDX-License-Identifier: BSD-2-Clause */
/* Refused messages as text for a terminal. */
#include "cli/quarantine_text.h"

#include "proto/encoded_word.h"
#include "proto/mime.h"
#include "proto/rfc3339.h"
#include "util/arena.h"
#include "util/err.h"
#include "util/utf8.h"

#define VALUE_MAX 1000 /* octets shown of one value */
#define RAW_MAX (64 * 1024)
#define MIME_MEMORY (1024 * 1024)

static void
add_safe(struct buf *out, struct slice value)
{
	struct buf shown;

	buf_init(&shown, VALUE_MAX);
	utf8_safe(value, &shown);
	(void)buf_add_slice(out, buf_slice(&shown));
	buf_done(&shown);
}

/* A field's value, its encoded words decoded. */
static void
add_decoded(struct buf *out, struct slice value)
{
	struct buf text;

	if (value.len > RAW_MAX)
		value.len = RAW_MAX;
	buf_init(&text, VALUE_MAX);
	if (encoded_word_decode(value, &text) == 0)
		add_safe(out, buf_slice(&text));
	buf_done(&text);
}

static void
add_fact(struct buf *out, const char *name, struct slice value)
{
	if (value.at == NULL)
		return;
	(void)buf_addf(out, "%-13s", name);
	add_safe(out, value.len > 0 ? value : SLICE("<>"));
	(void)buf_add_char(out, '\n');
}

static void
add_time(struct buf *out, const char *name, int64_t at_ms)
{
	char room[RFC3339_MAX];

	add_fact(out, name,
	    (struct slice){ room, rfc3339_format(at_ms * 1000, room) });
}

void
quarantine_line(const struct quarantine_record *r, struct buf *out)
{
	char when[RFC3339_MAX];
	struct slice rest = r->recipients, first = SLICE("");

	(void)rfc3339_format(r->created_ms * 1000, when);
	(void)slice_split(&rest, '\n', &first);
	add_safe(out, r->id);
	(void)buf_addf(out, "  %.19sZ  %-10s  ", when,
	    quarantine_content_word(r->content));
	add_safe(out, r->virus);
	(void)buf_add_text(out, "  ");
	add_safe(out, r->sender.len > 0 ? r->sender : SLICE("<>"));
	(void)buf_add_text(out, " -> ");
	add_safe(out, first);
	if (r->recipient_count > 1)
		(void)buf_addf(out, " and %llu more",
		    (unsigned long long)(r->recipient_count - 1));
	(void)buf_add_char(out, '\n');
}

void
quarantine_facts(const struct quarantine_record *r, struct buf *out)
{
	struct slice rest = r->recipients, one;
	uint64_t shown = 0;

	add_fact(out, "Id:", r->id);
	add_fact(out, "Tenant:", r->tenant);
	add_fact(out, "Virus:", r->virus);
	add_time(out, "Time:", r->created_ms);
	add_time(out, "Until:", r->expires_ms);
	add_fact(out, "Host:", r->host);
	add_fact(out, "Queue id:", r->queue_id);
	add_fact(out, "Client:", r->client);
	add_fact(out, "Sender:", r->sender);
	for (; slice_split(&rest, '\n', &one); shown++)
		add_fact(out, shown == 0 ? "Recipients:" : "", one);
	if (r->recipient_count > shown)
		(void)buf_addf(out, "%-13sand %llu more\n", "",
		    (unsigned long long)(r->recipient_count - shown));
	(void)buf_addf(out, "%-13s%llu\n",
	    "Size:", (unsigned long long)r->size);
	add_fact(out,
	    "Content:", slice_of(quarantine_content_text(r->content)));
}

static struct slice
name_of(const struct mime_part *part)
{
	struct slice field = mime_field(part->header, "Content-Disposition");
	struct slice name = mime_parameter(field, "filename");

	if (name.at != NULL)
		return name;
	field = mime_field(part->header, "Content-Type");
	return mime_parameter(field, "name");
}

static void
add_part(const struct mime_part *part, struct buf *out)
{
	struct slice name = name_of(part);

	for (unsigned i = 0; i < part->depth; i++)
		(void)buf_add_text(out, "  ");
	add_safe(out, part->type);
	(void)buf_addf(out, ", %zu octets", part->body.len);
	if (part->encoding == MIME_BASE64)
		(void)buf_add_text(out, " of base64");
	if (part->encoding == MIME_QUOTED_PRINTABLE)
		(void)buf_add_text(out, " of quoted-printable");
	if (name.len > 0) {
		(void)buf_add_text(out, ", name: ");
		add_decoded(out, name);
	}
	(void)buf_add_char(out, '\n');
}

int
quarantine_structure(struct slice message, struct buf *out)
{
	struct arena *arena = arena_new(MIME_MEMORY);
	struct slice rest = message, name, value;
	struct mime mime;
	int rc = ERR_NOMEM;

	if (arena == NULL || (rc = mime_parse(message, arena, &mime)) < 0)
		goto out;
	(void)buf_add_text(out, "\nHeader:\n");
	while (mime_field_next(&rest, &name, &value)) {
		add_safe(out, name);
		(void)buf_add_text(out, ": ");
		add_decoded(out, value);
		(void)buf_add_char(out, '\n');
	}
	(void)buf_add_text(out, "\nParts:\n");
	for (size_t i = 0; i < mime.count; i++)
		add_part(&mime.parts[i], out);
	if (mime.count == MIME_PARTS_MAX)
		(void)buf_add_text(out, "further ones are not shown\n");
out:
	arena_free(arena);
	return rc;
}
