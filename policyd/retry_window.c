/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prohibited times that stop retries, too: which of them a deferred message is
 * under, and when; and how it is listed among held mail.
 */
#include "policyd/held_text.h"
#include "policyd/retry.h"
#include "proto/address.h"
#include "proto/encoded_word.h"
#include "proto/filter.h"
#include "util/err.h"

#define QUARTER_MS (15 * 60 * INT64_C(1000))
#define MINUTE_MS (60 * INT64_C(1000))
#define AHEAD_QUARTERS 97 /* a day, and the quarter that has begun */
#define SUBJECT_MAX 300
#define RAW_MAX 4096

static const struct schedule_rules *
rules_of(const struct retry *r, const struct retry_state *s)
{
	const struct tenant *t = settings_tenant(r->snapshot, s->tenant);

	return t != NULL ? &t->schedule : NULL;
}

bool
retry_windows_of(const struct tenant *t)
{
	for (size_t i = 0; i < t->schedule.prohibition_count; i++)
		if (t->schedule.prohibitions[i].retries)
			return true;
	return false;
}

bool
retry_window_unknown(const struct retry *r, const struct retry_state *s)
{
	const struct tenant *t = settings_tenant(r->snapshot, s->tenant);

	return !s->looked && t != NULL && retry_windows_of(t);
}

/* Is this one of the windows that the message is under? */
static bool
is_under(const struct retry_state *s, const struct prohibition *p)
{
	struct slice rest = s->windows, name;

	while (p->retries && rest.len > 0 && slice_split(&rest, '\t', &name))
		if (slice_eq(name, p->name))
			return true;
	return false;
}

int64_t
retry_window_until(const struct retry *r, const struct retry_state *s,
    int64_t now_ms, struct slice *ret_name)
{
	const struct schedule_rules *rules = rules_of(r, s);
	int64_t until = now_ms;

	for (size_t i = 0; rules != NULL && i < rules->prohibition_count; i++) {
		const struct prohibition *p = &rules->prohibitions[i];
		int64_t end = now_ms;

		if (is_under(s, p))
			end = schedule_in_force(&rules->calendar, p, now_ms);
		if (end <= until)
			continue;
		until = end;
		*ret_name = p->name;
	}
	return until;
}

/*
 * Zones are whole quarters of an hour from UTC: a window begins at its minute
 * of some quarter.
 */
static int64_t
begins_after(const struct schedule_rules *rules, const struct prohibition *p,
    int64_t now_ms)
{
	int64_t at = now_ms / QUARTER_MS * QUARTER_MS +
		     (int64_t)(p->from_min % 15) * MINUTE_MS;

	for (int i = 0; i < AHEAD_QUARTERS; i++, at += QUARTER_MS)
		if (at > now_ms &&
		    schedule_in_force(&rules->calendar, p, at) > at)
			return at;
	return at;
}

int64_t
retry_window_begins(const struct retry *r, const struct retry_state *s,
    int64_t now_ms)
{
	const struct schedule_rules *rules = rules_of(r, s);
	int64_t first = INT64_MAX;

	for (size_t i = 0; rules != NULL && i < rules->prohibition_count; i++) {
		const struct prohibition *p = &rules->prohibitions[i];
		int64_t at = INT64_MAX;

		if (is_under(s, p))
			at = begins_after(rules, p, now_ms);
		if (at < first)
			first = at;
	}
	return first;
}

/* ---- reading the message ---- */

static bool
concerns(const struct prohibition *p, const struct held_text *text,
    struct filter_values *values)
{
	char room[ADDRESS_MAX];

	for (size_t i = 0; i < text->recipient_count; i++) {
		struct slice address = text->recipients[i];

		/* What can not be judged goes on as it did. */
		(void)address_canonical(address, room, &address);
		if (schedule_concerns(p, values, address) == 1)
			return true;
	}
	return false;
}

int
retry_window_look(struct retry *r, struct retry_message *m,
    const struct held_text *text, struct filter_values *values)
{
	const struct schedule_rules *rules = rules_of(r, &m->state);
	struct buf names;
	int rc;

	buf_init(&names, RETRY_WINDOWS_MAX);
	for (size_t i = 0; rules != NULL && i < rules->prohibition_count; i++) {
		const struct prohibition *p = &rules->prohibitions[i];

		if (!p->retries || !concerns(p, text, values) ||
		    names.len + p->name.len + 1 > RETRY_WINDOWS_MAX)
			continue;
		if (names.len > 0)
			(void)buf_add_char(&names, '\t');
		(void)buf_add_slice(&names, p->name);
	}
	m->state.looked = true;
	m->state.windows = arena_dup(r->arena, buf_slice(&names));
	rc = names.rc < 0 || m->state.windows.at == NULL ? ERR_NOMEM : 0;
	buf_done(&names);
	return rc;
}

static struct slice
subject_of(struct retry *r, const struct held_text *text)
{
	struct slice raw = held_text_field(text, SLICE("Subject"));
	struct slice kept = { NULL, 0 };
	struct buf decoded;

	if (raw.at == NULL)
		return kept;
	if (raw.len > RAW_MAX)
		raw.len = RAW_MAX;
	buf_init(&decoded, SUBJECT_MAX);
	if (encoded_word_decode(raw, &decoded) == 0)
		kept = arena_dup(r->arena, buf_slice(&decoded));
	buf_done(&decoded);
	return kept;
}

int
retry_window_record(struct retry *r, const struct retry_message *m,
    const struct held_text *text, struct filter_values *values,
    struct hold_record *ret_record)
{
	const struct schedule_rules *rules = rules_of(r, &m->state);
	struct slice to =
	    text->recipient_count > 0 ? text->recipients[0] : SLICE("");
	int priority = PRIORITY_DEFAULT;

	if (rules != NULL)
		priority = schedule_priority(rules, values, to);
	*ret_record = (struct hold_record){
		.queue_id = m->queue_id,
		.tenant = m->state.tenant,
		.reason = HOLD_WINDOW,
		.rule = m->window,
		.priority =
		    priority > 0 ? (unsigned)priority : PRIORITY_DEFAULT,
		.arrived_ms = m->state.queued_ms,
		.release_ms = m->until_ms,
		.deferred = true,
		.sender = arena_dup(r->arena, text->sender),
		.recipient = arena_dup(r->arena, to),
		.recipients = text->recipient_count,
		.subject = subject_of(r, text),
	};
	return ret_record->sender.at != NULL && ret_record->recipient.at != NULL
		   ? 0
		   : ERR_NOMEM;
}
