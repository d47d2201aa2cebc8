/* SPDX-License-Identifier: BSD-2-Clause */
/* The header in the canonical forms that are signed.  RFC 6376, 3.4, 3.7. */
#include "milter/dkim_header.h"

#include "milter/milter.h"
#include "proto/line_break.h"
#include "util/err.h"

/* Canonical header and one signature field. */
#define TEXT_MAX (2 * MESSAGE_HEADER_MAX)

/* Which of message_leaving's fields have no blank behind the colon. */
static bool
is_tight(const struct message *msg, size_t n)
{
	if (n < msg->added_count)
		return false;
	n -= msg->added_count;
	for (size_t i = 0; i < msg->field_count; i++) {
		const struct message_field *f = &msg->fields[i];

		if (f->state != FIELD_DELETED && n-- == 0)
			return f->tight && f->state == FIELD_KEPT;
	}
	return false;
}

/* The field's value with its blank, and with its lines as they leave. */
static int
as_it_leaves(struct message *msg, struct header_field *field, bool tight,
    size_t line_max)
{
	size_t column = field->name.len + 1;
	struct slice value = field->value;
	struct buf text;

	if (!tight) {
		char *room = arena_alloc(msg->arena, value.len + 1);

		if (room == NULL)
			return ERR_NOMEM;
		room[0] = ' ';
		memcpy(room + 1, value.at, value.len);
		value = (struct slice){ room, value.len + 1 };
	}
	if (line_break_needed(line_max, column, value)) {
		buf_init(&text, TEXT_MAX);
		if (line_break_text(line_max, column, value, &text) == 0)
			value = message_keep(msg, buf_slice(&text));
		else
			value = (struct slice){ NULL, 0 };
		buf_done(&text);
		if (value.at == NULL)
			return ERR_NOMEM;
	}
	field->value = value;
	return 0;
}

static bool
may_break(const struct dkim_header *h, const struct header_field *f)
{
	return h->line_max > 0 && f->name.len + 2 + f->value.len > h->line_max;
}

int
dkim_header_begin(struct dkim_header *h, struct message *msg, bool exact)
{
	size_t count = 0;
	int rc = 0;

	*h = (struct dkim_header){
		.line_max = msg->host != NULL ? msg->host->line_max : 0
	};
	buf_init(&h->text[DKIM_SIMPLE], TEXT_MAX);
	buf_init(&h->text[DKIM_RELAXED], TEXT_MAX);
	h->picks = arena_calloc(msg->arena, DKIM_PICKS_MAX, sizeof(*h->picks));
	h->fields = message_leaving(msg, &count);
	if (h->picks == NULL || h->fields == NULL)
		return ERR_NOMEM;
	h->pick_count = dkim_pick(h->fields, count, h->picks);
	for (size_t i = 0; i < h->pick_count && rc == 0; i++) {
		size_t n = h->picks[i].field;

		if (n != DKIM_NO_FIELD &&
		    (exact || may_break(h, &h->fields[n])))
			rc = as_it_leaves(msg, &h->fields[n], is_tight(msg, n),
			    h->line_max);
	}
	return rc;
}

void
dkim_header_done(struct dkim_header *h)
{
	buf_done(&h->text[DKIM_SIMPLE]);
	buf_done(&h->text[DKIM_RELAXED]);
}

static int
make_text(struct dkim_header *h, enum dkim_canon canon)
{
	struct buf *text = &h->text[canon];
	int rc = 0;

	if (text->len > 0)
		return 0;
	for (size_t i = 0; i < h->pick_count && rc == 0; i++)
		if (h->picks[i].field != DKIM_NO_FIELD)
			rc = dkim_field(canon, &h->fields[h->picks[i].field],
			    DKIM_FIELD, text);
	h->len[canon] = text->len;
	return rc;
}

int
dkim_header_hash(struct dkim_header *h, enum dkim_canon canon,
    struct slice signature, uint8_t ret_hash[CRYPTO_SHA256_LEN])
{
	const struct header_field field = { SLICE("DKIM-Signature"),
		signature };
	struct buf *text = &h->text[canon];
	int rc = make_text(h, canon);

	if (rc < 0)
		return rc;
	text->len = h->len[canon];
	rc = dkim_field(canon, &field, DKIM_LAST, text);
	return rc < 0 ? rc : crypto_sha256(buf_slice(text), ret_hash);
}
