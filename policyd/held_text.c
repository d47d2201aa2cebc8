/* SPDX-License-Identifier: BSD-2-Clause */
/* A message of the queue: its envelope and its header; RFC 5322, 2.2. */
#include "policyd/held_text.h"

#include "util/arena.h"
#include "util/err.h"

#define FIELD_OCTETS_MAX ((size_t)1024 * 1024)

struct reading {
	struct arena *arena;
	struct header_field *fields;
	size_t count;
};

static int
keep(void *ctx, const struct header_field *field)
{
	struct reading *r = ctx;
	struct header_field *to = &r->fields[r->count];

	to->name = arena_dup(r->arena, field->name);
	to->value = arena_dup(r->arena, field->value);
	if (to->name.at == NULL || to->value.at == NULL)
		return ERR_NOMEM;
	r->count++;
	return 0;
}

/* A header that ends before its time has the fields that were whole. */
static int
parse_header(struct slice text, struct arena *arena, struct held_text *t)
{
	struct reading r = { .arena = arena };
	struct header_parser parser;
	ssize_t rc;

	r.fields = arena_calloc(arena, HELD_FIELDS_MAX, sizeof(*r.fields));
	if (r.fields == NULL)
		return ERR_NOMEM;
	header_parser_init(&parser, FIELD_OCTETS_MAX, HELD_FIELDS_MAX, keep,
	    &r);
	rc = header_parser_feed(&parser, text);
	if (rc >= 0 && !header_parser_ended(&parser))
		rc = header_parser_end(&parser);
	header_parser_done(&parser);
	if (rc == ERR_NOMEM)
		return ERR_NOMEM;
	t->fields = r.fields;
	t->field_count = r.count;
	return 0;
}

/* How many lines before the empty one; each has its letter and a blank. */
static int
count_lines(struct slice text, size_t *ret_count)
{
	struct slice line;
	size_t n = 0;

	while (slice_split(&text, '\n', &line)) {
		if (line.len == 0) {
			*ret_count = n;
			return 0;
		}
		if (line.len < 2 || line.at[1] != ' ' ||
		    (line.at[0] != 'S' && line.at[0] != 'R'))
			return ERR_SYNTAX;
		if (++n > HELD_RECIPIENTS_MAX + 1)
			return ERR_LIMIT;
	}
	return ERR_SYNTAX;
}

int
held_text_parse(struct slice text, struct arena *arena,
    struct held_text *ret_text)
{
	struct held_text t = { .sender = { NULL, 0 } };
	struct slice line, *recipients;
	size_t n;
	int rc = count_lines(text, &n);

	if (rc < 0)
		return rc;
	recipients = arena_calloc(arena, n + 1, sizeof(*recipients));
	if (recipients == NULL)
		return ERR_NOMEM;
	t.recipients = recipients;
	while (slice_split(&text, '\n', &line) && line.len > 0) {
		struct slice value = arena_dup(arena, slice_skip(line, 2));

		if (value.at == NULL)
			return ERR_NOMEM;
		if (line.at[0] == 'R')
			recipients[t.recipient_count++] = value;
		else if (t.sender.at == NULL)
			t.sender = value;
		else
			return ERR_SYNTAX;
	}
	if (t.sender.at == NULL)
		return ERR_SYNTAX;
	if (text.at == NULL)
		text = SLICE("");
	if ((rc = parse_header(text, arena, &t)) < 0)
		return rc;
	*ret_text = t;
	return 0;
}

struct slice
held_text_field(const struct held_text *t, struct slice name)
{
	for (size_t i = 0; i < t->field_count; i++)
		if (slice_eq_nocase(t->fields[i].name, name))
			return t->fields[i].value;
	return (struct slice){ NULL, 0 };
}
