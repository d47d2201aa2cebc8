/* SPDX-License-Identifier: BSD-2-Clause */
/* When a message may leave, and the mark of one that is held. */
#include "milter/hold.h"

#include "proto/held_field.h"
#include "proto/rfc3339.h"
#include "proto/schedule.h"
#include "service/metrics.h"
#include "util/err.h"

#define SECOND_MS 1000
#define REASON_MAX 300

bool
hold_gated(const struct message *msg)
{
	return !msg->sendmail &&
	       settings_scheduler(msg->settings)->max_in_flight > 0;
}

bool
hold_by_recipient(const struct message *msg)
{
	const struct schedule_rules *r = &msg->tenant->schedule;

	return r->prohibitions_by_recipient || r->day_caps_by_recipient ||
	       (r->priorities_by_recipient && hold_gated(msg));
}

/* ---- the rules ---- */

static int
choose_caps(const struct schedule_rules *r, struct filter_values *values,
    struct slice recipient, uint32_t *ret_caps)
{
	uint32_t caps = 0;

	for (size_t i = 0; i < r->day_cap_count; i++) {
		int rc = schedule_capped(&r->day_caps[i], values, recipient);

		if (rc < 0)
			return rc;
		if (rc > 0)
			caps |= UINT32_C(1) << i;
	}
	*ret_caps = caps;
	return 0;
}

int
hold_choose(struct message *msg, struct slice recipient,
    struct hold_choice *ret_choice)
{
	const struct schedule_rules *r = &msg->tenant->schedule;
	struct hold_choice c = { .free_ms = msg->arrived_ms,
		.priority = PRIORITY_DEFAULT };
	struct filter_values *values = message_values(msg);
	int rc = 0;

	if (values == NULL)
		return ERR_NOMEM;
	if (r->prohibition_count > 0)
		rc = schedule_window(r, values, recipient, msg->arrived_ms,
		    &c.free_ms, &c.rule, NULL);
	if (rc < 0)
		return rc;
	/* Also where nobody asks: what waits for a time leaves in order. */
	if ((rc = schedule_priority(r, values, recipient)) < 0)
		return rc;
	c.priority = (unsigned)rc;
	if ((rc = choose_caps(r, values, recipient, &c.caps)) < 0)
		return rc;
	*ret_choice = c;
	return 0;
}

/* 25 bits of seconds (a year at most), 7 of priority, 32 of caps. */
uint64_t
hold_treatment(const struct message *msg, const struct hold_choice *choice)
{
	uint64_t wait_s = (uint64_t)(choice->free_ms / SECOND_MS -
				     msg->arrived_ms / SECOND_MS);
	uint64_t priority =
	    hold_gated(msg) || wait_s > 0 ? choice->priority : 0;

	return wait_s << 39 | priority << 32 | choice->caps;
}

/* ---- the mark ---- */

static const enum metric metrics[HOLD_REASONS] = {
	[HOLD_WINDOW] = METRIC_MILTER_HELD_WINDOW,
	[HOLD_DAY_CAP] = METRIC_MILTER_HELD_DAY_CAP,
	[HOLD_PRIORITY] = METRIC_MILTER_HELD_PRIORITY,
	[HOLD_SCAN] = METRIC_MILTER_HELD_SCAN,
	[HOLD_HAND] = METRIC_MILTER_HELD_SCAN,
};

/* For the log. */
static void
put_reason(const struct hold_record *r, struct buf *out)
{
	char room[RFC3339_MAX];

	if (r->reason != HOLD_WINDOW && r->reason != HOLD_DAY_CAP) {
		(void)buf_addf(out, "not its turn, priority %u", r->priority);
		return;
	}
	(void)buf_addf(out, "%s %.*s until ",
	    r->reason == HOLD_WINDOW ? "prohibited time" : "day cap",
	    SLICE_F(r->rule));
	(void)buf_add(out, room, rfc3339_format(r->release_ms * 1000, room));
}

int
hold_mark(struct message *msg)
{
	struct hold_record r = msg->hold->rec;
	struct held_field f = { .tenant = msg->tenant->name,
		.priority = r.priority,
		.arrived_ms = r.arrived_ms };
	struct buf text;
	int rc;

	f.reason = r.reason;
	f.rule = r.rule;
	if (hold_is_certain(msg->hold))
		f.release_ms = r.release_ms;
	buf_init(&text, HELD_FIELD_MAX);
	if (msg->hold_reason.at == NULL) {
		put_reason(&r, &text);
		message_hold(msg, buf_slice(&text));
		buf_clear(&text);
	}
	rc = held_field_format(&f, &text);
	if (rc == 0)
		rc = message_add_top(msg, HELD_FIELD, buf_slice(&text));
	buf_done(&text);
	metrics_add(metrics[r.reason], 1);
	return rc;
}
