/* SPDX-License-Identifier: BSD-2-Clause */
/* Events: their packed form. */
#include "proto/event.h"
#include "util/err.h"
#include "util/number.h"

#define DEFAULT_TENANT SLICE("default")

static void
put(struct slice s, struct buf *out)
{
	size_t start, n = s.len < EVENT_VALUE_MAX ? s.len : EVENT_VALUE_MAX;

	/* A cut never leaves half a UTF-8 character. */
	while (n > 0 && n < s.len && ((unsigned char)s.at[n] & 0xc0) == 0x80)
		n--;
	(void)buf_add_char(out, '\t');
	start = out->len;
	if (n == 0 || buf_add(out, s.at, n) < 0)
		return;
	for (size_t i = start; i < out->len; i++)
		if ((unsigned char)out->at[i] < ' ' || out->at[i] == 0x7f)
			out->at[i] = ' ';
}

static void
put_head(const struct event *e, struct buf *out)
{
	(void)buf_add_char(out, event_type_letter(e->type));
	if (e->status > 0)
		(void)buf_addf(out, "%d", e->status);
	if (e->count > 0)
		(void)buf_addf(out, "*%llu", (unsigned long long)e->count);
	if (e->class > CLASS_NONE)
		(void)buf_addf(out, ".%d", (int)e->class);
	if (e->repeated)
		(void)buf_add_char(out, '!');
}

int
event_pack(const struct event *e, int64_t base_ms, struct buf *out)
{
	size_t start = out->len;
	bool ours = slice_eq(e->tenant, DEFAULT_TENANT);

	put_head(e, out);
	put(e->recipient, out);
	put(e->message, out);
	(void)buf_add_char(out, '\t');
	if (e->created_ms != base_ms)
		(void)buf_addf(out, "%lld",
		    (long long)(base_ms - e->created_ms));
	put(e->queue_id, out);
	put(ours ? SLICE("") : e->tenant, out);
	put(e->reason, out);
	put(e->relay, out);
	put(e->origin, out);
	(void)buf_add_char(out, '\t');
	(void)event_facts_format(e, out);
	while (
	    out->rc == 0 && out->len > start && out->at[out->len - 1] == '\t')
		out->len--;
	return out->rc;
}

/* "f3.11!" */
static int
parse_head(struct slice s, struct event *e)
{
	struct slice status;
	uint64_t n;

	if (s.len == 0 || event_type_of_letter(s.at[0], &e->type) < 0)
		return ERR_SYNTAX;
	s = slice_skip(s, 1);
	if (s.len > 0 && s.at[s.len - 1] == '!') {
		e->repeated = true;
		s.len--;
	}
	(void)slice_split(&s, '.', &status);
	if (status.len > 0 && event_status_parse(status, e) < 0)
		return ERR_SYNTAX;
	/* A class of a later version is none. */
	if (s.len > 0 && number_parse(s, 0, BOUNCE_CLASS_COUNT - 1, &n) == 0)
		e->class = (enum bounce_class)n;
	return 0;
}

static int
parse_when(struct slice s, int64_t base_ms, int64_t *ret_ms)
{
	bool later = s.len > 0 && s.at[0] == '-';
	uint64_t n = 0;

	if (later)
		s = slice_skip(s, 1);
	if ((later || s.len > 0) && number_parse(s, 0, INT64_MAX / 4, &n) < 0)
		return ERR_SYNTAX;
	if (base_ms < 0 || base_ms > INT64_MAX / 4)
		return ERR_SYNTAX;
	*ret_ms = later ? base_ms + (int64_t)n : base_ms - (int64_t)n;
	return 0;
}

int
event_unpack(struct slice text, int64_t base_ms, struct event *ret_event)
{
	struct slice at[EVENT_COLUMN_FACTS] = { 0 };
	struct event e = { .type = EVENT_NTYPES };

	for (size_t i = 0; i < EVENT_COLUMN_FACTS; i++) {
		if (!slice_split(&text, '\t', &at[i]))
			break;
		if (at[i].len == 0)
			at[i].at = NULL;
	}
	if (parse_head(at[EVENT_COLUMN_HEAD], &e) < 0 ||
	    parse_when(at[EVENT_COLUMN_WHEN], base_ms, &e.created_ms) < 0)
		return ERR_SYNTAX;
	e.recipient = at[EVENT_COLUMN_RECIPIENT];
	e.message = at[EVENT_COLUMN_MESSAGE];
	e.queue_id = at[EVENT_COLUMN_QUEUE_ID];
	e.tenant = at[EVENT_COLUMN_TENANT];
	if (e.tenant.at == NULL)
		e.tenant = DEFAULT_TENANT;
	e.reason = at[EVENT_COLUMN_REASON];
	e.relay = at[EVENT_COLUMN_RELAY];
	e.origin = at[EVENT_COLUMN_ORIGIN];
	event_facts_parse(text, &e);
	*ret_event = e;
	return 0;
}
