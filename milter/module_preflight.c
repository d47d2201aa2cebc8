/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pre-flight: what large mailbox providers would refuse is refused here, or
 * told.  What the DNS does not say, or not yet, is no fault of the message.
 */
#include "milter/dmarc.h"
#include "milter/milter.h"
#include "milter/module.h"
#include "proto/address.h"
#include "proto/filter.h"
#include "proto/line_break.h"
#include "service/metrics.h"

#define TEXT_MAX 900 /* of a reply: libmilter takes 980 */

struct preflight_work {
	struct line_break lines;
	bool long_line;
};

static enum body_want
preflight_begin(struct message *msg, void *state)
{
	const struct preflight_settings *p = &msg->tenant->preflight;
	struct preflight_work *s = state;

	s->lines.max = PREFLIGHT_LINE_MAX;
	return p->mode != MODE_OFF && (p->ignore & PREFLIGHT_LINE_LENGTH) == 0
		   ? BODY_STREAM
		   : BODY_NOT;
}

static enum verdict
preflight_body(struct message *msg, void *state, struct slice octets)
{
	struct preflight_work *s = state;

	(void)msg;
	if (!s->long_line)
		s->long_line = line_break_find(&s->lines, octets);
	return VERDICT_NEXT;
}

static bool
filter_matches(struct message *msg, const struct filter *f)
{
	struct filter_values *values = message_values(msg);

	if (values == NULL)
		return false;
	if (!filter_is_recipient(f))
		return filter_match(f, values, (struct slice){ NULL, 0 }) == 1;
	for (size_t i = 0; i < msg->rcpt_count; i++)
		if (msg->rcpts[i].fate == RCPT_GOES &&
		    filter_match(f, values, msg->rcpts[i].address) == 1)
			return true;
	return false;
}

/* Whether the unsubscribe module is going to add its fields. */
static bool
will_unsubscribe(struct message *msg)
{
	const struct unsubscribe_settings *u = &msg->tenant->unsubscribe;

	if (u->url.len == 0 ||
	    (u->existing == UNSUBSCRIBE_KEEP &&
		message_find(msg, "List-Unsubscribe", 0) != NULL))
		return false;
	for (size_t i = 0; i < u->filter_count; i++)
		if (filter_matches(msg, u->filters[i].filter))
			return true;
	return false;
}

static bool
is_aligned(const struct message *msg, struct slice domain)
{
	const struct settings_domain *d =
	    settings_signing_domain(msg->tenant, domain);

	for (size_t i = 0; d != NULL && i < d->selector_count; i++)
		if (d->selectors[i].state == DKIM_ACTIVE)
			return true;
	return false;
}

/* enum preflight_check bits; those that count. */
static unsigned
look(struct message *msg, const struct preflight_work *s)
{
	const struct preflight_settings *p = &msg->tenant->preflight;
	struct preflight_input in = {
		.recipients = message_rcpts_left(msg),
		.long_line = s->long_line || s->lines.cr,
		.unsubscribes = will_unsubscribe(msg),
	};
	char room[ADDRESS_MAX];
	struct slice domain;

	in.fields = message_leaving(msg, &in.field_count);
	if (in.fields == NULL)
		return 0;
	if (preflight_author(in.fields, in.field_count, room, &domain)) {
		in.aligned = is_aligned(msg, domain);
		if ((p->ignore & PREFLIGHT_DMARC) == 0 &&
		    msg->host->dmarc != NULL)
			in.dmarc = dmarc_look(msg->host->dmarc, domain);
	}
	return preflight_check(&in) & ~p->ignore;
}

static void
count(unsigned found)
{
	static const struct {
		enum preflight_check bit;
		enum metric metric;
	} counters[] = {
		{ PREFLIGHT_ALIGNMENT, METRIC_MILTER_PREFLIGHT_ALIGNMENT },
		{ PREFLIGHT_DMARC, METRIC_MILTER_PREFLIGHT_DMARC },
		{ PREFLIGHT_FROM, METRIC_MILTER_PREFLIGHT_FROM },
		{ PREFLIGHT_DATE, METRIC_MILTER_PREFLIGHT_DATE },
		{ PREFLIGHT_MESSAGE_ID, METRIC_MILTER_PREFLIGHT_MESSAGE_ID },
		{ PREFLIGHT_UNSUBSCRIBE, METRIC_MILTER_PREFLIGHT_UNSUBSCRIBE },
		{ PREFLIGHT_LINE_LENGTH, METRIC_MILTER_PREFLIGHT_LINE_LENGTH },
	};

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		if ((found & counters[i].bit) != 0)
			metrics_add(counters[i].metric, 1);
}

/* For the log line, the event and the reply. */
static void
tell(struct message *msg, unsigned found)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	preflight_words(found, ' ', &text);
	msg->preflight = message_keep(msg, buf_slice(&text));
	message_note(msg, "preflight", buf_slice(&text));
	buf_clear(&text);
	preflight_text(found, &text);
	struct slice kept = message_keep(msg, buf_slice(&text));
	if (kept.at != NULL)
		message_reply(msg, preflight_dsn(found), kept.at);
	buf_done(&text);
}

static enum verdict
preflight_eom(struct message *msg, void *state)
{
	enum settings_mode mode = msg->tenant->preflight.mode;
	unsigned found;

	if (mode == MODE_OFF || (found = look(msg, state)) == 0)
		return VERDICT_NEXT;
	count(found);
	tell(msg, found);
	if (mode == MODE_ENFORCE) {
		metrics_add(METRIC_MILTER_PREFLIGHT_REFUSED, 1);
		return VERDICT_REJECT;
	}
	msg->reply_dsn = msg->reply_text = NULL;
	return VERDICT_NEXT;
}

const struct module module_preflight = {
	.name = "preflight",
	.state_size = sizeof(struct preflight_work),
	.kinds = KIND_FIRST,
	.begin = preflight_begin,
	.body = preflight_body,
	.eom = preflight_eom,
};
