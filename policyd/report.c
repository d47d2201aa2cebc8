/* SPDX-License-Identifier: BSD-2-Clause */
/* What the operator is told: one line a decision, counters, the alarm. */
#include "policyd/report.h"

#include <stdio.h>

#include "proto/settings.h"
#include "service/metrics.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

/*
 * One detail (a limit) that defers more than half of at least 200 requests in
 * a minute is more likely a wrong setting than that many culprits: a person
 * must look.  Enforcing goes on, as the setting says.
 */
#define ALARM_WINDOW_US INT64_C(60000000)
#define ALARM_LEAST 200
#define ALARM_PERCENT 50
#define ALARM_SLOTS 16 /* rules watched at once */

struct alarm_slot {
	char tenant[64], rule[64];
	uint64_t deferred;
};
static struct {
	int64_t ends_us;
	uint64_t requests;
	struct alarm_slot slots[ALARM_SLOTS];
} alarms;

static void
copy_text(char *to, size_t size, struct slice from)
{
	(void)snprintf(to, size, "%.*s", SLICE_F(from));
}

static bool
same_text(const char *text, size_t size, struct slice s)
{
	return slice_eq(slice_of(text),
	    (struct slice){ s.at, s.len < size ? s.len : size - 1 });
}

static void
alarm_check(struct policyd *d)
{
	for (size_t i = 0; i < ALARM_SLOTS; i++) {
		struct alarm_slot *slot = &alarms.slots[i];

		if (slot->deferred < ALARM_LEAST ||
		    slot->deferred * 100 < alarms.requests * ALARM_PERCENT)
			continue;
		d->count.alarms++;
		log_warning("limit %s of tenant %s deferred %llu of %llu "
			    "requests within a minute: is it set too low?",
		    slot->rule, slot->tenant,
		    (unsigned long long)slot->deferred,
		    (unsigned long long)alarms.requests);
	}
	memset(&alarms, 0, sizeof(alarms));
	alarms.ends_us = clock_mono_us() + ALARM_WINDOW_US;
}

static void
alarm_deferred(struct slice tenant, struct slice rule)
{
	for (size_t i = 0; i < ALARM_SLOTS; i++) {
		struct alarm_slot *slot = &alarms.slots[i];

		if (slot->deferred == 0) {
			copy_text(slot->tenant, sizeof(slot->tenant), tenant);
			copy_text(slot->rule, sizeof(slot->rule), rule);
		} else if (!same_text(slot->tenant, sizeof(slot->tenant),
			       tenant) ||
			   !same_text(slot->rule, sizeof(slot->rule), rule)) {
			continue;
		}
		slot->deferred++;
		return;
	}
}

/* "client=..., sender=..., ..." of a decision other than DUNNO. */
static void
log_decision(const struct request *r, const struct rule_call *call,
    const struct rule_result *result, const char *action)
{
	const struct slice *attr = r->attrs->attr;
	struct slice queue_id = attr[POLICY_QUEUE_ID];
	struct log_line l;

	if (queue_id.len == 0)
		queue_id.at = NULL;
	log_line(&l, queue_id);
	log_line_add(&l, "client", attr[POLICY_CLIENT]);
	if (attr[POLICY_SASL_USER].len > 0)
		log_line_add(&l, "sasl_username", attr[POLICY_SASL_USER]);
	log_line_add(&l, "sender", attr[POLICY_SENDER]);
	log_line_add(&l, "recipient", attr[POLICY_RCPT]);
	log_line_add(&l, "rule", slice_of(call->rule->name));
	if (result->detail_key != NULL)
		log_line_add(&l, result->detail_key, result->detail);
	log_line_add(&l, "action", slice_of(action));
	log_line_add(&l, "tenant", r->tenant->name);
	log_line_add(&l, "reply", result->text);
	log_line_end(&l, LOG_L_INFO);
}

void
report_note(enum pipeline_note note, const struct request *r,
    const struct rule_call *call, const struct rule_result *result)
{
	struct policyd *d = r->daemon;
	bool reject = result != NULL && result->verdict == RULE_REJECT;
	int64_t now;

	if (note == PIPELINE_WOULD) {
		d->count.would++;
		log_decision(r, call, result,
		    reject ? "would-reject" : "would-defer");
		return;
	}
	now = clock_mono_us();
	if (now >= alarms.ends_us)
		alarm_check(d);
	alarms.requests++;
	if (now >= r->deadline_us)
		d->count.expired++;
	if (call == NULL) {
		d->count.dunno++;
		return;
	}
	*(reject ? &d->count.rejected : &d->count.deferred) += 1;
	if (call->rule == &rule_rate) {
		d->count.limited++;
		alarm_deferred(r->tenant->name, result->detail);
	}
	log_decision(r, call, result, reject ? "reject" : "defer");
}

void
report_unavailable(struct policyd *d, int rc, const char *consequence)
{
	unsigned long missed;

	if (log_limit_ok(&d->redis_limit, 60, &missed))
		log_warning("redis: %s: %s (%lu more since the last time)",
		    err_text(rc), consequence, missed);
}

void
report_metrics(const struct policyd *d, unsigned clients)
{
	const struct policyd_counters *c = &d->count;
	const struct {
		enum metric metric;
		uint64_t value;
	} rows[] = {
		{ METRIC_POLICYD_REQUESTS, c->requests },
		{ METRIC_POLICYD_MALFORMED, c->malformed },
		{ METRIC_POLICYD_DUNNO, c->dunno },
		{ METRIC_POLICYD_DEFERRED, c->deferred },
		{ METRIC_POLICYD_REJECTED, c->rejected },
		{ METRIC_POLICYD_WOULD, c->would },
		{ METRIC_POLICYD_EXPIRED, c->expired },
		{ METRIC_POLICYD_SUPPRESSED_ACCEPTED, c->suppressed_accepted },
		{ METRIC_POLICYD_SUPPRESSION_UNAVAILABLE,
		    c->suppression_unavailable },
		{ METRIC_POLICYD_LIMITED, c->limited },
		{ METRIC_POLICYD_LIMIT_REFUNDS, c->limit_refunds },
		{ METRIC_POLICYD_LIMIT_LOCAL, c->limit_local },
		{ METRIC_POLICYD_EVENTS_FAILED, c->events_failed },
		{ METRIC_POLICYD_ALARMS, c->alarms },
		{ METRIC_POLICYD_CLIENTS, clients },
		{ METRIC_POLICYD_REDIS_UP, store_is_up(d->store) },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		metrics_set(rows[i].metric, rows[i].value);
}

void
report_state(const struct policyd *d, unsigned clients, size_t waiting)
{
	char line[1000];
	size_t len = 0;

#define X(name) \
	if (len < sizeof(line)) \
		len += (size_t)snprintf(line + len, sizeof(line) - len, \
		    ", " #name "=%llu", (unsigned long long)d->count.name);
	POLICYD_COUNTER_LIST(X)
#undef X
	log_info("state: clients=%u, waiting=%zu, hosts=%u%s", clients, waiting,
	    d->hosts, line);
}
