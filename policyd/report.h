/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_REPORT_H
#define POLICYD_REPORT_H

#include "policyd/pipeline.h"
#include "policyd/policyd.h"

/* One log line a decision, the counters, and the alarm. */

/* For pipeline_options. */
void report_note(enum pipeline_note note, const struct request *r,
    const struct rule_call *call, const struct rule_result *result);
/* Redis did not answer a rule: told at most once a minute. */
void report_unavailable(struct policyd *d, int rc, const char *consequence);
/* Into the common registry. */
void report_metrics(const struct policyd *d, unsigned clients);
/* All counters, as one line. */
void report_state(const struct policyd *d, unsigned clients, size_t waiting);

#endif /* POLICYD_REPORT_H */
