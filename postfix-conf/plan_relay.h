/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POSTFIX_CONF_PLAN_RELAY_H
#define POSTFIX_CONF_PLAN_RELAY_H

#include "postfix-conf/plan.h"

/* Relay access in Postfix's configuration: for the files of the plan only. */

/* Of wanted->relay: those for which this Postfix has a place. */
unsigned postfix_relay_needs(const struct postfix_now *now,
    const struct postfix_wanted *wanted);
/* Is SMTP AUTH of main.cf ours, by smtpd_sasl_path? */
bool postfix_sasl_is_own(const struct postfix_now *now);
/*
 * Each smtpd(8) that listens is told its own port, for tables that need it, or
 * is not told any more.  ERR_NOMEM, ERR_LIMIT.
 */
enum postfix_ports { POSTFIX_PORTS_TELL, POSTFIX_PORTS_REMOVE };
int postfix_relay_ports(struct arena *arena, const struct postfix_now *now,
    enum postfix_ports what, struct postfix_edits *edits);

#endif /* POSTFIX_CONF_PLAN_RELAY_H */
