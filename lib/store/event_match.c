/* SPDX-License-Identifier: BSD-2-Clause */
/* Does an event answer a query? */
#include "store/event_match.h"

#include "util/err.h"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* part: in lower case, not empty. */
static bool
contains(struct slice s, struct slice part)
{
	if (s.len < part.len)
		return false;
	for (size_t i = 0; i <= s.len - part.len; i++) {
		size_t n = 0;

		if (lower(s.at[i]) != part.at[0])
			continue;
		while (++n < part.len && lower(s.at[i + n]) == part.at[n])
			;
		if (n >= part.len)
			return true;
	}
	return false;
}

static int
keep_part(struct arena *arena, struct slice part, struct slice *ret_part)
{
	*ret_part = (struct slice){ NULL, 0 };
	if (part.len == 0)
		return 0;
	char *at = arena_alloc(arena, part.len);
	if (at == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < part.len; i++)
		at[i] = lower(part.at[i]);
	*ret_part = (struct slice){ at, part.len };
	return 0;
}

int
event_match_init(struct event_match *m, const struct event_query *q,
    struct arena *arena)
{
	int rc;

	*m = (struct event_match){ .q = q };
	if ((rc = keep_part(arena, q->to_part, &m->to)) < 0 ||
	    (rc = keep_part(arena, q->from_part, &m->from)) < 0 ||
	    (rc = keep_part(arena, q->subject_part, &m->subject)) < 0 ||
	    (rc = keep_part(arena, q->api_data_part, &m->api_data)) < 0)
		return rc;
	m->facts = m->from.at != NULL || m->subject.at != NULL ||
		   m->api_data.at != NULL || q->message_id.at != NULL ||
		   q->queue_id.at != NULL;
	return 0;
}

bool
event_match_packed(const struct event_match *m, struct slice text)
{
	const struct event_query *q = m->q;
	enum event_type type;
	struct slice head, to;

	if (q->types != 0 &&
	    (text.len == 0 || event_type_of_letter(text.at[0], &type) < 0 ||
		(q->types & 1u << type) == 0))
		return false;
	if (q->recipient.at == NULL && m->to.at == NULL)
		return true;
	if (!slice_split(&text, '\t', &head) || !slice_split(&text, '\t', &to))
		return false;
	return (q->recipient.at == NULL || slice_eq(q->recipient, to)) &&
	       (m->to.at == NULL || contains(to, m->to));
}

bool
event_match_event(const struct event_match *m, const struct event *e)
{
	const struct event_query *q = m->q;

	return (q->tenant.at == NULL || slice_eq(q->tenant, e->tenant)) &&
	       (q->recipient.at == NULL ||
		   slice_eq(q->recipient, e->recipient)) &&
	       (m->to.at == NULL || contains(e->recipient, m->to)) &&
	       (q->types == 0 || (q->types & 1u << e->type) != 0) &&
	       (q->status == 0 || q->status == e->status) &&
	       e->created_ms >= q->from_ms &&
	       (q->to_ms == 0 || e->created_ms <= q->to_ms);
}

bool
event_match_facts(const struct event_match *m, const struct event *e)
{
	const struct event_query *q = m->q;

	return (q->queue_id.at == NULL || slice_eq(q->queue_id, e->queue_id)) &&
	       (q->message_id.at == NULL ||
		   slice_eq(q->message_id, e->message_id)) &&
	       (m->subject.at == NULL || contains(e->subject, m->subject)) &&
	       (m->api_data.at == NULL || contains(e->api_data, m->api_data)) &&
	       (m->from.at == NULL || contains(e->from, m->from) ||
		   contains(e->sender, m->from) ||
		   contains(e->return_path, m->from));
}
