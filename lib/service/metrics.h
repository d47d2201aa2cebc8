/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVICE_METRICS_H
#define SERVICE_METRICS_H

#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * The counters of the daemons: one registry, one table (metrics_table.c).
 *
 * A new counter is a word here and a row there, and
 *	metrics_add(METRIC_..., 1);
 * where it happens.  Label values are closed sets written in the table: no
 * address, domain or other text from outside ever becomes one.  All counters
 * exist, at zero, from the start.  Any thread.
 *
 * They are shown in the log on SIGUSR1, left in Redis every few seconds
 * (store/metrics_store.h), and printed by "postern metrics".
 */
enum metric {
	METRIC_MILTER_CONNECTIONS,
	METRIC_MILTER_ACCEPTED,
	METRIC_MILTER_REFUSED,
	METRIC_MILTER_PUT_OFF,
	METRIC_MILTER_DISCARDED,
	METRIC_MILTER_IN_PROGRESS, /* gauge */
	METRIC_MILTER_EDIT_FIELD,
	METRIC_MILTER_EDIT_TOP,
	METRIC_MILTER_EDIT_SENDER,
	METRIC_MILTER_EDIT_RCPT_REMOVED,
	METRIC_MILTER_EDIT_RCPT_ADDED,
	METRIC_MILTER_EDIT_BODY,
	METRIC_MILTER_EDIT_HOLD,
	METRIC_MILTER_FACTS_STORED,
	METRIC_MILTER_FACTS_SPOOLED,
	METRIC_MILTER_FACTS_FAILED,
	METRIC_MILTER_SPOOL_OCTETS, /* gauge */
	METRIC_MILTER_REDIS_UP,     /* gauge */
	METRIC_MILTER_SUPPRESSED,
	METRIC_MILTER_WOULD_SUPPRESS,
	METRIC_MILTER_SUPPRESSION_UNAVAILABLE,
	METRIC_MILTER_PREFLIGHT_ALIGNMENT,
	METRIC_MILTER_PREFLIGHT_DMARC,
	METRIC_MILTER_PREFLIGHT_FROM,
	METRIC_MILTER_PREFLIGHT_DATE,
	METRIC_MILTER_PREFLIGHT_MESSAGE_ID,
	METRIC_MILTER_PREFLIGHT_UNSUBSCRIBE,
	METRIC_MILTER_PREFLIGHT_LINE_LENGTH,
	METRIC_MILTER_PREFLIGHT_REFUSED,
	METRIC_MILTER_SCAN_CLEAN,
	METRIC_MILTER_SCAN_VIRUS,
	METRIC_MILTER_SCAN_UNSCANNABLE,
	METRIC_MILTER_SCAN_UNAVAILABLE,
	METRIC_MILTER_QUARANTINE_KEPT,
	METRIC_MILTER_QUARANTINE_FAILED,
	METRIC_MILTER_NOTICES_FAILED,
	METRIC_MILTER_FORWARD_COPY,
	METRIC_MILTER_FORWARD_REDIRECT,
	METRIC_MILTER_COPIES_SPLIT,
	METRIC_MILTER_COPIES_BCC,
	METRIC_MILTER_COPIES_NOTICE,
	METRIC_MILTER_COPIES_FAILED,
	METRIC_MILTER_COPIES_REFUSED,
	METRIC_MILTER_UNSUBSCRIBE_ADDED,
	METRIC_MILTER_UNSUBSCRIBE_KEPT,
	METRIC_MILTER_SENDER_VERP,
	METRIC_MILTER_SENDER_ADDRESS,
	METRIC_MILTER_SENDER_DOMAIN,
	METRIC_MILTER_SENDER_KEPT,
	METRIC_MILTER_SMIME_SIGNED,
	METRIC_MILTER_SMIME_UNSIGNED,
	METRIC_MILTER_SMIME_FAILED,
	METRIC_MILTER_SMIME_EXPIRING, /* gauge */
	METRIC_MILTER_DKIM_SIGNED,
	METRIC_MILTER_DKIM_UNSIGNED,
	METRIC_MILTER_DKIM_FAILED,
	METRIC_POLICYD_REQUESTS,
	METRIC_POLICYD_MALFORMED,
	METRIC_POLICYD_DUNNO,
	METRIC_POLICYD_DEFERRED,
	METRIC_POLICYD_REJECTED,
	METRIC_POLICYD_WOULD,
	METRIC_POLICYD_EXPIRED,
	METRIC_POLICYD_SUPPRESSED_ACCEPTED,
	METRIC_POLICYD_SUPPRESSION_UNAVAILABLE,
	METRIC_POLICYD_LIMITED,
	METRIC_POLICYD_LIMIT_REFUNDS,
	METRIC_POLICYD_LIMIT_LOCAL,
	METRIC_POLICYD_EVENTS_FAILED,
	METRIC_POLICYD_ALARMS,
	METRIC_POLICYD_CLIENTS,
	METRIC_POLICYD_REDIS_UP,
	METRIC_POLICYD_MAP_CLIENTS, /* gauge */
	METRIC_POLICYD_MAP_REQUESTS,
	METRIC_POLICYD_MAP_MALFORMED,
	METRIC_POLICYD_MAP_UNKNOWN,
	METRIC_POLICYD_MAP_LATE,
	METRIC_BOUNCED_LOG_LINES,
	METRIC_BOUNCED_LOG_OPERATIONS,
	METRIC_BOUNCED_LOG_BATCHES,
	METRIC_BOUNCED_LOG_CONFLICTS,
	METRIC_BOUNCED_LOG_FAILURES,
	METRIC_BOUNCED_LOG_GAPS,
	METRIC_BOUNCED_EVENTS,
	METRIC_BOUNCED_COUNTED,
	METRIC_BOUNCED_BLOCKED,
	METRIC_BOUNCED_WOULD_BLOCK,
	METRIC_BOUNCED_COUNTING_FAILURES,
	METRIC_BOUNCED_RECORDED,
	METRIC_BOUNCED_DUPLICATE,
	METRIC_BOUNCED_UNKNOWN,
	METRIC_BOUNCED_BAD_SIGNATURE,
	METRIC_BOUNCED_EXPIRED,
	METRIC_BOUNCED_NO_ENVELOPE_ID,
	METRIC_BOUNCED_NO_FAILURE,
	METRIC_BOUNCED_TROUBLE,
	METRIC_BOUNCED_CLIENTS,
	METRIC_BOUNCED_REDIS_UP,
	METRIC_APID_WEBHOOKS_DELIVERED,
	METRIC_APID_WEBHOOKS_FAILED,
	METRIC_APID_WEBHOOKS_DEAD,
	METRIC_APID_WEBHOOKS_SENDING,
	METRIC_APID_CLIENTS,
	METRIC_APID_REDIS_UP,
	METRICS
};
void metrics_add(enum metric metric, uint64_t n);
/* For gauges, and for what a daemon of one thread counts elsewhere. */
void metrics_set(enum metric metric, uint64_t value);
uint64_t metrics_get(enum metric metric);

/* How long something takes, in buckets from 250 us to 30 s. */
enum metric_time { METRIC_MILTER_END_OF_MESSAGE, METRIC_TIMES };
void metrics_time(enum metric_time metric, int64_t us);

/*
 * What a daemon ("milter") counts, as Prometheus's text format 0.0.4 has it.
 * ERR_LIMIT, ERR_NOMEM.
 */
#define METRICS_TEXT_MAX ((size_t)256 * 1024)
int metrics_print(const char *daemon, struct buf *out);
/* The counters above zero, in lines "counters: messages.accepted=3, ...". */
void metrics_log(const char *daemon);

/* What one daemon of one host printed. */
struct metrics_text {
	struct slice host, text;
};
/*
 * One exposition of many: each family once, each sample with a label "host".
 * What is no line of that format is left out.  Pure.
 */
int metrics_merge(const struct metrics_text *texts, size_t count,
    struct buf *out);

/* ---- the table, for metrics.c and its test ---- */

struct metric_row {
	const char *name; /* family, without "postern_"; _total: a counter */
	const char *label, *value; /* NULL: none */
	const char *help;          /* of the family: its first row has it */
};
extern const struct metric_row metric_rows[METRICS];
extern const struct metric_row metric_time_rows[METRIC_TIMES];

#endif /* SERVICE_METRICS_H */
